"""Holdline itself under load: its web processes, its two workers, its stores, filled by ``seed.py``.

It runs as its Procfile says, with its own limits raised where the load would otherwise be refused: messages and
connections of one process. Grace times are long, because a measurement's people come some seconds after the store was filled.
"""

import os
import shlex
import socket
import subprocess
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from rig.generator import Target
from rig.places import BENCH, HOLDLINE_PYTHON, REPOSITORY
from rig.processes import OTHER_CORE, SERVER_CORE, DidNotStart, pinned, running
from rig.stores import postgres, redis

# Pairs of every store; a scenario may use fewer.
PAIRS: Final = 200

SETTINGS: Final = {
    "HOLDLINE_ENTRIES_PER_SECOND": "100000",
    "HOLDLINE_MOST_CONNECTIONS": "50000",
    "HOLDLINE_REPRESENTATIVE_GRACE_SECONDS": "3600",
    "HOLDLINE_CUSTOMER_GRACE_SECONDS": "3600",
    "HOLDLINE_SECRET_KEY": "measured-with-a-key-of-no-importance",
    "HOLDLINE_DEMO": "no",
}


@dataclass(frozen=True, kw_only=True)
class Holdline:
    """One way to run it.

    Attributes:
        postgres: PostgreSQL instead of SQLite.
        crowd: customers that wait in a line nobody serves, on top of the pairs.
        spread: with two processes: pairs are on both, whole, and each process has a core; otherwise both processes are on
            one core, customers on one and representatives on the other.
    """

    postgres: bool = False
    crowd: int = 0
    spread: bool = False
    # Lines over which the crowd is spread, and their representatives: with as much as they can take, and away.
    lines: int = 1
    busy: int = 0
    free: int = 0

    @contextmanager
    def started(self, processes: int = 1) -> Iterator[Target]:
        """Run it with so many web processes and both workers on a fresh, filled store."""
        with ExitStack() as stack:
            folder = Path(stack.enter_context(TemporaryDirectory(prefix="holdline-bench-")))
            news = stack.enter_context(redis(folder))
            watched = {"redis": news.pid}
            ports = [_free_port() for _ in range(processes)]
            environment = SETTINGS | {
                "HOLDLINE_DATA_DIR": str(folder),
                "HOLDLINE_REDIS_URL": f"unix://{news.socket}",
                "HOLDLINE_BASE_URL": f"http://127.0.0.1:{ports[0]}",
                "PYTHONPATH": str(REPOSITORY),
            }
            if self.postgres:
                store = stack.enter_context(postgres())
                watched["postgres"] = store.pid
                environment["HOLDLINE_DATABASE_URL"] = f"postgresql://holdline@/postgres?host={store.socket}"
            self._seed(folder, environment)
            cores = [SERVER_CORE, OTHER_CORE] if self.spread else [SERVER_CORE] * processes
            for number, (port, core) in enumerate(zip(ports, cores, strict=False)):
                name, log = f"server{number}", folder / f"server{number}.log"
                watched[name] = stack.enter_context(
                    running(_web(port), core=core, log=log, serves=_answers(port), environment=environment)
                ).pid
            for name in ("worker", "callback"):
                watched[name] = stack.enter_context(
                    running(
                        _command(name),
                        core=SERVER_CORE,
                        log=folder / f"{name}.log",
                        # Only then is the time over in which it reads its code.
                        serves=lambda text: 0 if "redis_version" in text else None,
                        environment=environment,
                    )
                ).pid
            yield Target(
                dialect=BENCH / "holdline.dialect",
                customers=ports if self.spread else ports[:1],
                reps=ports if self.spread else ports[-1:],
                watched=watched,
                seats=folder / "pairs.tsv",
                crowd_seats=folder / "crowd.tsv" if self.crowd else None,
                host=f"127.0.0.1:{ports[0]}",
                # The worker's first round that finds words loads what guesses their language: a second of CPU, once.
                settles=7,
            )

    def _seed(self, folder: Path, environment: Mapping[str, str]) -> None:
        numbers = {"pairs": PAIRS, "crowd": self.crowd, "lines": self.lines, "busy": self.busy, "free": self.free}
        command: list[str | Path] = [HOLDLINE_PYTHON, BENCH / "seed.py", "--out", folder]
        for name, number in numbers.items():
            command += [f"--{name}", str(number)]
        done = subprocess.run(
            pinned(command, OTHER_CORE),
            env={**os.environ, **environment, "HOLDLINE_LOG_LEVEL": "warning"},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise DidNotStart(f"seed.py ended with {done.returncode}:\n{done.stderr[-2000:]}")


@contextmanager
def serving(target: Target, *, every: float, count: int, crowd: int = 0) -> "Iterator[subprocess.Popen[str]]":
    """Let so many representatives become ready and serve, one every so many seconds, beside the block, once a crowd is there."""
    assert target.seats is not None
    command: list[str | Path] = [
        HOLDLINE_PYTHON,
        BENCH / "serve.py",
        f"http://{target.host}",
        target.seats.parent / "free.tsv",
    ]
    process = subprocess.Popen(
        pinned([*command, "--every", f"{every:g}", "--count", str(count), "--crowd", str(crowd)], OTHER_CORE),
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        if process.stdout.readline().strip() != "ready":
            raise DidNotStart("serve.py found no desks")
        yield process
    finally:
        process.kill()
        process.wait()


def _command(name: str) -> list[str]:
    """The command of one process, as the Procfile has it, run by Holdline's own Python."""
    for line in (REPOSITORY / "Procfile").read_text().splitlines():
        title, _, command = line.partition(": ")
        if title == name:
            program, *arguments = shlex.split(command)
            return [str(HOLDLINE_PYTHON.parent / program), *arguments]
    raise DidNotStart(f"the Procfile has no line {name}")


def _web(port: int) -> list[str]:
    filled = {
        "${HOLDLINE_HOST:-127.0.0.1}": "127.0.0.1",
        "${PORT:-8000}": str(port),
        "${HOLDLINE_MAX_FRAME_BYTES:-65536}": "65536",
    }
    return [filled.get(word, word) for word in _command("web")]


def _answers(port: int) -> Callable[[str], int | None]:
    def serves(_text: str) -> int | None:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=2) as answer:
                return port if answer.status == 200 else None
        except (OSError, urllib.error.URLError):
            return None

    return serves


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
