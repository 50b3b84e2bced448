"""A representative's desk and the offers on it; what the console has beside them."""

from chatsvc.conversations.views import CustomerContext, Desk
from chatsvc.kernel.ids import OfferId, TicketId
from web.api.answers import Accepted, CannedReply, NamedLine, Targets
from web.api.bodies import AcceptBody, ColleaguesQuery, DeclineBody, DeskBody, RepliesQuery
from web.site import Call


async def show(call: Call) -> Desk:
    """Return the whole desk."""
    return await call.services.queries.desk(call.identity)


async def choose(call: Call, body: DeskBody) -> None:
    """Choose ready, or away with a reason."""
    await call.services.conversations.set_desk(call.identity, body.state, body.reason)


async def accept(call: Call, body: AcceptBody) -> Accepted:
    """Take an offer; the same again gives the same answer."""
    offer = OfferId(call.part("offer"))
    return Accepted(await call.services.conversations.accept(call.identity, offer, body.epoch))


async def decline(call: Call, body: DeclineBody) -> None:
    """Leave an offer to somebody else; the customer keeps the place."""
    offer = OfferId(call.part("offer"))
    await call.services.conversations.decline(call.identity, offer, body.epoch, body.reason)


async def customer(call: Call) -> CustomerContext:
    """Return who stands behind a ticket: company, local time, what they stated, past tickets."""
    return await call.services.queries.customer_context(call.identity, TicketId(call.part("ticket")))


async def replies(call: Call, query: RepliesQuery) -> tuple[CannedReply, ...]:
    """Return the prepared replies, of one line or all."""
    catalog = call.services.catalog
    found = catalog.replies if query.line is None else catalog.replies_for(catalog.line(query.line).key)
    return tuple(CannedReply(reply.key, reply.title, reply.text, reply.lines) for reply in found)


async def colleagues(call: Call, query: ColleaguesQuery) -> Targets:
    """Return to whom a conversation of this line can be handed over now."""
    catalog = call.services.catalog
    line = catalog.line(query.line).key
    found = await call.services.queries.colleagues(call.identity, line)
    return Targets(found, tuple(NamedLine(each.key, each.name) for each in catalog.lines))
