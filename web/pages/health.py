"""For machines that watch: is the process there, can it serve, what are its figures."""

import asyncio
import logging
from typing import Final

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.responses import PlainTextResponse, Response

from chatsvc.db import store_facts
from chatsvc.kernel.errors import NotFound, Unavailable
from web.site import Call, Site

logger = logging.getLogger(__name__)

# Longer than this and whoever asks has given up; a commit waits five seconds for a lock (R17).
_WITHIN_S: Final = 4.0
_LOOPBACK: Final = frozenset({"127.0.0.1", "::1"})


async def healthz(call: Call) -> Response:
    """Say that the process is there; nothing else is asked, so that a slow database restarts nobody."""
    return PlainTextResponse("ok\n")


async def readyz(call: Call) -> Response:
    """Say whether the process can serve: it can commit to the database and is not about to stop. Without Redis it is degraded, not dead."""
    problem = await _problem(call.site)
    if problem is not None:
        logger.warning("not_ready", extra={"problem": problem})
        return PlainTextResponse(f"{problem}\n", 503)
    return PlainTextResponse("ready\n" if await _redis_answers(call.site) else "ready, degraded: redis\n")


async def _problem(site: Site) -> str | None:
    if site.leaving:
        return "leaving"
    try:
        async with asyncio.timeout(_WITHIN_S):
            await store_facts.prove_commit(site.services.database)
    except (Unavailable, TimeoutError):
        return "database"
    return None


async def _redis_answers(site: Site) -> bool:
    try:
        async with asyncio.timeout(_WITHIN_S / 4):
            return bool(await site.services.redis.ping())
    except Exception:  # whatever the client raises, the answer is no
        return False


async def metrics(call: Call) -> Response:
    """Return the figures in Prometheus' form, to this machine only.

    A proxy that is not configured as trusted would make everybody look local; whatever it forwards is refused.
    """
    if (
        call.address not in _LOOPBACK
        or "x-forwarded-for" in call.request.headers
        or "forwarded" in call.request.headers
    ):
        raise NotFound("not_found")
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)
