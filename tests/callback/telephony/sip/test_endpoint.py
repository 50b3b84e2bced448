"""What strangers get: silence, or one short answer; and streams that say nonsense are closed."""

import asyncio
import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callback.telephony.sip.endpoint import Endpoint, Timers
from callback.telephony.sip.transport import Bind, Place, TCPTransport
from tests.callback.telephony import virtual_time
from tests.callback.telephony.sip.phones import HOLDLINE, MemoryTransport, Network

KNOWN: Place = ("10.0.0.9", 5060)
STRANGER: Place = ("192.0.2.66", 5060)


def a_request(method: str, *, tag: str = "", branch: str = "z9hG4bK1", via: str = "10.0.0.9") -> bytes:
    return (
        f"{method} sip:holdline@10.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP {via};branch={branch};rport\r\n"
        f"From: <sip:x@y>;tag=1\r\nTo: <sip:holdline@10.0.0.1>{tag}\r\nCall-ID: c\r\nCSeq: 1 {method}\r\nContent-Length: 0\r\n\r\n"
    ).encode()


def answers_to(*requests: bytes, source: Place = KNOWN, seconds: float = 40) -> list[str]:
    """First lines of what came back."""

    async def story() -> list[str]:
        network = Network()
        heard: list[str] = []
        network.join(source, lambda data, _: heard.append(data.partition(b"\r\n")[0].decode()))
        endpoint = Endpoint(MemoryTransport(network, HOLDLINE), timers=Timers(), allowed=["10.0.0.0/24"])
        await endpoint.open()
        for request in requests:
            network.carry(request, source, HOLDLINE)
        await asyncio.sleep(seconds)
        await endpoint.close()
        return heard

    return virtual_time.run(story())


@pytest.mark.parametrize(
    ("method", "answer"),
    [
        ("OPTIONS", "SIP/2.0 200 OK"),
        ("REGISTER", "SIP/2.0 405 Method Not Allowed"),
        ("CANCEL", "SIP/2.0 481 Call/Transaction Does Not Exist"),
        ("X", "SIP/2.0 405 Method Not Allowed"),
    ],
)
def test_a_known_network_gets_an_answer_and_a_stranger_silence(method: str, answer: str) -> None:
    assert answers_to(a_request(method)) == [answer]
    assert answers_to(a_request(method, via="192.0.2.66"), source=STRANGER) == []


def test_nobody_can_call_holdline() -> None:
    assert set(answers_to(a_request("INVITE"))) == {"SIP/2.0 403 Forbidden"}


def test_a_call_that_is_forgotten_can_be_ended_by_anybody_who_names_it() -> None:
    assert answers_to(a_request("BYE", tag=";tag=old"), source=STRANGER) == [
        "SIP/2.0 481 Call/Transaction Does Not Exist"
    ]
    assert answers_to(a_request("ACK", tag=";tag=old")) == []


def test_a_repeated_request_gets_the_same_answer() -> None:
    assert answers_to(a_request("OPTIONS"), a_request("OPTIONS")) == ["SIP/2.0 200 OK"] * 2


def test_strangers_requests_are_not_remembered() -> None:
    async def story() -> None:
        network = Network()
        endpoint = Endpoint(MemoryTransport(network, HOLDLINE), timers=Timers(), allowed=["10.0.0.0/24"])
        await endpoint.open()
        for number in range(20):
            network.carry(a_request("BYE", tag=";tag=x", branch=f"z9hG4bK{number}"), KNOWN, HOLDLINE)
        await asyncio.sleep(1)

        assert endpoint.remembered == 0
        await endpoint.close()

    virtual_time.run(story())


def test_an_answer_that_nobody_waits_for_is_dropped() -> None:
    late = a_request("OPTIONS").replace(b"OPTIONS sip:holdline@10.0.0.1 SIP/2.0", b"SIP/2.0 200 OK")

    assert answers_to(late) == []


@given(st.lists(st.binary(max_size=200) | st.sampled_from([a_request("INVITE"), a_request("BYE")]), max_size=6))
def test_no_datagram_brings_the_endpoint_down(datagrams: list[bytes]) -> None:
    assert "SIP/2.0 200 OK" in answers_to(*datagrams, a_request("OPTIONS", branch="z9hG4bKlast"), seconds=1)


async def test_a_stream_is_cut_into_messages_and_one_that_cannot_be_is_closed() -> None:
    heard: list[bytes] = []
    transport = TCPTransport(Bind("tcp", port=0))
    await transport.open(lambda data, _: heard.append(data))
    message = a_request("OPTIONS").replace(b"UDP", b"TCP")
    with_body = message.replace(b"Content-Length: 0", b"Content-Length: 3") + b"abc"

    async def writes(*parts: bytes) -> bytes:
        reader, writer = await asyncio.open_connection(*transport.place)
        rest = b""
        with contextlib.suppress(ConnectionError):
            for part in parts:
                writer.write(part)
                await writer.drain()
            rest = await asyncio.wait_for(reader.read(), 5)
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()
        return rest

    rubbish = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
    assert await writes(b"\r\n\r\n" + message + with_body[:50], with_body[50:] + message + rubbish) == b""
    assert await writes(message.replace(b"Content-Length: 0\r\n", b"")) == b""
    assert await writes(message.replace(b"Content-Length: 0", b"Content-Length: 999999")) == b""
    assert await writes(b"x" * 140_000) == b""
    await transport.close()

    assert heard == [message, with_body, message]


async def test_a_place_that_cannot_be_reached_is_told() -> None:
    transport = TCPTransport(Bind("tcp", port=0))
    await transport.open(lambda data, _: None)
    other = TCPTransport(Bind("tcp", port=0))
    await other.open(lambda data, _: None)
    gone = other.place
    await other.close()

    with pytest.raises(OSError):  # noqa: PT011 - whichever the system says
        await transport.send(b"x", gone)
    await transport.close()
