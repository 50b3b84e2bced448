"""A person's tickets as a calendar: the file that calendar programs fetch, and the buttons of the profile that make and end its address (T8, T9)."""

import hashlib
from typing import Final

from starlette.responses import Response

from chatsvc.tickets.feeds import Wording
from web.i18n import Reader, language_of
from web.pages.forms import Nothing
from web.site import Call
from web.texts import N_

_CLOSES: Final = N_("Ticket %(number)s closes if we hear nothing: %(subject)s")
_REOPENS: Final = N_("Last moment to open ticket %(number)s again: %(subject)s")


async def show(call: Call) -> Response:
    """Return the dates of somebody's tickets as a calendar, to whoever has the address (RFC 5545)."""
    calendar = await call.services.feeds.read(call.part("token"), _wording)
    tag = f'"{hashlib.sha256(calendar).hexdigest()[:32]}"'
    # Kept by the calendar program, and asked for again each time.
    headers = {"cache-control": "private, no-cache", "etag": tag}
    known = {each.strip().removeprefix("W/") for each in call.request.headers.get("if-none-match", "").split(",")}
    if tag in known:
        return Response(status_code=304, headers=headers)
    return Response(calendar, headers=headers, media_type="text/calendar")


def _wording(language: str) -> Wording:
    texts = Reader(language_of(language)).texts
    return Wording(texts.gettext(_CLOSES), texts.gettext(_REOPENS))


async def renew(call: Call, body: Nothing) -> Response:
    """Make the address of one's calendar, in place of an older one."""
    await call.services.feeds.renew(call.identity)
    return call.go("profile", news="feed_made", fragment="dates")


async def revoke(call: Call, body: Nothing) -> Response:
    """Take the address of one's calendar back."""
    await call.services.feeds.revoke(call.identity)
    return call.go("profile", news="feed_ended", fragment="dates")
