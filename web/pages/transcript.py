"""What was said, to keep: as text, or as a page that needs nothing else."""

from html import escape

from starlette.responses import Response

from chatsvc.conversations.views import Visit
from chatsvc.kernel.ids import ConversationId
from web.i18n import exact, reading, stamp
from web.pages.entries import name_in, shown
from web.pages.forms import TranscriptQuery
from web.pages.tickets import read_all
from web.site import Call


async def download(call: Call, query: TranscriptQuery) -> Response:
    """Return the conversation of a visit as a file, with its numbers and moments."""
    visit = await call.services.queries.visit_in(call.identity, ConversationId(call.part("conversation")))
    lines = await _lines(call, visit)
    if query.form == "html":
        content, kind, ending = _as_page(call, visit, lines), "text/html", "html"
    else:
        content, kind, ending = _as_text(call, visit, lines), "text/plain", "txt"
    name = f"ticket-{visit.number}.{ending}"
    headers = {
        "content-disposition": f'attachment; filename="{name}"',
        "content-security-policy": "sandbox; default-src 'none'",
    }
    return Response(content, headers=headers, media_type=kind)


async def _lines(call: Call, visit: Visit) -> list[tuple[str, str, str]]:
    """The log as (moment, name, words); an event has no name."""
    entries = await read_all(call, visit.log)
    rows = shown(entries, to=call.identity, for_reader=call.reader, catalog=call.services.catalog)
    with reading(call.reader):
        return [
            (
                stamp(row["at"]),
                row["name"] if row["kind"] == "message" else "",
                "\n".join(filter(None, [row["text"], *(f"[{file['name']}]" for file in row["files"])])),
            )
            for row in rows
        ]


def _title(call: Call, visit: Visit) -> list[str]:
    texts = call.reader.texts
    product = name_in(call.services.catalog.lines, visit.line, call.reader)
    with reading(call.reader):
        made = exact(call.now)
    return [
        texts.gettext("Ticket %(number)s: %(subject)s") % {"number": visit.number, "subject": visit.subject},
        texts.gettext("Product: %(name)s") % {"name": product},
        texts.gettext("As of %(moment)s") % {"moment": made},
    ]


def _as_text(call: Call, visit: Visit, lines: list[tuple[str, str, str]]) -> str:
    parts = ["\n".join(_title(call, visit))]
    parts += [f"{moment}  {name}\n{words}" if name else f"{moment}  * {words}" for moment, name, words in lines]
    return "\n\n".join(parts) + "\n"


def _as_page(call: Call, visit: Visit, lines: list[tuple[str, str, str]]) -> str:
    heading, *rest = (escape(line) for line in _title(call, visit))
    rows = "\n".join(
        f"<dt>{escape(moment)} <strong>{escape(name)}</strong></dt><dd>{escape(words).replace(chr(10), '<br>')}</dd>"
        for moment, name, words in lines
    )
    lang = call.reader.language.tag
    return (
        f'<!doctype html>\n<html lang="{lang}"><head><meta charset="utf-8"><title>{heading}</title></head>\n'
        f"<body><h1>{heading}</h1>\n<p>{'<br>'.join(rest)}</p>\n<dl>\n{rows}\n</dl></body></html>\n"
    )
