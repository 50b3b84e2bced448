"""The calendars of companies, for administrators: the next 400 days, any instant, and changes that are seen before they are made (V4)."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo, available_timezones

from starlette.responses import Response

from chatsvc.accounts.model import Company
from chatsvc.coverage.actions import NewHours
from chatsvc.coverage.difference import AHEAD_DAYS, DayChange, Difference
from chatsvc.coverage.hours_text import read_periods, write_periods
from chatsvc.coverage.model import Calendar, Channel, DayPlan, OwnDay
from chatsvc.coverage.opening import first_instant, hours_of, instants, regions
from chatsvc.coverage.policy import coverage_at
from chatsvc.coverage.queries import Sheet
from chatsvc.kernel.errors import Conflict, Invalid, Refused
from chatsvc.kernel.ids import CompanyId
from chatsvc.tickets.clock_plans import DueDifference
from web import coverage_words as words
from web import errors
from web.bodies import FormInvalid
from web.i18n import Reader, reading
from web.pages.admin import countries
from web.pages.calendar_forms import AskQuery, HoursForm, OwnDayForm, OwnDayRemovedForm
from web.pages.calendar_months import months
from web.pages.plans import dues_of
from web.paths import url
from web.site import Call

WEEKDAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
# Years about which any instant can be asked.
_EARLIEST, _LATEST = 1990, 2090
# Groups of days that a preview shows; more make nobody wiser.
_GROUPS_SHOWN: Final = 60


async def show_all(call: Call) -> Response:
    """Show all companies, and whether they are in business hours now."""
    rows = []
    for company in await call.site.people.companies(call.identity):
        sheet = await call.services.coverage.sheet(call.identity, company.id)
        coverage = coverage_at(call.now, "P3", Channel.CHAT, sheet.calendar)
        with reading(call.reader):
            said = words.words(coverage, sheet.calendar, call.now, own=False)
        rows.append({
            "name": company.name,
            "href": url("calendar", company=company.id),
            "open": coverage.is_open,
            "headline": said.headline,
            "clock": said.clock,
            "changed": sheet.version > 0,
        })  # fmt: skip
    return await call.page("admin/calendars.html", companies=rows)


async def show(call: Call, query: AskQuery) -> Response:
    """Show one company's calendar, and what holds at the instant that is asked about."""
    return await _page(call, ask=query)


async def set_hours(call: Call, body: HoursForm) -> Response:
    """Show what new hours would alter; or, once that was seen, set them."""
    calendars, company = call.services.calendars, CompanyId(call.part("company"))
    try:
        hours = _hours_of(body)
        if body.do == "save":
            await calendars.set_hours(call.identity, company, hours, version=int(body.version))
            return call.go("calendar", news="calendar_changed", company=company)
        alters = await calendars.preview(call.identity, company, hours)
    except (Invalid, Conflict) as error:
        return await _again(call, error)
    return await _preview(call, company, alters, "calendar_hours")


async def set_own_day(call: Call, body: OwnDayForm) -> Response:
    """Show what a day of its own would alter; or, once that was seen, set it."""
    calendars, company = call.services.calendars, CompanyId(call.part("company"))
    try:
        own = OwnDay(_day_of(body.day), read_periods(body.hours, field="hours"), body.name)
        if body.do == "save":
            await calendars.set_own_day(call.identity, company, own, version=int(body.version))
            return call.go("calendar", news="calendar_changed", company=company)
        alters = await calendars.preview_own_day(call.identity, company, own)
    except (Invalid, Conflict) as error:
        return await _again(call, error)
    return await _preview(call, company, alters, "calendar_day")


async def remove_own_day(call: Call, body: OwnDayRemovedForm) -> Response:
    """Let the week and the holidays decide about a day again."""
    company, day = CompanyId(call.part("company")), _day_of(body.day)
    try:
        await call.services.calendars.remove_own_day(call.identity, company, day, version=int(body.version))
    except Conflict as error:
        return await _again(call, error)
    return call.go("calendar", news="calendar_changed", company=company)


async def _preview(call: Call, company: CompanyId, alters: Difference, action: str) -> Response:
    dues = await call.services.plans.preview_calendar(call.identity, company, alters.calendar)
    return await _page(call, typed=_typed(call), alters=(alters, dues), action=action)


async def show_again(call: Call, error: FormInvalid) -> Response:
    """Show the page again with what could not be taken."""
    return await _page(call, typed=error.typed, said=errors.of_form(error, call.reader), status=422)


async def _again(call: Call, error: Refused) -> Response:
    said = errors.of_refusal(error, call.reader)
    return await _page(call, typed=_typed(call), said=said, status=error.status)


def _typed(call: Call) -> dict[str, str]:
    return {name: texts[-1] for name, texts in call.form.texts.items()}


def _hours_of(body: HoursForm) -> NewHours:
    week = tuple(read_periods(getattr(body, day), field=day) for day in WEEKDAYS)
    return NewHours(body.zone, body.country, body.region or None, week, body.always == "yes")


def _day_of(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise Invalid("choose", field="day") from None


async def _page(
    call: Call,
    *,
    ask: AskQuery | None = None,
    typed: Mapping[str, Any] | None = None,
    said: list[dict[str, str]] | None = None,
    alters: tuple[Difference, DueDifference] | None = None,
    action: str = "",
    status: int = 200,
) -> Response:
    company = await call.site.people.company(call.identity, CompanyId(call.part("company")))
    sheet = await call.services.coverage.sheet(call.identity, company.id)
    with reading(call.reader):
        context = page_context(sheet, company, call.now, ask=ask or AskQuery(), typed=dict(typed or {}))
        if alters is not None:
            context["preview"] = preview_of(*alters, sheet.calendar, action, dict(typed or {}), call.reader)
    return await call.page(
        "admin/calendar.html", status=status, errors=said or [], countries=countries(call), **context
    )


def page_context(
    sheet: Sheet, company: Company, now: datetime, *, ask: AskQuery, typed: dict[str, Any]
) -> dict[str, Any]:
    """Return what the template takes of a calendar, in the words of the reader under way."""
    calendar = sheet.calendar
    hours = hours_of(calendar)
    first = now.astimezone(hours.zone).date()
    plans = [hours.plan(first + timedelta(days=number)) for number in range(AHEAD_DAYS)]
    coverage = coverage_at(now, "P3", Channel.CHAT, calendar)
    country = str(typed.get("country") or calendar.country or "")
    return {
        "company": {"id": company.id, "name": company.name},
        "version": sheet.version,
        "now": words.words(coverage, calendar, now, own=False)._asdict() | {"open": coverage.is_open},
        "asked": _asked(ask, calendar, now),
        "months": months(calendar, plans),
        "days": [_row(plan, calendar) for plan in plans],
        "form": _form(calendar) | typed,
        "zones": [
            (zone, zone.replace("_", " ")) for zone in sorted(available_timezones()) if "/" in zone or zone == "UTC"
        ],
        "regions": [(code, code) for code in regions().get(country, ())],
        "holidays_known": calendar.country in regions(),
        "own_days": [
            _row(hours.plan(own.day), calendar) | {"iso": own.day.isoformat()}
            for own in calendar.own_days
            if own.day >= first
        ],
        "changes": [{"by": change.by_name, "at": change.at, "version": change.version} for change in sheet.changes],
        "preview": None,
    }


def _form(calendar: Calendar) -> dict[str, str]:
    place = {"zone": calendar.zone, "country": calendar.country or "", "region": calendar.region or ""}
    week = {day: write_periods(periods) for day, periods in zip(WEEKDAYS, calendar.week, strict=True)}
    return {**place, "always": "yes" if calendar.always else "no", **week, "day": "", "hours": "", "name": ""}


def _row(plan: DayPlan, calendar: Calendar) -> dict[str, Any]:
    return {
        "day": words.day_words(plan.day),
        "hours": words.hours_words(plan.periods),
        "kind": plan.kind.value,
        "name": words.plan_words(plan, calendar),
        "clock": words.clock_change(plan.clock) if plan.clock else "",
    }


# Any instant ----------------------------------------------------------------------------------------------------------------------------


def _asked(ask: AskQuery, calendar: Calendar, now: datetime) -> dict[str, Any]:
    """Return what was asked, and the answer to it: two where the clock shows the time twice; none where it is no time at all."""
    zone = ZoneInfo(calendar.zone)
    wall = now.astimezone(zone).replace(tzinfo=None, second=0, microsecond=0)
    shown = {"day": ask.day or f"{wall:%Y-%m-%d}", "time": ask.time or f"{wall:%H:%M}"}
    wanted = _wall_of(shown["day"], shown["time"])
    how, moments = "unreadable", []
    if wanted is not None:
        moments = instants(wanted, zone) or [first_instant(wanted, zone)]
        how = "skipped" if not instants(wanted, zone) else "twice" if len(moments) > 1 else ""
    answers = [_answer(ask, calendar, moment) for moment in moments]
    return {**shown, "severity": ask.severity, "channel": ask.channel, "how": how, "answers": answers}


def _wall_of(day: str, clock: str) -> datetime | None:
    """Return a day and time as typed; None when that is none, or too far away to be asked about."""
    try:
        wall = datetime.fromisoformat(f"{day}T{clock}")
    except ValueError:
        return None
    return wall if wall.tzinfo is None and _EARLIEST <= wall.year <= _LATEST else None


def _answer(ask: AskQuery, calendar: Calendar, moment: datetime) -> dict[str, Any]:
    severity = "P3" if ask.severity == "proposed" else ask.severity
    coverage = coverage_at(moment, severity, Channel(ask.channel), calendar, proposed=ask.severity == "proposed")
    said = words.words(coverage, calendar, moment)
    return {"open": coverage.is_open, "headline": said.headline, "reasons": said.reasons, "moment": moment}


# What a change would alter --------------------------------------------------------------------------------------------------------------


def preview_of(
    alters: Difference, dues: DueDifference, calendar: Calendar, action: str, typed: dict[str, Any], to: Reader
) -> dict[str, Any]:
    """Return what the template takes of a difference, days that change alike together, in the words of the reader under way."""
    groups: dict[tuple[Any, ...], list[DayChange]] = {}
    for change in alters.days:
        before, after = change.before, change.after
        usual = not (before.name or after.name)
        key = (before.periods, after.periods, before.name, after.name, change.day.weekday() if usual else change.day)
        groups.setdefault(key, []).append(change)
    hour = timedelta(hours=1)
    return {
        "action": action,
        "fields": {name: str(text) for name, text in typed.items() if name != "do"},
        "is_empty": alters.is_empty,
        "zone_changes": alters.zone_changes,
        "open_before": round(alters.open_before / hour),
        "open_after": round(alters.open_after / hour),
        "days": len(alters.days),
        "groups": [_group(group, calendar) for group in list(groups.values())[:_GROUPS_SHOWN]],
        "more": max(len(groups) - _GROUPS_SHOWN, 0),
        "dues": dues_of(dues, to),
    }


def _group(group: list[DayChange], calendar: Calendar) -> dict[str, Any]:
    first = group[0]
    return {
        "day": words.day_words(first.day),
        "count": len(group),
        "before": words.hours_words(first.before.periods),
        "before_name": words.plan_words(first.before, calendar),
        "after": words.hours_words(first.after.periods),
        "after_name": first.after.name,
    }
