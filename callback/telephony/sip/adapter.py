"""The telephone port over SIP: holds this process's calls, and ends those of a dead one (RFC 3261, RFC 3725).

It sends no audio and takes none: what the representative's telephone sends before the bridge goes into a socket that throws it away.
"""

import asyncio
import json
import logging
from typing import Final, cast

from callback.telephony.port import (
    AllLinesBusy,
    AlreadyDialled,
    AttemptId,
    Call,
    Ended,
    EndedBy,
    Facts,
    Ledger,
    Outcome,
)
from callback.telephony.sip.dialog import Dialog
from callback.telephony.sip.endpoint import Endpoint
from callback.telephony.sip.leg import Leg
from callback.telephony.sip.live_call import LiveCall
from callback.telephony.sip.message import Malformed
from callback.telephony.sip.rules import SIPRules
from callback.telephony.sip.transport import Place, Transport, transport_for
from chatsvc.kernel.clock import Clock
from chatsvc.kernel.errors import Invalid

logger = logging.getLogger(__name__)

_MOST_REMEMBERED: Final = 10_000
_LONGEST_TRACE: Final = 16_384


class SIPTelephony:
    """One trunk, over one socket."""

    name = "sip"
    holds_calls = True

    def __init__(self, rules: SIPRules, *, ledger: Ledger, clock: Clock, transport: Transport | None = None) -> None:
        """Prepare the adapter. It takes its sockets by ``open``, at the latest with the first call or recovery.

        ``transport`` None: the one that the rules name.
        """
        self._rules = rules
        self._ledger = ledger
        self._clock = clock
        self._endpoint = Endpoint(
            transport or transport_for(rules.bind),
            timers=rules.timers,
            advertised=rules.bind.advertised,
            allowed=rules.allowed,
        )
        self._sink = _Sink()
        self._is_open = False
        self._opening = asyncio.Lock()
        self._calls: dict[AttemptId, LiveCall] = {}
        self._runs: dict[AttemptId, asyncio.Task[None]] = {}
        # Attempts that were dialled here, oldest first; the ledger's rows are the real memory.
        self._dialled: dict[AttemptId, None] = {}

    @property
    def place(self) -> Place:
        """The host and port that others reach this process at; once it is open."""
        return self._endpoint.place

    async def open(self) -> None:
        """Take the sockets, if they are not taken yet.

        Raises:
            OSError: an address cannot be had.
        """
        async with self._opening:
            if not self._is_open:
                await self._endpoint.open()
                try:
                    await self._sink.open(self._rules.bind.host, self._rules.sink_port)
                except OSError:
                    await self._endpoint.close()
                    raise
                self._is_open = True

    async def dial(self, call: Call) -> None:
        """Begin an attempt and return.

        Raises:
            AlreadyDialled: this process has dialled it before.
            AllLinesBusy: as many calls are up as the rules allow, or the process's address cannot be had.
            Invalid: the representative's address is not one of SIP.
        """
        try:
            await self.open()
        except OSError as error:
            logger.exception("sip_address_not_to_be_had")
            raise AllLinesBusy("telephony.no_address") from error
        if call.attempt in self._dialled:
            raise AlreadyDialled("attempt.already_dialled", attempt=call.attempt)
        if len(self._calls) >= self._rules.most_calls:
            raise AllLinesBusy("telephony.all_lines_busy")
        sink = (self._endpoint.place[0], self._sink.port)
        try:
            live = LiveCall(
                call, rules=self._rules, endpoint=self._endpoint, sink=sink, ledger=self._ledger, clock=self._clock
            )
        except Malformed:
            raise Invalid("call.representative", field="representative") from None
        self._remember(call.attempt)
        self._calls[call.attempt] = live
        task = self._runs[call.attempt] = asyncio.create_task(live.run())
        task.add_done_callback(lambda _: self._over(call.attempt))

    def _remember(self, attempt: AttemptId) -> None:
        self._dialled[attempt] = None
        if len(self._dialled) > _MOST_REMEMBERED:
            del self._dialled[next(iter(self._dialled))]

    def _over(self, attempt: AttemptId) -> None:
        del self._calls[attempt]
        task = self._runs.pop(attempt)
        if not task.cancelled() and task.exception() is not None:
            logger.error("sip_call_crashed", extra={"attempt": attempt}, exc_info=task.exception())

    async def hang_up(self, attempt: AttemptId) -> None:
        """End an attempt of this process; others are let be."""
        live = self._calls.get(attempt)
        if live is not None:
            live.hang_up()

    def is_up(self, attempt: AttemptId) -> bool:
        """Whether the attempt's call runs in this process; one that has crashed does not."""
        return attempt in self._calls

    async def recover(self, attempt: AttemptId, trace: str | None) -> Ended:
        """End both legs of a dead process's call, at the same time and within ``recovery``."""
        dialogs = _dialogs_in(trace)
        try:
            if dialogs:
                await self.open()
        except OSError:
            # What is up then ends by the telephones' own means, and by the greatest length of the trunk.
            logger.exception("sip_address_not_to_be_had")
            dialogs = []
        legs = [self._recovered(dialog) for dialog in dialogs]
        if legs:
            limit = self._rules.recovery.total_seconds()
            await asyncio.wait([self._endpoint.spawn(leg.release()) for leg in legs], timeout=limit)
        return Ended(
            attempt=attempt,
            outcome=Outcome.UNKNOWN,
            facts=Facts(ended_by=EndedBy.HOLDLINE if legs else None),
            at=self._clock.now(),
        )

    def _recovered(self, dialog: Dialog) -> Leg:
        login = self._rules.login if self._rules.is_trunk(dialog.remote.uri) else None
        return Leg(self._endpoint, dialog, login=login, save=_nothing_to_store)

    async def close(self) -> None:
        """Hang up every call and give the sockets back; nothing can be dialled afterwards."""
        if not self._is_open:
            return
        for live in self._calls.values():
            live.hang_up()
        if self._runs:
            await asyncio.wait(set(self._runs.values()), timeout=self._rules.recovery.total_seconds())
        slow = set(self._runs.values())
        for task in slow:
            task.cancel()
        if slow:
            await asyncio.wait(slow)
        await self._endpoint.close()
        await self._sink.close()


class _Sink(asyncio.DatagramProtocol):
    """A socket that takes audio and throws it away, so that nobody gets an error for sending it."""

    def __init__(self) -> None:
        self._socket: asyncio.DatagramTransport | None = None

    @property
    def port(self) -> int:
        """Where audio may be sent."""
        assert self._socket is not None, "not open"
        return int(self._socket.get_extra_info("sockname")[1])

    async def open(self, host: str, port: int) -> None:
        await asyncio.get_running_loop().create_datagram_endpoint(lambda: self, local_addr=(host, port))

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # asyncio's own datagram transports are not always instances of the class that says what they can.
        self._socket = cast(asyncio.DatagramTransport, transport)

    async def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
            await asyncio.sleep(0)  # one turn of the loop, in which asyncio really closes it


def _dialogs_in(trace: str | None) -> list[Dialog]:
    """The dialogs of a trace; those that cannot be read are skipped, for the others can still be ended."""
    if trace is None or len(trace) > _LONGEST_TRACE:
        return []
    try:
        stored = json.loads(trace)["dialogs"]
    except (ValueError, KeyError, TypeError):
        logger.warning("sip_trace_unreadable")
        return []
    dialogs = []
    for data in stored if isinstance(stored, list) else ():
        try:
            dialogs.append(Dialog.from_data(data))
        except Malformed:
            logger.warning("sip_dialog_unreadable")
    return dialogs


async def _nothing_to_store() -> None:
    """A recovered leg begins nothing that a further recovery would need."""
