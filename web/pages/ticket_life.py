"""What people press on a ticket's page: the customer closes, reopens, follows up and keeps colleagues in copy (T6, T9, T10); those who work
here ask, solve, hand over, take, merge and link (T1, T2, T8).

Each button is a form and one action; what came too late is said on top of the page as it is now.
"""

from collections.abc import Awaitable
from typing import Any

from starlette.responses import Response

from chatsvc.catalog.model import pick
from chatsvc.kernel.errors import Conflict, Invalid, NotAllowed, NotFound
from chatsvc.kernel.ids import PersonId
from chatsvc.kernel.machine import IllegalTransition
from chatsvc.tickets.queries import TicketView
from web import errors
from web.bodies import FormInvalid
from web.pages import tickets
from web.pages.forms import AskForm, FollowForm, HandOverForm, IncidentForm, MergeForm, Nothing, OwnerForm, SolveForm
from web.site import Call

# the customer ---------------------------------------------------------------------------------------------------------


async def close(call: Call, body: Nothing) -> Response:
    """End a request without saying that it is solved."""
    return await _do(call, "close", "ticket_closed")


async def reopen(call: Call, body: Nothing) -> Response:
    """Open a solved or closed request again, within seven days (T9)."""
    return await _do(call, "reopen", "ticket_reopened")


async def follow_up(call: Call, body: Nothing) -> Response:
    """Go on in a new request where this one ended (T9)."""
    ticket = await tickets.of_call(call)
    try:
        number = await call.services.tickets.follow_up(call.identity, ticket.id)
    except Conflict as error:
        return await tickets.again(call, ticket, errors.of_refusal(error, call.reader))
    name = "staff_ticket" if call.identity.is_staff else "ticket"
    return call.go(name, news="follow_up_made", number=number)


async def follow(call: Call, body: FollowForm) -> Response:
    """Read along, or let a colleague do so (T6)."""
    ticket = await tickets.of_call(call)
    person = PersonId(body.person) if body.person else None
    wish = call.services.tickets.follow(call.identity, ticket.id, person)
    return await _attempt(call, ticket, wish, "followed" if person is None else "colleague_follows", field="person")


async def unfollow(call: Call, body: FollowForm) -> Response:
    """No longer read along, or no longer let a colleague do so."""
    ticket = await tickets.of_call(call)
    person = PersonId(body.person) if body.person else None
    await call.services.tickets.unfollow(call.identity, ticket.id, person)
    try:
        await call.services.tickets.view(call.identity, ticket.number)
    except NotFound:  # it was only through following that they could read it
        return call.go("requests", news="unfollowed")
    return tickets.back(call, "unfollowed")


# those who work here --------------------------------------------------------------------------------------------------


async def ask(call: Call, body: AskForm) -> Response:
    """Ask the customer for something and wait for it (T8)."""
    ticket = await tickets.of_call(call)
    wish = call.services.tickets.ask(call.identity, ticket.id, needed=body.needed)
    return await _attempt(call, ticket, wish, "ticket_asked", field="needed")


async def solve(call: Call, body: SolveForm) -> Response:
    """Say that it is solved, and how (T1)."""
    ticket = await tickets.of_call(call)
    wish = call.services.tickets.mark_solved(call.identity, ticket.id, solution=body.solution)
    return await _attempt(call, ticket, wish, "ticket_solved", field="solution")


async def hand_over(call: Call, body: HandOverForm) -> Response:
    """Make another team responsible, with a note for it (T1)."""
    ticket = await tickets.of_call(call)
    team = pick(call.services.catalog.teams, body.team, field="team").key
    wish = call.services.tickets.hand_over(call.identity, ticket.id, team=team, note=body.note)
    return await _attempt(call, ticket, wish, "team_changed", field="note")


async def own(call: Call, body: OwnerForm) -> Response:
    """Take a ticket, or let it go (T2)."""
    ticket = await tickets.of_call(call)
    owner = call.identity.person if body.owner == "me" else None
    wish = call.services.tickets.assign(call.identity, ticket.id, owner)
    return await _attempt(call, ticket, wish, "owner_changed")


async def link_incident(call: Call, body: IncidentForm) -> Response:
    """Say to which incident a ticket belongs; empty: to none."""
    ticket = await tickets.of_call(call)
    wish = call.services.tickets.link_incident(call.identity, ticket.id, body.incident or None)
    return await _attempt(call, ticket, wish, "incident_linked", field="incident")


async def merge(call: Call, body: MergeForm) -> Response:
    """Let a duplicate go on in another ticket."""
    ticket = await tickets.of_call(call)
    try:
        await call.services.tickets.merge(call.identity, ticket.id, into=body.into)
    except NotFound:
        return await tickets.again(call, ticket, [{"field": "into", "text": call.say("merge.unknown")}])
    except Conflict as error:
        return await tickets.again(call, ticket, errors.of_refusal(error, call.reader, field="into"))
    return call.go("staff_ticket", news="ticket_merged", number=body.into)


async def show_again(call: Call, error: FormInvalid) -> Response:
    """Show the ticket again with what was wrong."""
    return await tickets.again(call, await tickets.of_call(call), errors.of_form(error, call.reader))


async def _do(call: Call, action: str, news: str) -> Response:
    ticket = await tickets.of_call(call)
    return await _attempt(call, ticket, getattr(call.services.tickets, action)(call.identity, ticket.id), news)


async def _attempt(call: Call, ticket: TicketView, wish: Awaitable[Any], news: str, *, field: str = "") -> Response:
    """Carry out a wish and show the ticket; what cannot be is said at its field, or on top."""
    try:
        await wish
    except IllegalTransition:
        return tickets.back(call, "conflict")
    except (Invalid, Conflict, NotAllowed) as error:
        return await tickets.again(call, ticket, errors.of_refusal(error, call.reader, field=field))
    return tickets.back(call, news)
