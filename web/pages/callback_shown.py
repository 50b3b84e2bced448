"""Calls as templates show them, for every page that mentions one: in words, and in the customer's own time."""

from collections.abc import Sequence
from datetime import date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_skeleton, format_time, get_timezone_name

from callback import policy
from callback.model import Slot, State
from callback.queries import CallView
from chatsvc.conversations.views import Visit
from chatsvc.kernel.ids import new_id
from web import errors
from web.i18n import Reader
from web.pages.entries import name_in
from web.site import Call
from web.texts import CALL_STATES


def shown(call: Call, view: CallView) -> dict[str, Any]:
    """Return a call for the templates, in its own zone."""
    reader = Reader(call.reader.language, ZoneInfo(view.zone))
    slot = None
    if view.slot_at is not None and view.slot_ends_at is not None:
        slot = {
            "day": day_name(view.slot_at.astimezone(reader.zone).date(), reader),
            "time": slot_name(Slot(view.line, view.slot_at, view.slot_ends_at, 1), reader),
        }
    later = None
    if view.not_before_at is not None and view.state is State.RETRY_WAIT:
        [time_name] = _clock_names([view.not_before_at], reader)
        later = {"day": day_name(view.not_before_at.astimezone(reader.zone).date(), reader), "time": time_name}
    return {
        **view._asdict(),
        "state": view.state.value,
        "state_name": call.reader.texts.gettext(CALL_STATES[view.state.value]),
        "line_name": name_in(call.services.catalog.lines, view.line, call.reader),
        "country": country_name(view.region, call.reader),
        "slot": slot,
        "later": later,
        "zone_name": get_timezone_name(reader.zone, locale=reader.locale),
        "href": call.site.calls.links.make(view.id),
    }


def day_name(on: date, reader: Reader) -> str:
    """Return a day as people write it."""
    return str(format_date(on, "full", locale=reader.locale))


def short_day_name(on: date, reader: Reader) -> str:
    """Return a day of the coming weeks as short as people write it, with its weekday."""
    return str(format_skeleton("MMMEd", datetime.combine(on, time()), locale=reader.locale))


def slot_name(slot: Slot, reader: Reader) -> str:
    """Return a slot as people read it off their own clock; where a time comes twice that day, each with the name of the clock."""
    return " – ".join(_clock_names((slot.begins_at, slot.ends_at), reader))


def _clock_names(moments: Sequence[datetime], reader: Reader) -> list[str]:
    there = [moment.astimezone(reader.zone) for moment in moments]
    is_unclear = any(policy.comes_twice(moment, str(reader.zone)) for moment in there)
    return [format_time(moment, "short", locale=reader.locale) + is_unclear * f" {moment:%Z}" for moment in there]


async def offer_of(call: Call, visit: Visit) -> dict[str, Any] | None:
    """Return what the page of a visit says about being called: how it is kept, or that a call about something else is booked; None: nothing."""
    live = await call.site.calls_seen.live_of(call.identity.person)
    if live is not None and live.ticket != visit.ticket:
        return {"live": shown(call, live), "is_this": False}
    if visit.waiting is None:
        return None
    if live is not None:
        return {"live": shown(call, live), "is_this": True}
    not_soon = await call.site.calls.not_soon(call.identity, visit.line, visit.ticket)
    at_any_hour = await call.site.calls.not_soon(call.identity, visit.line, visit.ticket, any_hour=True)
    return {
        "live": None,
        "is_this": False,
        "countries": await countries(call),
        "form": typed_number(call),
        "key": new_id("fm"),
        "not_soon": None if not_soon is None else errors.sentence(not_soon, call.reader),
        "any_hour": not_soon is not None and at_any_hour is None,
        "line": visit.line,
        "number": visit.number,
    }


def typed_number(call: Call) -> dict[str, str]:
    """Return what was typed into the fields of a number, so that a form that is shown again has it; nothing at first."""
    return {
        name: texts[-1]
        for name, texts in call.form.texts.items()
        if name in ("number", "country", "any_hour") and texts
    }


async def countries(call: Call) -> list[tuple[str, str]]:
    """Return the countries in which this contact may be called, as choices, their company's own first."""
    codes = await call.site.calls_seen.regions_for(call.identity)
    return [(code, country_name(code, call.reader)) for code in codes]


def country_name(code: str, reader: Reader) -> str:
    """Return what the reader calls a country."""
    return str(reader.locale.territories.get(code, code))
