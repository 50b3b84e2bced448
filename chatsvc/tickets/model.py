"""What a ticket and an entry are. Values only: no storage, no time of their own."""

from datetime import datetime
from enum import StrEnum
from typing import Any

import msgspec

from chatsvc.files.model import Attached
from chatsvc.kernel.ids import CompanyId, LogId, PersonId
from chatsvc.kernel.machine import Machine


class State(StrEnum):
    """Where a ticket is in its life (T7, T8)."""

    OPEN = "open"
    AWAITING = "awaiting"
    SOLVED = "solved"
    CLOSED = "closed"


class Event(StrEnum):
    """What moves a ticket."""

    ASKED_CUSTOMER = "asked_customer"
    CUSTOMER_REPLIED = "customer_replied"
    SOLVED = "solved"
    REOPENED = "reopened"
    SILENCE_ELAPSED = "silence_elapsed"


LIFE: Machine[State, Event] = Machine(
    {
        State.OPEN: {Event.ASKED_CUSTOMER: State.AWAITING, Event.SOLVED: State.SOLVED},
        State.AWAITING: {
            Event.CUSTOMER_REPLIED: State.OPEN,
            Event.SOLVED: State.SOLVED,
            Event.SILENCE_ELAPSED: State.CLOSED,
        },
        State.SOLVED: {Event.REOPENED: State.OPEN},
        State.CLOSED: {Event.REOPENED: State.OPEN},
    }
)


class Audience(StrEnum):
    """Who reads a log. Internal notes are a log of their own, so that no missing filter can show one."""

    SHARED = "shared"
    STAFF = "staff"


class Role(StrEnum):
    """On whose side an entry's sender stands."""

    CUSTOMER = "customer"
    STAFF = "staff"
    SYSTEM = "system"


class Kind(StrEnum):
    """What an entry says. ``message`` and ``note`` are people's words; the others are events with facts."""

    MESSAGE = "message"
    NOTE = "note"
    # Body: line.
    JOINED = "joined"
    # Body: nothing; the sender is the representative.
    ACCEPTED = "accepted"
    # Body: to_line or to_name.
    HANDED_OVER = "handed_over"
    # The representative vanished; the customer is in line again, at their old rank. Body: nothing.
    RETURNED = "returned"
    # Body: nothing; the sender ended or took the ending back.
    ENDED = "ended"
    END_UNDONE = "end_undone"
    # The customer gave up the place before anybody accepted. Body: why (``left``, ``lost``).
    LEFT_LINE = "left_line"
    # Body: the fields that the wrap-up set.
    WRAPPED_UP = "wrapped_up"
    SOLVED = "solved"
    REOPENED = "reopened"
    # Body: rating.
    RATED = "rated"
    # The customer wants to be rung, at the place they have or in a slot (C3). Body: slot_at (ISO 8601, or None).
    CALL_WANTED = "call_wanted"
    # The customer would rather chat after all. Body: nothing.
    CHAT_WANTED = "chat_wanted"
    # Somebody was rung. Body: outcome, talk_s (None when there was no talk).
    CALLED = "called"
    # Nobody will be rung any more. Body: why (``cancelled``, ``merged``, ``unreachable``, ``expired``, ``blocked``).
    CALL_OFF = "call_off"
    # The answers of the interview propose something critical. Body: severity, reasons (keys of the catalogue).
    PROPOSED = "proposed"
    # A representative has judged how urgent it is. Body: before, after, reason (words for the customer, maybe empty).
    JUDGED = "judged"
    # The customer asks for a second look. Body: reason.
    APPEALED = "appealed"
    # In the staff's log: a promise comes due, or is broken. Body: promise, what (``warned``, ``breached``), due_at.
    DUE = "due"


class Words(msgspec.Struct, frozen=True, omit_defaults=True):
    """The body of ``message`` and ``note``."""

    text: str
    files: tuple[Attached, ...] = ()


class Entry(msgspec.Struct, frozen=True):
    """One numbered line of a log, as both sides see it."""

    # 1, 2, 3 … without holes, per log.
    number: int
    # Aware, UTC.
    at: datetime
    kind: str
    # A person's id, or ``system``.
    sender: str
    # The sender's name; empty for the system.
    name: str
    role: Role
    # The key the sender's device made, so that the sender recognises their own.
    key: str
    # A JSON object: ``Words`` for words, small facts for events.
    body: msgspec.Raw


class Append(msgspec.Struct, frozen=True):
    """A wish to add an entry."""

    log: LogId
    sender: PersonId
    name: str
    role: Role
    # The customer seems to write in another language than English. Body: language (a code of ``kernel.languages``).
    ENGLISH_HINT = "english_hint"
    # Unique per sender and log, 8 to 64 characters.
    key: str
    kind: Kind
    # A JSON object, as text.
    body: str
    # A contact's company: the log must be this company's. None for staff and the system.
    company: CompanyId | None = None
    # The owner's epoch that a representative believes to hold; None: not checked (customers, the system).
    epoch: int | None = None


class Fields(msgspec.Struct, frozen=True):
    """What those who work on a ticket may set."""

    subject: str
    # Keys of the catalogue; None: nobody said.
    product: str
    team: str
    reason: str | None
    environment: str | None
    # ``P1`` … ``P4``.
    severity: str
    state: State


class Stored(msgspec.Struct, frozen=True):
    """The answer to an append, given after the commit (R1)."""

    number: int
    at: datetime
    # True when this key had been stored before: same number as then (R2).
    repeated: bool = False


def words(text: str, files: tuple[Attached, ...] = ()) -> str:
    """Return the body of a message as JSON text."""
    return msgspec.json.encode(Words(text, files)).decode()


def facts(**values: Any) -> str:
    """Return the body of an event as JSON text."""
    return msgspec.json.encode(values).decode()
