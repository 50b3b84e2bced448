"""Run an ASGI application for a measurement: uvicorn on uvloop and httptools, a free loopback port, no compression."""

import socket
from collections.abc import Callable
from typing import Any

import uvicorn


def serve(app: Callable[..., Any]) -> None:
    """Print ``port N`` and serve until the process is told to stop."""
    door = socket.create_server(("127.0.0.1", 0), backlog=4096)
    config = uvicorn.Config(
        app,
        loop="uvloop",
        http="httptools",
        ws_per_message_deflate=False,
        access_log=False,
        log_level="warning",
        lifespan="off",
        backlog=4096,
    )
    print(f"port {door.getsockname()[1]}", flush=True)
    uvicorn.Server(config).run(sockets=[door])
