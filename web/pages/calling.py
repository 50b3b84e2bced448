"""Calls on a representative's desk: the preview before the dial, the buttons while it runs, and the list of what is booked.

Works as plain forms. Nothing here decides: who may dial, and when, is asked of the room of the telephone at the moment of pressing.
"""

from hashlib import sha256
from typing import Any, Final
from zoneinfo import ZoneInfo

import msgspec
from babel.dates import format_time, get_timezone_name
from starlette.responses import Response

from callback.dialling import MANUAL, SAYABLE
from callback.model import State
from callback.policy import after
from callback.queries import CallCard
from callback.telephony.port import Outcome
from chatsvc.accounts.model import PersonRole
from chatsvc.kernel.errors import Conflict
from chatsvc.kernel.ids import ConversationId
from web import errors
from web.i18n import Reader
from web.pages.callback_forms import OutcomeForm
from web.pages.entries import name_in
from web.pages.forms import Nothing
from web.site import Call
from web.texts import CALL_CONSEQUENCES, CALL_OUTCOMES, CALL_STATES

_RUNS: Final = (State.DIALING, State.TALKING)
# Tickets of the company that are shown beside a call.
_PAST: Final = 5


async def calls(call: Call) -> Response:
    """List the calls that are booked or due, one's own first."""
    rows = [
        {
            **row._asdict(),
            "state_name": call.reader.texts.gettext(CALL_STATES[row.state.value]),
            "line_name": name_in(call.services.catalog.lines, row.line, call.reader),
            "last_name": "" if row.last is None else call.reader.texts.gettext(CALL_OUTCOMES[row.last.value]),
            "mine": row.rep == call.identity.person,
        }
        for row in await call.site.calls_seen.booked(call.identity)
    ]
    is_supervisor = call.identity.role is PersonRole.SUPERVISOR
    is_over = is_supervisor and bool(await call.site.calls.over_promised())
    return await call.page("console/calls.html", rows=rows, is_over=is_over, state=_state_of(rows, is_over))


def _state_of(rows: list[dict[str, Any]], is_over: bool) -> str:
    """Return what is another one as soon as the list says something else."""
    return sha256(msgspec.json.encode((rows, is_over))).hexdigest()[:16]


async def card(call: Call) -> Response:
    """Show a call before, while and after it is dialled."""
    return await _card_page(call, [])


async def dial(call: Call, body: Nothing) -> Response:
    """Dial, or say why not now."""
    try:
        begun = await call.site.calls.dial(call.identity, _id(call))
    except Conflict as error:
        return await _card_page(call, errors.of_refusal(error, call.reader))
    if begun.refusal is not None:
        return call.go("calls", news=begun.refusal.replace(".", "_"))
    return _back(call)


async def connected(call: Call, body: Nothing) -> Response:
    """Say that the customer has picked up."""
    return await _attempt(call, call.site.calls.connected(call.identity, _id(call)))


async def outcome(call: Call, body: OutcomeForm) -> Response:
    """Say how it went; after a talk the ticket is completed on the console."""
    try:
        await call.site.calls.report(call.identity, _id(call), Outcome(body.outcome))
    except Conflict as error:
        return await _card_page(call, errors.of_refusal(error, call.reader))
    if body.outcome == "answered":
        return call.go("console")
    return call.go("calls", news="call_noted")


async def release(call: Call, body: Nothing) -> Response:
    """Leave the call to somebody else."""
    try:
        await call.site.calls.release(call.identity, _id(call))
    except Conflict as error:
        return await _card_page(call, errors.of_refusal(error, call.reader))
    return call.go("calls", news="call_released")


async def hang_up(call: Call, body: Nothing) -> Response:
    """End a call through the telephone system."""
    return await _attempt(call, call.site.calls.hang_up(call.identity, _id(call)))


async def _attempt(call: Call, wish: Any) -> Response:
    try:
        await wish
    except Conflict as error:
        return await _card_page(call, errors.of_refusal(error, call.reader))
    return _back(call)


def _id(call: Call) -> ConversationId:
    return ConversationId(call.part("conversation"))


def _back(call: Call) -> Response:
    return call.go("call_card", conversation=call.part("conversation"))


async def _card_page(call: Call, said: list[dict[str, str]]) -> Response:
    seen = await call.site.calls_seen.card(call.identity, _id(call))
    about = await call.services.queries.customer_context(call.identity, seen.ticket)
    texts = call.reader.texts
    theirs = Reader(call.reader.language, ZoneInfo(seen.zone))
    return await call.page(
        "console/call_card.html",
        status=422 if said else 200,
        errors=said,
        call=seen,
        state=seen.state.value,
        state_name=texts.gettext(CALL_STATES[seen.state.value]),
        line_name=name_in(call.services.catalog.lines, seen.line, call.reader),
        country=theirs.locale.territories.get(seen.telephone.region, seen.telephone.region),
        their_time=format_time(call.now.astimezone(theirs.zone), "short", locale=call.reader.locale),
        their_zone=get_timezone_name(theirs.zone, locale=call.reader.locale),
        runs=seen.state in _RUNS,
        by_hand=seen.adapter in (None, MANUAL),
        resting=seen.rest_until is not None and seen.rest_until > call.now,
        outcomes=[
            (each.value, texts.gettext(CALL_OUTCOMES[each.value]), _consequence(call, seen, each)) for each in SAYABLE
        ],
        past=[msgspec.structs.asdict(ticket) for ticket in about.past[:_PAST]],
        earlier=[
            {"at": each.at, "outcome": texts.gettext(CALL_OUTCOMES[each.outcome]), "talk_s": each.talk_s}
            for each in seen.earlier
            if each.outcome is not None
        ],
    )


def _consequence(call: Call, seen: CallCard, outcome: Outcome) -> str:
    """Return what an outcome leads to, where that cannot be taken back; empty where it can."""
    before = [Outcome(each.outcome) for each in seen.earlier if each.outcome is not None]
    if seen.state is State.UNCLEAR:
        # It comes to stand in the place of the last one.
        before = before[:-1]
    event = after(outcome, before, call.site.calls.rules).event
    return call.reader.texts.gettext(CALL_CONSEQUENCES[event.value]) if event.value in CALL_CONSEQUENCES else ""
