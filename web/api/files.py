"""Files in and out. They are never shown by our pages except pictures of four kinds, and never run (threats T18, T19)."""

from typing import Final
from urllib.parse import quote

from starlette.responses import FileResponse, Response

from chatsvc.files.model import PREVIEWED
from chatsvc.kernel.errors import Invalid, NotFound
from chatsvc.kernel.ids import FileId
from web.api.answers import Uploaded
from web.api.bodies import FileQuery, UploadBody
from web.bodies import chunks_of
from web.door import Made
from web.headers import FILE_POLICY
from web.site import Call

# A browser may keep a person's own picture for a while, a shared cache never.
_KEPT: Final = "private, max-age=3600"


async def upload(call: Call, body: UploadBody) -> Made:
    """Take a file in; it belongs to its uploader until a message that names it is sent."""
    if len(call.form.files) != 1:
        raise Invalid("file.missing", field="file")
    [file] = call.form.files
    stored = await call.services.files.receive(call.identity, file.filename or "file", chunks_of(file))
    return Made(Uploaded(stored.id, stored.name, stored.media_type, stored.size_bytes))


async def download(call: Call, query: FileQuery) -> Response:
    """Return a file to be saved, or a picture to be shown."""
    stored = await call.services.tickets.file(call.identity, FileId(call.part("file")))
    if not stored.path.is_file():
        raise NotFound("file.not_found")
    is_shown = query.inline == "1" and stored.media_type in PREVIEWED
    return FileResponse(
        stored.path,
        media_type=stored.media_type if is_shown else "application/octet-stream",
        headers={
            "content-disposition": disposition("inline" if is_shown else "attachment", stored.name),
            "content-security-policy": FILE_POLICY,
            "cache-control": _KEPT,
        },
    )


def disposition(kind: str, name: str) -> str:
    """Return the header that names a file: plain for old browsers, exact for the others (RFC 6266)."""
    plain = "".join(c if c.isascii() and c.isprintable() and c not in '"\\%;' else "_" for c in name)
    return f"{kind}; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"
