"""What may be done with a ticket, at a moment. Pure functions of values."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from chatsvc.kernel.machine import IllegalTransition
from chatsvc.tickets.model import LIFE, Event, State


@dataclass(frozen=True)
class TicketRules:
    """Numbers of the life cycle that an operator may change."""

    reopen_within: timedelta = timedelta(days=7)  # T9
    # Without the customer's answer for so long a ticket closes by itself.
    close_after: timedelta = timedelta(days=30)  # T8
    # After so much silence the customer is reminded of what is needed.
    remind_after: tuple[timedelta, ...] = (timedelta(days=7), timedelta(days=20))
    # So long before it closes by itself the customer is told.
    warn_before: timedelta = timedelta(days=3)
    # For so long what was done to many tickets can be taken back.
    undo_within: timedelta = timedelta(seconds=10)
    # Comments of so much time make one mail.
    tell_after: timedelta = timedelta(seconds=60)


class Reminder(NamedTuple):
    """A mail to a customer of whom something is needed."""

    at: datetime
    # The last one before it closes.
    is_last: bool


def closes_at(asked_at: datetime, rules: TicketRules) -> datetime:
    """When a ticket closes by itself if the customer does not answer what they were asked then (T8)."""
    return asked_at + rules.close_after


def reminders(asked_at: datetime, rules: TicketRules) -> tuple[Reminder, ...]:
    """When the customer is reminded of what they were asked then: in order, the last one shortly before it closes (T8)."""
    last = closes_at(asked_at, rules) - rules.warn_before
    first = [asked_at + wait for wait in rules.remind_after if asked_at + wait < last]
    return (*(Reminder(at, False) for at in first), Reminder(last, True))


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


def may_close(state: State) -> bool:
    """Whether it can be ended without a solution."""
    return LIFE.allows(state, Event.CLOSED)


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
