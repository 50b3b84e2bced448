"""What is refused before any door is reached: a host that is not ours, and a page of somebody else that acts in our visitor's name.

Both look at headers only. Sockets pass the second one: the hub compares their Origin itself, with every handshake.
"""

from collections.abc import Iterable
from typing import Final

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.routing import compile_path
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocketClose

from chatsvc.config import Settings
from chatsvc.kernel.errors import NotAllowed, Refused
from web import door
from web.door import Route, Speaks
from web.errors import Misdirected
from web.site import Call

SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})

# Asked by machines that know us by address only; they answer with one word.
_PROBES: Final = frozenset({"/healthz", "/readyz"})


class Hosts:
    """Refuses requests that name another host: nothing of ours is ever built from it, and nothing is cached under it (threat T26)."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self.app = app
        self._hosts = frozenset(settings.allowed_hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] == "lifespan" or scope["path"] in _PROBES or self._is_ours(Headers(scope=scope)):
            await self.app(scope, receive, send)
        elif scope["type"] == "websocket":
            await WebSocketClose(code=1008)(scope, receive, send)
        else:
            await _refuse(Misdirected("host_refused"), scope, receive, send)

    def _is_ours(self, headers: Headers) -> bool:
        named = headers.getlist("host")
        return len(named) == 1 and host_of(named[0]) in self._hosts


def host_of(netloc: str) -> str:
    """Return the host of ``host:port`` in lower case; an IPv6 address keeps its brackets. Empty for anything else."""
    if netloc.startswith("["):
        host, closed, rest = netloc.partition("]")
        host += closed
    else:
        host, colon, rest = netloc.partition(":")
        rest = colon + rest
    return host.lower() if not rest or (rest[0] == ":" and rest[1:].isdigit()) else ""


class CrossSite:
    """Refuses unsafe requests that do not come from our own pages (threat T14).

    Browsers say so in ``Sec-Fetch-Site``; where they do not, and for programs, ``Origin`` has to be ours to the letter. Beside that the
    session's cookie is SameSite, so that this is the second wall, not the only one. What a link or a signature alone permits is let through where
    its route says so: who sends it needs no session, so that nobody can be made to act in another's name.
    """

    def __init__(self, app: ASGIApp, settings: Settings, table: Iterable[Route]) -> None:
        self.app = app
        self._origins = frozenset(settings.allowed_origins)
        self._from_anywhere = tuple(
            (route.method, compile_path(route.path)[0]) for route in table if route.from_anywhere
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] != "http" or scope["method"] in SAFE or self._is_allowed(scope):
            await self.app(scope, receive, send)
        else:
            await _refuse(NotAllowed("origin_refused"), scope, receive, send)

    def _is_allowed(self, scope: Scope) -> bool:
        return self._is_ours(Headers(scope=scope)) or any(
            scope["method"] == method and path.match(scope["path"]) for method, path in self._from_anywhere
        )

    def _is_ours(self, headers: Headers) -> bool:
        sites, origins = headers.getlist("sec-fetch-site"), headers.getlist("origin")
        if len(sites) > 1 or len(origins) > 1:
            return False
        if origins and origins[0] in self._origins:
            return not sites or sites[0] in ("same-origin", "none")
        # A form sent from a page without a referrer has the Origin "null", so the other header decides alone.
        return bool(sites) and sites[0] in ("same-origin", "none") and origins in ([], ["null"])


async def _refuse(error: Refused, scope: Scope, receive: Receive, send: Send) -> None:
    call = Call(Request(scope, receive), scope["app"].state.site, None)
    response = await door.refusal(error, call, speaks_at(scope["path"]))
    await response(scope, receive, send)


def speaks_at(path: str) -> Speaks:
    """Return in what an address that no route has is answered."""
    return Speaks.JSON if path.startswith("/api/") else Speaks.PAGES
