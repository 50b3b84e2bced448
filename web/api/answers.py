"""What programs get, where no room has the type already. Each says what its audience may know, and nothing else (threat T32)."""

from datetime import date, datetime

import msgspec

from chatsvc.accounts.model import Identity
from chatsvc.conversations.urgency import Option, Urgency
from chatsvc.conversations.views import Colleague
from chatsvc.kernel.ids import CompanyId, ConversationId, FileId, LogId, PersonId
from chatsvc.routing.accuracy import Figures
from chatsvc.tickets.model import Entry
from chatsvc.tickets.queries import TicketLine


class Me(msgspec.Struct, frozen=True):
    """Who is signed in."""

    person: PersonId
    name: str
    # ``contact``, ``representative``, ``supervisor``, ``administrator``.
    role: str
    # None for staff.
    company: CompanyId | None
    # Code of the language, and IANA name of the zone.
    language: str
    zone: str
    # The store's epoch: numbers of logs belong to it (R4).
    store: str

    @classmethod
    def of(cls, identity: Identity, store: str) -> "Me":
        """Return what a person is told of themselves."""
        return cls(
            identity.person, identity.name, identity.role, identity.company, identity.language, identity.zone, store
        )


class LogPage(msgspec.Struct, frozen=True):
    """Consecutive entries of a log, in order, and how it stands."""

    log: LogId
    # The store's epoch; a client that has numbers of another one begins again from 0 (R4).
    store: str
    # The log's newest number; larger than the last entry's when there is more to ask for.
    head: int
    entries: tuple[Entry, ...]
    # How far each person has seen it.
    seen: dict[PersonId, int]


class Number(msgspec.Struct, frozen=True):
    """Committed, under this number (R1); the same key gives the same number again (R2)."""

    number: int
    at: datetime


class Ended(msgspec.Struct, frozen=True):
    """A conversation was ended."""

    # Until when that can be undone.
    undo_until: datetime


class Extended(msgspec.Struct, frozen=True):
    """There is more time for a wrap-up."""

    # When it completes by itself.
    due_at: datetime


class Accepted(msgspec.Struct, frozen=True):
    """An offer was taken."""

    conversation: ConversationId


class TicketList(msgspec.Struct, frozen=True):
    """Some tickets, newest first."""

    items: tuple[TicketLine, ...]
    # The cursor to go on with; null at the end.
    next: int | None


class ListPage(msgspec.Struct, frozen=True):
    """Some tickets of a list of those who work here, in its order."""

    items: tuple[TicketLine, ...]
    # The cursor to go on with; null at the end.
    next: str | None


class ListCounts(msgspec.Struct, frozen=True):
    """How many tickets each list holds; 1,000 stands for more than 999."""

    mine: int
    my_team: int
    unassigned: int
    due: int
    breached: int
    open: int


class Asked(msgspec.Struct, frozen=True):
    """The customer was asked for something."""

    # When the ticket closes by itself if they do not answer.
    closes_at: datetime


class Follower(msgspec.Struct, frozen=True):
    """A contact of the ticket's company."""

    person: PersonId
    name: str


class Followers(msgspec.Struct, frozen=True):
    """Who follows a ticket, and who could, by name."""

    followers: tuple[Follower, ...]
    candidates: tuple[Follower, ...]


class Uploaded(msgspec.Struct, frozen=True):
    """A file that was taken in; it goes out with the message that names it."""

    id: FileId
    name: str
    # Told from its content.
    media_type: str
    size_bytes: int


class CannedReply(msgspec.Struct, frozen=True):
    """A prepared reply; ``{customer}``, ``{number}`` and ``{representative}`` stand for names."""

    key: str
    title: str
    text: str
    # Lines it is meant for; empty for all.
    lines: tuple[str, ...]


class CoverageAnswer(msgspec.Struct, frozen=True):
    """Whether a customer is served live now, and why."""

    is_open: bool
    # The next closing and the next opening; null when it is the other way round, or none is in sight.
    until: datetime | None
    opens_at: datetime | None
    # Codes of the languages in which people are served.
    languages: tuple[str, ...]
    # Stable keys; ``words`` says them, ``headline`` and ``clock`` sum them up, all in the reader's language.
    reasons: tuple[str, ...]
    headline: str
    clock: str
    words: tuple[str, ...]
    possible: tuple[Option, ...]


class PanelAnswer(msgspec.Struct, frozen=True):
    """What the console shows beside a conversation about urgency and coverage."""

    urgency: Urgency
    coverage: CoverageAnswer


class NamedLine(msgspec.Struct, frozen=True):
    """A line of the catalogue."""

    key: str
    name: str


class Targets(msgspec.Struct, frozen=True):
    """To whom a conversation can be handed over now."""

    colleagues: tuple[Colleague, ...]
    lines: tuple[NamedLine, ...]


class WaitFigures(msgspec.Struct, frozen=True):
    """How what was told of some waits has held."""

    # Customers who were told how long it takes and were served since; of them those whose wait ended within the bound that they were told,
    # and those who waited longer than 1.5 times what they were told as usual, and a minute.
    served: int
    held: int
    shocks: int
    # Customers who were told and left, or were let go, before they were served; of them those who had waited past the bound.
    left: int
    left_late: int
    # Customers who were told and wait still; who were told nothing; who asked for later themselves and are counted nowhere else.
    waiting: int
    untold: int
    put_off: int
    # ``held`` as a part of ``served``, 0 to 1; nine of ten are promised. Null while nobody was served.
    within: float | None
    # How far waits were from what was told as usual, on average; and by how much longer they were, negative when they were shorter. Seconds;
    # null while nobody was served.
    error_s: float | None
    bias_s: float | None
    # ``few``: too few to judge; ``holds``; ``short``: fewer waits than promised end within the bound; ``long``: more do.
    verdict: str

    @classmethod
    def of(cls, found: Figures) -> "WaitFigures":
        """Return figures as programs get them."""
        seconds = [None if each is None else each.total_seconds() for each in (found.error, found.bias)]
        counts = {name: getattr(found.counts, name) for name in cls.__struct_fields__[:8]}
        return cls(**counts, within=found.within, error_s=seconds[0], bias_s=seconds[1], verdict=found.verdict.value)


class WaitDay(msgspec.Struct, frozen=True):
    """The waits that began on one day."""

    # On one's own calendar.
    day: date
    figures: WaitFigures


class WaitsHeld(msgspec.Struct, frozen=True):
    """How what was told of waits has held."""

    together: WaitFigures
    # By the line's key; lines in which nobody stood are missing.
    lines: dict[str, WaitFigures]
    # The newest first.
    days: tuple[WaitDay, ...]
