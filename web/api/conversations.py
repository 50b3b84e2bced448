"""The live phase, for its two sides: ending, handing over, wrapping up, rating."""

from chatsvc.conversations.model import WrapUp
from chatsvc.kernel.ids import ConversationId, PersonId
from web.api.answers import Ended, Extended
from web.api.bodies import HandOverBody, RatingBody, WrapUpBody, WrapUpDraftBody
from web.site import Call


def _id(call: Call) -> ConversationId:
    return ConversationId(call.part("conversation"))


async def end(call: Call) -> Ended:
    """End the conversation, as either side; ending it again changes nothing."""
    return Ended(await call.services.conversations.end(call.identity, _id(call)))


async def undo_end(call: Call) -> None:
    """Take the end back, while that is possible."""
    await call.services.conversations.undo_end(call.identity, _id(call))


async def hand_over(call: Call, body: HandOverBody) -> None:
    """Give the conversation to a colleague, or back to a line, with a note."""
    await call.services.conversations.hand_over(
        call.identity,
        _id(call),
        to_person=PersonId(body.person) if body.person else None,
        to_line=body.line,
        note=body.note,
    )


async def show_wrap_up(call: Call) -> WrapUp:
    """Return the wrap-up as it stands, prefilled."""
    return await call.services.queries.wrap_up_form(call.identity, _id(call))


async def draft_wrap_up(call: Call, body: WrapUpDraftBody) -> None:
    """Keep fields of the wrap-up; they count when it completes by itself."""
    await call.services.conversations.draft_wrap_up(call.identity, _id(call), body.fields())


async def wrap_up(call: Call, body: WrapUpBody) -> None:
    """Complete the ticket and close the conversation (K4)."""
    await call.services.conversations.wrap_up(call.identity, _id(call), body.fields())


async def extend(call: Call) -> Extended:
    """Have more time for the wrap-up."""
    return Extended(await call.services.conversations.extend_wrap_up(call.identity, _id(call)))


async def rate(call: Call, body: RatingBody) -> None:
    """Say how well it helped; may be changed within a day."""
    visit = await call.services.queries.visit_in(call.identity, _id(call))
    await call.services.conversations.rate(call.identity, visit.ticket, body.rating, body.comment)
