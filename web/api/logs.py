"""Reading and writing logs: the same keys and the same numbers as over the socket, with a long poll in place of live news."""

from chatsvc.kernel.errors import Conflict, Invalid, NotSignedIn
from chatsvc.kernel.ids import FileId, LogId
from chatsvc.tickets.model import Audience
from web.api.answers import LogPage, Number
from web.api.bodies import AppendBody, EntriesQuery, SeenBody
from web.door import Made
from web.site import Call


async def entries(call: Call, query: EntriesQuery) -> LogPage:
    """Return what follows a number, waiting for it up to ``wait`` seconds."""
    log = LogId(call.part("log"))
    reach = await call.services.tickets.reach(call.identity, log)
    if reach.head <= query.after and query.wait:
        assert call.services.hub is not None
        await call.services.hub.long_poll.wait_for(log, query.after, query.wait)
        await _still_admitted(call)
        reach = await call.services.tickets.reach(call.identity, log)
    found = await call.services.logbook.since(log, query.after, query.limit)
    seen = await call.services.logbook.seen(log)
    head = max([reach.head, *(entry.number for entry in found[-1:])])
    return LogPage(log, call.site.store, head, found, seen)


async def _still_admitted(call: Call) -> None:
    """A long wait outlasts a session that is ended meanwhile (R21).

    Raises:
        NotSignedIn: it has been.
    """
    identity = await call.services.accounts.still_in(call.identity, in_use=False)
    if identity is None:
        raise NotSignedIn("session.over")


async def append(call: Call, body: AppendBody) -> Made:
    """Say something; 200 with the same number when this key was stored before."""
    log = LogId(call.part("log"))
    reach = await call.services.tickets.reach(call.identity, log)
    if (reach.audience is Audience.STAFF) != (body.kind == "note"):
        raise Invalid("log.wrong_kind", field="kind")
    stored = await call.services.tickets.say(
        call.identity,
        log,
        key=_key(call.key, body.key),
        text=body.text,
        files=tuple(FileId(file) for file in body.files),
        epoch=body.epoch,
    )
    return Made(Number(stored.number, stored.at), repeated=stored.repeated)


def _key(header: str, in_body: str | None) -> str:
    if in_body is None and not header:
        raise Invalid("key.missing", field="Idempotency-Key")
    if header and in_body and header != in_body:
        raise Conflict("key.differs")
    return header or in_body or ""


async def mark_seen(call: Call, body: SeenBody) -> None:
    """Say how far the person has read; a mark never goes back, and never beyond the log's end."""
    log = LogId(call.part("log"))
    reach = await call.services.tickets.reach(call.identity, log)
    await call.services.logbook.mark_seen({(log, call.identity.person): min(body.number, reach.head)})
