"""Start processes on a chosen core, wait until they serve, and stop them whatever happens.

Nothing here knows what the processes are for.
"""

import ctypes
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

# Servers have a core to themselves; the load generator and the stores share the other one.
SERVER_CORE: Final = 0
OTHER_CORE: Final = 1

_START_SECONDS: Final = 30.0
_STOP_SECONDS: Final = 10.0
_PR_SET_PDEATHSIG: Final = 1


class DidNotStart(Exception):
    """A process ended or stayed silent before it served; the text holds the end of what it wrote."""


@dataclass(frozen=True)
class Started:
    """A process that serves.

    Attributes:
        pid: its process id; that of the program itself, as ``taskset`` replaces itself by it.
        port: the loopback port that it printed, or 0 for a process that listens elsewhere.
    """

    pid: int
    port: int


def pinned(command: Sequence[str | Path], core: int) -> list[str]:
    """The command, bound to one core."""
    return ["taskset", "-c", str(core), *map(str, command)]


@contextmanager
def running(
    command: Sequence[str | Path],
    *,
    core: int,
    log: Path,
    serves: Callable[[str], int | None],
    environment: Mapping[str, str] | None = None,
    pass_fds: Sequence[int] = (),
    user: str | None = None,
) -> Iterator[Started]:
    """Run the command while the block runs.

    Args:
        log: file for everything that the process writes.
        serves: looks at what the process has written so far; None while it does not serve, then its port or 0.
        environment: variables on top of this process's own.
        pass_fds: descriptors that the process inherits.
        user: the user to run as, None for our own.

    Raises:
        DidNotStart: it ended, or did not serve within 30 seconds.
    """
    with log.open("wb") as output:
        process = subprocess.Popen(
            pinned(command, core),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, **(environment or {})},
            pass_fds=pass_fds,
            user=user,
            start_new_session=True,
            preexec_fn=_die_with_parent,
        )
    try:
        yield Started(process.pid, _wait(process, log, serves))
    finally:
        _stop(process)


def cpu_seconds(pid: int) -> float:
    """CPU time that a process has used so far, user and system."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def prints_port(text: str) -> int | None:
    """The number of a line ``port NUMBER``."""
    for line in text.splitlines():
        word, _, number = line.partition(" ")
        if word == "port" and number.isdigit():
            return int(number)
    return None


def _die_with_parent() -> None:
    """Have the kernel end the child when this process dies, so that a killed run leaves nothing behind."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _wait(process: "subprocess.Popen[bytes]", log: Path, serves: Callable[[str], int | None]) -> int:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        text = log.read_text(errors="replace")
        port = serves(text)
        if port is not None:
            return port
        if process.poll() is not None:
            raise DidNotStart(f"{process.args!r} ended with {process.returncode}:\n{text[-2000:]}")
        time.sleep(0.02)
    raise DidNotStart(f"{process.args!r} does not serve after {_START_SECONDS:g} s:\n{log.read_text()[-2000:]}")


def _stop(process: "subprocess.Popen[bytes]") -> None:
    if process.poll() is None:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(_STOP_SECONDS)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)  # what it left in its session, or itself
    process.wait()
