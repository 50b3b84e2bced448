"""Saved replies: the list, and the forms that add, change and remove one. The shipped ones of the catalogue stand beside them, to be read."""

from typing import Any

from starlette.responses import Response

from chatsvc.kernel.errors import Conflict, Invalid
from chatsvc.replies.actions import may_keep_for_all
from web import errors
from web.bodies import FormInvalid
from web.pages.entries import name_in, pairs
from web.pages.forms import Nothing, RepliesPageQuery, ReplyChangeForm, ReplyForm
from web.site import Call


async def show(call: Call, query: RepliesPageQuery) -> Response:
    """Show all replies, one of them open to be changed."""
    return await _page(call, chosen=query.reply)


async def add(call: Call, body: ReplyForm) -> Response:
    """Keep a reply, for oneself or for everybody."""
    try:
        await call.services.replies.add(
            call.identity, title=body.title, text=body.text, line=body.line, for_all=body.whose == "all"
        )
    except Invalid as error:
        return await _page(call, errors.of_refusal(error, call.reader), typed=_typed(call))
    return call.go("replies", news="reply_saved")


async def change(call: Call, body: ReplyChangeForm) -> Response:
    """Change a reply."""
    reply = call.part("reply")
    try:
        await call.services.replies.change(
            call.identity, reply, title=body.title, text=body.text, line=body.line, version=body.version
        )
    except (Invalid, Conflict) as error:
        said = errors.of_refusal(error, call.reader)
        return await _page(call, said, chosen=reply, typed=_typed(call), status=error.status)
    return call.go("replies", news="reply_saved")


async def remove(call: Call, body: Nothing) -> Response:
    """Remove a reply."""
    await call.services.replies.remove(call.identity, call.part("reply"))
    return call.go("replies", news="reply_removed")


async def show_again(call: Call, error: FormInvalid) -> Response:
    """Show the form again with what could not be taken."""
    chosen = call.part("reply") if "reply" in call.request.path_params else None
    return await _page(call, errors.of_form(error, call.reader), chosen=chosen, typed=_typed(call))


def _typed(call: Call) -> dict[str, str]:
    return {name: texts[-1] for name, texts in call.form.texts.items()}


async def _page(
    call: Call,
    said: list[dict[str, str]] | None = None,
    *,
    chosen: str | None = None,
    typed: dict[str, str] | None = None,
    status: int = 422,
) -> Response:
    catalog, reader = call.services.catalog, call.reader
    found = await call.services.replies.of(call.identity)
    for_all = may_keep_for_all(call.identity)
    open_ = next((each for each in found if each.id == chosen and (each.is_own or for_all)), None)
    form: dict[str, Any] = (
        {"title": open_.title, "text": open_.text, "line": open_.line or "", "version": str(open_.version)}
        if open_
        else {}
    )
    return await call.page(
        "console/replies.html",
        status=status if said else 200,
        replies=[
            {
                "id": each.id,
                "title": each.title,
                "text": each.text,
                "line": name_in(catalog.lines, each.line, reader),
                "own": each.is_own,
                "may_change": each.is_own or for_all,
            }
            for each in found
        ],
        shipped=[{"title": each.title, "text": each.text} for each in catalog.replies],
        chosen=open_.id if open_ else None,
        for_all=for_all,
        lines=pairs(catalog.lines, reader),
        form=form | (typed or {}),
        errors=said or [],
    )


async def offered(call: Call) -> list[dict[str, Any]]:
    """Return every reply that ``/`` offers: staff's own and everybody's first, then the catalogue's."""
    kept = await call.services.replies.of(call.identity)
    own = [
        {"key": each.id, "title": each.title, "text": each.text, "lines": [each.line] if each.line else []}
        for each in kept
    ]
    shipped = [
        {"key": each.key, "title": each.title, "text": each.text, "lines": list(each.lines)}
        for each in call.services.catalog.replies
    ]
    return own + shipped
