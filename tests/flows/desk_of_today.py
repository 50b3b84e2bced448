"""A desk in this process, served to browsers on a port of its own, by a clock that a story moves."""

import asyncio
import shutil
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import uvicorn

from chatsvc import bootstrap
from chatsvc.bootstrap import Services
from chatsvc.config import Settings
from chatsvc.kernel.clock import ManualClock
from web import app


@dataclass(frozen=True)
class Served:
    """The desk, where it is, and its clock."""

    services: Services
    address: str
    clock: ManualClock


@asynccontextmanager
async def served(template: Path, folder: Path, redis_address: str) -> AsyncIterator[Served]:
    """Serve a desk on a copy of a migrated, empty store."""
    shutil.copyfile(template, folder / "holdline.db")
    listener = socket.create_server(("127.0.0.1", 0))
    address = f"http://127.0.0.1:{listener.getsockname()[1]}"
    settings = Settings.from_environment(
        {
            "HOLDLINE_DATA_DIR": str(folder),
            "HOLDLINE_REDIS_URL": redis_address,
            "HOLDLINE_BASE_URL": address,
            "HOLDLINE_DEMO": "no",
            "HOLDLINE_SECRET_KEY": "a secret that is long enough for a test",
        }
    )
    clock = ManualClock()
    services = await bootstrap.start(settings, clock=clock)
    application = app.create(settings, site=await app.site_of(settings, services))
    server = uvicorn.Server(uvicorn.Config(application, ws="websockets-sansio", log_level="error", lifespan="off"))
    serving = asyncio.create_task(server.serve([listener]))
    yield Served(services, address, clock)
    server.should_exit = True
    await serving
    await services.close()
