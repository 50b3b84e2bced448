"""How urgent a ticket is, and whether its customer is covered; whether oneself is served now."""

from chatsvc.conversations.urgency import Covered, Urgency, possible_now
from chatsvc.kernel.ids import TicketId
from web import coverage_words
from web.api.answers import CoverageAnswer, PanelAnswer
from web.api.bodies import AppealBody, JudgeBody
from web.i18n import reading
from web.site import Call

# What this desk offers besides the line, the request form and triage, while the hours are over: keys of ``possible_now``. A room that
# adds a way of being helped adds its key here and its words and address in ``web.pages.hours``.
ALSO: tuple[str, ...] = ("callback",)


async def judge(call: Call, body: JudgeBody) -> None:
    """Set how urgent a ticket is, with a reason that the customer reads (V2)."""
    ticket = await call.services.tickets.view(call.identity, call.number())
    await call.services.conversations.judge(
        call.identity, ticket.id, to=body.severity, reason=body.reason, version=body.version
    )


async def appeal(call: Call, body: AppealBody) -> None:
    """Ask once for a second look at how urgent a ticket was judged to be."""
    ticket = await call.services.tickets.view(call.identity, call.number())
    await call.services.conversations.appeal(call.identity, ticket.id, body.reason)


async def show(call: Call) -> Urgency:
    """Return how urgent a ticket is: what was proposed and judged, and when the next word is due."""
    ticket = await call.services.tickets.view(call.identity, call.number())
    return await call.services.urgencies.of_ticket(call.identity, ticket.id)


async def panel(call: Call) -> PanelAnswer:
    """Return how urgent a ticket is and whether its customer is covered now, and why, in words."""
    ticket = TicketId(call.part("ticket"))
    urgency = await call.services.urgencies.of_ticket(call.identity, ticket)
    covered = await call.services.urgencies.coverage_of_ticket(ticket)
    return PanelAnswer(urgency, answer(call, covered))


async def coverage(call: Call) -> CoverageAnswer:
    """Return whether one is served live now with a request that is not critical, why, and what is possible now."""
    return answer(call, await call.services.urgencies.coverage_of(call.identity.person))


def answer(call: Call, covered: Covered) -> CoverageAnswer:
    """Return coverage for a program or a script, with the words for people in the reader's language."""
    with reading(call.reader):
        words = coverage_words.words(covered.coverage, covered.calendar, covered.at)
        # To those who work here it is somebody else's clock.
        clock = coverage_words.clock_line(covered.calendar, covered.at, own=not call.identity.is_staff)
    return CoverageAnswer(
        is_open=covered.coverage.is_open,
        until=covered.coverage.until,
        opens_at=covered.coverage.opens_at,
        languages=covered.coverage.languages,
        reasons=tuple(reason.key for reason in covered.coverage.reasons),
        headline=words.headline,
        clock=clock,
        words=words.reasons,
        possible=possible_now(covered.coverage, also=ALSO),
    )
