"""What a conversation is, and the numbers it goes by. Values only."""

from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import Final

import msgspec

from chatsvc.config import Settings
from chatsvc.kernel.machine import Machine
from chatsvc.routing.model import RoutingRules


class State(StrEnum):
    """Where a live phase is."""

    WAITING = "waiting"
    ACTIVE = "active"
    # Somebody pressed End; it can still be undone.
    ENDING = "ending"
    WRAP_UP = "wrap_up"
    CLOSED = "closed"
    # The customer gave up the place.
    LEFT = "left"


class Event(StrEnum):
    """What moves it."""

    ACCEPTED = "accepted"
    # The customer left, or was away for too long.
    GIVEN_UP = "given_up"
    HANDED_OVER = "handed_over"
    # The representative vanished.
    RETURNED = "returned"
    # A call that nobody took, or that was not made: the place waits again.
    NOT_REACHED = "not_reached"
    # A booked slot begins for a ticket whose place was given up.
    CALLED_AGAIN = "called_again"
    ENDED = "ended"
    END_UNDONE = "end_undone"
    UNDO_ELAPSED = "undo_elapsed"
    # By the representative, or by itself when its time is over.
    WRAPPED_UP = "wrapped_up"


LIFE: Final[Machine[State, Event]] = Machine(
    {
        State.WAITING: {Event.ACCEPTED: State.ACTIVE, Event.GIVEN_UP: State.LEFT},
        State.ACTIVE: {
            Event.HANDED_OVER: State.WAITING,
            Event.RETURNED: State.WAITING,
            Event.NOT_REACHED: State.WAITING,
            Event.ENDED: State.ENDING,
        },
        State.ENDING: {Event.END_UNDONE: State.ACTIVE, Event.UNDO_ELAPSED: State.WRAP_UP},
        State.WRAP_UP: {Event.WRAPPED_UP: State.CLOSED},
        State.CLOSED: {},
        State.LEFT: {Event.CALLED_AGAIN: State.WAITING},
    }
)


@dataclass(frozen=True, slots=True)
class ConversationRules:
    """Numbers that an operator may change."""

    routing: RoutingRules = field(default_factory=RoutingRules)
    # How long an end can be taken back.
    undo_for: timedelta = timedelta(seconds=10)
    # Time for the wrap-up; each extension adds as much again.
    wrap_up_for: timedelta = timedelta(seconds=180)
    # However often it is extended: a wrap-up is over so long after the end.
    wrap_up_at_most: timedelta = timedelta(hours=1)
    # How long a rating can be changed after it was first given.
    rating_open_for: timedelta = timedelta(days=1)

    @classmethod
    def of(cls, settings: Settings) -> "ConversationRules":
        """Read the numbers from the settings."""
        return cls(
            RoutingRules.of(settings),
            undo_for=timedelta(seconds=settings.undo_seconds),
            wrap_up_for=timedelta(seconds=settings.wrap_up_seconds),
        )


class WrapUp(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a representative fills in at the end (K4); prefilled, so that any of it may be left as it is."""

    subject: str
    # Keys of the catalogue. None: nobody said.
    reason: str | None
    product: str
    environment: str | None
    # ``P1`` … ``P4``.
    severity: str
    team: str
    # Solved, or left open for the team.
    solved: bool
    # What the customer reads about the severity; a claim that waits is not completed without it. Empty: nothing is said.
    judgement: str = ""
