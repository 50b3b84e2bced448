"""The lists of those who work here: mine, my team's, nobody's, due next, broken promises; and what is done to many tickets at once (T1, V1).

What was done to many can be taken back for ten seconds; the page says so, with a button, as soon as it is done.
"""

import math
from typing import Any, Final

from msgspec.structs import asdict, replace
from starlette.responses import Response

from chatsvc.catalog.model import pick
from chatsvc.kernel.errors import Invalid, NotAllowed, NotFound
from chatsvc.tickets.model import BulkChange, Filters, State, View
from chatsvc.tickets.queries import TicketLine
from chatsvc.tickets.views import MOST_COUNTED
from web import errors
from web.bodies import Form, FormInvalid, query_of, typed_in
from web.pages.entries import name_in, pairs
from web.pages.forms import BulkForm, TicketsQuery, UndoForm
from web.paths import url
from web.site import Call
from web.texts import SEVERITIES, VIEWS

_NARROWING: Final = ("text", "product", "severity", "team")


async def show(call: Call, query: TicketsQuery) -> Response:
    """Show a list."""
    return await _page(call, query)


async def change(call: Call, query: TicketsQuery, body: BulkForm) -> Response:
    """Do something to many tickets at once, and show the same part of the same list again."""
    if not body.tickets:
        return await _page(call, query, [{"field": "tickets", "text": call.say("bulk.none")}])
    try:
        result = await call.services.tickets.bulk(
            call.identity, [int(number) for number in body.tickets], _change_of(call, body)
        )
    except Invalid as error:
        return await _page(call, query, errors.of_refusal(error, call.reader, field="change"))
    changed = replace(query, undo=result.id if result.done else None)
    said = [
        {"field": "", "text": call.say("bulk.refused", number=number, reason=_why(call, key))}
        for number, key in result.refused.items()
    ]
    return await _page(call, changed, said, status=200) if said else call.go_to(_address(changed))


async def change_again(call: Call, error: FormInvalid) -> Response:
    """Show the list again with what was wrong."""
    return await _page(call, query_of(call.request, TicketsQuery, by_form=True), errors.of_form(error, call.reader))


async def undo(call: Call, query: TicketsQuery, body: UndoForm) -> Response:
    """Take back what was done to many, and show the same part of the same list again."""
    try:
        is_whole = await call.services.tickets.undo(call.identity, body.bulk)
    except (NotAllowed, NotFound):
        return call.go_to(_address(query), news="bulk_too_late")
    return call.go_to(_address(query), news="bulk_undone" if is_whole else "bulk_undone_in_part")


def _change_of(call: Call, body: BulkForm) -> BulkChange:
    match body.change:
        case "take":
            return BulkChange(owner=call.identity.person)
        case "nobody":
            return BulkChange(owner="nobody")
        case "team":
            return BulkChange(team=pick(call.services.catalog.teams, body.team or "", field="team").key)
        case "incident":
            return BulkChange(incident=body.incident.strip())
        case "solved" | "closed" as state:
            return BulkChange(state=State(state))


def _why(call: Call, key: str) -> str:
    [said] = errors.of_refusal(Invalid(key), call.reader)
    return errors.within(said["text"])


async def _page(
    call: Call,
    query: TicketsQuery,
    said: list[dict[str, str]] | None = None,
    *,
    status: int = 422,
) -> Response:
    tickets, catalog, reader = call.services.tickets, call.services.catalog, call.reader
    page = await tickets.listed(call.identity, View(query.view), after=query.after, filters=_filters(query))
    if query.after and not page.tickets:
        # What stood here has gone elsewhere, by what was done to it: there is more in front of it.
        query = replace(query, after=None)
        page = await tickets.listed(call.identity, View(query.view), filters=_filters(query))
    counts = await tickets.view_counts(call.identity)
    # What was chosen for a change that could not be made is chosen still.
    chosen = call.form if said and status != 200 else Form({}, ())
    here, first = replace(query, undo=None), replace(query, undo=None, after=None)
    return await call.page(
        "console/tickets.html",
        status=status if said else 200,
        tickets=[_row(call, ticket) for ticket in page.tickets],
        view=query.view,
        views=[
            {
                "href": _address(replace(first, view=view.value)),
                "label": reader.texts.gettext(VIEWS[view]),
                "count": min(counts[view], MOST_COUNTED),
                "more": counts[view] > MOST_COUNTED,
                "current": view.value == query.view,
            }
            for view in View
        ],
        first_page=_address(first) if query.after else None,
        next_page=_address(replace(here, after=page.next)) if page.next else None,
        everything=_address(TicketsQuery(view=query.view))
        if any(getattr(query, name) for name in _NARROWING)
        else None,
        products=pairs(catalog.lines, reader),
        teams=pairs(catalog.teams, reader),
        severities=[(code, reader.texts.gettext(name)) for code, name in SEVERITIES.items()],
        form={"text": query.text, "product": query.product, "severity": query.severity, "team": query.team},
        bulk={
            "href": _address(here, "staff_bulk"),
            "typed": typed_in(chosen),
            "tickets": chosen.texts.get("tickets", ()),
        },
        undo=await _undo(call, query),
        teamless=View(query.view) is View.MY_TEAM and call.identity.person not in await tickets.teams_of_staff(),
        errors=said or [],
    )


async def _undo(call: Call, query: TicketsQuery) -> dict[str, Any] | None:
    """What was done to many just now: how many, and how it is taken back; None when that is not possible any more."""
    found = await call.services.tickets.undoable(call.identity, query.undo) if query.undo else None
    if found is None:
        return None
    return {
        "bulk": found.id,
        "changed": found.changed,
        "until": found.until,
        "left_s": math.ceil((found.until - call.now).total_seconds()),
        "now": call.now,
        "href": _address(replace(query, undo=None), "staff_undo"),
    }


def _address(query: TicketsQuery, name: str = "staff_tickets") -> str:
    """Return the address of a part of a list, or of what is done to it: what is not chosen is left out."""
    return url(name, {each: value for each, value in asdict(query).items() if value})


def _filters(query: TicketsQuery) -> Filters:
    return Filters(
        products=(query.product,) if query.product else (),
        severities=(query.severity,) if query.severity else (),
        teams=(query.team,) if query.team else (),
        text=query.text,
    )


def _row(call: Call, ticket: TicketLine) -> dict[str, Any]:
    catalog = call.services.catalog
    return {
        "number": ticket.number,
        "subject": ticket.subject,
        "href": url("staff_ticket", number=ticket.number),
        "requester": ticket.requester,
        "company": ticket.company,
        "product": name_in(catalog.lines, ticket.product, call.reader),
        "severity": ticket.severity,
        "state": ticket.state.value,
        "team": name_in(catalog.teams, ticket.team, call.reader),
        "owner": ticket.owner,
        "updated_at": ticket.updated_at,
        "due_at": ticket.due_at,
        "breached": ticket.breached,
    }
