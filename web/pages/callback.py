"""Call Support: booking a call, keeping a place by telephone, and what can be done with a call afterwards (C3, C4). Works as plain forms.

The page of a call stands behind a signed link, the same that its mails carry: whoever has it may move and cancel this one call.
"""

from datetime import UTC, date, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from babel.dates import get_timezone_name
from starlette.responses import Response

from callback.model import Day, ReservationId, State
from callback.queries import CallView, our_numbers
from chatsvc.kernel.errors import Conflict, Invalid, NotAllowed, NotFound, Refused, TooMany
from chatsvc.kernel.ids import ConversationId, TicketId
from web import errors
from web.bodies import FormInvalid
from web.i18n import Reader
from web.pages import chat
from web.pages.callback_forms import CallForm, CallHomeQuery, CallPlaceForm, CallQuery, MoveForm, NumberForm
from web.pages.callback_shown import countries, country_name, short_day_name, shown, slot_name, typed_number
from web.pages.entries import name_in
from web.pages.forms import Nothing
from web.site import Call

# What a form says in its own place; everything else is a page of its own.
_SAID: Final = (Invalid, Conflict, TooMany)
# Why a call would not come as soon as it is somebody's turn; a time can be chosen instead.
_NOT_SOON: Final = frozenset({"coverage.closed", "call.night", "call.closes_first"})


# the first page ------------------------------------------------------------------------------------------------------


async def home(call: Call, query: CallHomeQuery) -> Response:
    """Offer the products to be called about, and the numbers under which people reach Support."""
    live = await call.site.calls_seen.live_of(call.identity.person)
    lines = [
        (line.key, name_in(call.services.catalog.lines, line.key, call.reader)) for line in call.services.catalog.lines
    ]
    return await call.page(
        "portal/callback_home.html",
        lines=lines,
        request=query.request,
        live=None if live is None else shown(call, live),
        numbers=[
            (country_name(each.country, call.reader), each.number)
            for each in our_numbers(call.site.settings.numbers_path)
        ],
    )


# booking -------------------------------------------------------------------------------------------------------------


async def show_form(call: Call, query: CallQuery) -> Response:
    """Show the form that books a call, with the slots of the coming fourteen days."""
    return await _form_page(call, {}, [], query)


async def book(call: Call, body: CallForm) -> Response:
    """Book a call; the same form sent twice is one call."""
    line = _line(call)
    slot_at = _instant(body.slot)
    try:
        ticket = await _ticket(call, body.request)
        reservation = await call.site.calls.reserve(
            call.identity,
            line=line,
            number=body.number,
            region=body.country,
            slot_at=slot_at,
            key=body.key,
            any_hour=body.any_hour == "yes",
            subject=body.subject,
            description=body.description,
            ticket=ticket,
        )
    except _SAID as error:
        said = _said(call, error)
        return await _form_page(call, body_of(body), said, CallQuery(day=body.day, request=body.request))
    except NotAllowed as error:
        if error.key not in _NOT_SOON:
            raise
        said = errors.of_refusal(error, call.reader, field="slot")
        return await _form_page(call, body_of(body), said, CallQuery(day=body.day, request=body.request))
    return _to(call, reservation, "call_booked")


async def book_again(call: Call, error: FormInvalid) -> Response:
    """Show the form again with what was wrong with it."""
    query = CallQuery(day=str(error.typed.get("day", "")))
    return await _form_page(call, dict(error.typed), errors.of_form(error, call.reader), query)


def body_of(body: CallForm) -> dict[str, str]:
    """Return a form as it was typed."""
    return {name: str(getattr(body, name)) for name in body.__struct_fields__}


async def _form_page(call: Call, typed: dict[str, Any], said: list[dict[str, str]], query: CallQuery) -> Response:
    line = _line(call)
    reader = call.reader
    days = await call.site.calls.days(call.identity, line)
    chosen = _chosen(days, query.day)
    request = query.request or str(typed.get("request", ""))
    ticket = await _ticket(call, request)
    live = await call.site.calls_seen.live_of(call.identity.person)
    not_soon = await call.site.calls.not_soon(call.identity, line, ticket)
    # Who may be called at any hour has to say so in the same form.
    open_now = not_soon is None or await call.site.calls.not_soon(call.identity, line, ticket, any_hour=True) is None
    return await call.page(
        "portal/callback_form.html",
        status=422 if said else 200,
        product={"key": line, "name": name_in(call.services.catalog.lines, line, reader)},
        form=typed,
        errors=said,
        key=str(typed.get("key") or chat.new_key()),
        countries=await countries(call),
        days=[
            {"on": day.on.isoformat(), "name": short_day_name(day.on, reader), "chosen": day is chosen} for day in days
        ],
        slots=[]
        if chosen is None
        else [(slot.begins_at.isoformat(), slot_name(slot, reader)) for slot in chosen.slots],
        day=chosen.on.isoformat() if chosen else "",
        zone_name=get_timezone_name(reader.zone, locale=reader.locale),
        open_now=open_now,
        not_soon=None if not_soon is None else errors.sentence(not_soon, reader),
        request=request,
        live=None if live is None else call.site.calls.links.make(live.id),
    )


def _chosen(days: tuple[Day, ...], wanted: str) -> Day | None:
    try:
        on = date.fromisoformat(wanted)
    except ValueError:
        return days[0] if days else None
    return next((day for day in days if day.on == on), days[0] if days else None)


async def _ticket(call: Call, request: str) -> TicketId | None:
    """Return the request that a call is about; None for a new one."""
    if not request.isdigit():
        return None
    return (await call.services.tickets.view(call.identity, int(request[:15]))).id


def _instant(text: str) -> datetime | None:
    if not text:
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise Invalid("slot.unknown", field="slot") from None
    if at.tzinfo is None:
        raise Invalid("slot.unknown", field="slot")
    return at.astimezone(UTC)


def _line(call: Call) -> str:
    try:
        return call.services.catalog.line(call.part("product")).key
    except Invalid:
        raise NotFound("line.not_found") from None


def _said(call: Call, error: Refused) -> list[dict[str, str]]:
    field = getattr(error, "field", None) or error.facts.get("field") or ""
    return errors.of_refusal(error, call.reader, field=str(field))


# keeping the place ---------------------------------------------------------------------------------------------------


async def keep_place(call: Call, body: CallPlaceForm) -> Response:
    """Let a place that waits for a chat wait for a call instead; the page may be left."""
    visit = await call.services.queries.visit_in(call.identity, ConversationId(call.part("conversation")))
    try:
        reservation = await call.site.calls.reserve(
            call.identity,
            line=visit.line,
            number=body.number,
            region=body.country,
            slot_at=None,
            key=body.key,
            any_hour=body.any_hour == "yes",
            ticket=visit.ticket,
        )
    except _SAID as error:
        return await chat.room_page(call, visit, _said(call, error))
    except NotAllowed as error:
        if error.key not in _NOT_SOON:
            raise
        return await chat.room_page(call, visit, errors.of_refusal(error, call.reader, field="number"))
    return _to(call, reservation, "call_booked")


async def keep_place_again(call: Call, error: FormInvalid) -> Response:
    """Show the room again with what was wrong with the number."""
    visit = await call.services.queries.visit_in(call.identity, ConversationId(call.part("conversation")))
    return await chat.room_page(call, visit, errors.of_form(error, call.reader))


async def not_needed(call: Call, body: Nothing) -> Response:
    """Do without a call about something else, from the page of a chat: they have reached us."""
    try:
        await call.site.calls.merge(call.identity, _reservation(call))
    except Conflict as error:
        visit = await call.services.queries.visit_in(call.identity, ConversationId(call.part("conversation")))
        return await chat.room_page(call, visit, errors.of_refusal(error, call.reader, field=""))
    return call.go("chat_room", news="call_not_needed", conversation=call.part("conversation"))


# the page of a call --------------------------------------------------------------------------------------------------


async def show(call: Call, query: CallQuery) -> Response:
    """Show a call: when, on which number, at which place, and what can be done with it."""
    return await _call_page(call, [], query)


async def cancel(call: Call, body: Nothing) -> Response:
    """Do without the call."""
    return await _attempt(call, call.site.calls.cancel(None, _reservation(call)), "call_cancelled")


async def again(call: Call, body: Nothing) -> Response:
    """Book a call that was cancelled again, for the same time."""
    try:
        reservation = await call.site.calls.book_again(call.identity, _reservation(call))
    except _SAID as error:
        return await _call_page(call, errors.of_refusal(error, call.reader, field=""), CallQuery())
    return _to(call, reservation, "call_booked")


async def move(call: Call, body: MoveForm) -> Response:
    """Move the call to another slot."""
    return await _attempt(call, _move(call, body), "call_moved", CallQuery(day=body.day))


async def _move(call: Call, body: MoveForm) -> None:
    at = _instant(body.slot)
    if at is None:
        raise Invalid("choose", field="slot")
    await call.site.calls.move(None, _reservation(call), at)


async def snooze(call: Call, body: Nothing) -> Response:
    """Put the call off by a quarter of an hour."""
    return await _attempt(call, call.site.calls.snooze(None, _reservation(call)), "call_snoozed")


async def change_number(call: Call, body: NumberForm) -> Response:
    """Be called on another number."""
    reservation = _reservation(call)
    wish = call.site.calls.other_number(None, reservation, number=body.number, region=body.country)
    return await _attempt(call, wish, "call_number")


async def chat_instead(call: Call, body: Nothing) -> Response:
    """Wait for a chat again, at the same place."""
    view = await call.site.calls_seen.view(_reservation(call), contact=call.identity.person)
    try:
        await call.site.calls.chat_instead(call.identity, view.id)
    except Conflict as error:
        return await _call_page(call, errors.of_refusal(error, call.reader, field=""), CallQuery())
    return call.go("chat_room", conversation=view.conversation)


async def changed_again(call: Call, error: FormInvalid) -> Response:
    """Show the call again with what was wrong with the form."""
    return await _call_page(call, errors.of_form(error, call.reader), CallQuery())


def _reservation(call: Call) -> ReservationId:
    found = call.site.calls.links.read(call.part("token"))
    if found is None:
        raise NotFound("not_found")
    return found


async def _attempt(call: Call, wish: Any, news: str, query: CallQuery | None = None) -> Response:
    try:
        await wish
    except _SAID as error:
        return await _call_page(call, _said(call, error), query or CallQuery())
    return call.go("call", news=news, token=call.part("token"))


def _to(call: Call, reservation: ReservationId, news: str) -> Response:
    return call.go("call", news=news, token=call.site.calls.links.make(reservation))


async def _call_page(call: Call, said: list[dict[str, str]], query: CallQuery) -> Response:
    reservation = _reservation(call)
    view, mine = await _view(call, reservation)
    days: tuple[Day, ...] = ()
    if view.may_move:
        days = await call.site.calls.days_for(reservation)
    chosen = _chosen(days, query.day)
    zone = Reader(call.reader.language, ZoneInfo(view.zone))
    return await call.page(
        "portal/callback_call.html",
        status=422 if said else 200,
        call=shown(call, view),
        errors=said,
        form=typed_number(call),
        token=call.part("token"),
        countries=[
            (code, country_name(code, call.reader)) for code in await call.site.calls_seen.countries_of(reservation)
        ],
        mine=mine,
        days=[
            {"on": day.on.isoformat(), "name": short_day_name(day.on, zone), "chosen": day is chosen} for day in days
        ],
        slots=[] if chosen is None else [(slot.begins_at.isoformat(), slot_name(slot, zone)) for slot in chosen.slots],
        day=chosen.on.isoformat() if chosen else "",
        may_book_again=mine and await _is_free_again(call, view),
    )


async def _is_free_again(call: Call, view: CallView) -> bool:
    """Whether a call was cancelled whose time its contact could have again."""
    if view.state is not State.CANCELLED or view.slot_at is None:
        return False
    if await call.site.calls_seen.live_of(call.identity.person) is not None:
        return False
    days = await call.site.calls.days(call.identity, view.line)
    return any(slot.begins_at == view.slot_at for day in days for slot in day.slots)


async def _view(call: Call, reservation: ReservationId) -> tuple[CallView, bool]:
    """Return a call, and whether it is the reader's own; everybody else came by the link alone."""
    if call.visitor is not None and not call.visitor.is_staff:
        try:
            return await call.site.calls_seen.view(reservation, contact=call.visitor.person), True
        except NotFound:
            pass
    return await call.site.calls_seen.view(reservation), False
