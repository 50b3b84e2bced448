"""What a reservation, an attempt and a slot are, and the numbers they go by. Values only.

A reservation does not wait by itself: it holds a place in the line of its product, or a seat in a slot that becomes a place when the slot
begins. Who is next is decided there. Here stands what becomes of the wish to be rung (callback.md, section 3).
"""

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Final, NewType

from chatsvc.kernel.ids import CompanyId, PersonId, PlaceId, TicketId
from chatsvc.kernel.machine import Machine

ReservationId = NewType("ReservationId", str)
ShiftId = NewType("ShiftId", str)


class Manner(StrEnum):
    """How somebody wants to be rung."""

    # As soon as the place is next: the rank in the line is kept (C3).
    ASAP = "asap"
    # In a booked slot: the place is taken when the slot begins.
    SLOT = "slot"


class State(StrEnum):
    """Where a reservation is. The first ten are live: at most one per contact and one per number."""

    # Stored and confirmed; the seat in the slot is held.
    BOOKED = "booked"
    # May be offered now.
    DUE = "due"
    # A representative looks at the offer.
    OFFERED = "offered"
    # A representative accepted and sees number, company and history; nothing has been dialled.
    PREVIEW = "preview"
    # One attempt's row exists; its outcome does not.
    DIALING = "dialing"
    TALKING = "talking"
    # A representative is asked how the call went: the process that dialled died, and nobody else can know.
    UNCLEAR = "unclear"
    # Waits until ``not_before``: after a failed attempt, a snooze, or outside of coverage. Seat or place is kept.
    RETRY_WAIT = "retry_wait"
    # The customer is asked for another number (24 hours).
    NEEDS_NUMBER = "needs_number"
    # The customer pressed "decline": asked for another time (24 hours), never rung again by itself.
    ASKED = "asked"
    # The talk is over; the representative completes the ticket.
    WRAP_UP = "wrap_up"
    # Ends. Every one but ``completed`` leaves the ticket as it is, with a message and a link to book again.
    COMPLETED = "completed"
    CANCELLED = "cancelled"
    # The customer reached us otherwise.
    MERGED = "merged"
    UNREACHABLE = "unreachable"
    EXPIRED = "expired"
    # The telephone network will not ring this number.
    BLOCKED = "blocked"


class Event(StrEnum):
    """What moves a reservation."""

    # The slot begins, ``not_before`` has passed, or the customer gave another number.
    CAME_DUE = "came_due"
    OFFERED = "offered"
    # Declined, missed or withdrawn: the place stays where it was.
    OFFER_ENDED = "offer_ended"
    ACCEPTED = "accepted"
    # The representative does not call, or is gone; counts against nobody.
    RELEASED = "released"
    DIALLED = "dialled"
    CONNECTED = "connected"
    HUNG_UP = "hung_up"
    # A failure after which it is tried again.
    FAILED = "failed"
    NUMBER_INVALID = "number_invalid"
    DECLINED = "declined"
    # Attempts are used up.
    USED_UP = "used_up"
    NUMBER_BLOCKED = "number_blocked"
    # The process that dialled died.
    LOST_SIGHT = "lost_sight"
    # The customer asked for later, or nobody may be called at this hour.
    PUT_OFF = "put_off"
    # Into another slot.
    MOVED = "moved"
    CANCELLED = "cancelled"
    MERGED = "merged"
    ELAPSED = "elapsed"
    WRAPPED_UP = "wrapped_up"


# Whoever books may still do all of this, as long as nobody dials.
_BY_CUSTOMER: Final = {Event.CANCELLED: State.CANCELLED, Event.MERGED: State.MERGED, Event.MOVED: State.BOOKED}
_WAITS: Final = {**_BY_CUSTOMER, Event.ELAPSED: State.EXPIRED}
# How a dial can end; the same from the moment of dialling and, when a process died, from what a representative says.
_OUTCOMES: Final = {
    Event.CONNECTED: State.TALKING,
    Event.FAILED: State.RETRY_WAIT,
    Event.RELEASED: State.DUE,
    Event.NUMBER_INVALID: State.NEEDS_NUMBER,
    Event.DECLINED: State.ASKED,
    Event.USED_UP: State.UNREACHABLE,
    Event.NUMBER_BLOCKED: State.BLOCKED,
}

LIFE: Final[Machine[State, Event]] = Machine(
    {
        State.BOOKED: {Event.CAME_DUE: State.DUE, **_WAITS},
        State.DUE: {Event.OFFERED: State.OFFERED, Event.PUT_OFF: State.RETRY_WAIT, **_WAITS},
        State.OFFERED: {
            Event.OFFER_ENDED: State.DUE,
            Event.ACCEPTED: State.PREVIEW,
            Event.PUT_OFF: State.RETRY_WAIT,
            **_BY_CUSTOMER,
        },
        State.PREVIEW: {
            Event.DIALLED: State.DIALING,
            Event.RELEASED: State.DUE,
            Event.PUT_OFF: State.RETRY_WAIT,
            Event.NUMBER_BLOCKED: State.BLOCKED,
            # The last attempt was one whose end nobody saw, and nobody said how it went.
            Event.USED_UP: State.UNREACHABLE,
            **_BY_CUSTOMER,
        },
        State.DIALING: {**_OUTCOMES, Event.LOST_SIGHT: State.UNCLEAR},
        State.TALKING: {Event.HUNG_UP: State.WRAP_UP},
        State.UNCLEAR: {**_OUTCOMES, Event.HUNG_UP: State.WRAP_UP, Event.DIALLED: State.DIALING},
        State.RETRY_WAIT: {Event.CAME_DUE: State.DUE, Event.PUT_OFF: State.RETRY_WAIT, **_WAITS},
        State.NEEDS_NUMBER: {Event.CAME_DUE: State.DUE, **_WAITS},
        State.ASKED: {Event.CAME_DUE: State.DUE, **_WAITS},
        State.WRAP_UP: {Event.WRAPPED_UP: State.COMPLETED},
        State.COMPLETED: {},
        State.CANCELLED: {},
        State.MERGED: {},
        State.UNREACHABLE: {},
        State.EXPIRED: {},
        State.BLOCKED: {},
    }
)

ENDS: Final = frozenset(state for state, events in LIFE.table.items() if not events)
# Live, and not yet past the talk: it holds its contact, its number and its seat.
LIVE: Final = tuple(state for state in State if state not in ENDS and state is not State.WRAP_UP)
# States in which a call can still be found to be needed no more.
MERGEABLE: Final = tuple(state for state, events in LIFE.table.items() if Event.MERGED in events)
# States in which the place stands in its line or with a representative.
IN_LINE: Final = (
    State.DUE,
    State.OFFERED,
    State.PREVIEW,
    State.DIALING,
    State.TALKING,
    State.UNCLEAR,
    State.RETRY_WAIT,
)
# States in which a promise can pass without anybody having dialled: also while a representative looks at it, or may not call at this hour.
MAY_BE_LATE: Final = (State.DUE, State.OFFERED, State.PREVIEW, State.RETRY_WAIT)


@dataclass(frozen=True, slots=True)
class CallbackRules:
    """Numbers that an operator may change; the sources are sections 3, 5, 7 and 8.5 of callback.md."""

    # How long each side's telephone rings, and how long a talk may be.
    ring_limit: timedelta = timedelta(seconds=25)
    longest_call: timedelta = timedelta(minutes=60)
    # A preview that nobody dials goes back into the line after so long.
    preview_at_most: timedelta = timedelta(minutes=5)
    # Attempts that count, and attempts of any kind, per reservation.
    counted_at_most: int = 3
    attempts_at_most: int = 10
    # After a dial whose outcome nobody knows: the earliest moment at which a person may dial again.
    unclear_rest: timedelta = timedelta(minutes=2)
    # Trunk failures in a row after which representatives are offered to dial by hand, and for how long.
    breaker_after: int = 3
    breaker_for: timedelta = timedelta(minutes=5)
    # A dial that no process took over by then was not made.
    taken_over_within: timedelta = timedelta(seconds=30)
    # Of a dial that a system elsewhere makes, a talk is told by then; otherwise nobody knows how it went.
    told_within: timedelta = timedelta(minutes=5)
    # How long the customer has to give another number or another time.
    answer_within: timedelta = timedelta(hours=24)
    # A reservation that was not served so long after it came due for the first time is over.
    expires_after: timedelta = timedelta(hours=24)
    # A request that was solved or closed takes its call with it after this: until then that can be taken back (``TicketRules.undo_within``).
    answered_after: timedelta = timedelta(seconds=10)
    snooze_for: timedelta = timedelta(minutes=15)
    snoozes_at_most: int = 3
    # Courtesy hours on the customer's wall clock.
    courtesy_from: int = 8
    courtesy_until: int = 21
    # Slots.
    slot_length: timedelta = timedelta(minutes=30)
    bookable_from: timedelta = timedelta(minutes=60)
    bookable_days: int = 14
    last_slot_before_closing: timedelta = timedelta(minutes=30)
    # Part of the planned representatives that slots may use; the rest is for chats and for those who wait. At least one.
    share: float = 0.3
    # Caps.
    bookings_per_contact_day: int = 3
    live_per_company: int = 10
    attempts_per_number_day: int = 3
    minutes_per_company_day: int = 240
    minutes_per_day: int = 2_880
    # Part of a cap of minutes from which staff are warned.
    alarm_at: float = 0.8
    # Reminders before a slot begins.
    reminders: tuple[timedelta, ...] = (timedelta(hours=24), timedelta(minutes=15))
    # Whoever is at the head of the line, or is likely to be called within this, is told so once.
    next_within: timedelta = timedelta(minutes=3)


@dataclass(frozen=True, slots=True)
class Slot:
    """A stretch of time in which somebody promised to call; begins and ends are aware, UTC."""

    line: str
    begins_at: datetime
    ends_at: datetime
    # Seats that planned staffing carries at 95 % on time, and how many of them are taken. More taken than carried: the slot is *over*.
    capacity: int
    taken: int = 0

    @property
    def is_open(self) -> bool:
        """Whether one more seat can be promised."""
        return self.taken < self.capacity

    @property
    def is_over(self) -> bool:
        """Whether more was promised than planned staffing carries by now; nobody is cancelled for it (invariant 22)."""
        return self.taken > self.capacity


@dataclass(frozen=True, slots=True)
class Shift:
    """Planned staffing: this person is there for these lines; moments are aware, UTC."""

    id: ShiftId
    person: PersonId
    lines: frozenset[str]
    begins_at: datetime
    ends_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Booking:
    """What somebody wants, as a form brings it; the number is checked."""

    line: str
    # E.164.
    number: str = field(repr=False)
    # None: as soon as possible.
    slot_at: datetime | None
    # "Ring me at any hour": counts on critical requests only.
    any_hour: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Whose:
    """Whom a reservation is for."""

    company: CompanyId
    contact: PersonId
    # IANA name: the zone in which courtesy hours and shown times are counted.
    zone: str
    ticket: TicketId
    place: PlaceId | None = None


@dataclass(frozen=True, slots=True)
class Day:
    """A day of the visitor, with the slots that begin in it; ``on`` is a date of their own calendar."""

    on: date
    slots: tuple[Slot, ...]


@dataclass(frozen=True, slots=True)
class Spent:
    """What has been used of the caps today; minutes are of talk."""

    number_attempts: int = 0
    company_minutes: float = 0.0
    minutes: float = 0.0


def diagram() -> str:
    """Return the life of a reservation as a Mermaid state diagram, drawn from ``LIFE``."""
    lines = ["stateDiagram-v2", "    [*] --> booked", "    [*] --> due"]
    for state, events in LIFE.table.items():
        by_target: dict[State, list[str]] = {}
        for event, target in events.items():
            by_target.setdefault(target, []).append(event.value)
        lines += [f"    {state.value} --> {target.value}: {', '.join(names)}" for target, names in by_target.items()]
    lines += [f"    {state.value} --> [*]" for state in LIFE.table if state in ENDS]
    return "\n".join(lines)
