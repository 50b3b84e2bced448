"""Standing in line, for contacts."""

from chatsvc.conversations.views import Visit
from chatsvc.kernel.ids import FileId, TicketId
from chatsvc.tickets.severity import CriticalContact, check_contact
from web.api.bodies import JoinBody
from web.door import Made
from web.site import Call


async def join(call: Call, body: JoinBody) -> Made:
    """Open a ticket and stand in its line; the same key gives back the same visit."""
    before = call.now
    visit = await call.services.conversations.join(
        call.identity,
        line=body.line,
        subject=body.subject,
        description=body.description,
        impact=body.impact,
        files=tuple(FileId(file) for file in body.files),
        reachable=reachable(body.contact_name, body.contact_phone, body.speaks_english),
        key=call.key,
    )
    waiting = visit.waiting
    return Made(visit, repeated=waiting is None or waiting.admitted_at < before)


def reachable(name: str, phone: str, speaks_english: bool) -> CriticalContact | None:
    """Return whom to reach about a critical request; None when nobody is named at all.

    Raises:
        Invalid: half of it is missing, or nobody says that the person speaks English.
    """
    return check_contact(name, phone, speaks_english) if name or phone or speaks_english else None


async def show(call: Call) -> Visit:
    """Return a visit as its contact sees it."""
    return await call.services.queries.visit(call.identity, TicketId(call.part("ticket")))


async def leave(call: Call) -> None:
    """Give up the place; the ticket stays open."""
    await call.services.conversations.leave(call.identity, TicketId(call.part("ticket")))
