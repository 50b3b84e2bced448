"""How a representative calls: preview, dial, outcome (callback.md, section 3).

The representative comes first: nothing is dialled before somebody has accepted the place, has seen the number, and presses *Call*. Hours,
caps and the number are asked again at that very moment. The attempt's row is committed before anything leaves the house, and what follows
an attempt is one transaction with its outcome.
"""

import logging
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

from callback import numbers, policy, store
from callback.ground import Ground
from callback.model import LIFE, Event, ReservationId, State
from callback.policy import RULES, after
from callback.tables import attempts
from callback.telephony.port import AttemptId, EndedBy, Facts, Outcome, Progress, Stage, is_news
from callback.telephony.port import Event as Told
from chatsvc.accounts.model import Identity
from chatsvc.conversations import store as conversations
from chatsvc.conversations.calling import WAITS
from chatsvc.conversations.model import State as Live
from chatsvc.conversations.tables import conversations as conversations_table
from chatsvc.db.uow import UnitOfWork
from chatsvc.kernel import failpoints
from chatsvc.kernel.errors import Conflict, NotFound
from chatsvc.kernel.ids import CompanyId, ConversationId, PersonId
from chatsvc.routing.store import deciding
from chatsvc.tickets import store as tickets
from chatsvc.tickets.model import Kind

logger = logging.getLogger(__name__)

MANUAL: Final = "manual"
# What a representative may say about a call that they made by hand, or whose end nobody saw.
SAYABLE: Final = (
    Outcome.ANSWERED,
    Outcome.NO_ANSWER,
    Outcome.BUSY,
    Outcome.VOICEMAIL,
    Outcome.DECLINED,
    Outcome.INVALID_NUMBER,
    Outcome.REP_HUNG_UP,
)
_USED_UP: Final = "call.used_up"
# Coverage and courtesy hours are asked so often in turn for a moment that is within both.
_LOOKS: Final = 10


class Begun(NamedTuple):
    """What pressing *Call* has led to."""

    # The attempt that runs now; None when there is none.
    attempt: AttemptId | None
    # Why there is none, as a key: ``call.closed``, ``call.too_early``, ``call.cap_…``, ``call.number_blocked``, ``call.used_up``; None when
    # there is one.
    refusal: str | None = None
    # When it may be made; None when that is not a matter of time.
    until: datetime | None = None


class Dialling(Ground):
    """Calls, as representatives make them."""

    # How calls are made: the name of the adapter. ``manual``: by hand, on the representative's own telephone.
    adapter: str = MANUAL

    async def own_call(self, uow: UnitOfWork, identity: Identity, conversation: ConversationId) -> tuple[Any, Any]:
        """Return a representative's call: its reservation, caught up, and its conversation.

        Raises:
            NotFound: it is not theirs, or no call.
        """
        found = await self.conversations.own(uow, identity, conversation)
        reservation = await store.of_ticket(uow.connection, found.ticket_id)
        if found.rep_id != identity.person or reservation is None:
            raise NotFound("conversation.not_found")
        reservation = await self.settle(uow, reservation)
        return reservation, await conversations.load(uow.connection, conversations_table.c.id == conversation)

    # Dialling ---------------------------------------------------------------------------------------------------------------------------

    async def dial(self, identity: Identity, conversation: ConversationId) -> Begun:
        """Begin an attempt, or say why none may be made now; then the place waits for the right moment, and the representative is free.

        Pressing twice is pressing once.

        Raises:
            NotFound: it is not theirs, or no call.
            Conflict: ``reservation.over`` or ``call.not_now``: there is nothing to dial, or it is too early after a call whose end nobody saw.
        """
        async with deciding(self.database) as uow:
            reservation, found = await self.own_call(uow, identity, conversation)
            if reservation.state in (State.DIALING, State.TALKING):
                [running] = await store.running(uow.connection, attempts.c.reservation_id == reservation.id)
                return Begun(AttemptId(running.id))
            if not LIFE.allows(State(reservation.state), Event.DIALLED) or found.state != Live.ACTIVE:
                raise Conflict("call.not_now", state=reservation.state)
            if reservation.state == State.UNCLEAR:
                await self._insist_on_rest(uow, reservation)
            refused = await self._refusal(uow, reservation)
            if refused is not None:
                return await self._not_now(uow, reservation, found, refused)
            attempt = await self._begin(uow, identity, reservation, found)
            failpoints.hit("dial.before_commit")
        failpoints.hit("dial.after_commit")
        logger.info("attempt_begun", extra={"attempt": attempt, "reservation": reservation.id})
        return Begun(attempt)

    async def _insist_on_rest(self, uow: UnitOfWork, reservation: Any) -> None:
        last = (await store.attempts_of(uow.connection, ReservationId(reservation.id)))[-1]
        if uow.now < last.ended_at + self.rules.unclear_rest:
            raise Conflict("call.not_now", until=last.ended_at + self.rules.unclear_rest)

    async def _begin(self, uow: UnitOfWork, identity: Identity, reservation: Any, conversation: Any) -> AttemptId:
        adapter = await self._adapter(uow, identity.person)
        attempt = await store.add_attempt(
            uow, reservation, rep=identity.person, epoch=conversation.epoch, adapter=adapter, leased_until=None
        )
        # Whoever is being rung is told nothing more about waiting.
        await store.move(uow, reservation, Event.DIALLED, wake_at=None, promised_until=None, not_before_at=None)
        await self.conversations.begin_call(uow, conversation)
        uow.ring("callback")
        return attempt

    async def _adapter(self, uow: UnitOfWork, rep: PersonId) -> str:
        """Return how to call now: by hand also for whoever has no telephone that can be rung, and while the system fails in a row."""
        if self.adapter == MANUAL or await store.telephone_of(uow.connection, rep) is None:
            return MANUAL
        latest = await store.latest_through(uow.connection, self.adapter, self.rules.breaker_after)
        return MANUAL if policy.is_breaker_open(latest, uow.now, self.rules) else self.adapter

    async def _refusal(self, uow: UnitOfWork, reservation: Any) -> Begun | None:
        """Ask everything again that was asked when it was booked (invariants 23, 25 and 30); None: it may be dialled."""
        made = await store.attempts_of(uow.connection, ReservationId(reservation.id))
        if policy.has_used_up(len(made), self.rules):
            return Begun(None, _USED_UP)
        ticket = await tickets.load(uow.connection, reservation.ticket_id)
        covered = await self.coverage_of(uow.connection, ticket, uow.now)
        if not covered.is_open and covered.opens_at is None:
            return Begun(None, "call.closed")
        possible_at = await self._possible_from(uow, reservation, ticket, uow.now)
        if possible_at > uow.now:
            return Begun(None, "call.too_early" if covered.is_open else "call.closed", possible_at)
        company = CompanyId(reservation.company_id)
        number = numbers.read(reservation.number)
        allowed = await store.regions_of(uow.connection, company)
        is_silenced = await store.is_silenced(uow.connection, number.e164)
        if is_silenced or numbers.refusal_of(number, allowed) is not None:
            return Begun(None, "call.number_blocked")
        spent = await store.spent(uow.connection, number.e164, company, uow.now)
        if policy.is_alarming(spent, self.rules):
            logger.warning("minutes_running_out", extra={"minutes": round(spent.minutes)})
        too_much = policy.too_much_to_dial(spent, self.rules)
        if too_much is None:
            return None
        return Begun(None, too_much, await self._possible_from(uow, reservation, ticket, policy.day_of(uow.now)[1]))

    async def _possible_from(self, uow: UnitOfWork, reservation: Any, ticket: Any, at: datetime) -> datetime:
        """Return the first moment from ``at`` on that is within coverage and courtesy hours: the one that the customer is told."""
        for _ in range(_LOOKS):
            covered = await self.coverage_of(uow.connection, ticket, at)
            polite_at = await self.courtesy_of(
                uow.connection, ticket, reservation.zone, at, any_hour=reservation.any_hour
            )
            later = max(covered.opens_at or at if not covered.is_open else at, polite_at or at)
            if later == at:
                break
            at = later
        return at

    async def _not_now(self, uow: UnitOfWork, reservation: Any, conversation: Any, refused: Begun) -> Begun:
        """Let the place wait until it may be dialled, or end it when it never may; commit that, and tell the representative why."""
        logger.info("dial_refused", extra={"reservation": reservation.id, "why": refused.refusal})
        if refused.until is None:
            await self.end(uow, reservation, Event.USED_UP if refused.refusal == _USED_UP else Event.NUMBER_BLOCKED)
            return refused
        if reservation.state == State.UNCLEAR:
            reservation = await store.move(uow, reservation, Event.RELEASED)
        waits = await self._wait_until(uow, reservation, conversation, Event.PUT_OFF, refused.until)
        if waits.promised_until is None or waits.promised_until < refused.until:
            await self.tell(uow, waits, "put_off", n=waits.version)
        return refused

    async def _wait_until(
        self,
        uow: UnitOfWork,
        reservation: Any,
        conversation: Any,
        event: Event,
        until: datetime,
        *,
        to_the_end: bool = False,
    ) -> Any:
        """Put a call back into the line until a moment; the reservation lasts as long again."""
        await self.conversations.end_call(uow, conversation, not_before=until, to_the_end=to_the_end)
        expires_at = max(reservation.expires_at, until + self.rules.expires_after)
        values: dict[str, Any] = {"not_before_at": until, "expires_at": expires_at}
        wake_at = self.wake_of(reservation, state=LIFE.next(State(reservation.state), event), **values)
        return await store.move(uow, reservation, event, wake_at=wake_at, **values)

    async def release(self, identity: Identity, conversation: ConversationId) -> None:
        """Leave a previewed call to others, as one would have left its offer: whoever was not asked yet comes first, and when nobody is left
        everybody is asked anew. It counts against nobody, and the place is kept.

        Raises:
            NotFound: it is not theirs, or no call.
            Conflict: ``call.not_now``: it is being dialled, or over.
        """
        async with deciding(self.database) as uow:
            reservation, found = await self.own_call(uow, identity, conversation)
            if reservation.state not in (State.PREVIEW, State.UNCLEAR):
                raise Conflict("call.not_now", state=reservation.state)
            await self._released(uow, reservation, found)

    async def _released(self, uow: UnitOfWork, reservation: Any, conversation: Any) -> Any:
        last = await store.attempts_of(uow.connection, ReservationId(reservation.id))
        rest = None
        if last and last[-1].outcome == Outcome.UNKNOWN:
            rest = max(last[-1].ended_at + self.rules.unclear_rest, uow.now)
        await self.conversations.end_call(uow, conversation, not_before=rest, declined=True)
        wake_at = self.wake_of(reservation, state=State.DUE)
        return await store.move(uow, reservation, Event.RELEASED, wake_at=wake_at)

    # While it runs ----------------------------------------------------------------------------------------------------------------------

    async def connected(self, identity: Identity, conversation: ConversationId) -> None:
        """Say that the customer has picked up, of a call that is made by hand. Twice is once.

        Raises:
            NotFound: it is not theirs, or no call.
            Conflict: ``call.not_now``: nothing is being dialled by hand.
        """
        async with deciding(self.database) as uow:
            reservation, _ = await self.own_call(uow, identity, conversation)
            running = await self._by_hand(uow, reservation)
            if reservation.state == State.DIALING:
                await self.progressed(uow, running, Stage.TALKING)

    async def _by_hand(self, uow: UnitOfWork, reservation: Any) -> Any:
        found = await store.running(uow.connection, attempts.c.reservation_id == reservation.id)
        if not found or found[0].adapter != MANUAL:
            raise Conflict("call.not_now", state=reservation.state)
        return found[0]

    async def progressed(self, uow: UnitOfWork, attempt: Any, stage: Stage) -> None:
        """Take note of how far an attempt is; what is told twice or late changes nothing."""
        values: dict[str, Any] = {"stage": stage.value}
        if stage is Stage.TALKING and attempt.talk_began_at is None:
            values["talk_began_at"] = uow.now
        known = None if attempt.stage is None else Stage(attempt.stage)
        told = Progress(attempt=AttemptId(attempt.id), stage=stage, at=uow.now)
        outcome = None if attempt.outcome is None else Outcome(attempt.outcome)
        if not is_news(told, stage=known, outcome=outcome):
            return
        if not await store.change_attempt(uow, AttemptId(attempt.id), **values):
            return
        reservation = await store.by_id(uow.connection, ReservationId(attempt.reservation_id))
        if stage is Stage.TALKING and reservation.state == State.DIALING:
            await store.move(uow, reservation, Event.CONNECTED)
        self._ring(uow, reservation, attempt.rep_id)

    async def report(self, identity: Identity, conversation: ConversationId, outcome: Outcome) -> None:
        """Say how a call went: one that was made by hand, or one whose end nobody saw.

        Raises:
            NotFound: it is not theirs, or no call.
            Conflict: ``call.not_now``: there is nothing to say; ``call.outcome_unknown``: nobody can say that.
        """
        if outcome not in SAYABLE:
            raise Conflict("call.outcome_unknown", outcome=outcome.value)
        async with deciding(self.database) as uow:
            reservation, found = await self.own_call(uow, identity, conversation)
            if reservation.state == State.UNCLEAR:
                await self._correct(uow, reservation, found, outcome)
                return
            running = await self._by_hand(uow, reservation)
            talk_s = None if running.talk_began_at is None else (uow.now - running.talk_began_at).total_seconds()
            if talk_s is not None:
                outcome = Outcome.ANSWERED
            elif outcome is Outcome.ANSWERED:
                talk_s = 0.0
            ring_s = None if running.talk_began_at else (uow.now - running.created_at).total_seconds()
            said = Facts(ring_s=ring_s, talk_s=talk_s, ended_by=EndedBy.REPRESENTATIVE)
            await self.ended(uow, running, outcome, said)

    async def _correct(self, uow: UnitOfWork, reservation: Any, conversation: Any, outcome: Outcome) -> None:
        """Put what the representative knows in the place of "unknown", and go on from there."""
        rows = await store.attempts_of(uow.connection, ReservationId(reservation.id))
        before = [Outcome(row.outcome) for row in rows[:-1]]
        await store.correct_attempt(uow, AttemptId(rows[-1].id), outcome, counted=RULES[outcome].counted)
        await self._follow(uow, reservation, conversation, outcome, before)
        await self.say(uow, reservation, Kind.CALLED, outcome=outcome.value, talk_s=None)

    # Outcome ----------------------------------------------------------------------------------------------------------------------------

    async def happened(self, told: Told, adapter: str) -> None:
        """Write down what a telephone system tells about an attempt, and let its reservation go on; twice or late it changes nothing.

        Raises:
            NotFound: there is no such attempt, or it was made another way than through ``adapter``.
        """
        async with deciding(self.database) as uow:
            attempt = await store.attempt(uow.connection, told.attempt)
            if attempt.adapter != adapter:
                raise NotFound("attempt.not_found")
            if isinstance(told, Progress):
                await self.progressed(uow, attempt, told.stage)
            else:
                await self.ended(uow, attempt, told.outcome, told.facts)

    async def ended(self, uow: UnitOfWork, attempt: Any, outcome: Outcome, facts: Facts) -> None:
        """End an attempt and let its reservation go on; what is told twice or late changes nothing."""
        reservation = await store.by_id(uow.connection, ReservationId(attempt.reservation_id))
        if attempt.outcome == Outcome.UNKNOWN and outcome is not Outcome.UNKNOWN:
            await self._known_after_all(uow, reservation, attempt, outcome)
            return
        if reservation.state == State.TALKING:
            # They did talk, whatever is said of its end, or when nobody knows.
            outcome = Outcome.ANSWERED
        before = await store.outcomes_before(uow.connection, ReservationId(reservation.id))
        counted = RULES[outcome].counted
        if not await store.end_attempt(uow, AttemptId(attempt.id), outcome, facts, counted=counted):
            return
        conversation = await self.conversations.live_phase(uow.connection, reservation.ticket_id)
        await self._follow(uow, reservation, conversation, outcome, before)
        await self.say(uow, reservation, Kind.CALLED, outcome=outcome.value, talk_s=facts.talk_s)
        if RULES[outcome].alarm:
            logger.warning("call_needs_a_look", extra={"attempt": attempt.id, "outcome": outcome.value})
        logger.info("attempt_ended", extra={"attempt": attempt.id, "outcome": outcome.value})
        failpoints.hit("outcome.before_commit")

    async def _known_after_all(self, uow: UnitOfWork, reservation: Any, attempt: Any, outcome: Outcome) -> None:
        """Take late news of an attempt whose end nobody saw, as long as its representative is still asked about it."""
        reservation = await self.settle(uow, reservation)
        rows = await store.attempts_of(uow.connection, ReservationId(reservation.id))
        if reservation.state != State.UNCLEAR or rows[-1].id != attempt.id:
            return
        conversation = await self.conversations.live_phase(uow.connection, reservation.ticket_id)
        await self._correct(uow, reservation, conversation, outcome)

    async def hang_up(self, identity: Identity, conversation: ConversationId) -> None:
        """Ask the telephone system to end a call; its end follows. Twice is once.

        Raises:
            NotFound: it is not theirs, or no call.
            Conflict: ``call.not_now``: nothing runs, or it is in the representative's own hand.
        """
        async with deciding(self.database) as uow:
            reservation, _ = await self.own_call(uow, identity, conversation)
            running = await store.running(uow.connection, attempts.c.reservation_id == reservation.id)
            if not running or running[0].adapter == MANUAL:
                raise Conflict("call.not_now", state=reservation.state)
            if running[0].hang_up_at is None:
                await store.change_attempt(uow, AttemptId(running[0].id), hang_up_at=uow.now)
                uow.ring("callback")

    async def _follow(
        self, uow: UnitOfWork, reservation: Any, conversation: Any, outcome: Outcome, before: list[Outcome]
    ) -> None:
        """Do what the table says comes after an outcome."""
        step = after(outcome, before, self.rules)
        rep = conversation.rep_id
        match step.event:
            case Event.HUNG_UP:
                if reservation.state == State.DIALING:
                    reservation = await store.move(uow, reservation, Event.CONNECTED)
                await store.move(uow, reservation, Event.HUNG_UP, wake_at=None)
                await store.free_seat(uow, ReservationId(reservation.id))
                await self.conversations.begin_call_wrap_up(uow, conversation)
            case Event.FAILED:
                until = uow.now + (step.wait or timedelta())
                await self._wait_until(uow, reservation, conversation, step.event, until, to_the_end=step.to_the_end)
            case Event.RELEASED:
                await self._released(uow, reservation, conversation)
            case Event.NUMBER_INVALID | Event.DECLINED:
                until = uow.now + self.rules.answer_within
                waits = await self._wait_until(uow, reservation, conversation, step.event, until)
                asked = await store.change(uow, waits, expires_at=until, wake_at=until, not_before_at=None)
                await self.tell(
                    uow, asked, "number" if step.event is Event.NUMBER_INVALID else "declined", n=len(before)
                )
            case Event.USED_UP | Event.NUMBER_BLOCKED:
                await self.end(uow, reservation, step.event)
            case Event.LOST_SIGHT:
                expires_at = max(reservation.expires_at, uow.now + self.rules.expires_after)
                await store.move(uow, reservation, step.event, wake_at=None, expires_at=expires_at)
                await conversations.change(uow, conversation, call=WAITS)
            case other:
                raise AssertionError(f"no outcome leads to {other}")
        self._ring(uow, reservation, rep)

    def _ring(self, uow: UnitOfWork, reservation: Any, rep: PersonId | None) -> None:
        uow.ring(f"visit:{reservation.ticket_id}")
        if rep is not None:
            uow.ring(f"desk:{rep}")
