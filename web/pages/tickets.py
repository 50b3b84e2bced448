"""My requests, and the page of a ticket as its customer sees it (T6, T10, T11); and as those who work here see it."""

from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

import msgspec
from starlette.responses import Response

from chatsvc.catalog.model import Catalog, pick
from chatsvc.kernel.errors import Conflict, Invalid, NotAllowed
from chatsvc.kernel.ids import LogId
from chatsvc.notifications.quiet import Wish
from chatsvc.tickets.model import Entry, Fields, Filters, State
from chatsvc.tickets.queries import TicketView
from web import errors
from web.api.tickets import add_comment
from web.bodies import FormInvalid, typed_in
from web.i18n import Reader, clock_time, language_name, reading
from web.pages.chat import new_key, receive_files
from web.pages.entries import name_in, pairs, shown
from web.pages.forms import AppealForm, JudgeForm, NoteForm, Nothing, RequestsQuery, SayForm, TicketFieldsForm
from web.pages.portal import ticket_row
from web.pages.replies import offered
from web.pages.urgency import coverage_of, urgency_of
from web.paths import url
from web.site import Call
from web.texts import N_

_STATES: Final = {
    "current": (),
    "open": (State.OPEN, State.AWAITING),
    "awaiting": (State.AWAITING,),
    "ended": (State.SOLVED, State.CLOSED),
    "all": (),
}
# What the address leaves out.
_UNCHOSEN: Final = {"show": "current", "whose": "all"}
# Read in pieces, so that a ticket of any length fits on its page.
_PIECE: Final = 500


# my requests ----------------------------------------------------------------------------------------------------------


async def requests(call: Call, query: RequestsQuery) -> Response:
    """List the tickets that the contact opened or follows; those who work here have the console.

    At first those with which something can still be done: a request that was solved a moment ago is among them.
    """
    if call.identity.is_staff:
        return call.go("console")
    filters = Filters(
        states=_STATES[query.show],
        products=(query.product,) if query.product else (),
        text=query.text,
        own=query.whose == "own",
        followed=query.whose == "followed",
        ended_since=call.services.tickets.ended_lately if query.show == "current" else None,
    )
    page = await call.services.tickets.requests(call.identity, filters=filters, before=query.before)
    counts = await call.services.tickets.counts(call.identity)
    chosen = {"show": query.show, "text": query.text, "product": query.product or "", "whose": query.whose}
    more = _address(chosen) or {}
    return await call.page(
        "portal/requests.html",
        tickets=[ticket_row(call, ticket) for ticket in page.tickets],
        filter=query.show,
        form=chosen,
        narrowed=bool(set(more) - {"show"}),
        shows={show: url("requests", _address({**more, "show": show})) for show in _STATES},
        products=pairs(call.services.catalog.lines, call.reader),
        counts=counts,
        first_page=url("requests", more or None) if query.before is not None else None,
        next_page=url("requests", {**more, "before": str(page.older)}) if page.older is not None else None,
    )


def _address(chosen: dict[str, str]) -> dict[str, str] | None:
    """What stands behind the question mark for a choice; None for the usual one."""
    return {name: text for name, text in chosen.items() if text and text != _UNCHOSEN.get(name)} or None


# a ticket, for its customer -------------------------------------------------------------------------------------------


async def show(call: Call) -> Response:
    """Show a ticket; those who work here go on to their own view of it, so that one link in a mail serves all (T14)."""
    if call.identity.is_staff:
        return call.go("staff_ticket", number=call.number())
    return await _ticket_page(call, await of_call(call))


async def comment(call: Call, body: SayForm) -> Response:
    """Add a comment; on a solved ticket it opens it again (T9, T10)."""
    ticket = await of_call(call)
    try:
        await add_comment(call, ticket, key=body.key, text=body.text, files=await receive_files(call))
    except (Invalid, Conflict, NotAllowed) as error:
        return await again(call, ticket, errors.of_refusal(error, call.reader, field="text"), draft=body.text)
    return back(call, "comment_stored")


async def comment_again(call: Call, error: FormInvalid) -> Response:
    """Show the ticket again with the words that could not be taken."""
    said = errors.of_form(error, call.reader)
    return await again(call, await of_call(call), said, draft=str(error.typed.get("text", "")))


async def solve(call: Call, body: Nothing) -> Response:
    """Mark the ticket as solved (T10)."""
    ticket = await of_call(call)
    try:
        await call.services.tickets.mark_solved(call.identity, ticket.id)
    except Conflict:
        return back(call, "conflict")
    return back(call, "ticket_solved")


async def appeal(call: Call, body: AppealForm) -> Response:
    """Ask once for a second look at the priority."""
    ticket = await of_call(call)
    try:
        await call.services.conversations.appeal(call.identity, ticket.id, body.reason)
    except (Invalid, Conflict, NotAllowed) as error:
        return await _ticket_page(call, ticket, errors.of_refusal(error, call.reader, field="reason"))
    return back(call, "appealed")


async def appeal_again(call: Call, error: FormInvalid) -> Response:
    """Show the ticket again with what was wrong with the words."""
    return await _ticket_page(call, await of_call(call), errors.of_form(error, call.reader))


async def judge(call: Call, body: JudgeForm) -> Response:
    """Set how urgent a ticket is, with a reason that the customer reads (V2)."""
    ticket = await of_call(call)
    try:
        await call.services.conversations.judge(
            call.identity, ticket.id, to=body.severity, reason=body.why, version=body.version
        )
    except (Invalid, Conflict, NotAllowed) as error:
        said = errors.of_refusal(error, call.reader, field="severity")
        at_input = [{**each, "field": "why" if each["field"] == "reason" else each["field"]} for each in said]
        return await _staff_page(call, ticket, at_input)
    return back(call, "ticket_judged")


async def of_call(call: Call) -> TicketView:
    """The ticket in the address; raises NotFound for whoever may not read it."""
    return await call.services.tickets.view(call.identity, call.number())


def back(call: Call, news: str) -> Response:
    """Send the browser back to the ticket, on its reader's own page."""
    name = "staff_ticket" if call.identity.is_staff else "ticket"
    return call.go(name, news=news, number=call.number())


async def again(call: Call, ticket: TicketView, said: list[dict[str, str]], *, draft: str = "") -> Response:
    """Show the ticket again, on its reader's own page, with what was wrong."""
    if call.identity.is_staff:
        return await _staff_page(call, ticket, said, draft=draft)
    return await _ticket_page(call, ticket, said, draft=draft)


async def _ticket_page(
    call: Call, ticket: TicketView, said: list[dict[str, str]] | None = None, *, draft: str = ""
) -> Response:
    entries = await read_all(call, ticket.log)
    return await call.page(
        "portal/ticket.html",
        status=422 if said else 200,
        ticket=_facts(call, ticket),
        impact=[*await form_rows(call, ticket), *impact_rows(call, ticket.impact)],
        entries=await _shown(call, ticket.log, entries),
        head=entries[-1].number if entries else 0,
        store=call.site.store,
        may_comment=ticket.may_comment,
        may_solve=ticket.may_solve,
        running=await _running(call, ticket),
        life=await life_of(call, ticket),
        teams=pairs(call.services.catalog.teams, call.reader),
        urgency=await urgency_of(call, ticket.id),
        post_key=new_key(),
        draft=draft,
        errors=said or [],
        typed=typed_in(call.form) if said else {},
    )


async def life_of(call: Call, ticket: TicketView) -> dict[str, Any]:
    """Return where a ticket is in its life, for ``components/ticket_life.html``."""
    page = "staff_ticket" if call.identity.is_staff else "ticket"

    def link(number: int | None) -> dict[str, Any] | None:
        return None if number is None else {"number": number, "href": url(page, number=number)}

    me, reads = call.identity, call.services.tickets
    return {
        "number": ticket.number,
        "state": ticket.state.value,
        "team": ticket.team,
        "needed": ticket.needed,
        "closes_at": ticket.closes_at,
        "solution": ticket.solution,
        "solution_at": ticket.solution_at,
        "reopen_until": ticket.reopen_until,
        "follows": link(ticket.follows),
        "followed_up_by": link(ticket.followed_up_by),
        "merged_into": link(ticket.merged_into),
        "incident": ticket.incident,
        "may_solve": ticket.may_solve,
        "may_close": ticket.may_close,
        "may_reopen": ticket.may_reopen,
        "may_follow_up": ticket.may_follow_up,
        "own": ticket.own,
        "owner": ticket.owner,
        "mine": ticket.owner_id == me.person,
        "following": ticket.following,
        # The same page as behind the link in its mails; None for those who get none.
        "mails": _mails(call, ticket),
        "followers": [
            {"person": each.person, "name": each.name, "may_remove": ticket.own or each.person == me.person}
            for each in await reads.followers(me, ticket.id)
        ],
        "candidates": [] if me.is_staff else [tuple(each) for each in await reads.candidates(me, ticket.id)],
    }


def _mails(call: Call, ticket: TicketView) -> str | None:
    if not (ticket.own or ticket.following):
        return None
    return url("mail_quiet", token=call.services.quiet.make(Wish(call.identity.person, ticket.id)))


async def read_all(call: Call, log: LogId) -> list[Entry]:
    """Return a whole log."""
    entries: list[Entry] = []
    while piece := await call.services.logbook.since(log, entries[-1].number if entries else 0, _PIECE):
        entries += piece
        if len(piece) < _PIECE:
            break
    return entries


async def _shown(call: Call, log: LogId, entries: list[Entry]) -> list[dict[str, Any]]:
    seen = await call.services.logbook.seen(log)
    return shown(entries, to=call.identity, for_reader=call.reader, catalog=call.services.catalog, seen=seen)


async def _running(call: Call, ticket: TicketView) -> str | None:
    for visit in await call.services.queries.visits_of(call.identity):
        if visit.ticket == ticket.id:
            return url("chat_room", conversation=visit.conversation)
    return None


def _facts(call: Call, ticket: TicketView) -> dict[str, Any]:
    """The box of facts (T10): keys of the catalogue as the reader's words."""
    catalog, reader = call.services.catalog, call.reader
    return {
        "id": ticket.id,
        "number": ticket.number,
        "subject": ticket.subject,
        "description": ticket.description,
        "state": ticket.state.value,
        "severity": ticket.severity,
        "product": name_in(catalog.lines, ticket.product, reader),
        "team": name_in(catalog.teams, ticket.team, reader),
        "environment": ticket.environment,
        "reason": name_in(catalog.reasons, ticket.reason, reader) if ticket.reason else None,
        "requester": ticket.requester,
        "created_at": ticket.created_at,
        "updated_at": ticket.updated_at,
        "log": ticket.log,
        "owner": ticket.owner,
    }


async def form_rows(call: Call, ticket: TicketView) -> list[tuple[str, str]]:
    """Return what the request's form said beyond what every ticket has (T10), as finished texts in the form's order."""
    details = await call.services.requests.details(ticket.id)
    if details is None:
        return []
    texts, catalog = call.reader.texts, call.services.catalog
    rows = [
        (texts.gettext(field.name), name_in(catalog.choices(field), details.answers[field.key], call.reader))
        for field in catalog.fields
        if field.key in details.answers
    ]
    with reading(call.reader):
        return [*rows, (texts.gettext(N_("Language")), language_name(details.language))]


def impact_rows(call: Call, answers: dict[str, str]) -> list[tuple[str, str]]:
    """Return the answers of the interview as finished texts, in the catalogue's order."""
    texts = call.reader.texts
    return [
        (texts.gettext(question.name), name_in(question.answers, answers[question.key], call.reader))
        for question in call.services.catalog.impact
        if question.key in answers
    ]


# a ticket, for those who work here ------------------------------------------------------------------------------------


async def show_to_staff(call: Call) -> Response:
    """Show a ticket with its internal notes."""
    return await _staff_page(call, await of_call(call))


async def note(call: Call, body: NoteForm) -> Response:
    """Store an internal note."""
    ticket = await of_call(call)
    assert ticket.notes_log is not None  # staff alone come here
    try:
        await call.services.tickets.say(call.identity, ticket.notes_log, key=body.key, text=body.note)
    except (Invalid, Conflict, NotAllowed) as error:
        return await _staff_page(call, ticket, errors.of_refusal(error, call.reader, field="note"))
    return back(call, "note_stored")


async def note_again(call: Call, error: FormInvalid) -> Response:
    """Show the ticket again with what was wrong with the note."""
    return await _staff_page(call, await of_call(call), errors.of_form(error, call.reader))


async def change(call: Call, body: TicketFieldsForm) -> Response:
    """Set the fields of a ticket."""
    ticket, catalog = await of_call(call), call.services.catalog
    fields = Fields(
        subject=" ".join(body.subject.split()),
        product=body.product or "",
        team=body.team,
        reason=body.reason,
        environment=body.environment,
        severity=ticket.severity,
        state=State(body.state),
    )
    version = body.version
    try:
        check_keys(fields, catalog)
        if body.severity is not None and body.severity != ticket.severity:
            # A priority is judged, also when it comes with the other fields: a downgrade without a reason is refused (V2).
            await call.services.conversations.judge(call.identity, ticket.id, to=body.severity, version=version)
            ticket = await of_call(call)
            fields, version = msgspec.structs.replace(fields, severity=ticket.severity), ticket.version
        await call.services.tickets.change(call.identity, ticket.id, fields, version=version)
    except (Invalid, Conflict, NotAllowed) as error:
        return await _staff_page(call, ticket, errors.of_refusal(error, call.reader, field="state"))
    return back(call, "ticket_changed")


def check_keys(fields: Fields, catalog: Catalog) -> None:
    """Check that what was chosen stands in the catalogue.

    Raises:
        Invalid: the first key that does not.
    """
    if fields.product:
        catalog.line(fields.product)
    pick(catalog.teams, fields.team, field="team")
    if fields.reason is not None:
        pick(catalog.reasons, fields.reason, field="reason")
    if fields.environment is not None:
        pick(catalog.environments, fields.environment, field="environment")


async def change_again(call: Call, error: FormInvalid) -> Response:
    """Show the ticket again with what was wrong with the fields."""
    return await _staff_page(call, await of_call(call), errors.of_form(error, call.reader))


async def _staff_page(
    call: Call, ticket: TicketView, said: list[dict[str, str]] | None = None, *, draft: str = ""
) -> Response:
    assert ticket.notes_log is not None
    entries, notes = await read_all(call, ticket.log), await read_all(call, ticket.notes_log)
    about = await call.services.queries.customer_context(call.identity, ticket.id)
    reach = await call.services.tickets.reach(call.identity, ticket.log)
    return await call.page(
        "console/ticket_staff.html",
        status=422 if said else 200,
        ticket={
            **_facts(call, ticket),
            "notes_log": ticket.notes_log,
            "requester_email": about.email,
            "company": ticket.company,
            "zone": about.zone,
            "product_key": ticket.product,
            "team_key": ticket.team,
            "reason_key": ticket.reason,
            "version": ticket.version,
        },
        impact=[*await form_rows(call, ticket), *impact_rows(call, ticket.impact)],
        entries=await _shown(call, ticket.log, entries),
        notes=await _shown(call, ticket.notes_log, notes),
        head=entries[-1].number if entries else 0,
        store=call.site.store,
        choices=choices(call),
        life=await life_of(call, ticket),
        teams=pairs(call.services.catalog.teams, call.reader),
        canned=await offered(call),
        urgency=await urgency_of(call, ticket.id),
        hours=await coverage_of(call, ticket.id),
        now=call.now,
        their_time=time_in(about.zone, call.now, call.reader),
        live=url("console") if reach.owner is not None else None,
        may_write=ticket.may_comment,
        post_key=new_key(),
        note_key=new_key(),
        draft=draft,
        errors=said or [],
        typed=typed_in(call.form) if said else {},
    )


def choices(call: Call) -> dict[str, list[tuple[str, str]]]:
    """Return the catalogue's lists that fields of a ticket choose from."""
    catalog, reader = call.services.catalog, call.reader
    return {
        "reasons": pairs(catalog.reasons, reader),
        "products": pairs(catalog.lines, reader),
        "priorities": pairs(catalog.severities, reader),
        "teams": pairs(catalog.teams, reader),
    }


def time_in(zone: str, now: datetime, for_reader: Reader) -> str:
    """Return the hour and minute on somebody else's clock, as the reader writes it."""
    with reading(Reader(for_reader.language, ZoneInfo(zone))):
        return clock_time(now)
