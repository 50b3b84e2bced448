"""What ``docs/reference/life-cycle.md`` says of states and moments, drawn from the tables that the code uses. It decides nothing."""

from datetime import timedelta
from typing import Final

from chatsvc.tickets.model import LIFE, Event, State
from chatsvc.tickets.policy import TicketRules

_WORDS: Final = {
    Event.ASKED_CUSTOMER: "the customer is asked for something",
    Event.CUSTOMER_REPLIED: "the customer answers",
    Event.SOLVED: "either side marks it as solved",
    Event.CLOSED: "either side closes it",
    Event.REOPENED: "reopened, or the customer's next word, within 7 days",
    Event.SILENCE_ELAPSED: "30 days without an answer",
    Event.MERGED: "it is a duplicate",
}


def diagram() -> str:
    """Return the life of a ticket as a Mermaid diagram, fenced."""
    lines = ["```mermaid", "stateDiagram-v2", f"    [*] --> {State.OPEN}"]
    for state, events in LIFE.table.items():
        lines += [f"    {state} --> {to}: {_WORDS[event]}" for event, to in events.items()]
    return "\n".join([*lines, "```"])


def table() -> str:
    """Return the same as a Markdown table, for those who read rather than look."""
    rows = ["| In | when | it becomes |", "|---|---|---|"]
    rows += [f"| {state} | `{event}` | {to} |" for state, events in LIFE.table.items() for event, to in events.items()]
    return "\n".join(rows)


def moments() -> str:
    """Return the rules' durations as a Markdown table."""
    rules = TicketRules()
    reminders = " and ".join(_days(wait) for wait in rules.remind_after)
    return "\n".join(
        (
            "| What | After |",
            "|---|---|",
            f"| a reminder of what is needed | {reminders} without an answer |",
            f"| the last one | {_days(rules.warn_before)} before it closes |",
            f"| closed by itself | {_days(rules.close_after)} without an answer |",
            f"| reopened at the latest | {_days(rules.reopen_within)} after it was solved or closed, the later |",
            f"| taken back, when many were changed at once | {int(rules.undo_within.total_seconds())} s |",
            f"| comments become a mail | {int(rules.tell_after.total_seconds())} s |",
        )
    )


def _days(duration: timedelta) -> str:
    return f"{duration.days} days"
