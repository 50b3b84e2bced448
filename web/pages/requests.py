"""The form for a new request (T3, T4, C5): the catalogue's fields, checked once and here, whole without a script.

Nothing that was typed is lost: an error shows the form again with everything in it and the files that were received; whoever's session has
run out finds the form filled in after signing in, because its key says whose drawer it belongs to.
"""

import contextlib
from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec
from starlette.datastructures import UploadFile
from starlette.responses import Response

from chatsvc.catalog import policy
from chatsvc.catalog.model import Field
from chatsvc.catalog.policy import Checked
from chatsvc.files.actions import StoredFile
from chatsvc.files.model import LONGEST_NAME, plain_name
from chatsvc.kernel.errors import Invalid, NotFound, NotSignedIn
from chatsvc.kernel.ids import FileId, PersonId
from chatsvc.kernel.languages import CODES
from chatsvc.requests.model import COPIES, FILES, MISSED
from chatsvc.tickets.model import Filters, State
from web import errors
from web.bodies import FieldError, FormInvalid, Unreadable, chunks_of
from web.pages.entries import pairs
from web.pages.forms import DraftKeyForm, NewRequestQuery
from web.paths import url
from web.site import Call

# Inputs of the form that are not fields of the catalogue.
_BESIDE: Final = frozenset({"key", "who", "then", "kept", "copy", "language", "files", "file", policy.REASON})
_MOST_KEPT: Final = 10
# Requests of colleagues that are shown beside the form.
_MOST_SIMILAR: Final = 4


async def show_new(call: Call, query: NewRequestQuery) -> Response:
    """Show the form, empty, or with what was typed before."""
    requests = call.services.requests
    draft = await requests.draft(call.identity, query.draft) if query.draft else None
    if draft is not None:
        kept = await _kept(call, draft.files)
        language = draft.texts.get("language")
        said = [{"field": "files", "text": call.say("file.missed", name=name)} for name in draft.missed]
        return await _form_page(
            call,
            draft.texts,
            key=draft.key,
            kept=kept,
            typed_language=language,
            copies=draft.copies,
            said=said,
            status=200,
        )
    typed = {policy.REASON: query.reason or "", "product": query.product or "", "subject": query.subject}
    return await _form_page(call, {name: text for name, text in typed.items() if text}, offers_draft=True)


async def send(call: Call) -> Response:
    """Make a request of the form; the same form sent twice is one request."""
    form = _read(call)
    stored, said = await _received(call)
    kept = [*await _kept(call, form.kept), *stored]
    if form.then == "fields":
        return await _form_page(
            call, form.texts, key=form.key, kept=kept, typed_language=form.language, copies=form.copies, said=said
        )
    checked = await _checked(call, form.texts)
    said = [*_said(call, checked, form), *said]
    if said:
        await call.services.requests.keep(call.identity.person, form.key, form.kept_texts([file.id for file in kept]))
        return await _form_page(
            call, form.texts, key=form.key, kept=kept, typed_language=form.language, copies=form.copies, said=said
        )
    number = await call.services.requests.send(
        call.identity,
        typed=checked.answers,
        language=form.language,
        files=[file.id for file in kept],
        key=form.key,
    )
    await _keep_in_copy(call, number, form.copies)
    if form.then == "attach":
        return call.go("ticket", news="request_sent_attach", number=number, fragment="f-files-box")
    return call.go("ticket", news="request_sent", number=number)


async def _keep_in_copy(call: Call, number: int, copies: Sequence[PersonId]) -> None:
    """Let colleagues read along; whoever is none is left out in silence: the form has offered nobody else."""
    if not copies:
        return
    ticket = await call.services.tickets.view(call.identity, number)
    for person in copies[:_MOST_KEPT]:
        with contextlib.suppress(NotFound):
            await call.services.tickets.follow(call.identity, ticket.id, person)


async def keep_stranded(call: Call) -> Response:
    """Keep what somebody sent whose session has run out, and lead them by the sign-in page back to it.

    Files are taken from nobody who is not signed in: their names are kept, so that the form can ask for them again.
    """
    try:
        form = _read(call)
        texts = form.kept_texts(form.kept)
        if call.form.files:
            texts[MISSED] = "\n".join(_name_of(file) for file in call.form.files)
        await call.services.requests.keep(form.who, form.key, texts)
    except (Invalid, NotFound, Unreadable):
        # Not a form of ours: there is nothing to keep, and nothing to say about it either.
        raise NotSignedIn("session.over") from None
    return call.go("sign_in", query={"next": url("request_new", {"draft": form.key})})


async def discard(call: Call, body: DraftKeyForm) -> Response:
    """Throw a form away that was begun and not sent."""
    await call.services.requests.discard(call.identity, body.key)
    return call.go("request_new", news="draft_discarded")


# reading ----------------------------------------------------------------------------------------------------------------


class Sent(msgspec.Struct, frozen=True):
    """What came, read once."""

    key: str
    # For whom the form was made.
    who: PersonId
    then: str
    language: str
    # The reason and the fields.
    texts: dict[str, str]
    # Files that were received with an earlier try.
    kept: tuple[FileId, ...]
    # Colleagues to keep in copy.
    copies: tuple[PersonId, ...]

    def kept_texts(self, files: Sequence[FileId]) -> dict[str, str]:
        """Return what is worth keeping as a draft, with the files that were received and the colleagues that were chosen."""
        copies = " ".join(self.copies[:_MOST_KEPT])
        return {**self.texts, "language": self.language, FILES: " ".join(files), COPIES: copies}


def _read(call: Call) -> Sent:
    """Read the form.

    Raises:
        Unreadable: there is an input that the form does not have, or its key is missing; no honest browser sends that.
    """
    texts = call.form.texts
    fields = {field.key for field in call.services.catalog.fields} | {policy.REASON}
    strange = set(texts) - fields - _BESIDE
    key, who = texts.get("key", ("",))[-1], texts.get("who", ("",))[-1]
    if strange or not key or len(key) > 64 or len(who) > 40 or len(texts.get("kept", ())) > _MOST_KEPT:
        raise Unreadable("unreadable", fields=sorted(strange)[:5])
    return Sent(
        key=key,
        who=PersonId(who),
        then=texts.get("then", ("show",))[-1],
        language=texts.get("language", ("",))[-1] or call.reader.language.code,
        texts={name: values[-1] for name, values in texts.items() if name in fields},
        kept=tuple(FileId(file) for file in texts.get("kept", ())),
        copies=tuple(PersonId(person) for person in texts.get("copy", ())),
    )


async def _received(call: Call) -> tuple[list[StoredFile], list[dict[str, str]]]:
    """Take the files in; what is wrong with one is said by its name, and the others are kept."""
    stored, said = [], []
    for file in call.form.files:
        name = file.filename or "file"
        try:
            stored.append(await call.services.files.receive(call.identity, name, chunks_of(file)))
        except Invalid as error:
            [why] = errors.of_refusal(error, call.reader)
            reason = errors.within(why["text"])
            said.append({"field": "files", "text": call.say("file.refused", name=_name_of(file), reason=reason)})
    return stored, said


def _name_of(file: UploadFile) -> str:
    """Return a file's name as people may read it, in one line."""
    return plain_name(file.filename or "")[:LONGEST_NAME] or "file"


async def _kept(call: Call, wanted: Sequence[FileId]) -> list[StoredFile]:
    """Return the files of an earlier try that are still there and theirs."""
    found = []
    for file in wanted[:_MOST_KEPT]:
        try:
            stored = await call.services.files.find(file)
        except NotFound:
            continue  # removed meanwhile: the list on the page shows what there is
        if stored.uploader == call.identity.person and stored.ticket is None:
            found.append(stored)
    return found


async def _checked(call: Call, typed: Mapping[str, str]) -> Checked:
    services = await call.services.requests.services(call.identity.company)
    return policy.check(call.services.catalog, typed, services=services)


def _said(call: Call, checked: Checked, form: Sent) -> list[dict[str, str]]:
    wrong = [FieldError(each.field, each.key, {"limit": each.limit} if each.limit else {}) for each in checked.wrong]
    if form.language not in CODES:
        wrong.append(FieldError("language", "choose"))
    return errors.of_form(FormInvalid(wrong, {}), call.reader)


# showing ----------------------------------------------------------------------------------------------------------------


async def _form_page(
    call: Call,
    typed: Mapping[str, str],
    *,
    key: str = "",
    kept: Sequence[StoredFile] = (),
    typed_language: str | None = None,
    copies: Sequence[PersonId] = (),
    said: list[dict[str, str]] | None = None,
    status: int = 422,
    offers_draft: bool = False,
) -> Response:
    services, settings = call.services, call.site.settings
    catalog, texts = services.catalog, call.reader.texts
    subscribed = await services.requests.services(call.identity.company)
    draft = await services.requests.latest_draft(call.identity) if offers_draft else None
    form: dict[str, Any] = dict(typed)
    form["copies"] = copies
    form["language"] = typed_language if typed_language in CODES else call.reader.language.code
    return await call.page(
        "portal/request_form.html",
        status=status if said else 200,
        reasons=[
            {
                "key": reason.key,
                "name": texts.gettext(reason.name),
                "about": texts.gettext(reason.about) if reason.about else "",
            }
            for reason in policy.reasons_for(catalog, subscribed)
        ],
        fields=field_rows(call, catalog.fields, typed),
        form=form,
        kept=[{"id": file.id, "name": file.name, "size_bytes": file.size_bytes} for file in kept],
        colleagues=await services.requests.colleagues(call.identity),
        similar=await similar(call, typed),
        draft=draft
        and {
            "key": draft.key,
            "subject": draft.texts.get("subject", ""),
            "at": draft.updated_at,
            "href": url("request_new", {"draft": draft.key}),
        },
        errors=said or [],
        key=key or services.requests.new_key(call.identity),
        who=call.identity.person,
        limits={"files": settings.max_files_per_post, "size_bytes": settings.max_file_bytes},
    )


async def similar(call: Call, typed: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return open requests of colleagues that may be about the same: those the contact may read, of this product, the latest first."""
    product = typed.get("product", "")
    filters = Filters(states=(State.OPEN, State.AWAITING), products=(product,) if product else (), others=True)
    page = await call.services.tickets.requests(call.identity, filters=filters)
    found: list[dict[str, Any]] = []
    for line in page.tickets[:_MOST_SIMILAR]:
        ticket = await call.services.tickets.view(call.identity, line.number)
        found.append(
            {
                "number": line.number,
                "subject": line.subject,
                "name": line.requester,
                "at": line.created_at,
                "age": call.now - line.created_at,
                "followed": ticket.following,
                "href": url("ticket", number=line.number),
            }
        )
    return found


def field_rows(call: Call, fields: Sequence[Field], typed: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return fields for ``components/request_field.html``: the same rules that check the form decide what is there and mandatory."""
    catalog, texts = call.services.catalog, call.reader.texts
    answers = policy.shown_answers(catalog, typed)
    return [
        {
            "key": field.key,
            "name": texts.gettext(field.name),
            "hint": texts.gettext(field.hint) if field.hint else "",
            "kind": field.kind,
            "answers": pairs(catalog.choices(field), call.reader),
            "longest": field.longest,
            "shown": policy.is_shown(field, answers),
            "required": policy.is_required(field, answers),
            "rules": msgspec.json.encode({"shown": field.shown, "required": field.required}).decode(),
        }
        for field in fields
    ]
