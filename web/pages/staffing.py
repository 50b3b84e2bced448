"""The staffing plan, for supervisors: who is planned, for which lines, when; and which slots were promised more than it carries."""

import math
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from itertools import groupby
from typing import Any, Final

from starlette.responses import Response

from callback import policy
from callback.capacity import ENOUGH
from callback.model import ShiftId, Slot
from callback.queries import PlannedShift
from chatsvc.kernel.errors import Invalid
from chatsvc.kernel.ids import PersonId
from web import errors
from web.bodies import FormInvalid
from web.i18n import Reader
from web.pages.callback_forms import ShiftAgainForm, ShiftForm, StaffingQuery
from web.pages.callback_shown import day_name, short_day_name, slot_name
from web.pages.entries import name_in, pairs
from web.pages.forms import Nothing
from web.site import Call

_NOTHING_REMOVED: Final = StaffingQuery()


async def show(call: Call, query: StaffingQuery) -> Response:
    """Show the plan of the coming fourteen days."""
    return await _page(call, {}, [], removed=query)


async def plan(call: Call, body: ShiftForm) -> Response:
    """Plan somebody for lines, from one time to another on the planner's own clock."""
    try:
        begins_at = _instant(call, body.day, body.begins, "begins")
        ends_at = _instant(call, body.day, body.ends, "ends")
        if ends_at <= begins_at:
            ends_at = _instant(call, body.day, body.ends, "ends", days=1)
        await call.site.calls.plan(call.identity, PersonId(body.person), body.lines, begins_at, ends_at)
    except Invalid as error:
        typed = {"person": body.person, "day": body.day, "begins": body.begins, "ends": body.ends, "lines": body.lines}
        return await _page(call, typed, errors.of_refusal(error, call.reader))
    return call.go("staffing", news="shift_planned")


async def plan_again(call: Call, error: FormInvalid) -> Response:
    """Show the plan again with what was wrong with the form."""
    return await _page(call, dict(error.typed), errors.of_form(error, call.reader))


async def unplan(call: Call, body: Nothing) -> Response:
    """Take somebody out of the plan; nobody's call is cancelled."""
    shift = await call.site.calls_seen.shift(ShiftId(call.part("shift")))
    await call.site.calls.unplan(call.identity, shift.id)
    taken_out = {"removed": shift.id, "person": shift.person, "lines": " ".join(shift.lines)}
    times = {"begins": shift.begins_at.isoformat(), "ends": shift.ends_at.isoformat()}
    return call.go("staffing", query={**taken_out, **times})


async def restore(call: Call, body: ShiftAgainForm) -> Response:
    """Put a shift that was taken out back into the plan, as it was; twice is once."""
    begins_at, ends_at = _moment(body.begins, "begins"), _moment(body.ends, "ends")
    shift = ShiftId(call.part("shift"))
    await call.site.calls.plan(
        call.identity, PersonId(body.person), body.lines.split(), begins_at, ends_at, shift=shift
    )
    return call.go("staffing", news="shift_planned")


def _moment(text: str, field: str) -> datetime:
    """Return a moment as the page that removed a shift wrote it."""
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except ValueError:
        raise Invalid("shift.time", field=field) from None


def _instant(call: Call, day: str, clock: str, field: str, *, days: int = 0) -> datetime:
    """Return the instant of a time on the planner's wall clock; a time that comes twice is the first of the two."""
    try:
        wall = datetime.combine(date.fromisoformat(day) + timedelta(days=days), time.fromisoformat(clock))
    except ValueError:
        raise Invalid("shift.time", field=field) from None
    try:
        return policy.instant_of(wall, str(call.reader.zone), fold=0)
    except ValueError:
        raise Invalid("slot.gap", field=field) from None


def _taken_out(query: StaffingQuery, shifts: Iterable[PlannedShift], people: Mapping[str, str], call: Call) -> Any:
    """Return what was just taken out of the plan, so that it can be put back; None: nothing, or it is back."""
    if query.removed is None or query.person not in people or any(shift.id == query.removed for shift in shifts):
        return None
    try:
        begins_at, ends_at = _moment(query.begins, "begins"), _moment(query.ends, "ends")
    except Invalid:
        return None
    return {
        "shift": query.removed,
        "form": {"person": query.person, "lines": query.lines, "begins": query.begins, "ends": query.ends},
        "name": people[query.person],
        **_times(begins_at, ends_at, call.reader),
    }


def _times(begins_at: datetime, ends_at: datetime, reader: Reader) -> dict[str, str]:
    """Return a shift's day, its times, and the day on which it ends where that is another, as the reader writes them."""
    first, last = (moment.astimezone(reader.zone).date() for moment in (begins_at, ends_at))
    return {
        "day": day_name(first, reader),
        "time": slot_name(Slot("", begins_at, ends_at, 0), reader),
        "last_day": "" if last == first else short_day_name(last, reader),
    }


async def _page(
    call: Call, typed: dict[str, Any], said: list[dict[str, str]], *, removed: StaffingQuery = _NOTHING_REMOVED
) -> Response:
    reader, lines = call.reader, call.services.catalog.lines
    begins = call.now
    until = begins + timedelta(days=15)
    shifts = await call.site.calls_seen.plan(begins, until)
    over = await call.site.calls.over_promised()
    people = await call.site.calls_seen.plannable()
    return await call.page(
        "console/staffing.html",
        status=422 if said else 200,
        form=typed,
        errors=said,
        people=people,
        lines=pairs(lines, reader),
        days=[
            {"name": day, "shifts": list(of_day)}
            for day, of_day in groupby(
                (
                    {
                        "id": shift.id,
                        "name": shift.name,
                        "line_names": [name_in(lines, line, reader) for line in shift.lines],
                        **_times(shift.begins_at, shift.ends_at, reader),
                    }
                    for shift in shifts
                ),
                key=lambda shift: shift["day"],
            )
        ],
        removed=_taken_out(removed, shifts, dict(people), call),
        handling=[
            {
                "line": name_in(lines, line, reader),
                "minutes": math.ceil(measured.handling.mean + measured.handling.wrap_up),
                "calls": measured.calls,
            }
            for line, measured in (await call.site.calls.handling_times()).items()
        ],
        enough=ENOUGH,
        over=[
            {
                "line": name_in(lines, slot.line, reader),
                "day": day_name(slot.begins_at.astimezone(reader.zone).date(), reader),
                "time": slot_name(slot, reader),
                "taken": slot.taken,
                "capacity": slot.capacity,
            }
            for slot in over
        ],
        today=begins.astimezone(reader.zone).date().isoformat(),
    )
