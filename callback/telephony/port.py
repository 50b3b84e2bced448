"""What Holdline asks of a telephone system, and what it is told: one port, and the values that pass it.

The port rings the representative first and the customer second, says what happens while it happens, and ends every attempt with
exactly one outcome. It does not know reservations, coverage, retries or money: whoever calls ``dial`` has asked all that before,
and has committed the attempt's row.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, NewType, Protocol

from chatsvc.kernel.errors import Conflict, Invalid, Unavailable

AttemptId = NewType("AttemptId", str)

# Lengths that are refused before a packet leaves; a ring limit shorter than a second or a day-long call is a mistake of the caller.
_SHORTEST_RING = timedelta(seconds=1)
_LONGEST_RING = timedelta(minutes=3)
_LONGEST_CALL = timedelta(hours=4)


class Outcome(StrEnum):
    """How an attempt ended (callback.md, outcome table). Whether it counts, and what comes next, is for the policy of callbacks."""

    # Both legs were up and bridged, or the representative said so.
    ANSWERED = "answered"
    # SIP 486 or 600.
    BUSY = "busy"
    # Our own ring limit (CANCEL, then 487), 480 or 408.
    NO_ANSWER = "no_answer"
    # 603: somebody pressed "decline".
    DECLINED = "declined"
    # The representative heard a machine and said so; never guessed.
    VOICEMAIL = "voicemail"
    # 404, 410, 484 or 604.
    INVALID_NUMBER = "invalid_number"
    # 5xx, no answer at all from the trunk, or a login that it refuses.
    TRUNK = "trunk"
    # 403: the trunk will not ring this number.
    BLOCKED = "blocked"
    # The representative's own telephone: busy or declined; did not answer or is not there; hung up before the customer was up.
    REP_BUSY = "rep_busy"
    REP_NO_ANSWER = "rep_no_answer"
    REP_HUNG_UP = "rep_hung_up"
    # The two telephones have no way to hear each other: 488, or a refused bridge.
    MEDIA = "media"
    # The process died while it dialled. Never redialled by itself.
    UNKNOWN = "unknown"


class EndedBy(StrEnum):
    """Whose deed ended the attempt; None on ``Facts`` where nobody can tell."""

    REPRESENTATIVE = "representative"
    CUSTOMER = "customer"
    # ``hang_up``, the ring limit, the greatest length, or a recovery.
    HOLDLINE = "holdline"
    # The telephone system in between: a refusal, a failure, a session that timed out.
    TRUNK = "trunk"


class Stage(StrEnum):
    """How far an attempt is; told in this order, some may be missing, none comes twice."""

    REP_RINGING = "rep_ringing"
    REP_UP = "rep_up"
    CUSTOMER_RINGING = "customer_ringing"
    # Bridged, and not yet ended.
    TALKING = "talking"


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """What is to be dialled. The attempt's row is committed before this is handed over."""

    attempt: AttemptId
    # The representative's telephone: ``sip:anna@10.0.0.5:5060`` for SIP, whatever the other side understands for a webhook.
    representative: str
    # The customer's number, E.164: ``+4930123456``.
    customer: str = field(repr=False)
    # How long either telephone may ring.
    ring_limit: timedelta = timedelta(seconds=25)
    # After so long a talk both are hung up (callback.md 8.5).
    max_length: timedelta = timedelta(minutes=60)

    def __post_init__(self) -> None:
        """Refuse what no adapter may dial.

        Raises:
            Invalid: a number that is not E.164, an address with characters that could end a header line, or a limit out of range.
        """
        digits = self.customer.removeprefix("+")
        if not (self.customer.startswith("+") and digits.isascii() and digits.isdecimal() and 4 <= len(digits) <= 15):
            raise Invalid("call.number", field="customer")
        if not self.representative or len(self.representative) > 255 or not self.representative.isprintable():
            raise Invalid("call.representative", field="representative")
        if not _SHORTEST_RING <= self.ring_limit <= _LONGEST_RING:
            raise Invalid("call.ring_limit", field="ring_limit")
        if not timedelta(0) < self.max_length <= _LONGEST_CALL:
            raise Invalid("call.max_length", field="max_length")


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What was measured in an attempt; None where it was not reached or cannot be known."""

    # The final SIP answer that decided the outcome.
    sip_code: int | None = None
    # How long the customer's telephone rang, in seconds; the representative's where the customer was never reached.
    ring_s: float | None = None
    # From the bridge to the first hang-up, in seconds; 0 or more exactly when there was a talk.
    talk_s: float | None = None
    ended_by: EndedBy | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """An attempt has come so far."""

    attempt: AttemptId
    stage: Stage
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """An attempt is over; nothing follows it."""

    attempt: AttemptId
    outcome: Outcome
    facts: Facts
    at: datetime


Event = Progress | Ended


def is_news(event: Event, *, stage: Stage | None, outcome: Outcome | None) -> bool:
    """Whether an event changes an attempt that has come so far; doubles, late ones and ones out of order do not.

    Args:
        event: what is told.
        stage: the furthest that is known; None: none yet.
        outcome: how the attempt ended; None: it has not. ``unknown`` gives way to an outcome that somebody knows after all.
    """
    if isinstance(event, Ended):
        return outcome is None or (outcome is Outcome.UNKNOWN and event.outcome is not Outcome.UNKNOWN)
    return outcome is None and (stage is None or _ORDER[event.stage] > _ORDER[stage])


_ORDER: Final = {stage: number for number, stage in enumerate(Stage)}


class Ledger(Protocol):
    """What the port tells; implemented by the dialler over its tables."""

    async def keep(self, attempt: AttemptId, trace: str) -> None:
        """Commit what ``recover`` will need; the packet that needs it leaves only after this has returned.

        Called several times in an attempt, each trace replaces the one before. A trace is opaque JSON of at most 16 KiB and holds
        the customer's number: stored, never logged, and dropped when the attempt has ended. Raising stops the dialling.
        """
        ...

    async def happened(self, event: Event) -> None:
        """Take an event. After ``Ended`` the attempt is unknown to the port. Must bear the same event twice, by ``is_news``."""
        ...


class AlreadyDialled(Conflict):
    """The attempt is under way or has been; an attempt is dialled at most once (callback.md, invariant 24)."""


class AllLinesBusy(Unavailable):
    """As many calls are up as the adapter may hold; nothing was dialled, and the same attempt may be tried later."""


class Telephony(Protocol):
    """A telephone system. One object per process; its calls live in this process, their traces in the ledger."""

    # As it stands on attempts: ``manual``, ``sip``, ``webhook``.
    name: str
    # Whether calls die with the process, so that a dead dialler's attempts must be recovered. False: the calls live elsewhere (by hand,
    # behind a webhook), a restart changes nothing for them, and their ends come when they come.
    holds_calls: bool

    async def dial(self, call: Call) -> None:
        """Begin an attempt and return; everything further comes through the ledger, ``Ended`` last.

        Raises:
            AlreadyDialled: this attempt was given to this adapter before.
            AllLinesBusy: no further call can be held now.
        """
        ...

    async def hang_up(self, attempt: AttemptId) -> None:
        """End an attempt, at whatever stage: ``Ended`` follows with ``ended_by`` Holdline. Unknown and ended attempts are let be.

        Before the talk the outcome is ``no_answer`` when the customer's telephone was ringing, else ``rep_hung_up``.
        """
        ...

    def is_up(self, attempt: AttemptId) -> bool:
        """Whether this process still does something about an attempt; never, where calls live elsewhere."""
        ...

    async def recover(self, attempt: AttemptId, trace: str | None) -> Ended:
        """Release whatever a dead process left up: CANCEL or BYE on every leg in the trace, then return ``unknown``.

        Bounded in time (at most about ten seconds) whether or not the telephones answer, harmless when repeated, and never dials. The caller makes
        sure that the process which dialled is dead, by its lease. ``trace`` None: nothing had left the house. The ledger is not
        told; the returned event is the caller's to store.
        """
        ...

    async def close(self) -> None:
        """Hang up every call of this process and give its sockets back; each attempt gets its ``Ended`` before this returns."""
        ...
