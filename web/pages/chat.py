"""Standing in line and talking, as pages: with a script they are live, without one every button is a form and a reload."""

from dataclasses import replace
from typing import Any, Final

import msgspec
from starlette.responses import Response

from chatsvc.catalog.model import Catalog
from chatsvc.conversations.policy import passes_closing
from chatsvc.conversations.views import Visit
from chatsvc.kernel.errors import Conflict, Invalid, NotAllowed, NotFound
from chatsvc.kernel.ids import ConversationId, FileId, TicketId, new_id
from chatsvc.tickets.model import Kind
from web import errors
from web.api.visits import reachable
from web.bodies import FieldError, Form, FormInvalid, chunks_of, form_into, typed_in
from web.pages import hours
from web.pages.callback_shown import offer_of
from web.pages.entries import name_in, shown
from web.pages.forms import ChatForm, Nothing, RateForm, SayForm
from web.site import Call

# All of a conversation on one page: longer ones are read on, from the last number, by the script.
_MOST_ENTRIES: Final = 500


# the form before standing in line -------------------------------------------------------------------------------------


async def show_form(call: Call) -> Response:
    """Show the form that is filled in before standing in line."""
    line = _line(call)
    running = await _running(call, line)
    return running or await _form_page(call, line, {}, [])


async def join(call: Call) -> Response:
    """Open a ticket and stand in its line; the same form sent twice is one ticket."""
    line = _line(call)
    catalog = call.services.catalog
    files: tuple[FileId, ...] = ()
    try:
        body, impact = read_form(call.form, catalog)
        files = await receive_files(call)
        visit = await call.services.conversations.join(
            call.identity,
            line=line,
            subject=" ".join(body.subject.split()),
            description=body.description.strip(),
            impact=impact,
            files=files,
            reachable=reachable(body.contact_name, body.contact_phone, body.speaks_english == "yes"),
            key=body.key,
        )
    except FormInvalid as error:
        return await _form_page(call, line, error.typed, errors.of_form(error, call.reader))
    except Conflict as error:
        ticket = error.facts.get("ticket")
        if error.key != "visit.already_open" or ticket is None:
            raise
        visit = await call.services.queries.visit(call.identity, TicketId(str(ticket)))
    except Invalid as error:
        said = errors.of_refusal(error, call.reader)
        return await _form_page(call, line, typed_in(call.form), [_at_input(each) for each in said])
    except NotAllowed as error:
        if error.key != "coverage.closed":
            raise
        return await hours.closed(call, line, dict(typed_in(call.form)), files, status=error.status)
    return call.go("chat_room", conversation=visit.conversation)


def read_form(form: Form, catalog: Catalog) -> tuple[ChatForm, dict[str, str]]:
    """Return what the form says, and the answers of the impact interview: only those without which nothing can be decided are insisted on.

    Raises:
        FormInvalid: with everything that is missing or cannot be taken.
    """
    questions = {question.key: {answer.key for answer in question.answers} for question in catalog.impact}
    answers = {key: texts[-1] for key, texts in form.texts.items() if key in questions and texts[-1]}
    missing = catalog.missing_impact(answers)
    wrong = [FieldError(key, "choose") for key in questions if _is_wrong(key, answers, questions, missing)]
    try:
        rest = {name: texts for name, texts in form.texts.items() if name not in questions}
        body = form_into(replace(form, texts=rest), ChatForm)
    except FormInvalid as error:
        raise FormInvalid([*error.errors, *wrong], typed_in(form)) from None
    if wrong:
        raise FormInvalid(wrong, typed_in(form))
    return body, answers


def _is_wrong(key: str, answers: dict[str, str], questions: dict[str, set[str]], missing: tuple[str, ...]) -> bool:
    return key in missing or (key in answers and answers[key] not in questions[key])


async def receive_files(call: Call) -> tuple[FileId, ...]:
    """Take in the files of a form, in order.

    Raises:
        Invalid: one of them cannot be taken; field ``files``.
    """
    try:
        stored = [
            await call.services.files.receive(call.identity, file.filename or "file", chunks_of(file))
            for file in call.form.files
        ]
    except Invalid as error:
        raise Invalid(error.key, field="files", **error.facts) from None
    return tuple(file.id for file in stored)


def _at_input(said: dict[str, str]) -> dict[str, str]:
    """Lead an error of the interview to its own question: ``impact.people`` is the input ``people``."""
    return {**said, "field": said["field"].removeprefix("impact.")}


def _line(call: Call) -> str:
    """The line in the address.

    Raises:
        NotFound: the catalogue has none like it.
    """
    try:
        return call.services.catalog.line(call.part("product")).key
    except Invalid:
        raise NotFound("line.not_found") from None


async def _running(call: Call, line: str) -> Response | None:
    """The way back to the conversation that is open in this line already (R11)."""
    for visit in await call.services.queries.visits_of(call.identity):
        if visit.line == line:
            return call.go("chat_room", conversation=visit.conversation)
    return None


async def _form_page(call: Call, line: str, typed: Any, said: list[dict[str, str]]) -> Response:
    catalog, texts, settings = call.services.catalog, call.reader.texts, call.site.settings
    questions = [
        {
            "key": question.key,
            "name": texts.gettext(question.name),
            "answers": [(answer.key, texts.gettext(answer.name)) for answer in question.answers],
            "required": question.required,
            "needed_if": msgspec.json.encode(question.needed_if).decode() if question.needed_if else None,
        }
        for question in catalog.impact
    ]
    covered = await call.services.urgencies.coverage_of(call.identity.person)
    wait = await call.services.queries.likely_wait(line)
    until = covered.coverage.until
    # The contact is asked for where it was missing, and where it was given.
    asks_contact = any(each["field"].startswith(("contact_", "speaks_")) for each in said) or typed.get("contact_name")
    # As is what is never needed.
    asks_more = any(typed.get(each.key) for each in catalog.impact if not (each.required or each.needed_if))
    return await call.page(
        "portal/chat_form.html",
        status=422 if said else 200,
        product={"key": line, "name": name_in(catalog.lines, line, call.reader)},
        questions=questions,
        form=dict(typed),
        errors=said,
        key=str(typed.get("key") or new_key()),
        limits={"files": settings.max_files_per_post, "size_bytes": settings.max_file_bytes},
        hours=hours.hours_of(call, covered),
        closes_first=passes_closing(until, None if wait is None else wait.high_s, call.now),
        critical=[texts.gettext(rule.name) for rule in catalog.proposals],
        asks_contact=bool(asks_contact),
        asks_more=asks_more,
    )


def new_key() -> str:
    """Return a key for a form, made anew for each rendering: sent twice, it is one wish (R2)."""
    return new_id("fm")


# the room -------------------------------------------------------------------------------------------------------------


async def show_room(call: Call) -> Response:
    """Show a visit in whatever state it is: waiting, talking, ending, over, left."""
    return await room_page(call, await _visit(call))


async def say(call: Call, body: SayForm) -> Response:
    """Say something, without a script."""
    visit = await _visit(call)
    try:
        files = await receive_files(call)
        await call.services.tickets.say(call.identity, visit.log, key=body.key, text=body.text, files=files)
    except (Invalid, Conflict) as error:
        return await room_page(call, visit, errors.of_refusal(error, call.reader, field="text"), draft=body.text)
    return _back(call)


async def say_again(call: Call, error: FormInvalid) -> Response:
    """Show the room again with the words that could not be taken."""
    draft = str(error.typed.get("text", ""))
    said = errors.of_form(error, call.reader)
    return await room_page(call, await _visit(call), said, draft=draft)


async def leave(call: Call, body: Nothing) -> Response:
    """Give up the place; the ticket stays."""
    visit = await _visit(call)
    return await _attempt(call, call.services.conversations.leave(call.identity, visit.ticket), "not_waiting")


async def end(call: Call, body: Nothing) -> Response:
    """End the conversation."""
    return await _attempt(call, call.services.conversations.end(call.identity, _id(call)), "conflict")


async def undo(call: Call, body: Nothing) -> Response:
    """Take the end back."""
    return await _attempt(call, call.services.conversations.undo_end(call.identity, _id(call)), "undo_over")


async def rate(call: Call, body: RateForm) -> Response:
    """Say how well it helped."""
    visit = await _visit(call)
    wish = call.services.conversations.rate(call.identity, visit.ticket, body.rating, body.comment.strip())
    return await _attempt(call, wish, "conflict")


async def rate_again(call: Call, error: FormInvalid) -> Response:
    """Show the room again with what was wrong with the rating."""
    return await room_page(call, await _visit(call), errors.of_form(error, call.reader))


async def _attempt(call: Call, wish: Any, news: str) -> Response:
    """Carry out a wish and show the room; a wish that came too late is news, not an error page."""
    try:
        await wish
    except Conflict:
        return _back(call, news)
    return _back(call)


def _back(call: Call, news: str = "") -> Response:
    return call.go("chat_room", news=news, conversation=call.part("conversation"))


def _id(call: Call) -> ConversationId:
    return ConversationId(call.part("conversation"))


async def _visit(call: Call) -> Visit:
    return await call.services.queries.visit_in(call.identity, _id(call))


async def room_page(call: Call, visit: Visit, said: list[dict[str, str]] | None = None, *, draft: str = "") -> Response:
    """Show a visit, with what was wrong with a form of it."""
    catalog = call.services.catalog
    entries = await call.services.logbook.since(visit.log, 0, _MOST_ENTRIES)
    seen = await call.services.logbook.seen(visit.log)
    return await call.page(
        "portal/chat_room.html",
        status=422 if said else 200,
        visit=visit,
        by_phone=await offer_of(call, visit),
        held=None if visit.waiting is None else await call.services.queries.waits_held(visit.line),
        line_name=name_in(catalog.lines, visit.line, call.reader),
        entries=shown(entries, to=call.identity, for_reader=call.reader, catalog=catalog, seen=seen),
        head=entries[-1].number if entries else 0,
        store=call.site.store,
        post_key=new_key(),
        draft=draft,
        errors=said or [],
        rated=visit.rating is not None,
        closes_first=visit.waiting is not None
        and passes_closing(visit.waiting.closes_at, visit.waiting.wait_high_s, call.now),
        let_go=any(
            entry.kind in (Kind.LEFT_LINE, Kind.ENDED) and b'"why":"closed"' in bytes(entry.body) for entry in entries
        ),
        undo_s=int(call.site.settings.undo_seconds),
    )
