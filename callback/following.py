"""What a reservation learns from its place: the line moves on its own, in other processes, and knows nothing of telephones.

So nothing is told; whoever touches a reservation first lets it catch up with its place. Reading does the same without writing it down.
"""

from collections.abc import Sequence
from enum import StrEnum
from typing import Any, Final

from callback.model import Event, State
from chatsvc.conversations.model import State as Live
from chatsvc.routing.model import PlaceState


class Seen(StrEnum):
    """How a ticket's place and conversation stand, as far as a reservation is concerned."""

    # It has none, or had.
    NOWHERE = "nowhere"
    WAITING = "waiting"
    OFFERED = "offered"
    # A representative has it.
    TAKEN = "taken"
    WRAPPING_UP = "wrapping_up"
    CLOSED = "closed"


_LIVE: Final = {
    Live.ACTIVE: Seen.TAKEN,
    Live.ENDING: Seen.TAKEN,
    Live.WRAP_UP: Seen.WRAPPING_UP,
    Live.CLOSED: Seen.CLOSED,
    Live.LEFT: Seen.NOWHERE,
}

# State -> what is seen -> what must have happened meanwhile. What is missing has changed nothing.
_HAPPENED: Final[dict[State, dict[Seen, tuple[Event, ...]]]] = {
    State.DUE: {
        Seen.OFFERED: (Event.OFFERED,),
        Seen.TAKEN: (Event.OFFERED, Event.ACCEPTED),
        Seen.NOWHERE: (Event.ELAPSED,),
    },
    State.OFFERED: {
        Seen.WAITING: (Event.OFFER_ENDED,),
        Seen.TAKEN: (Event.ACCEPTED,),
        Seen.NOWHERE: (Event.OFFER_ENDED, Event.ELAPSED),
    },
    State.PREVIEW: {
        Seen.WAITING: (Event.RELEASED,),
        Seen.OFFERED: (Event.RELEASED, Event.OFFERED),
        Seen.NOWHERE: (Event.RELEASED, Event.ELAPSED),
    },
    State.UNCLEAR: {
        Seen.WAITING: (Event.RELEASED,),
        Seen.OFFERED: (Event.RELEASED, Event.OFFERED),
        Seen.NOWHERE: (Event.RELEASED, Event.ELAPSED),
    },
    State.RETRY_WAIT: {Seen.NOWHERE: (Event.ELAPSED,)},
    State.NEEDS_NUMBER: {Seen.NOWHERE: (Event.ELAPSED,)},
    State.ASKED: {Seen.NOWHERE: (Event.ELAPSED,)},
    State.WRAP_UP: {Seen.CLOSED: (Event.WRAPPED_UP,)},
}
# States that follow a place; the others have none, or none that could move without them.
FOLLOWING: Final = tuple(_HAPPENED)


def seen(conversation: Any | None, place: Any | None) -> Seen:
    """Return how the rows of a ticket's conversation and place stand."""
    if conversation is None or place is None:
        return Seen.NOWHERE
    state = Live(conversation.state)
    if state is Live.WAITING:
        return Seen.OFFERED if place.state == PlaceState.OFFERED else Seen.WAITING
    return _LIVE[state]


def happened(state: State, stands: Seen) -> Sequence[Event]:
    """Return the events that must have happened for a reservation in this state whose place stands like that; none: nothing."""
    return _HAPPENED.get(state, {}).get(stands, ())
