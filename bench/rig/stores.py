"""The stores that servers use: a private Redis without persistence, a private PostgreSQL as it comes.

Redis keeps nothing on disk here: the peers' messages live in its memory only, which is the cheapest they can have it.
"""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from rig.processes import OTHER_CORE, running


@dataclass(frozen=True)
class Store:
    """A running store: its process and the folder or file of its Unix socket."""

    pid: int
    socket: Path


@contextmanager
def redis(folder: Path) -> Iterator[Store]:
    """Run a Redis on a Unix socket in the folder."""
    socket = folder / "redis.sock"
    command: list[str | Path] = [
        "redis-server",
        "--port",
        "0",
        "--unixsocket",
        socket,
        "--dir",
        folder,
        "--save",
        "",
        "--appendonly",
        "no",
    ]
    with running(
        command,
        core=OTHER_CORE,
        log=folder / "redis.log",
        serves=lambda text: 0 if "ready to accept connections" in text.lower() else None,
    ) as process:
        yield Store(process.pid, socket)


def postgres_programs() -> Path | None:
    """Folder of PostgreSQL's server programs, the newest; None when there is none."""
    on_path = shutil.which("initdb")
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3].split(".")[0]))
    if found:
        return found[-1].parent
    return Path(on_path).parent if on_path else None


@contextmanager
def postgres() -> Iterator[Store]:
    """Run a PostgreSQL with its own defaults (fsync and synchronous_commit on) on a Unix socket.

    It refuses to run as root; then the user ``postgres`` runs it.
    """
    programs = postgres_programs()
    if programs is None:
        raise SystemExit("PostgreSQL's server programs are not on this machine.")
    user = "postgres" if os.getuid() == 0 else None
    with TemporaryDirectory(prefix="holdline-bench-pg-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        if user:
            shutil.chown(folder, user)
        data = folder / "data"
        subprocess.run(
            [programs / "initdb", "-D", data, "-U", "holdline", "-A", "trust", "-E", "UTF8", "--locale=C"],
            check=True,
            stdout=subprocess.DEVNULL,
            user=user,
        )
        command: list[str | Path] = [
            programs / "postgres",
            "-D",
            data,
            "-c",
            "listen_addresses=",
            "-c",
            f"unix_socket_directories={folder}",
        ]
        with running(
            command,
            core=OTHER_CORE,
            log=folder.parent / f"{folder.name}.log",
            serves=lambda text: 0 if "ready to accept connections" in text else None,
            user=user,
        ) as process:
            try:
                yield Store(process.pid, folder)
            finally:
                (folder.parent / f"{folder.name}.log").unlink()
