"""How messages reach the other side: UDP datagrams, TCP streams (RFC 3261, section 18).

A transport knows addresses and bytes, no transactions. Names are asked of the system's resolver as they are; SRV records and TLS are
not understood, and an address with its port does without them.
"""

import asyncio
import ipaddress
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol, cast

from callback.telephony.sip.message import MOST_BODY_BYTES, MOST_BYTES, Malformed, length_of

logger = logging.getLogger(__name__)

USUAL_PORT: Final = 5060
_CONNECT_WITHIN_S: Final = 4.0
# A stream on which headers began and did not end, or nothing came for so long, is closed.
_IDLE_S: Final = 3_600.0
# The same for a stream on which no message has come yet.
_FIRST_WITHIN_S: Final = 30.0
# How long the address of a name is believed.
_NAME_HOLDS_S: Final = 60.0
_MOST_STREAMS: Final = 256

# Host (numeric or a name) and port.
Place = tuple[str, int]
# Bytes of one message, and where they came from.
Receiver = Callable[[bytes, Place], None]


@dataclass(frozen=True, slots=True)
class Bind:
    """Where this process listens, and how others reach it there."""

    # ``udp`` or ``tcp``.
    transport: str = "udp"
    host: str = "127.0.0.1"
    # 0: any free one; then nothing that a dead process left can be told by a telephone to its successor.
    port: int = USUAL_PORT
    # What stands in our headers; None: ``host``. Another one behind a router.
    advertised: str | None = None


class Transport(Protocol):
    """A way out and in."""

    # ``UDP`` or ``TCP``, as it stands in Via.
    name: str
    # Whether what was sent arrives or the failure is told; then nothing is sent twice (RFC 3261, 17.1.1.2).
    is_reliable: bool

    @property
    def place(self) -> Place:
        """The address and port that it listens on."""
        ...

    async def open(self, receiver: Receiver) -> None:
        """Begin to listen.

        Raises:
            OSError: the address cannot be had.
        """
        ...

    async def send(self, data: bytes, to: Place) -> None:
        """Hand a message over.

        Raises:
            OSError: there is no way to that place.
        """
        ...

    async def close(self) -> None:
        """Stop, and give sockets back."""
        ...


class UDPTransport(asyncio.DatagramProtocol):
    """One datagram socket for everything."""

    name = "UDP"
    is_reliable = False

    def __init__(self, bind: Bind) -> None:
        self._bind = bind
        self._receiver: Receiver | None = None
        self._socket: asyncio.DatagramTransport | None = None
        # Names that were asked for: their address, and until when it is believed, by the loop's clock.
        self._resolved: dict[Place, tuple[Place, float]] = {}

    @property
    def place(self) -> Place:
        """The address and port that it listens on."""
        assert self._socket is not None, "not open"
        host, port = self._socket.get_extra_info("sockname")[:2]
        return str(host), int(port)

    async def open(self, receiver: Receiver) -> None:
        """Begin to listen."""
        self._receiver = receiver
        loop = asyncio.get_running_loop()
        await loop.create_datagram_endpoint(lambda: self, local_addr=(self._bind.host, self._bind.port))

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the socket; called by asyncio."""
        # asyncio's own datagram transports are not always instances of the class that says what they can.
        self._socket = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """Pass a datagram on; called by asyncio."""
        # Empty lines keep a router's table warm and mean nothing (RFC 5626, 3.5.1).
        if self._receiver is not None and data.strip(b"\r\n\x00"):
            self._receiver(data, (addr[0], addr[1]))

    def error_received(self, exc: Exception) -> None:
        """Ignore what ICMP says: it may be forged, and the transaction's own timers decide; called by asyncio."""
        logger.debug("sip_icmp", extra={"error": type(exc).__name__})

    async def send(self, data: bytes, to: Place) -> None:
        """Send a datagram; whether it arrives is nobody's knowledge."""
        assert self._socket is not None, "not open"
        self._socket.sendto(data, to if _is_numeric(to[0]) else await self._address_of(to))

    async def _address_of(self, place: Place) -> Place:
        now = asyncio.get_running_loop().time()
        address, until = self._resolved.get(place, (place, now))
        if until <= now:
            address = await _resolve(place)
            self._resolved[place] = address, now + _NAME_HOLDS_S
        return address

    async def close(self) -> None:
        """Stop, and give the socket back."""
        if self._socket is not None:
            self._socket.close()
            # One turn of the loop, in which asyncio really closes it.
            await asyncio.sleep(0)


class TCPTransport:
    """A listening socket, and one stream to each place that was written to or that wrote."""

    name = "TCP"
    is_reliable = True

    def __init__(self, bind: Bind) -> None:
        self._bind = bind
        self._receiver: Receiver | None = None
        self._server: asyncio.Server | None = None
        self._streams: dict[Place, asyncio.StreamWriter] = {}
        self._opening: dict[Place, asyncio.Lock] = {}
        self._readers: set[asyncio.Task[None]] = set()

    @property
    def place(self) -> Place:
        """The address and port that it listens on."""
        assert self._server is not None, "not open"
        host, port = self._server.sockets[0].getsockname()[:2]
        return str(host), int(port)

    async def open(self, receiver: Receiver) -> None:
        """Begin to listen."""
        self._receiver = receiver
        self._server = await asyncio.start_server(self._accepted, self._bind.host, self._bind.port, limit=MOST_BYTES)

    async def send(self, data: bytes, to: Place) -> None:
        """Write a message into the stream to that place, opening one where there is none."""
        async with self._opening.setdefault(to, asyncio.Lock()):
            writer = self._streams.get(to)
            if writer is None or writer.is_closing():
                async with asyncio.timeout(_CONNECT_WITHIN_S):
                    reader, writer = await asyncio.open_connection(*to, limit=MOST_BYTES)
                self._take(to, reader, writer)
            writer.write(data)
        async with asyncio.timeout(_CONNECT_WITHIN_S):
            await writer.drain()

    async def close(self) -> None:
        """Stop, and give sockets back."""
        if self._server is not None:
            self._server.close()
        for writer in tuple(self._streams.values()):
            writer.close()
        for reader in tuple(self._readers):
            reader.cancel()
        await asyncio.gather(*self._readers, return_exceptions=True)
        if self._server is not None:
            await self._server.wait_closed()

    def _accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if len(self._streams) >= _MOST_STREAMS:
            writer.close()
            return
        host, port = writer.get_extra_info("peername")[:2]
        self._take((host, port), reader, writer)

    def _take(self, place: Place, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._streams[place] = writer
        task = asyncio.create_task(self._read(place, reader, writer))
        self._readers.add(task)
        task.add_done_callback(self._readers.discard)

    async def _read(self, place: Place, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Cut a stream into messages; one that cannot be cut is closed, for nothing behind it can be trusted."""
        patience = _FIRST_WITHIN_S
        try:
            while True:
                async with asyncio.timeout(patience):
                    data = await _frame(reader)
                patience = _IDLE_S
                if self._receiver is not None:
                    self._receiver(data, place)
        except Malformed:
            logger.info("sip_stream_malformed", extra={"peer": place[0]})
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, TimeoutError):
            pass
        finally:
            if self._streams.get(place) is writer:
                del self._streams[place]
                self._opening.pop(place, None)
            writer.close()


def transport_for(bind: Bind) -> Transport:
    """Return the transport that a binding names."""
    return TCPTransport(bind) if bind.transport == "tcp" else UDPTransport(bind)


async def _frame(reader: asyncio.StreamReader) -> bytes:
    """The next message of a stream; empty lines between messages are keep-alives (RFC 3261, 7.5)."""
    first = await reader.readexactly(2)
    while first == b"\r\n":
        first = await reader.readexactly(2)
    head = first + await reader.readuntil(b"\r\n\r\n")
    length = length_of(head[:-4])
    assert length <= MOST_BODY_BYTES
    return head + await reader.readexactly(length)


def _is_numeric(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


async def _resolve(place: Place) -> Place:
    found = await asyncio.get_running_loop().getaddrinfo(place[0].strip("[]"), place[1])
    host, port = found[0][4][:2]
    return str(host), int(port)
