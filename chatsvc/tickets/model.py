"""What a ticket and an entry are. Values only: no storage, no time of their own."""

from datetime import datetime
from enum import StrEnum
from typing import Any, Final

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
    # Somebody ended it without saying that it is solved (Concur: *Close Case*).
    CLOSED = "closed"
    REOPENED = "reopened"
    # Thirty days without the customer's answer (T8).
    SILENCE_ELAPSED = "silence_elapsed"
    # It says the same as another ticket, which goes on in its place.
    MERGED = "merged"


# The life cycle (T7 to T9). Where two events lead to the same state, the one that people bring about stands first.
LIFE: Machine[State, Event] = Machine(
    {
        State.OPEN: {
            Event.ASKED_CUSTOMER: State.AWAITING,
            Event.SOLVED: State.SOLVED,
            Event.CLOSED: State.CLOSED,
            Event.MERGED: State.CLOSED,
        },
        State.AWAITING: {
            Event.ASKED_CUSTOMER: State.AWAITING,
            Event.CUSTOMER_REPLIED: State.OPEN,
            Event.SOLVED: State.SOLVED,
            Event.CLOSED: State.CLOSED,
            Event.SILENCE_ELAPSED: State.CLOSED,
            Event.MERGED: State.CLOSED,
        },
        State.SOLVED: {Event.REOPENED: State.OPEN, Event.CLOSED: State.CLOSED, Event.MERGED: State.CLOSED},
        State.CLOSED: {Event.REOPENED: State.OPEN},
    }
)
# The states in which a ticket is over, for now.
ENDED: Final = (State.SOLVED, State.CLOSED)


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
    # Body: solution (words, maybe none).
    SOLVED = "solved"
    REOPENED = "reopened"
    # The customer is asked for something (T8). Body: needed (words), closes_at (ISO 8601).
    ASKED = "asked"
    # Body: why (``person``, ``silence``, ``merged``).
    CLOSED = "closed"
    # Another team is responsible (T1). Body: team, before (keys of the catalogue).
    TEAM = "team"
    # Somebody else works on it (T2). Body: owner (a name, or None).
    OWNER = "owner"
    # Somebody reads along, or no longer (T6). Body: who (a name).
    FOLLOWED = "followed"
    UNFOLLOWED = "unfollowed"
    # This duplicate goes on in another ticket; another one goes on here. Body: number.
    MERGED = "merged"
    MERGED_IN = "merged_in"
    # It goes on where another ticket ended (T9). Body: number.
    CONTINUES = "continues"
    # It belongs to an incident, or no longer. Body: incident (a number, or None).
    INCIDENT = "incident"
    # What was done to it together with others was taken back. Body: nothing.
    TAKEN_BACK = "taken_back"
    # Body: rating.
    RATED = "rated"
    # The customer wants to be rung, at the place they have or in a slot (C3). Body: slot_at (ISO 8601, or None).
    CALL_WANTED = "call_wanted"
    # The customer would rather chat after all. Body: nothing.
    CHAT_WANTED = "chat_wanted"
    # Somebody was rung. Body: outcome, talk_s (None when there was no talk).
    CALLED = "called"
    # Nobody will be rung any more. Body: why (``cancelled``, ``merged``, ``answered``, ``unreachable``, ``expired``, ``blocked``).
    CALL_OFF = "call_off"
    # The answers of the interview propose something critical. Body: severity, reasons (keys of the catalogue).
    PROPOSED = "proposed"
    # A representative has judged how urgent it is. Body: before, after, reason (words for the customer, maybe empty).
    JUDGED = "judged"
    # The customer asks for a second look. Body: reason.
    APPEALED = "appealed"
    # The customer seems to write in another language than English. Body: language (a code of ``kernel.languages``).
    ENGLISH_HINT = "english_hint"
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


class Filters(msgspec.Struct, frozen=True):
    """How a list of tickets is narrowed; what is empty or None narrows nothing."""

    states: tuple[State, ...] = ()
    # Keys of the catalogue.
    products: tuple[str, ...] = ()
    severities: tuple[str, ...] = ()
    teams: tuple[str, ...] = ()
    reason: str | None = None
    # Words of subject, description or solution, or a number.
    text: str = ""
    # For staff; a contact has one company.
    company: CompanyId | None = None
    owner: PersonId | None = None
    incident: str | None = None
    # Only what the reader opened, only what somebody else did, or only what they follow; all False: whatever they may read.
    own: bool = False
    others: bool = False
    followed: bool = False
    # Of what is over, only what ended at this moment or later; None: all of it.
    ended_since: datetime | None = None


class View(StrEnum):
    """The lists that those who work here go by."""

    MINE = "mine"
    MY_TEAM = "my_team"
    UNASSIGNED = "unassigned"
    # Whatever has a promise, the nearest first.
    DUE = "due"
    # Whatever has a broken promise, the longest broken first.
    BREACHED = "breached"
    # Everything that is not over.
    OPEN = "open"


class BulkChange(msgspec.Struct, frozen=True):
    """What is done to many tickets at once; None leaves as it is."""

    team: str | None = None
    # A person's id, or ``nobody``.
    owner: str | None = None
    # ``solved``, ``closed`` or ``open``.
    state: State | None = None
    incident: str | None = None


class BulkResult(msgspec.Struct, frozen=True):
    """What came of it."""

    id: str
    # Numbers of the tickets that were changed.
    done: tuple[int, ...]
    # Number -> why not, as the key of an error.
    refused: dict[int, str]
    # Until when it can be taken back.
    undo_until: datetime


class Undoable(msgspec.Struct, frozen=True):
    """What was done to many and can still be taken back."""

    id: str
    # How many tickets it changed; 0: they were like that already.
    changed: int
    # Until when it can be taken back.
    until: datetime
