"""A ticket's life beside what everybody may say: closing, asking, solving with words, who works on it, duplicates, incidents, who reads along.

Each is one action, the same as behind the buttons of the ticket's page; what the table of the life cycle does not know is refused there.
"""

from chatsvc.catalog.model import pick
from chatsvc.kernel.ids import PersonId, TicketId
from web.api.answers import Asked, Follower, Followers
from web.api.bodies import AskBody, IncidentBody, MergeBody, OwnerBody, SolutionBody, TeamBody
from web.site import Call


async def _ticket(call: Call) -> TicketId:
    return (await call.services.tickets.view(call.identity, call.number())).id


async def close(call: Call) -> None:
    """End a ticket without saying that it is solved."""
    await call.services.tickets.close(call.identity, await _ticket(call))


async def ask(call: Call, body: AskBody) -> Asked:
    """Ask the customer for something, and wait for it; asking again begins the thirty days anew (T8)."""
    return Asked(await call.services.tickets.ask(call.identity, await _ticket(call), needed=body.needed))


async def solve_with(call: Call, body: SolutionBody) -> None:
    """Mark a ticket as solved, and say how (T1)."""
    await call.services.tickets.mark_solved(call.identity, await _ticket(call), solution=body.solution)


async def hand_over(call: Call, body: TeamBody) -> None:
    """Make another team responsible, with a note for it that the customer does not see (T1)."""
    team = pick(call.services.catalog.teams, body.team, field="team").key
    owner = PersonId(body.owner) if body.owner else None
    await call.services.tickets.hand_over(call.identity, await _ticket(call), team=team, note=body.note, owner=owner)


async def own(call: Call, body: OwnerBody) -> None:
    """Say who works on a ticket (T2)."""
    owner = PersonId(body.person) if body.person else None
    await call.services.tickets.assign(call.identity, await _ticket(call), owner)


async def link_incident(call: Call, body: IncidentBody) -> None:
    """Say to which incident a ticket belongs."""
    await call.services.tickets.link_incident(call.identity, await _ticket(call), body.incident)


async def merge(call: Call, body: MergeBody) -> None:
    """Let a duplicate go on in another ticket of the same company."""
    await call.services.tickets.merge(call.identity, await _ticket(call), into=body.into)


async def followers(call: Call) -> Followers:
    """Return who follows a ticket, and which authorised colleagues of its company could (T6)."""
    ticket = await _ticket(call)
    found = await call.services.tickets.followers(call.identity, ticket)
    candidates = await call.services.tickets.candidates(call.identity, ticket)
    return Followers(tuple(Follower(*each) for each in found), tuple(Follower(*each) for each in candidates))


async def follow(call: Call) -> None:
    """Let an authorised contact of the ticket's company read along: oneself, or a colleague; who does already stays so (T6)."""
    await call.services.tickets.follow(call.identity, await _ticket(call), PersonId(call.part("person")))


async def unfollow(call: Call) -> None:
    """Let somebody no longer read along."""
    await call.services.tickets.unfollow(call.identity, await _ticket(call), PersonId(call.part("person")))
