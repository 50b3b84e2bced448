"""The staffing plan, for supervisors: who is planned, for which lines, when; and which slots were promised more than it carries."""

from datetime import date, datetime, time, timedelta
from typing import Any

from starlette.responses import Response

from callback import policy
from callback.model import ShiftId
from chatsvc.kernel.errors import Invalid
from chatsvc.kernel.ids import PersonId
from web import errors
from web.bodies import FormInvalid
from web.pages.callback_forms import ShiftForm
from web.pages.callback_shown import day_name, slot_name
from web.pages.entries import name_in, pairs
from web.pages.forms import Nothing
from web.site import Call


async def show(call: Call) -> Response:
    """Show the plan of the coming fourteen days."""
    return await _page(call, {}, [])


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
    await call.site.calls.unplan(call.identity, ShiftId(call.part("shift")))
    return call.go("staffing", news="shift_removed")


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


async def _page(call: Call, typed: dict[str, Any], said: list[dict[str, str]]) -> Response:
    reader, lines = call.reader, call.services.catalog.lines
    begins = call.now
    until = begins + timedelta(days=15)
    shifts = await call.site.calls_seen.plan(begins, until)
    over = await call.site.calls.over_promised()
    return await call.page(
        "console/staffing.html",
        status=422 if said else 200,
        form=typed,
        errors=said,
        people=await call.site.calls_seen.plannable(),
        lines=pairs(lines, reader),
        shifts=[
            {**shift._asdict(), "line_names": [name_in(lines, line, reader) for line in shift.lines]}
            for shift in shifts
        ],
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
