"""The lists of those who work here, page by page, and how much each holds (T1, V1)."""

from chatsvc.tickets.model import Filters, View
from web.api.answers import ListCounts, ListPage
from web.api.bodies import ListQuery
from web.site import Call


async def show(call: Call, query: ListQuery) -> ListPage:
    """Return one page of a list: by number, the newest first; ``due`` and ``breached`` by what is due, the nearest first."""
    filters = Filters(
        products=(query.product,) if query.product else (),
        severities=(query.severity,) if query.severity else (),
        teams=(query.team,) if query.team else (),
        text=query.text,
    )
    page = await call.services.tickets.listed(call.identity, View(query.view), after=query.cursor, filters=filters)
    return ListPage(page.tickets, page.next)


async def counts(call: Call) -> ListCounts:
    """Return how many tickets each list holds; 1,000 means that there are more than 999."""
    found = await call.services.tickets.view_counts(call.identity)
    return ListCounts(**{view.value: count for view, count in found.items()})
