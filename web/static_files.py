"""Static files: ours alone, from one folder, kept by browsers for a year when the address carries the content's version.

An address without a version, or an old one, is asked for again each time; what comes is always the present content.
"""

import gzip
import hashlib
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


class Stylesheet:
    """The whole style in one response, compressed once."""

    def __init__(self, assets: Assets) -> None:
        self._plain = assets.stylesheet
        self._packed = gzip.compress(self._plain, mtime=0)
        self._tag = f'"{hashlib.sha256(self._plain).hexdigest()[:20]}"'

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve it."""
        request = Request(scope)
        headers = {"cache-control": _keeping(scope), "etag": self._tag, "vary": "accept-encoding"}
        if request.headers.get("if-none-match") == self._tag:
            await Response(status_code=304, headers=headers)(scope, receive, send)
            return
        body = self._plain
        if "gzip" in request.headers.get("accept-encoding", ""):
            body, headers["content-encoding"] = self._packed, "gzip"
        await Response(body, headers=headers, media_type="text/css")(scope, receive, send)
