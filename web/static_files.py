"""Static files: ours alone, from one folder, kept by browsers for a year when the address carries the content's version.

An address without a version, or an old one, is asked for again each time; what comes is always the present content.
"""

import gzip
import hashlib
import re
from pathlib import Path
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.staticfiles import StaticFiles as _StaticFiles
from starlette.types import Receive, Scope, Send

from web.assets import STATIC, Assets

FOREVER: Final = "public, max-age=31536000, immutable"
ASK: Final = "public, no-cache"


def _keeping(scope: Scope) -> str:
    return FOREVER if b"v=" in scope.get("query_string", b"") else ASK


class StaticFiles(_StaticFiles):
    """The folder ``web/static``."""

    def __init__(self) -> None:
        super().__init__(directory=STATIC)

    async def get_response(self, path: str, scope: Scope) -> Response:
        """Return a file with its caching; raises Starlette's 404 for anything that is no file of the folder."""
        response = await super().get_response(path, scope)
        response.headers["cache-control"] = _keeping(scope)
        return response


# Comments that fill whole lines; those behind code stay, so that no text in a script can be mistaken for one.
_COMMENTS: Final = re.compile(r"^[ \t]*(?:/\*\*(?:(?!\*/).)*\*/|//[^\n]*)[ \t]*\n", re.DOTALL | re.MULTILINE)


class Packed:
    """A text that is compressed once and sent with a tag, so that asking again costs next to nothing."""

    def __init__(self, plain: bytes, media_type: str) -> None:
        self.plain = plain
        self.media_type = media_type
        self.packed = gzip.compress(plain, mtime=0)
        self.tag = f'"{hashlib.sha256(plain).hexdigest()[:20]}"'

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve it."""
        request = Request(scope)
        headers = {"cache-control": _keeping(scope), "etag": self.tag, "vary": "accept-encoding"}
        if request.headers.get("if-none-match") == self.tag:
            await Response(status_code=304, headers=headers)(scope, receive, send)
            return
        body = self.plain
        if "gzip" in request.headers.get("accept-encoding", ""):
            body, headers["content-encoding"] = self.packed, "gzip"
        await Response(body, headers=headers, media_type=self.media_type)(scope, receive, send)


def scripts(folder: Path = STATIC / "js") -> dict[str, Packed]:
    """Return every module by its address below ``/static/js/``, without its comments and packed: half the bytes for those who read none of them."""
    return {
        file.relative_to(folder).as_posix(): Packed(
            _COMMENTS.sub("", file.read_text("utf-8")).encode(), "text/javascript"
        )
        for file in folder.rglob("*.js")
    }


def icons(folder: Path = STATIC / "icons") -> dict[str, Packed]:
    """Return every drawing by its address below ``/static/icons/``."""
    return {file.name: Packed(file.read_bytes(), "image/svg+xml") for file in folder.glob("*.svg")}


def stylesheet(assets: Assets) -> Packed:
    """Return the whole style in one response."""
    return Packed(assets.stylesheet, "text/css")
