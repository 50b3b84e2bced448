"""What each side sees of a live phase: whole pictures, sent again when something in them changes.

They are read from SQL by ``queries``, go through the socket and the REST twin alike, and carry no history: that is the log's.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from chatsvc.conversations.outlook import Staffed
from chatsvc.db.columns import from_microseconds
from chatsvc.kernel.ids import CompanyId, ConversationId, LogId, OfferId, PersonId, TicketId
from chatsvc.routing.queries import Stands
from chatsvc.routing.telling import Word


class Waiting(msgspec.Struct, frozen=True):
    """A place in line, as the customer sees it (C2)."""

    # 1 means next.
    position: int
    # Representatives present and ready (busy or not) who serve this line.
    representatives: int
    # About how long from now, and what nine of ten do not pass, in seconds, whole minutes; both None while nothing honest can be said. They
    # run out by themselves, and otherwise change only when they are off by far.
    wait_low_s: int | None
    wait_high_s: int | None
    # True while a representative is looking at the offer.
    offered: bool
    admitted_at: datetime
    # When the customer's hours are over, and whoever still waits is let go (V4); None: they do not end.
    closes_at: datetime | None = None
    # While no representative is there, nor should be by the plan: from when on one is planned; None: that is not known, or one is there.
    served_from: datetime | None = None
    # Why it takes longer than had been told: ``fewer`` representatives are there, more ``urgent`` requests came first, the ``talks`` under way
    # take long, or ``unknown``; and when that was said, by which a further rise is told from this one. None: it does not.
    longer: str | None = None
    longer_at: datetime | None = None


def waiting_at(
    position: int,
    staffed: Staffed,
    told: Word | None,
    at: datetime,
    *,
    offered: bool,
    admitted_at: datetime,
    closes_at: datetime | None,
) -> Waiting:
    """Return the place of somebody at a position, with what is left at a moment of what they were told of their wait."""
    low, high = wait_left(staffed, told, at, offered=offered, closes_at=closes_at) or (None, None)
    longer, longer_at = (told.longer, told.longer_at) if told and high and not offered else (None, None)
    return Waiting(
        position, staffed.serving, low, high, offered, admitted_at, closes_at, staffed.served_from, longer, longer_at
    )


def wait_left(
    staffed: Staffed, told: Word | None, at: datetime, *, offered: bool, closes_at: datetime | None
) -> tuple[int, int] | None:
    """Return what is left of what somebody was told of their wait, in seconds, whole minutes; None: nothing honest can be said.

    Whose place is offered is as good as served.
    """
    if told is None or not staffed.before(closes_at):
        return None
    return (0, 60) if offered else told.shown(at)


class WholeLine(Mapping[TicketId, Waiting]):
    """What everybody in a line sees of it: ticket -> place, first in line first. Each is worked out when it is asked for."""

    def __init__(self, standing: Sequence[Stands], staffed: Staffed, at: datetime) -> None:
        """Make it of those who stand in it, in order, and of who is there for it, as it was at a moment."""
        self._standing = standing
        self._staffed = staffed
        self._at = at
        self._positions = {each[0]: position for position, each in enumerate(standing, 1)}

    def __getitem__(self, ticket: TicketId) -> Waiting:
        """Return somebody's place."""
        position = self._positions[ticket]
        _, offered, admitted_at, closes_at, *words = self._standing[position - 1]
        return waiting_at(
            position,
            self._staffed,
            _told(words),
            self._at,
            offered=bool(offered),
            admitted_at=from_microseconds(admitted_at),
            closes_at=None if closes_at is None else from_microseconds(closes_at),
        )

    def __iter__(self) -> Iterator[TicketId]:
        """Return the tickets in order."""
        return iter(self._positions)

    def __len__(self) -> int:
        """Return how many stand in it."""
        return len(self._positions)


def _told(words: Sequence[Any]) -> Word | None:
    """What was told last, out of the columns of ``Stands``."""
    at, serving, about, by, longer, longer_at = words
    if at is None:
        return None
    since = None if longer_at is None else from_microseconds(longer_at)
    return Word(from_microseconds(at), serving, from_microseconds(about), from_microseconds(by), longer, since)


class Visit(msgspec.Struct, frozen=True):
    """A customer's ticket in its live phase, as the customer sees it."""

    ticket: TicketId
    number: int
    subject: str
    line: str
    # The ticket's state: ``open``, ``awaiting``, ``solved``, ``closed``.
    ticket_state: str
    log: LogId
    conversation: ConversationId
    # ``waiting``, ``active``, ``ending``, ``wrap_up``, ``closed``, ``left``.
    state: str
    # None unless ``state`` is ``waiting``.
    waiting: Waiting | None
    # The representative's name; None while there is none.
    representative: str | None
    # The representative's person id, to tell whose typing and seen marks are theirs.
    representative_id: PersonId | None
    # Whether the representative's device is connected just now; None while there is none.
    representative_there: bool | None
    # While ``ending``: until when it can be undone, and whether it was the customer who ended.
    undo_until: datetime | None
    ended_by_customer: bool | None
    # 1 to 5; None while not rated.
    rating: int | None


class OfferCard(msgspec.Struct, frozen=True):
    """An offer on a representative's desk."""

    id: OfferId
    epoch: int
    deadline_at: datetime
    line: str
    ticket: TicketId
    number: int
    subject: str
    description: str
    severity: str
    customer: str
    company: str
    # When the customer stood in line.
    admitted_at: datetime
    # True when a colleague handed it over, with the note they left; None otherwise.
    handed_over_note: str | None = None
    # ``chat``, or ``call``: whoever accepts it sees the number, and then rings the customer.
    waiting_for: str = "chat"


class DeskConversation(msgspec.Struct, frozen=True):
    """A conversation on a representative's desk."""

    id: ConversationId
    # ``active``, ``ending``, ``wrap_up``.
    state: str
    # To be sent with every append (R9).
    epoch: int
    ticket: TicketId
    number: int
    subject: str
    line: str
    severity: str
    log: LogId
    notes_log: LogId
    # Newest number of the shared log, and how far this representative has seen it.
    head: int
    seen: int
    customer_id: PersonId
    customer: str
    company: str
    # IANA name of the customer's zone, for the second clock.
    customer_zone: str
    customer_language: str
    # Whether the customer's page was there within the last seconds.
    customer_there: bool
    # The customer's last word; None before the first.
    customer_at: datetime | None
    accepted_at: datetime | None
    # While ``ending``: undo until; while ``wrap_up``: when it completes by itself; else None.
    due_at: datetime | None
    ended_by_customer: bool | None
    # When the customer is owed the next word; None while none is, and until the clocks have been looked at.
    word_due_at: datetime | None = None
    # By telephone: ``waits`` before it is dialled, ``on`` from then to the end of the talk; None: a chat.
    call: str | None = None


class LineCount(msgspec.Struct, frozen=True):
    """A line, counted."""

    line: str
    waiting: int
    # Representatives present and ready who serve it.
    representatives: int
    # When the one who waits longest stood in line; None when nobody waits.
    longest_since: datetime | None


class Desk(msgspec.Struct, frozen=True):
    """A representative's whole desk."""

    # ``ready``, ``away``, ``paused``.
    state: str
    # A reason key of the catalogue; None while ready.
    reason: str | None
    capacity: int
    load: int
    lines: tuple[LineCount, ...]
    offers: tuple[OfferCard, ...]
    conversations: tuple[DeskConversation, ...]


class Colleague(msgspec.Struct, frozen=True):
    """A representative to whom a conversation can be handed over now: present, ready, with room."""

    person: PersonId
    name: str
    # Units in work or offered, and how many there may be.
    load: int
    capacity: int
    # Whether they serve the line that was asked about.
    serves_line: bool


class PastTicket(msgspec.Struct, frozen=True):
    """One of the customer's earlier tickets, for the panel beside the conversation."""

    ticket: TicketId
    number: int
    subject: str
    product: str
    severity: str
    state: str
    created_at: datetime


class CustomerContext(msgspec.Struct, frozen=True):
    """Who a representative is talking to."""

    company: CompanyId
    company_name: str
    # ISO 3166 country of the company.
    country: str
    person: PersonId
    name: str
    email: str
    # IANA name and language code of the contact.
    zone: str
    language: str
    # Answers of the impact interview, question code -> answer code, and the description they wrote.
    impact: dict[str, str]
    description: str
    # The company's newest tickets other than this one, newest first, at most 20; the contact's own come with those of colleagues.
    past: tuple[PastTicket, ...]
