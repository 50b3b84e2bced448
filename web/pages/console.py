"""The representative's workspace. The page is rendered once; the socket brings what is on the desk and keeps it up to date."""

from starlette.responses import Response

from chatsvc.accounts.model import PersonRole
from web.pages.entries import pairs
from web.pages.replies import offered
from web.pages.tickets import choices
from web.site import Call


async def show(call: Call) -> Response:
    """Show the console, for those who have a desk; administrators go to where their work begins."""
    if call.identity.role is PersonRole.ADMINISTRATOR:
        return call.go("people")
    desk = await call.services.queries.desk(call.identity)
    catalog, reader = call.services.catalog, call.reader
    names = dict(pairs(catalog.lines, reader))
    return await call.page(
        "console/console.html",
        desk={"state": desk.state, "reason": desk.reason, "capacity": desk.capacity, "load": desk.load},
        away_reasons=pairs(catalog.away_reasons, reader),
        decline_reasons=pairs(catalog.decline_reasons, reader),
        lines=[
            {
                "key": line.line,
                "name": names.get(line.line, line.line),
                "waiting": line.waiting,
                "representatives": line.representatives,
            }
            for line in desk.lines
        ],
        offers=[],
        talks=[],
        about=None,
        choices=choices(call),
        colleagues=[],
        hand_over_lines=pairs(catalog.lines, reader),
        impact_names=_impact_names(call),
        canned=await offered(call),
    )


def _impact_names(call: Call) -> dict[str, str]:
    """The words of the impact interview, by ``impact.question`` and ``impact.question.answer``, and of what it proposes."""
    names = {}
    for question in call.services.catalog.impact:
        [(key, name)] = pairs([question], call.reader)
        names[f"impact.{key}"] = name
        names |= {f"impact.{key}.{answer}": words for answer, words in pairs(question.answers, call.reader)}
    names |= {f"proposal.{key}": words for key, words in pairs(call.services.catalog.proposals, call.reader)}
    return names
