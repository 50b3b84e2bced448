"""Tickets: making one as the form does, the list, one of them, comments, solving, reopening, following up."""

from chatsvc.catalog.policy import REASON
from chatsvc.kernel.errors import Invalid
from chatsvc.kernel.ids import CompanyId, FileId, PersonId
from chatsvc.tickets.model import Filters, State, Stored
from chatsvc.tickets.queries import TicketView
from web.api.answers import Number, TicketList
from web.api.bodies import CommentBody, TicketBody, TicketsQuery
from web.door import Made
from web.site import Call


async def listing(call: Call, query: TicketsQuery) -> TicketList:
    """Return the tickets that the person may read, newest first (T6)."""
    filters = Filters(
        states=(State(query.state),) if query.state else (),
        products=(query.product,) if query.product else (),
        severities=(query.severity,) if query.severity else (),
        teams=(query.team,) if query.team else (),
        reason=query.reason,
        text=query.text,
        company=CompanyId(query.company) if query.company else None,
        owner=PersonId(query.owner) if query.owner else None,
        own=query.whose == "own",
        followed=query.whose == "followed",
    )
    page = await call.services.tickets.requests(call.identity, filters=filters, before=query.cursor)
    return TicketList(page.tickets, page.older)


async def create(call: Call, body: TicketBody) -> Made:
    """Make a request as the form does (T3); 200 with the same ticket when this key made one before."""
    requests = call.services.requests
    strange = set(body.fields) - {field.key for field in call.services.catalog.fields}
    if strange:
        raise Invalid("field.unknown", field=f"fields.{min(strange)}")
    repeated = await requests.sent(call.identity, call.key) is not None
    number = await requests.send(
        call.identity,
        typed={**body.fields, REASON: body.reason},
        language=body.language or call.identity.language,
        files=tuple(FileId(file) for file in body.files),
        key=call.key,
    )
    return Made(await call.services.tickets.view(call.identity, number), repeated=repeated)


async def show(call: Call) -> TicketView:
    """Return a ticket, by its number, and what the reader may do with it now (T10)."""
    return await call.services.tickets.view(call.identity, call.number())


async def comment(call: Call, body: CommentBody) -> Made:
    """Add a comment; 200 with the same number when this key was stored before."""
    ticket = await call.services.tickets.view(call.identity, call.number())
    files = tuple(FileId(file) for file in body.files)
    stored = await add_comment(call, ticket, key=call.key, text=body.text, files=files)
    return Made(Number(stored.number, stored.at), repeated=stored.repeated)


async def add_comment(call: Call, ticket: TicketView, *, key: str, text: str, files: tuple[FileId, ...]) -> Stored:
    """Add a comment, for programs and forms alike; the customer's word on a solved ticket opens it again (T9, T10)."""
    return await call.services.tickets.say(call.identity, ticket.log, key=key, text=text, files=files)


async def solve(call: Call) -> None:
    """Mark a ticket as solved (T10)."""
    ticket = await call.services.tickets.view(call.identity, call.number())
    await call.services.tickets.mark_solved(call.identity, ticket.id)


async def reopen(call: Call) -> None:
    """Reopen a solved ticket, within seven days (T9)."""
    ticket = await call.services.tickets.view(call.identity, call.number())
    await call.services.tickets.reopen(call.identity, ticket.id)


async def follow_up(call: Call) -> TicketView:
    """Go on in a new ticket where an ended one stopped (T9); asked again, return the same one."""
    ticket = await call.services.tickets.view(call.identity, call.number())
    number = await call.services.tickets.follow_up(call.identity, ticket.id)
    return await call.services.tickets.view(call.identity, number)
