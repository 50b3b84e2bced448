"""What a form's and a report's page ask while they are open: keeping what is typed, and how far a report is."""

from chatsvc.reports.model import Progress
from web.api.bodies import DraftBody
from web.site import Call


async def keep_draft(call: Call, body: DraftBody) -> None:
    """Keep what was typed into a form, in place of what was kept before."""
    await call.services.requests.keep(call.identity.person, call.part("form"), body.texts)


async def report(call: Call) -> Progress:
    """Return how far a report in the background is."""
    return await call.services.reports.progress(call.identity, call.part("report"))
