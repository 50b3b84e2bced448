"""The security headers: one frozen table, on every response, errors and files included.

A response that sets one of them itself keeps its own value; only files do so, with a stricter policy.
"""

from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from chatsvc.config import Settings

_LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})

# What a downloaded file may do if a browser shows it after all: nothing.
FILE_POLICY: Final = "sandbox; default-src 'none'; img-src 'self'; style-src 'none'; frame-ancestors 'none'"


def table(settings: Settings) -> Mapping[str, str]:
    """Return the headers of this desk.

    Browsers say where a request comes from (``Sec-Fetch-Site``) only over https and on the loopback. Elsewhere, a trial in a local network,
    only ``Origin`` is left, and ``no-referrer`` would empty it; the nearest policy that does not is used there.
    """
    address = urlsplit(settings.base_url)
    is_trustworthy = settings.is_https or address.hostname in _LOOPBACK
    socket = f"{'wss' if settings.is_https else 'ws'}://{address.netloc}"
    headers = {
        "content-security-policy": (
            f"default-src 'self'; connect-src 'self' {socket}; img-src 'self' blob: data:; media-src 'self' blob:; "
            "object-src 'none'; base-uri 'none'; form-action 'self'; frame-src 'none'; frame-ancestors 'none'; "
            "require-trusted-types-for 'script'; trusted-types 'none'"
        ),
        "x-content-type-options": "nosniff",
        "referrer-policy": "no-referrer" if is_trustworthy else "same-origin",
        "cross-origin-opener-policy": "same-origin",
        "cross-origin-resource-policy": "same-origin",
        "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
        # Everything that is not a static file or a public document is about somebody.
        "cache-control": "no-store",
    }
    if settings.is_https:
        headers["strict-transport-security"] = "max-age=31536000"
    return headers


class SecurityHeaders:
    """Adds the table to every response."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self.app = app
        self._headers = tuple(table(settings).items())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on; sockets pass untouched."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self._headers:
                    headers.setdefault(name, value)
            await send(message)

        await self.app(scope, receive, send_with_headers)
