"""The web process: doors, pages, static files and the hub, put together. ``uvicorn web.app:create --factory``.

The order of the rings is the content of this module; what each does stands in its own.
"""

import asyncio
import gc
import logging
import os
import signal
import sys
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from types import FrameType
from typing import Any, Final

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, WebSocketRoute
from starlette.routing import Route as Address
from starlette.websockets import WebSocket

from callback import bootstrap as telephone
from callback.queries import CallQueries
from chatsvc import bootstrap, telemetry
from chatsvc.accounts.queries import AccountQueries
from chatsvc.bootstrap import Services
from chatsvc.config import Settings
from chatsvc.db import store_facts
from chatsvc.hub.turns import TURNS
from chatsvc.kernel.errors import NotFound
from web import door, errors, routes
from web.access import Access
from web.assets import Assets
from web.cookies import Cookies
from web.door import Door, Route
from web.guards import CrossSite, Hosts, speaks_at
from web.headers import SecurityHeaders
from web.rendering import Renderer
from web.site import Call, Site
from web.static_files import StaticFiles, icons, scripts, stylesheet

logger = logging.getLogger(__name__)

# How long people get to be seen out before the server stops in any case; less than its own patience.
_DRAIN_WITHIN_S: Final = 5.0


def create(settings: Settings | None = None, *, site: Site | None = None) -> Starlette:
    """Return the application.

    Args:
        settings: None: read from the environment.
        site: made of running services, which are left running; None: services are started and closed with the application.

    Raises:
        SettingsError: a setting is not usable.
        RouteError: a route lacks its policy; nothing is served then.
    """
    if settings is None:
        settings = Settings.from_environment(os.environ)
        telemetry.setup(settings.log_level)
    door.check(routes.TABLE)
    renderer = site.renderer if site else Renderer(Assets())
    app = Starlette(
        routes=_addresses(routes.TABLE, renderer.assets),
        lifespan=_lifespan(settings, renderer, site),
        middleware=[
            Middleware(Access, settings=settings),
            Middleware(SecurityHeaders, settings=settings),
            Middleware(Hosts, settings=settings),
            Middleware(CrossSite, settings=settings, table=routes.TABLE),
        ],
        exception_handlers={HTTPException: _not_ours, Exception: _broken},
    )
    app.router.redirect_slashes = False
    app.state.table = routes.TABLE
    if site is not None:
        app.state.site = site
    return app


async def site_of(settings: Settings, services: Services, renderer: Renderer | None = None) -> Site:
    """Return what doors need, made of running services."""
    return Site(
        settings=settings,
        services=services,
        renderer=renderer or Renderer(Assets()),
        cookies=Cookies.of(settings),
        people=AccountQueries(services.database),
        calls=telephone.callbacks(services),
        calls_seen=CallQueries(services.conversations),
        store=await store_facts.epoch(services.database),
        telephone_secrets=telephone.believed(settings),
    )


def _addresses(table: tuple[Route, ...], assets: Assets) -> list[BaseRoute]:
    by_path: dict[str, list[Route]] = {}
    for route in table:
        by_path.setdefault(route.path, []).append(route)
    # Fixed addresses come before those with parts: ``/forgot/sent`` is nobody's token.
    ordered = sorted(by_path.items(), key=lambda item: "{" in item[0])
    return [
        WebSocketRoute("/ws", _socket),
        Address("/static/css/app.css", stylesheet(assets)),
        *(Address(f"/static/js/{path}", module) for path, module in scripts().items()),
        *(Address(f"/static/icons/{name}", drawing) for name, drawing in icons().items()),
        Mount("/static", StaticFiles()),
        *(Address(path, Door(methods)) for path, methods in ordered),
    ]


async def _socket(websocket: WebSocket) -> None:
    hub = websocket.app.state.site.services.hub
    assert hub is not None
    await hub.endpoint(websocket)


def _lifespan(settings: Settings, renderer: Renderer, site: Site | None) -> Any:
    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[dict[str, Any]]:
        if site is not None:
            yield {}
            return
        started = await bootstrap.start(settings)
        app.state.site = await site_of(settings, started, renderer)
        gc.collect()
        # Made for small programs, the usual 700 look through everybody's connections again and again while many people return at once.
        gc.set_threshold(20_000, 10, 10)
        # The store is read and written in threads; while one of them works through a long line, the loop has its turn ten times sooner than usual.
        sys.setswitchinterval(0.0005)
        gc.freeze()  # everything so far lives as long as the process: no collection need look at it again
        _drain_first(app.state.site)
        logger.info("web_started", extra={"base_url": settings.base_url})
        try:
            yield {TURNS: started.hub.turns} if started.hub is not None else {}
        finally:
            app.state.site.leaving = True
            await started.close()
            logger.info("web_stopped")

    return lifespan


def _drain_first(site: Site) -> None:
    """On SIGTERM see people out before the server cuts their sockets (R19): it would close them without a word when to come back."""
    if threading.current_thread() is not threading.main_thread():
        return
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        after = signal.getsignal(number)
        if callable(after):
            signal.signal(number, _draining(site, loop, after))


def _draining(
    site: Site, loop: asyncio.AbstractEventLoop, after: Callable[[int, FrameType | None], Any]
) -> Callable[[int, FrameType | None], None]:
    def handle(number: int, frame: FrameType | None) -> None:
        if site.leaving or site.services.hub is None:
            after(number, frame)
            return
        site.leaving = True
        loop.call_soon_threadsafe(lambda: tasks.append(loop.create_task(drain(number, frame), name="drain")))

    async def drain(number: int, frame: FrameType | None) -> None:
        try:
            async with asyncio.timeout(_DRAIN_WITHIN_S):
                if site.services.hub is not None:
                    await site.services.hub.drain()
        except TimeoutError:
            logger.warning("drain_too_slow")
        finally:
            after(number, frame)

    # Keeps the task alive: the loop itself holds only a weak reference.
    tasks: list[asyncio.Task[None]] = []
    return handle


async def _not_ours(request: Request, _error: Exception) -> Response:
    """There is no such address. Everything else that Starlette refuses by itself ends here too, and says no more."""
    call = Call(request, request.app.state.site, None)
    return await door.refusal(NotFound("not_found"), call, speaks_at(request.url.path))


async def _broken(request: Request, error: Exception) -> Response:
    """The last resort, for what broke outside of every door."""
    logger.error("request_broken", exc_info=error)
    call = Call(request, request.app.state.site, None)
    try:
        return await door.refusal(errors.Failed("internal"), call, speaks_at(request.url.path))
    except Exception:
        return Response("Something went wrong on our side.", 500, media_type="text/plain")
