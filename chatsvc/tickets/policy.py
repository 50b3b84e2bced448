"""What may be done with a ticket, at a moment. Pure functions of values."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from chatsvc.kernel.machine import IllegalTransition
from chatsvc.tickets.model import LIFE, Event, State


@dataclass(frozen=True)
class TicketRules:
    """Numbers of the life cycle that an operator may change."""

    reopen_within: timedelta = timedelta(days=7)  # T9


def reopen_until(ended_at: datetime | None, rules: TicketRules) -> datetime | None:
    """Until when a ticket that ended then can be reopened; None while it has not ended (T9)."""
    return None if ended_at is None else ended_at + rules.reopen_within


def may_reopen(state: State, ended_at: datetime | None, at: datetime, rules: TicketRules) -> bool:
    """Whether the ticket can still be reopened at that moment; later only a follow-up is possible (T9)."""
    until = reopen_until(ended_at, rules)
    return LIFE.allows(state, Event.REOPENED) and until is not None and at <= until


def may_comment(state: State, ended_at: datetime | None, at: datetime, rules: TicketRules) -> bool:
    """Whether either side may still write: while open or awaiting, and while it could be reopened (T9, T10)."""
    if state is State.CLOSED:
        return False
    until = reopen_until(ended_at, rules)
    return until is None or at <= until


def may_solve(state: State) -> bool:
    """Whether the customer can mark it as solved (T10)."""
    return LIFE.allows(state, Event.SOLVED)


def event_between(state: State, to: State) -> Event | None:
    """The event that leads from one state straight to another; None when they are the same.

    Raises:
        IllegalTransition: none does.
    """
    if state is to:
        return None
    for event, following in LIFE.table[state].items():
        if following is to:
            return event
    raise IllegalTransition("transition.illegal", state=state.value, to=to.value)
