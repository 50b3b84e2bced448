"""Tickets: the list, one of them, comments, solving and reopening."""

from chatsvc.kernel.ids import FileId
from chatsvc.tickets.model import State, Stored
from chatsvc.tickets.queries import TicketView
from web.api.answers import Number, TicketList
from web.api.bodies import CommentBody, TicketsQuery
from web.door import Made
from web.site import Call


async def listing(call: Call, query: TicketsQuery) -> TicketList:
    """Return the tickets that the person may read, newest first (T6)."""
    states = (State(query.state),) if query.state else ()
    page = await call.services.tickets.requests(call.identity, states=states, before=query.cursor)
    return TicketList(page.tickets, page.older)


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
