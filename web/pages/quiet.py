"""The page behind the link in a mail that asks for no more of its kind (RFC 8058): works signed out, and is taken back on the same page.

Whoever has the link can only keep mails about one ticket away from one person, or let them come again; the page says no more of the ticket
than its number.
"""

from starlette.responses import Response

from chatsvc.kernel.errors import NotFound
from chatsvc.notifications.quiet import Wish
from web.pages.forms import Nothing, QuietForm
from web.paths import url
from web.site import Call


async def show(call: Call) -> Response:
    """Show which mails a link keeps away, with a button; a program that follows every link of a mail changes nothing."""
    return await _page(call)


async def ask(call: Call, body: QuietForm) -> Response:
    """Keep mails about one ticket away from one person; mail programs ask for it without a page or a session."""
    wish = _wish(call)
    await call.services.tickets.mute(wish.ticket, wish.person)
    # Mail programs follow no redirection (RFC 8058, 3.1).
    return await _page(call) if body.one_click else _back(call)


async def undo(call: Call, body: Nothing) -> Response:
    """Let the mails come again."""
    wish = _wish(call)
    await call.services.tickets.mute(wish.ticket, wish.person, muted_=False)
    return _back(call)


def _wish(call: Call) -> Wish:
    wish = call.services.quiet.read(call.part("token"))
    if wish is None:
        raise NotFound("not_found")
    return wish


def _back(call: Call) -> Response:
    return call.go("mail_quiet", token=call.part("token"))


async def _page(call: Call) -> Response:
    wish = _wish(call)
    quiet = await call.services.tickets.quiet(wish.ticket, wish.person)
    return await call.page(
        "portal/mail_quiet.html",
        number=quiet.number,
        asked=quiet.asked,
        requester=quiet.requester,
        token=call.part("token"),
        here=url("mail_quiet", token=call.part("token")),
    )
