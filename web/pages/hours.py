"""The hours of support, told to a customer: whether somebody is there now, until when, why, and what is possible at this moment.

The same page is shown where the door to a line is closed; then it has what was typed, safe in a draft of the request form.
"""

from collections.abc import Sequence
from typing import Any, Final

from starlette.responses import Response

from chatsvc.conversations.urgency import Covered, possible_now
from chatsvc.kernel.ids import FileId
from chatsvc.kernel.languages import ENGLISH
from chatsvc.requests.model import FILES
from web import coverage_words
from web.api.urgency import ALSO
from web.i18n import reading
from web.paths import url
from web.site import Call


def N_(message: str) -> str:
    """Mark a text for extraction; it is translated where it is shown."""
    return message


# What can be done: key of ``possible_now`` -> title, what it means, the name of its page, and a glyph.
OPTIONS: Final = {
    "chat": (N_("Chat with Support"), N_("Talk to a representative now."), "chat", "message-circle"),
    "request": (
        N_("Write a request"),
        N_("At any hour and in your language. It carries details and documents, and it is answered in writing."),
        "request_new",
        "ticket",
    ),
    "callback": (
        N_("Call Support"),
        N_("Choose a time within the hours of support, and a representative rings you."),
        "call_home",
        "phone",
    ),
    "critical": (
        N_("Report something critical"),
        N_("Around the clock, in English. Choose the product and say what it means for your work."),
        "chat",
        "zap",
    ),
}


async def show(call: Call) -> Response:
    """Show the hours of support to a customer, as they are now for them."""
    return await _page(call, await call.services.urgencies.coverage_of(call.identity.person))


async def closed(call: Call, line: str, typed: dict[str, str], files: Sequence[FileId], *, status: int) -> Response:
    """Show the hours where a line could not be joined; what was typed and attached waits in the form for requests."""
    requests = call.services.requests
    key = requests.new_key(call.identity)
    kept = {name: typed[name] for name in ("subject", "description", "environment") if typed.get(name)}
    kept |= {FILES: " ".join(files)} if files else {}
    await requests.keep(call.identity.person, key, {"reason": "malfunction", "product": line} | kept)
    covered = await call.services.urgencies.coverage_of(call.identity.person)
    return await _page(call, covered, draft=url("request_new", {"draft": key}), status=status)


async def _page(call: Call, covered: Covered, *, draft: str | None = None, status: int = 200) -> Response:
    catalog, texts = call.services.catalog, call.reader.texts
    return await call.page(
        "portal/hours.html",
        status=status,
        hours=hours_of(call, covered),
        options=_options(call, covered, draft),
        kept=draft is not None,
        critical=[texts.gettext(rule.name) for rule in catalog.proposals],
    )


def hours_of(call: Call, covered: Covered) -> dict[str, Any]:
    """Return coverage as templates show it: words, and the next opening as a moment in the reader's own zone."""
    with reading(call.reader):
        words = coverage_words.words(covered.coverage, covered.calendar, covered.at)
        # To those who work here it is somebody else's clock.
        clock = coverage_words.clock_line(covered.calendar, covered.at, own=not call.identity.is_staff)
    return {
        "is_open": covered.coverage.is_open,
        "until": covered.coverage.until,
        "opens_at": covered.coverage.opens_at,
        "headline": words.headline,
        "clock": clock,
        "reasons": words.reasons,
        "in_english": call.reader.language.code != ENGLISH.code,
    }


def _options(call: Call, covered: Covered, draft: str | None) -> list[dict[str, Any]]:
    texts = call.reader.texts
    rows = []
    for option in possible_now(covered.coverage, also=ALSO):
        title, about, page, glyph = OPTIONS[option.key]
        if option.opens_at is not None or (option.key == "chat" and not covered.coverage.is_open):
            continue
        href = draft if option.key == "request" and draft is not None else url(page)
        rows.append({"title": texts.gettext(title), "about": texts.gettext(about), "href": href, "glyph": glyph})
    return rows
