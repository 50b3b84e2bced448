"""The way to Redis: one function that makes a client out of an address.

It knows no key and no meaning. What happens when Redis is away is decided by whoever asks (R16).
"""

from typing import Any, Final

from redis.asyncio import Redis

# Redis is on this machine or next to it: an answer that takes longer will not come.
CONNECT_WITHIN_S: Final = 0.5
ANSWER_WITHIN_S: Final = 2.0


def connect(address: str, *, subscribing: bool = False) -> Redis:
    """Return a client; it opens connections when it is first used, and more of them when commands overlap.

    A connection whose command was cancelled or timed out is thrown away, never handed to the next caller with the old reply still on
    the wire (CVE-2023-28858). Nothing is repeated by itself: a counter must not count one attempt twice.

    Args:
        address: ``unix:///path``, ``redis://host:port/number`` or ``rediss://…``.
        subscribing: for a client that only listens: it waits for the next news as long as it takes.
    """
    options: dict[str, Any] = {
        "socket_connect_timeout": CONNECT_WITHIN_S,
        "socket_timeout": None if subscribing else ANSWER_WITHIN_S,
        "health_check_interval": 15 if subscribing else 0,
    }
    if not address.startswith("unix:"):
        options["socket_keepalive"] = True
    client: Redis = Redis.from_url(address, **options)
    return client
