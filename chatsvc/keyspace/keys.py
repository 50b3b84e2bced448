"""Every Redis key and channel, by one function each; nothing else writes a name into Redis.

Whatever lies under these keys may vanish at any moment (R16): counters begin again, bells are healed by heartbeats, a lost doorbell by
the worker's sweep. All names begin with ``holdline:``, so that several desks can share nothing by accident and an operator can tell
whose key it is. ``docs/reference/keys.md`` is drawn from these docstrings.
"""

import inspect
from collections.abc import Callable
from typing import Final

PREFIX: Final = "holdline"


def attempts(scope: str, subject: str, window: int) -> str:
    """Return the key that counts how often somebody tried something.

    Type: string, a whole number, raised by INCRBY.
    Members: none. ``scope`` is what is limited (``sign_in.address``), ``subject`` a digest (never an address or a mail address as written),
    ``window`` the number of the time window since 1970, so that a stranger who keeps trying does not prolong it.
    Time to live: two windows.
    Owner: ``keyspace.counters``, on behalf of the room that counts.
    """
    return f"{PREFIX}:attempts:{scope}:{subject}:{window}"


def jobs() -> str:
    """Return the name of the worker's queue.

    Type: sorted set, written by arq, which also keeps keys of its own that begin with ``arq:`` for a job's content, its lock and its tries.
    Members: ids of waiting jobs; score: the moment from which each may run, milliseconds since 1970.
    Time to live: none; a job leaves it when a worker has run it.
    Owner: ``worker``.
    """
    return f"{PREFIX}:jobs"


def call_jobs() -> str:
    """Return the name of the queue of the process that makes calls.

    Type: sorted set, written by arq, as the worker's queue.
    Members: ids of waiting jobs; score: the moment from which each may run, milliseconds since 1970.
    Time to live: none; a job leaves it when the process has run it.
    Owner: ``callback.worker``.
    """
    return f"{PREFIX}:call-jobs"


def caller_health() -> str:
    """Return the key under which the processes that make calls say that they live.

    Type: string, one line of counts, written by arq.
    Time to live: a little more than the interval of the health check.
    Owner: ``callback.worker``.
    """
    return f"{PREFIX}:caller:health"


def worker_health() -> str:
    """Return the key under which workers say that they live.

    Type: string, one line of counts, written by arq.
    Time to live: a little more than the interval of the health check.
    Owner: ``worker``.
    """
    return f"{PREFIX}:worker:health"


def news(store: str) -> str:
    """Return the channel on which the processes of one store tell each other news.

    Type: pub/sub channel, nothing is kept.
    Members: parcels of bells, typing, looking and seen marks, as JSON. ``store`` is the store's epoch, so that after a restore nobody mixes the two.
    Time to live: none; who does not listen misses it, and heartbeats heal that.
    Owner: ``hub.broker_redis``.
    """
    return f"{PREFIX}:news:{store}"


_FACTS: Final = ("Type: ", "Members: ", "Time to live: ", "Owner: ")
ALL: Final[tuple[Callable[..., str], ...]] = (attempts, jobs, call_jobs, worker_health, caller_health, news)


def reference() -> str:
    """The body of ``docs/reference/keys.md``, in Markdown: one section for each key, out of its docstring."""
    sections = []
    for key in ALL:
        names = list(inspect.signature(key).parameters)
        first, _, rest = (inspect.getdoc(key) or "").partition("\n\n")
        facts = "\n".join(f"- {line}" if line.startswith(_FACTS) else f"  {line}" for line in rest.splitlines())
        name = key(*(f"<{each}>" for each in names))
        sections.append(f"## `{name}`\n\n{first.removeprefix('Return ').capitalize()}\n\n{facts}\n".replace("``", "`"))
    return "\n".join(sections)
