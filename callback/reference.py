"""What ``docs/reference/callback.md`` says of states and outcomes, drawn from the tables that the code uses. It decides nothing."""

from callback.model import LIVE, State, diagram
from callback.policy import RULES


def states() -> str:
    """Return the life of a reservation as a Mermaid diagram, fenced."""
    return f"```mermaid\n{diagram()}\n```"


def outcomes() -> str:
    """Return what follows each outcome of an attempt, as a Markdown table."""
    rows = ["| Outcome | Counted | Next | Waits (minutes) | Staff are told |", "|---|---|---|---|---|"]
    for outcome, rule in RULES.items():
        waits = ", ".join(str(int(wait.total_seconds() // 60)) for wait in rule.waits)
        facts = (outcome.value, "yes" if rule.counted else "no", rule.event.value, waits, "yes" if rule.alarm else "")
        rows.append("| " + " | ".join(f"`{fact}`" if n in (0, 2) else fact for n, fact in enumerate(facts)) + " |")
    return "\n".join(rows)


def live_states() -> str:
    """Return which states hold the contact and the number, as a sentence's list."""
    return ", ".join(f"`{State(state).value}`" for state in LIVE)
