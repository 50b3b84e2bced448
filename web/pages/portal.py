"""The customer's first page, and the choice of a product."""

from typing import Any

from starlette.responses import Response

from chatsvc.conversations.views import Visit
from chatsvc.tickets.queries import TicketLine
from web.pages.entries import name_in
from web.pages.hours import hours_of
from web.pages.sign_in import home_of
from web.paths import url
from web.site import Call

_LATEST = 5


async def home(call: Call) -> Response:
    """Show the customer's first page; those who work here go on to where their work begins."""
    if call.identity.is_staff:
        return call.go_to(home_of(call.identity))
    page = await call.services.tickets.requests(call.identity)
    visits = await call.services.queries.visits_of(call.identity)
    covered = await call.services.urgencies.coverage_of(call.identity.person)
    return await call.page(
        "portal/home.html",
        first_name=call.identity.name.split()[0] if call.identity.name.split() else "",
        tickets=[ticket_row(call, ticket) for ticket in page.tickets[:_LATEST]],
        running=[running_row(call, visit) for visit in visits],
        hours=hours_of(call, covered),
    )


def ticket_row(call: Call, ticket: TicketLine) -> dict[str, Any]:
    """Return a ticket for ``components/ticket_list.html``."""
    return {
        "number": ticket.number,
        "subject": ticket.subject,
        "product": name_in(call.services.catalog.lines, ticket.product, call.reader),
        "state": ticket.state.value,
        "updated_at": ticket.updated_at,
        "href": url("ticket", number=ticket.number),
        "requester": ticket.requester if ticket.requester_id != call.identity.person else None,
        "unread": 0,
        "merged_into": ticket.merged_into,
    }


def running_row(call: Call, visit: Visit) -> dict[str, Any]:
    """Return an open conversation for the banner on the first page."""
    return {
        "product": name_in(call.services.catalog.lines, visit.line, call.reader),
        "number": visit.number,
        "href": url("chat_room", conversation=visit.conversation),
        "waiting": visit.waiting is not None,
        "position": visit.waiting.position if visit.waiting else None,
        "representative": visit.representative,
    }


async def products(call: Call) -> Response:
    """Offer the products to choose from (C1)."""
    counts = await call.services.queries.line_counts()
    visits = await call.services.queries.visits_of(call.identity)
    running = {visit.line: url("chat_room", conversation=visit.conversation) for visit in visits}
    texts = call.reader.texts
    rows = []
    for line in call.services.catalog.lines:
        count = counts.get(line.key)
        rows.append(
            {
                "key": line.key,
                "name": texts.gettext(line.name),
                "about": texts.gettext(line.about) if line.about else "",
                "representatives": count.representatives if count else 0,
                "waiting": count.waiting if count else 0,
                "running": running.get(line.key),
            }
        )
    covered = await call.services.urgencies.coverage_of(call.identity.person)
    return await call.page("portal/chat_products.html", products=rows, hours=hours_of(call, covered))
