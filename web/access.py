"""The outermost ring: every request gets an id, the address it comes from, one line in the log, and a place in the figures.

Neither the line nor the figures name a path: links from mails carry their permission in it. They name the route.
"""

import ipaddress
import logging
import secrets
import time
from typing import Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from chatsvc.config import Settings
from chatsvc.telemetry import bound_contextvars
from web import metrics

logger = logging.getLogger(__name__)

CORRELATION: Final = "x-correlation-id"

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class Access:
    """Binds the request's id, finds the client's address, counts and logs."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self.app = app
        self._proxies: tuple[Network, ...] = tuple(ipaddress.ip_network(each) for each in settings.trusted_proxies)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on; a socket's handshake gets its address and nothing else."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        scope["client_address"] = client_address(scope, self._proxies)
        if scope["type"] == "websocket":
            await self.app(scope, receive, send)
            return
        correlation = scope["correlation"] = secrets.token_hex(6)
        began, status = time.perf_counter(), 0

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)[CORRELATION] = correlation
            await send(message)

        with bound_contextvars(request=correlation):
            try:
                await self.app(scope, receive, send_with_id)
            finally:
                _note(scope, status, time.perf_counter() - began)


def _note(scope: Scope, status: int, took_s: float) -> None:
    route = scope.get("route_name", "static" if scope["path"].startswith("/static/") else "none")
    metrics.requests.labels(route, f"{status // 100}xx").inc()
    metrics.seconds.labels(route).observe(took_s)
    logger.log(
        logging.DEBUG if route in ("static", "healthz", "readyz", "metrics") else logging.INFO,
        "request",
        extra={
            "method": scope["method"],
            "route": route,
            "status": status,
            "ms": round(took_s * 1000, 1),
            "person": scope.get("person"),
        },
    )


def client_address(scope: Scope, proxies: tuple[Network, ...]) -> str:
    """Return where a request comes from: the nearest hop that is not a proxy of ours (threat T27).

    ``X-Forwarded-For`` is read from its end, and only as far as trusted proxies wrote it; without one it is not read at all.
    """
    nearest = str((scope.get("client") or ("", 0))[0])
    hops = [hop.strip() for hop in ",".join(Headers(scope=scope).getlist("x-forwarded-for")).split(",") if hop.strip()]
    while hops and _is_within(nearest, proxies):
        nearest = hops.pop()
    return nearest[:64]


def _is_within(address: str, networks: tuple[Network, ...]) -> bool:
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    return any(parsed in network for network in networks)
