"""What a place, a desk and an offer are, and the numbers routing goes by. Values only."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from chatsvc.config import Settings
from chatsvc.kernel.ids import OfferId, PersonId, PlaceId, TicketId

# The rank of a place whose request is proposed critical, in the place of a severity.
TRIAGE = "triage"


class PlaceState(StrEnum):
    """Where a place is. All but ``gone`` hold the contact's seat in the line's topic (R11)."""

    WAITING = "waiting"
    OFFERED = "offered"
    TAKEN = "taken"
    GONE = "gone"


class OfferState(StrEnum):
    """What became of an offer. All but ``open`` are final."""

    OPEN = "open"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    # The deadline passed without an answer.
    MISSED = "missed"
    # The customer or the representative vanished, left or went away meanwhile; nobody's fault.
    WITHDRAWN = "withdrawn"


# Who was asked in a round and is not asked again in it: those who refused, those who did not answer, and those who had it and gave it away.
ASKED = (OfferState.ACCEPTED, OfferState.DECLINED, OfferState.MISSED)


class DeskState(StrEnum):
    """What a representative chose; ``paused`` is chosen for them."""

    READY = "ready"
    AWAY = "away"
    # Reason ``missed`` (two offers in a row) or ``gone`` (vanished for longer than the grace).
    PAUSED = "paused"


@dataclass(frozen=True, slots=True)
class RoutingRules:
    """Numbers that an operator may change."""

    # How long an offer waits for its answer.
    offer_for: timedelta = timedelta(seconds=20)
    # How long a representative counts as present without a renewal.
    lease_for: timedelta = timedelta(seconds=15)
    # After the lease: time to come back before the conversations return to the line (R10).
    representative_grace: timedelta = timedelta(seconds=15)
    # A place whose page was not seen for so long is skipped, and keeps its rank.
    unseen_after: timedelta = timedelta(seconds=20)
    # A place whose page was not seen for so long is given up.
    customer_grace: timedelta = timedelta(seconds=120)
    # Offers missed in a row after which a representative is paused.
    missed_at_most: int = 2
    # A call that is next waits so long for somebody to be wholly free; then one representative is kept free of further chats for it.
    drain_after: timedelta = timedelta(seconds=60)
    # How far ahead of later arrivals a severity moves a place (design, idea 6).
    credit: dict[str, timedelta] = field(
        default_factory=lambda: {
            "P1": timedelta(minutes=30),
            "P2": timedelta(minutes=10),
            # Proposed critical: as far as a P2, since nobody has judged it, and asking must not pay more than being right.
            TRIAGE: timedelta(minutes=10),
        }
    )
    # Starts of the line that a wait range looks back on, and how many it takes at least.
    range_looks_back: timedelta = timedelta(hours=4)
    range_needs: int = 10
    # A wait has become longer than was told when its bound has risen by more than this part, and by so much at least (callback.md, section 6).
    longer_by: float = 0.25
    longer_at_least: timedelta = timedelta(minutes=2)
    # So young a word is corrected without a further one unless something has happened: it came from one reading of the floor, which is rough.
    settles_within: timedelta = timedelta(seconds=45)
    # Handled contacts of the line that it takes to play the floor forward instead.
    history_needs: int = 50

    @classmethod
    def of(cls, settings: Settings) -> "RoutingRules":
        """Read the numbers from the settings."""
        return cls(
            offer_for=timedelta(seconds=settings.offer_seconds),
            lease_for=timedelta(seconds=settings.presence_lease_seconds),
            representative_grace=timedelta(seconds=settings.representative_grace_seconds),
            customer_grace=timedelta(seconds=settings.customer_grace_seconds),
        )


@dataclass(frozen=True, slots=True)
class Place:
    """A place that waits, as the matcher sees it."""

    id: PlaceId
    # Admission number: breaks ties between equal ranks.
    seq: int
    line: str
    ticket: TicketId
    # ``chat`` or ``call``.
    waiting_for: str
    # Microseconds; the lowest is next.
    rank: int
    epoch: int
    round: int
    # When the customer's page was last known to be there.
    seen_at: datetime
    # Since when it could have been offered.
    since_at: datetime
    # Only this person may have it; None: whoever serves the line.
    reserved_for: PersonId | None = None


@dataclass(frozen=True, slots=True)
class Seat:
    """A representative who is present and ready, busy or not, as the matcher sees them."""

    person: PersonId
    lines: frozenset[str]
    capacity: int
    # Units offered or in work.
    load: int
    # Since when without work.
    idle_since: datetime


@dataclass(frozen=True, slots=True)
class Pair:
    """A place and the person it is to be offered to."""

    place: Place
    person: PersonId
    # The round this offer belongs to: the place's, or the next when everybody had been asked.
    round: int
    # Units of the person's capacity that it takes.
    units: int
    # Better-ranked places of the line that were passed, and why: ``unseen``, ``asked``, ``reserved``, ``capacity`` (R8).
    passed: dict[PlaceId, str]


@dataclass(frozen=True, slots=True)
class Made:
    """An offer that has been made."""

    offer: OfferId
    place: PlaceId
    ticket: TicketId
    line: str
    person: PersonId
    epoch: int
    deadline_at: datetime
