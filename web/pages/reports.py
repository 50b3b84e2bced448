"""Choosing a report, waiting for it, and getting it (T12). Small ones come at once; of large ones this page shows how far they are."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from starlette.responses import FileResponse, Response

from chatsvc.catalog.model import Item, pick
from chatsvc.kernel.errors import Conflict, Invalid
from chatsvc.kernel.ids import CompanyId
from chatsvc.reports.actions import file_name
from chatsvc.reports.model import REPORTS, Progress, State, Wish
from chatsvc.tickets.model import State as TicketState
from web import errors
from web.api.files import disposition
from web.bodies import FormInvalid, typed_in
from web.headers import FILE_POLICY
from web.pages.entries import pairs
from web.pages.forms import ReportForm
from web.paths import url
from web.site import Call
from web.texts import (
    ENVIRONMENTS,
    REPORT_COLUMNS,
    REPORT_NAMES,
    SEVERITIES,
    TICKET_SOURCES,
    TICKET_STATES,
    TICKET_STATES_FOR_STAFF,
)

_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


async def show(call: Call) -> Response:
    """Show what can be had, and what is being made or lies ready."""
    return await _page(call)


async def make(call: Call, body: ReportForm) -> Response:
    """Make a report: a small one comes as a file at once, a large one is made in the background."""
    try:
        wish = wish_of(call, body)
        rows = await call.services.reports.extent(call.identity, wish)
        if rows > call.services.reports.rules.most_rows_at_once:
            return call.go("report", report=await call.services.reports.ask(call.identity, wish))
        path = await call.services.reports.make_now(call.identity, wish)
    except (Invalid, Conflict) as error:
        return await _page(call, errors.of_refusal(error, call.reader, field="report"), typed_in(call.form))
    content = path.read_bytes()
    path.unlink()
    name = file_name(wish.labels["title"], call.now)
    return Response(content, headers=_headers(name), media_type=_XLSX)


async def make_again(call: Call, error: FormInvalid) -> Response:
    """Show the choice again with what was wrong with it."""
    return await _page(call, errors.of_form(error, call.reader), error.typed)


async def progress(call: Call) -> Response:
    """Show how far a report is, and where to get it."""
    found = await call.services.reports.progress(call.identity, call.part("report"))
    return await call.page("portal/report.html", report=_row(call, found))


async def file(call: Call) -> Response:
    """Return a finished report; only to the person who asked for it, and until it expires."""
    finished = await call.services.reports.file(call.identity, call.part("report"))
    return FileResponse(finished.path, media_type=_XLSX, headers=_headers(finished.name))


def _headers(name: str) -> dict[str, str]:
    return {
        "content-disposition": disposition("attachment", name),
        "content-security-policy": FILE_POLICY,
        "cache-control": "private, no-store",
    }


def wish_of(call: Call, body: ReportForm) -> Wish:
    """Return what the form asks for, with the words of the reader's language.

    Days are the reader's own: from the first's beginning to the last's end.

    Raises:
        Invalid: a choice is not in the catalogue, or a day is none.
    """
    catalog, zone = call.services.catalog, call.reader.zone
    for product in body.products:
        pick(catalog.lines, product, field="products")
    since, until = _day(body.since, "since"), _day(body.until, "until")
    if since and until and since > until:
        raise Invalid("report.days_crossed", field="until")
    return Wish(
        report=body.report,
        since=_beginning(since, 0, zone) if since else None,
        before=_beginning(until, 1, zone) if until else None,
        states=body.states,
        products=body.products,
        company=CompanyId(body.company) if body.company and call.identity.is_staff else None,
        zone=zone.key,
        labels=labels(call, body.report),
    )


def _day(text: str, field: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise Invalid("date.invalid", field=field) from None


def _beginning(day: date, further: int, zone: ZoneInfo) -> datetime:
    """The moment at which the day so many days later begins in a zone."""
    try:
        return datetime.combine(day + timedelta(days=further), time(), zone).astimezone(UTC)
    except OverflowError:
        raise Invalid("date.invalid", field="since") from None


def labels(call: Call, report: str) -> dict[str, str]:
    """Return the words that a report's file shows: its title, its columns, and what the codes in it mean."""
    texts, catalog = call.reader.texts, call.services.catalog
    states = TICKET_STATES_FOR_STAFF if call.identity.is_staff else TICKET_STATES
    tables = {"state": states, "severity": SEVERITIES, "environment": ENVIRONMENTS, "source": TICKET_SOURCES}
    words = {"title": texts.gettext(REPORT_NAMES.get(report, report))}
    words |= {key: texts.gettext(name) for key, name in REPORT_COLUMNS.items()}
    words |= {
        f"{column}.{code}": texts.gettext(name) for column, table in tables.items() for code, name in table.items()
    }
    sections = {"product": catalog.lines, "reason": catalog.reasons, "team": catalog.teams}
    return words | dict(_names(call, sections))


def _names(call: Call, sections: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for column, items in sections.items():
        of_section: tuple[Item, ...] = items
        for key, name in pairs(of_section, call.reader):
            yield f"{column}.{key}", name


async def _page(call: Call, said: list[dict[str, str]] | None = None, typed: Any = None) -> Response:
    texts, catalog = call.reader.texts, call.services.catalog
    states = TICKET_STATES_FOR_STAFF if call.identity.is_staff else TICKET_STATES
    return await call.page(
        "portal/reports.html",
        status=422 if said else 200,
        reports=[(key, texts.gettext(REPORT_NAMES[key])) for key in REPORTS],
        states=[(state.value, texts.gettext(states[state])) for state in TicketState],
        products=pairs(catalog.lines, call.reader),
        companies=await call.services.reports.companies(call.identity),
        mine=[_row(call, each) for each in await call.services.reports.of_person(call.identity)],
        at_once=call.services.reports.rules.most_rows_at_once,
        form=dict(typed or {}),
        chosen={name: call.form.texts.get(name, ()) for name in ("states", "products")},
        errors=said or [],
    )


def _row(call: Call, found: Progress) -> dict[str, Any]:
    return {
        "id": found.id,
        "title": found.title,
        "state": found.state.value,
        "done": found.done,
        "total": found.total,
        "asked_at": found.asked_at,
        "expires_at": found.expires_at,
        "size_bytes": found.size_bytes,
        "href": url("report", report=found.id),
        "file": url("report_file", report=found.id) if found.state is State.READY else None,
    }
