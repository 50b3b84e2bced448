"""Life cycles as data: state -> event -> next state. The diagrams in the documents are drawn from the same tables."""

from collections.abc import Mapping
from enum import Enum
from typing import Generic, TypeVar

from chatsvc.kernel.errors import Conflict

S = TypeVar("S", bound=Enum)
E = TypeVar("E", bound=Enum)


class IllegalTransition(Conflict):
    """The table has no such event in this state; nothing has changed."""


class Machine(Generic[S, E]):
    """A life cycle."""

    def __init__(self, table: Mapping[S, Mapping[E, S]]) -> None:
        self.table = table

    def next(self, state: S, event: E) -> S:
        """Return the state after the event.

        Raises:
            IllegalTransition: the event means nothing in this state.
        """
        try:
            return self.table[state][event]
        except KeyError:
            raise IllegalTransition("transition.illegal", state=state.value, event=event.value) from None

    def allows(self, state: S, event: E) -> bool:
        """Whether the event means something in this state."""
        return event in self.table.get(state, {})

    def sources(self, event: E) -> tuple[S, ...]:
        """Return the states in which the event means something, in the order of the table."""
        return tuple(state for state, events in self.table.items() if event in events)
