"""A hub behind a real server on a real port, in this very loop."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator

import msgspec
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, WebSocketRoute

from chatsvc.hub.turns import TURNS
from tests.chatsvc.hub.cast import Stage, World, until

# Both ways in which a server can drive the hub's connections.
ASGI = "websockets-sansio"
DIRECT = "chatsvc.hub.direct:HubProtocol"


class Server:
    """A listening hub."""

    def __init__(self, stage: Stage, *, ws: str) -> None:
        self.stage = stage
        self.world: World = stage.world
        self.ws = ws
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        routes = [
            WebSocketRoute("/ws", stage.hub.endpoint),
            Route("/api/v1/session", self._sign_in, methods=["POST"]),
            Route("/api/v1/refuse", self._refuse, methods=["POST"]),
        ]
        config = uvicorn.Config(
            Starlette(routes=routes, lifespan=self._lifespan), ws=ws, ws_max_size=65_536, ws_per_message_deflate=False,
            log_level="error", lifespan="on", timeout_graceful_shutdown=2,
        )  # fmt: skip
        self._server = uvicorn.Server(config)
        self._task: asyncio.Task[None] | None = None

    @property
    def address(self) -> str:
        """Where its pages would be."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def socket_address(self) -> str:
        """Where its hub is."""
        return f"ws://127.0.0.1:{self.port}/ws"

    @property
    def sockets(self) -> int:
        """How many sockets the server still holds."""
        return len(self._server.server_state.connections)

    def receives(self, data: bytes) -> None:
        """Let bytes of the client come in as one piece, on the only socket there is."""
        (protocol,) = self._server.server_state.connections
        protocol.data_received(data)

    async def start(self) -> None:
        """Begin to listen."""
        self._task = asyncio.create_task(self._server.serve([self._listener]))
        await until(lambda: self._server.started)

    async def stop(self) -> None:
        """End; whoever is still connected is cut off."""
        self._server.should_exit = True
        assert self._task is not None
        await self._task

    @contextlib.asynccontextmanager
    async def _lifespan(self, _app: Starlette) -> AsyncIterator[dict[str, object]]:
        yield {TURNS: self.stage.hub.turns}

    async def _sign_in(self, request: Request) -> Response:
        """Sign somebody in who has a token under that mail address, as the real door would."""
        body = msgspec.json.decode(await request.body(), type=dict[str, str])
        response = Response(msgspec.json.encode({"person": "pe_x"}), 201, media_type="application/json")
        response.set_cookie("holdline_session", body["email"])
        return response

    async def _refuse(self, request: Request) -> Response:
        problem = {"code": "offer.taken", "correlation": "abc", "retry_after": None}
        return Response(msgspec.json.encode(problem), 409, media_type="application/problem+json")


@contextlib.asynccontextmanager
async def serving(stage: Stage, *, ws: str = DIRECT) -> AsyncIterator[Server]:
    """Start a hub with a server before it, and end both."""
    stage.world.logs.on_stored = stage.hub.stored
    await stage.hub.start()
    server = Server(stage, ws=ws)
    await server.start()
    try:
        yield server
    finally:
        await stage.hub.drain()
        await server.stop()
        await stage.closes()
