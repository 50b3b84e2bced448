"""A calendar's coming months as drawings: a column for each day, an hour every few units, as the wall clock shows it.

Shapes say what colours say: holidays are hatched, own days framed, clock changes have a mark above their column; the names of all of them
stand below the drawing, and the page has the same days as a table.
"""

from collections.abc import Iterable, Sequence
from datetime import date
from itertools import groupby
from typing import Any, Final

from babel.dates import format_skeleton

from chatsvc.coverage.model import MINUTES_A_DAY, Calendar, DayPlan
from web import coverage_words as words
from web.i18n import number, reader

# Units of the drawing.
DAY: Final = 12
BAR: Final = 10
TOP: Final = 8
HEIGHT: Final = 96
FOOT: Final = 14


def months(calendar: Calendar, plans: Sequence[DayPlan]) -> list[dict[str, Any]]:
    """Return the months that days lie in, in the words of the reader under way; days in order, without gaps."""
    by_day = {plan.day: plan for plan in plans}
    grouped = groupby(plans, key=lambda plan: (plan.day.year, plan.day.month))
    return [_month(calendar, list(group), by_day, today=plans[0].day) for _, group in grouped]


def _month(calendar: Calendar, plans: list[DayPlan], by_day: dict[date, DayPlan], *, today: date) -> dict[str, Any]:
    first = plans[0].day
    minutes = sum(_minutes(plan) for plan in plans)
    return {
        "label": str(format_skeleton("yMMMM", first, locale=reader().locale)),
        "hours": number(round(minutes / 60)),
        "open_days": sum(bool(plan.periods) for plan in plans),
        "open": _bars(plans, by_day),
        "rest": _columns(plan for plan in plans if plan.kind.value == "week" and not plan.periods),
        "hatched": _hatched(plan for plan in plans if plan.kind.value == "holiday"),
        "framed": _columns(plan for plan in plans if plan.kind.value == "own"),
        "changes": _triangles(plan for plan in plans if plan.clock),
        "today": DAY * (today.day - 1) if today == first else None,
        "numbers": [{"x": DAY * (plan.day.day - 1) + BAR / 2, "text": number(plan.day.day)} for plan in plans if plan.day.day % 7 == 1],
        "marks": [mark for plan in plans for mark in _marks(plan, calendar)],
    }  # fmt: skip


def _minutes(plan: DayPlan) -> int:
    return sum(period.closes - period.opens for period in plan.periods)


def _marks(plan: DayPlan, calendar: Calendar) -> Iterable[dict[str, Any]]:
    name = words.plan_words(plan, calendar)
    kind = plan.kind.value
    if kind != "week":
        yield {"day": number(plan.day.day), "kind": kind, "text": name, "hours": words.hours_words(plan.periods)}
    if plan.clock:
        yield {"day": number(plan.day.day), "kind": "clock", "text": words.clock_change(plan.clock), "hours": ""}


def _x(plan: DayPlan) -> int:
    return DAY * (plan.day.day - 1)


def _bars(plans: list[DayPlan], by_day: dict[date, DayPlan]) -> str:
    """Every open stretch as it stands on the wall; what runs over midnight goes on at the top of the next column."""
    parts = []
    for plan in plans:
        before = by_day.get(date.fromordinal(plan.day.toordinal() - 1))
        over = [
            (0, each.closes - MINUTES_A_DAY)
            for each in (before.periods if before else ())
            if each.closes > MINUTES_A_DAY
        ]
        own = [(each.opens, min(each.closes, MINUTES_A_DAY)) for each in plan.periods]
        parts += [_box(_x(plan), opens, closes) for opens, closes in over + own]
    return "".join(parts)


def _box(x: int, opens: int, closes: int) -> str:
    top, height = (TOP + HEIGHT * opens / MINUTES_A_DAY, HEIGHT * (closes - opens) / MINUTES_A_DAY)
    return f"M{x} {top:g}h{BAR}v{height:g}h-{BAR}z"


def _columns(plans: Iterable[DayPlan]) -> str:
    return "".join(_box(_x(plan), 0, MINUTES_A_DAY) for plan in plans)


def _hatched(plans: Iterable[DayPlan]) -> str:
    return "".join(
        f"M{_x(plan)} {TOP + y}l{BAR} -{BAR}" for plan in plans for y in range(BAR, HEIGHT + 1, BAR // 2 + 1)
    )


def _triangles(plans: Iterable[DayPlan]) -> str:
    return "".join(f"M{_x(plan)} 0h{BAR}l-{BAR // 2} {TOP - 2}z" for plan in plans)
