"""One attempt from the first packet to the last: third-party call control over two legs (RFC 3725, flows III and IV).

Every INVITE carries an offer, because many trunks dislike empty ones: the representative is offered a place of ours, the customer the
representative's answer, and the representative then the customer's. Audio goes between the two telephones and never comes here.
"""

import asyncio
import json
import logging
import random
from typing import Any, Final

from callback.telephony.port import Call, Ended, EndedBy, Event, Facts, Ledger, Outcome, Progress, Stage
from callback.telephony.sip import outcomes, sdp
from callback.telephony.sip.endpoint import Endpoint, NoAnswer
from callback.telephony.sip.leg import Leg, new_dialog
from callback.telephony.sip.message import Request, Response, Uri, uri_of
from callback.telephony.sip.rules import SIPRules
from callback.telephony.sip.transport import Place
from chatsvc.kernel.clock import Clock

logger = logging.getLogger(__name__)

# Pause before a re-INVITE that crossed another one is tried again, in seconds: ours, for we made the Call-ID (RFC 3261, 14.1).
_GLARE_S: Final = (2.1, 4.0)
_MOST_GLARES: Final = 3


class _Over(Exception):
    """The attempt has ended."""

    def __init__(self, outcome: Outcome, *, code: int | None = None, by: EndedBy | None = None) -> None:
        super().__init__(outcome.value)
        self.outcome = outcome
        self.code = code
        self.by = by


class LiveCall:
    """One attempt in this process; ``run`` does it all."""

    def __init__(
        self, call: Call, *, rules: SIPRules, endpoint: Endpoint, sink: Place, ledger: Ledger, clock: Clock
    ) -> None:
        """Prepare an attempt; ``sink`` is where the representative's audio goes until the bridge."""
        self._call = call
        self._rules = rules
        self._endpoint = endpoint
        self._sink = sink
        self._ledger = ledger
        self._clock = clock
        self._loop = asyncio.get_running_loop()
        # Resolved when ``hang_up`` is asked for.
        self._stop: asyncio.Future[None] = self._loop.create_future()
        own = Uri(endpoint.place[0], rules.caller_id, endpoint.place[1])
        self._rep = self._leg(own, uri_of(call.representative))
        shown = Uri(rules.trunk.host, rules.caller_id, rules.trunk.port)
        self._customer = self._leg(shown, rules.address_of(call.customer))
        self._rang_s: float | None = None
        self._talk_from: float | None = None
        self._talk_s: float | None = None
        # Held while one telephone's description is carried to the other.
        self._changing = asyncio.Lock()
        self._changes: set[asyncio.Task[object]] = set()
        self._events: asyncio.Queue[Event] = asyncio.Queue()
        # Offers of ours whose answer will come in an ACK: CSeq -> (leg, other leg).
        self._open_offers: dict[tuple[str, int], tuple[Leg, Leg]] = {}

    def hang_up(self) -> None:
        """End the attempt, at whatever stage it is."""
        if not self._stop.done():
            self._stop.set_result(None)

    async def run(self) -> None:
        """Do the attempt; returns when ``Ended`` is told and no packet of it is outstanding."""
        teller = asyncio.create_task(self._tell_all())
        try:
            over = await self._through()
        except BaseException:
            teller.cancel()
            raise
        finally:
            rest = [asyncio.create_task(leg.end()) for leg in (self._customer, self._rep)]
            for change in self._changes:
                change.cancel()
            await asyncio.wait(rest, timeout=self._rules.farewell.total_seconds())
        facts = Facts(sip_code=over.code, ring_s=self._rang_s, talk_s=self._talk_s, ended_by=over.by)
        self._events.put_nowait(
            Ended(attempt=self._call.attempt, outcome=over.outcome, facts=facts, at=self._clock.now())
        )
        await teller
        await asyncio.wait(rest)
        for leg in (self._rep, self._customer):
            leg.forget()

    async def _through(self) -> _Over:
        """Every step in order; how it ended."""
        try:
            await self._reach_representative()
            await self._reach_customer()
            await self._bridge()
            await self._talk()
        except _Over as over:
            return over
        except Exception:
            # The ledger could not store, most likely: nobody knows what the row says now, so nobody may dial again by themselves.
            logger.exception("sip_call_failed", extra={"attempt": self._call.attempt})
            return _Over(Outcome.UNKNOWN)
        raise AssertionError("a talk always ends")

    async def _reach_representative(self) -> None:
        self._rep.on_ringing = lambda: self._come_to(Stage.REP_RINGING)
        offer = sdp.opening(*self._sink, session=self._rep.session)
        is_behind_trunk = self._rules.is_trunk(self._rep.dialog.target)
        answer = await self._rung(self._rep, offer, sign_s=self._rules.representative_sign.total_seconds())
        if answer is None:
            raise _Over(Outcome.REP_NO_ANSWER, by=EndedBy.REPRESENTATIVE)
        if not answer.is_success:
            if self._stop.done():
                raise _Over(Outcome.REP_HUNG_UP, code=answer.code, by=EndedBy.HOLDLINE)
            outcome, by = outcomes.of_representative(answer.code, is_behind_trunk=is_behind_trunk)
            raise _Over(outcome, code=answer.code, by=by)
        if not sdp.has_audio(self._rep.said):
            raise _Over(Outcome.MEDIA, code=answer.code, by=EndedBy.REPRESENTATIVE)
        self._rep.on_change = lambda request: self._change_early(request)
        self._rang_s = None  # from here on it is the customer's ringing that counts
        self._come_to(Stage.REP_UP)

    async def _reach_customer(self) -> None:
        """Ring the customer for as long as the representative is there (callback.md, invariant 27)."""
        self._leave_if_over()
        self._customer.on_ringing = lambda: self._come_to(Stage.CUSTOMER_RINGING)
        offer = self._for(self._customer, self._rep.said or b"", is_open=True)
        answer = await self._rung(self._customer, offer, sign_s=self._rules.trunk_sign.total_seconds(), along=self._rep)
        code = answer.code if answer is not None else None
        if self._rep.gone.done():
            raise _Over(Outcome.REP_HUNG_UP, code=code, by=EndedBy.REPRESENTATIVE)
        if answer is None:
            raise _Over(Outcome.TRUNK, by=EndedBy.TRUNK)
        if not answer.is_success:
            raise self._not_reached(answer)
        if not sdp.has_audio(self._customer.said):
            raise _Over(Outcome.MEDIA, code=answer.code, by=EndedBy.CUSTOMER)
        if self._stop.done():
            raise _Over(Outcome.NO_ANSWER, code=answer.code, by=EndedBy.HOLDLINE)

    def _not_reached(self, answer: Response) -> _Over:
        if answer.code == 487:  # our own doing: the ring limit, or ``hang_up``
            if self._stop.done() and self._customer.rung_at is None:
                return _Over(Outcome.REP_HUNG_UP, code=487, by=EndedBy.HOLDLINE)
            return _Over(Outcome.NO_ANSWER, code=487, by=EndedBy.HOLDLINE)
        outcome, by = outcomes.of_customer(answer.code)
        return _Over(outcome, code=answer.code, by=by)

    async def _rung(self, leg: Leg, offer: bytes, *, sign_s: float, along: Leg | None = None) -> Response | None:
        """Ring one telephone until it is decided; None: it gave no sign of life.

        At the ring limit, when the call is stopped, or when the telephone ``along`` is hung up, the ringing is cancelled. What comes then
        decides nevertheless: an answer that crosses our CANCEL is an answer.
        """
        begun = self._loop.time()
        ringing = asyncio.create_task(leg.invite(offer, sign_within=sign_s))
        others: set[asyncio.Future[Any]] = {self._stop, *((along.gone,) if along is not None else ())}
        try:
            await asyncio.wait(
                {ringing, *others}, timeout=self._call.ring_limit.total_seconds(), return_when=asyncio.FIRST_COMPLETED
            )
            if not ringing.done():
                leg.cancel()
                await asyncio.wait({ringing}, timeout=self._endpoint.timers.patience)
            return ringing.result() if ringing.done() else None
        except NoAnswer:
            return None
        finally:
            ringing.cancel()
            await asyncio.wait({ringing})
            if leg.rung_at is not None:
                self._rang_s = self._loop.time() - max(leg.rung_at, begun)

    async def _bridge(self) -> None:
        """Give the representative's telephone the customer's answer, and the customer what came of it if that is another place."""
        async with self._changing:
            shown = self._rep.said or b""
            answer = await self._changed(self._rep, self._for(self._rep, self._customer.said or b"", is_open=True))
            self._leave_if_over()
            if answer is not None and sdp.essence(self._rep.said or b"") != sdp.essence(shown):
                answer = await self._changed(
                    self._customer, self._for(self._customer, self._rep.said or b"", is_open=True)
                )
                self._leave_if_over()
        if answer is None or not answer.is_success or not sdp.has_audio(self._rep.said):
            code = answer.code if answer is not None else None
            raise _Over(Outcome.MEDIA, code=code, by=EndedBy.REPRESENTATIVE)
        for leg, other in ((self._rep, self._customer), (self._customer, self._rep)):
            leg.on_change = lambda request, leg=leg, other=other: self._change_later(request, leg, other)
            leg.on_ack = lambda request, leg=leg: self._take_late_answer(request, leg)
        self._talk_from = self._loop.time()
        self._come_to(Stage.TALKING)

    def _leave_if_over(self) -> None:
        """Raise when something ended the call meanwhile, before there was a talk."""
        if self._customer.gone.done():
            # Picked up, and put down at once.
            self._talk_s = 0.0
            raise _Over(Outcome.ANSWERED, code=200, by=EndedBy.CUSTOMER)
        if self._rep.gone.done():
            raise _Over(Outcome.REP_HUNG_UP, by=EndedBy.REPRESENTATIVE)
        if self._stop.done():
            outcome = Outcome.NO_ANSWER if self._customer.rung_at is not None else Outcome.REP_HUNG_UP
            raise _Over(outcome, by=EndedBy.HOLDLINE)

    async def _talk(self) -> None:
        """Wait for the end of the talk."""
        assert self._talk_from is not None
        living = asyncio.create_task(self._watch_over())
        ends: set[asyncio.Future[Any]] = {self._rep.gone, self._customer.gone, self._stop}
        try:
            await asyncio.wait(ends, timeout=self._call.max_length.total_seconds(), return_when=asyncio.FIRST_COMPLETED)
        finally:
            living.cancel()
            await asyncio.wait({living})
        self._talk_s = self._loop.time() - self._talk_from
        raise _Over(Outcome.ANSWERED, code=200, by=self._ended_by())

    def _ended_by(self) -> EndedBy:
        for leg, who in ((self._customer, EndedBy.CUSTOMER), (self._rep, EndedBy.REPRESENTATIVE)):
            if leg.gone.done():
                return who if leg.gone.result() == "BYE" else EndedBy.TRUNK
        return EndedBy.HOLDLINE

    async def _watch_over(self) -> None:
        """Ask both telephones from time to time whether they are still there: a dead one sends no BYE."""
        while True:
            await asyncio.sleep(self._rules.liveness.total_seconds())
            await asyncio.gather(*(self._ask_life(leg) for leg in (self._rep, self._customer)))

    async def _ask_life(self, leg: Leg) -> None:
        try:
            answer = await leg.ask("OPTIONS")
        except NoAnswer:
            leg.lose("OPTIONS")
            return
        if answer.code in (408, 481):  # any other answer is a sign of life (RFC 3261, 12.2.1.2)
            leg.lose(str(answer.code))

    async def _changed(self, leg: Leg, offer: bytes) -> Response | None:
        """Send a re-INVITE, again when it crosses one of theirs; None: the telephone is lost."""
        for glares in range(_MOST_GLARES + 1):
            try:
                answer = await leg.change(offer)
            except NoAnswer:
                leg.lose("INVITE")
                return None
            if answer.code != 491 or glares == _MOST_GLARES or leg.gone.done():
                break
            await asyncio.wait({leg.gone}, timeout=random.uniform(*_GLARE_S))
        if answer.code in (408, 481):
            leg.lose(str(answer.code))
        return answer

    def _change_early(self, request: Request) -> None:
        """Answer a re-INVITE of the representative while there is no customer yet: still the sink, whichever direction is wanted."""
        if self._changing.locked():
            self._rep.refuse(request, 491, "Request Pending")
            return
        try:
            answer = sdp.opening_answer(
                request.sdp, *self._sink, session=self._rep.session, version=self._next(self._rep)
            )
        except sdp.NoAudio:
            self._rep.refuse(request, 488, "Not Acceptable Here")
            return
        self._rep.agree(request, answer)

    def _change_later(self, request: Request, leg: Leg, other: Leg) -> None:
        task: asyncio.Task[object] = asyncio.create_task(self._carry(request, leg, other))
        self._changes.add(task)
        task.add_done_callback(self._changes.discard)

    async def _carry(self, request: Request, leg: Leg, other: Leg) -> None:
        """Carry what one telephone says in a re-INVITE or UPDATE to the other, and its answer back: hold, another codec, a new address."""
        if self._changing.locked():
            leg.refuse(request, 491, "Request Pending")
            return
        async with self._changing:
            offer = request.sdp
            if offer is None:
                self._open_offers[request.call_id, request.cseq[0]] = (leg, other)
                leg.agree(request, self._for(leg, other.said or b""))
            elif self._is_what_was_said(leg, offer):
                leg.agree(request, leg.told)  # a session that is only refreshed (RFC 4028)
            else:
                await self._carry_offer(request, offer, leg, other)

    async def _carry_offer(self, request: Request, offer: bytes, leg: Leg, other: Leg) -> None:
        try:
            passed_on = self._for(other, offer)
        except sdp.NoAudio:
            leg.refuse(request, 488, "Not Acceptable Here")
            return
        answer = await self._changed(other, passed_on)
        if answer is not None and answer.is_success and other.said is not None:
            leg.agree(request, self._for(leg, other.said))
        elif answer is not None and answer.code == 491:
            leg.refuse(request, 491, "Request Pending")
        else:
            leg.refuse(request, 488, "Not Acceptable Here")

    def _take_late_answer(self, ack: Request, leg: Leg) -> None:
        """Take the answer in the ACK of a re-INVITE that left the offer to us."""
        key = (ack.call_id, ack.cseq[0])
        other = self._open_offers.pop(key, (leg, leg))[1]
        answer = ack.sdp
        if other is leg or answer is None or self._is_what_was_said(leg, answer):
            return
        leg.said = answer
        task: asyncio.Task[object] = asyncio.create_task(self._catch_up(leg, other))
        self._changes.add(task)
        task.add_done_callback(self._changes.discard)

    async def _catch_up(self, leg: Leg, other: Leg) -> None:
        async with self._changing:
            await self._changed(other, self._for(other, leg.said or b""))

    def _is_what_was_said(self, leg: Leg, description: bytes) -> bool:
        said = leg.said or b""
        return (sdp.essence(description), sdp.direction(description)) == (sdp.essence(said), sdp.direction(said))

    def _for(self, leg: Leg, description: bytes, *, is_open: bool = False) -> bytes:
        """The other telephone's description as this one gets it."""
        host = self._endpoint.place[0]
        return sdp.passed_on(description, host=host, session=leg.session, version=self._next(leg), is_open=is_open)

    def _next(self, leg: Leg) -> int:
        leg.version += 1
        return leg.version

    def _leg(self, caller: Uri, callee: Uri) -> Leg:
        login = self._rules.login if self._rules.is_trunk(callee) else None
        return Leg(self._endpoint, new_dialog(caller=caller, callee=callee), login=login, save=self._save)

    async def _save(self) -> None:
        dialogs = [leg.dialog.to_data() for leg in (self._rep, self._customer) if leg.is_begun]
        await self._ledger.keep(self._call.attempt, json.dumps({"v": 1, "dialogs": dialogs}, separators=(",", ":")))

    def _come_to(self, stage: Stage) -> None:
        self._events.put_nowait(Progress(attempt=self._call.attempt, stage=stage, at=self._clock.now()))

    async def _tell_all(self) -> None:
        """Tell the ledger one event after the other; one that it cannot take is logged, for the row's lease heals that."""
        while True:
            event = await self._events.get()
            try:
                await self._ledger.happened(event)
            except Exception:
                logger.exception("telephony_event_not_taken", extra={"attempt": self._call.attempt})
            if isinstance(event, Ended):
                return
