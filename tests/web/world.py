"""Two companies with everything in them that can leak, each thing marked: for the matrix of who may see what."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import msgspec

from chatsvc.accounts.model import Identity
from chatsvc.bootstrap import Services
from chatsvc.conversations.views import Visit
from chatsvc.kernel import ids
from chatsvc.kernel.clock import ManualClock
from chatsvc.reports.model import Wish
from chatsvc.tickets.queries import TicketView
from tests import builders
from tests.web.desk import Desk, a_session

# A picture of 10 times 10, as far as its headers say.
PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\n\0\0\0\n" + b"\0" * 64


@dataclass(frozen=True)
class House:
    """One company, and what it has."""

    # In every text of theirs that the other company must never read.
    mark: str
    # In every internal note about them, which no contact must ever read.
    note_mark: str
    contact: Identity
    ticket: TicketView
    # Active, with the representative of the world.
    visit: Visit
    file: str
    note_file: str
    offer: str
    # Of a form that the contact has begun, and of a report they have asked for.
    form: str
    report: str

    def parts(self, *, session: str) -> dict[str, str]:
        """Return the parts of addresses that name this company's things."""
        return {
            "product": "expense",
            "token": "not-a-token",
            "conversation": self.visit.conversation,
            "number": str(self.visit.number),
            "ticket": self.visit.ticket,
            "log": self.visit.log,
            "file": self.file,
            "offer": self.offer,
            "form": self.form,
            "report": self.report,
            "reply": "sr_00000000",
            "company": str(self.contact.company),
            "person": self.contact.person,
            "session": session,
            "shift": "sh_nothing",
        }


async def _chunks(data: bytes) -> Any:
    yield data


async def a_house(desk: Desk, clock: ManualClock, name: str, rep: Identity) -> House:
    """Build a company whose contact talks with this representative."""
    services, mark, note_mark = desk.services, f"MARK-{name}-SHARED", f"MARK-{name}-NOTE"
    company = await builders.a_company(services.database, name=mark)
    contact = await builders.a_contact(services.database, company, name=f"Contact {mark}", email=f"{mark}@example.test")
    picture = await services.files.receive(contact, f"{mark}.png", _chunks(PNG + mark.encode()))
    visit = await services.conversations.join(
        contact, line="expense", subject=mark, description=mark, impact={}, files=[picture.id], key=f"join-{name}____"
    )
    offer = await _accepted(services, clock, rep, visit)
    view = await services.tickets.view(contact, visit.number)
    seen_by_staff = await services.tickets.view(rep, visit.number)
    assert seen_by_staff.notes_log is not None
    await services.tickets.say(contact, view.log, key="said-by-them", text=f"They say {mark}")
    hidden = await services.files.receive(rep, f"{note_mark}.png", _chunks(PNG + note_mark.encode()))
    await services.tickets.say(rep, seen_by_staff.notes_log, key="note-of-ours", text=note_mark, files=[hidden.id])
    visit = await services.queries.visit(contact, visit.ticket)
    form = services.requests.new_key(contact)
    await services.requests.keep(contact.person, form, {"subject": mark})
    report = await services.reports.ask(contact, Wish(report="tickets", zone="UTC", labels={"title": mark}))
    return House(mark, note_mark, contact, seen_by_staff, visit, picture.id, hidden.id, offer, form, report)


async def _accepted(services: Services, clock: ManualClock, rep: Identity, visit: Visit) -> str:
    """Let the representative take the visit; return the offer."""
    await services.conversations.renew_desks([rep.person])
    await services.conversations.renew_places([visit.ticket])
    await services.conversations.set_desk(rep, "ready")
    await services.conversations.match()
    [offer] = (await services.queries.desk(rep)).offers
    await services.conversations.accept(rep, offer.id, offer.epoch)
    clock.advance(timedelta(seconds=1))
    return offer.id


async def signed_in_anew(services: Services, identity: Identity) -> tuple[Identity, str]:
    """Return a further session of somebody, and its token: one request may end it."""
    again = msgspec.structs.replace(identity, session=ids.session_id())
    return again, await a_session(services, again)
