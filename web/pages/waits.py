"""Whether what customers are told of their waits holds, for supervisors: by line, and day by day (callback.md, section 6)."""

from datetime import date
from typing import Any, Final

from babel.dates import format_skeleton
from starlette.responses import Response

from chatsvc.routing.accuracy import Accuracy, Figures
from web.i18n import Reader, number, percent, reading
from web.pages.entries import pairs
from web.pages.forms import WaitsQuery
from web.site import Call

PERIODS: Final = (7, 28, 90)


async def show(call: Call, query: WaitsQuery) -> Response:
    """Show how told waits have held in the days up to today, on the reader's own clock."""
    days = int(query.days)
    held = await call.services.queries.accuracy(days, call.reader.zone)
    lines = pairs(call.services.catalog.lines, call.reader)
    return await call.page("console/waits.html", **page_context(held, lines, days, call.reader))


def page_context(held: Accuracy, lines: list[tuple[str, str]], days: int, to: Reader) -> dict[str, Any]:
    """Return what the template takes, in the words of a reader; ``lines``: key and name of those of the catalogue, in its order."""
    with reading(to):
        known = dict(lines)
        order = [line for line, _ in lines if line in held.lines] + [line for line in held.lines if line not in known]
        return {
            "days": days,
            "periods": PERIODS,
            "together": _shown(held.together),
            "lines": [{"name": known.get(line, line), **_shown(held.lines[line])} for line in order],
            "by_day": [{"day": _day(day, to), **_shown(found)} for day, found in held.days if any(found.counts)],
        }


def _day(day: date, to: Reader) -> str:
    return str(format_skeleton("MMMEd", day, locale=to.locale))


def _shown(found: Figures) -> dict[str, Any]:
    """Return figures as they are read; None where there is nothing to say."""
    return {
        **found.counts._asdict(),
        "verdict": found.verdict.value,
        "within": None if found.within is None else percent(found.within),
        # Of a hundred, for the length of a bar.
        "bar": None if found.within is None else round(found.within * 100, 1),
        "error": None if found.error is None else number(round(found.error.total_seconds() / 60, 1)),
        "bias": None if found.bias is None else number(round(abs(found.bias.total_seconds()) / 60, 1)),
        "is_longer": found.bias is not None and found.bias.total_seconds() > 0,
    }
