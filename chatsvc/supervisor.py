"""Runs the processes of a Procfile on one machine: starts them, starts them again when they end, stops them all.

Honcho reads the file; its own runner stops everything as soon as one process ends, which is the opposite of what a desk
needs. This module does not know what the processes do, and it is not meant for many machines: there, the machine's own
service manager runs the same lines.
"""

import asyncio
import ctypes
import fcntl
import json
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final, TypeVar

from honcho.environ import parse_procfile

T = TypeVar("T")
# A part that lived so long was well; its next end is treated as its first.
_WELL_AFTER_SECONDS: Final = 30.0
_FIRST_PAUSE_SECONDS: Final = 0.25
_LONGEST_PAUSE_SECONDS: Final = 10.0
# Of the time for stopping, so much is kept for each later order, whatever the earlier ones take.
_LAST_ORDERS_SECONDS: Final = 1.0
# So many quick ends in a row, before everything has come up once, mean that it never will.
_HOPELESS_AFTER: Final = 3
_LOG_KEPT_BYTES: Final = 10 * 1_048_576

_PR_SET_PDEATHSIG: Final = 1
_LIBC: Final = ctypes.CDLL(None) if sys.platform == "linux" else None


class AlreadyRunning(Exception):
    """Another supervisor holds the folder; the text says which process."""


class StartFailed(Exception):
    """A part ended again and again before everything was up; the text ends with the last lines of its log."""


@dataclass(frozen=True, kw_only=True)
class Part:
    """One process to keep running."""

    name: str
    # One command for the shell, without ";" or "&&": the process replaces the shell, so that signals reach it.
    command: str
    # The whole environment of the process.
    environ: Mapping[str, str]
    # Where it runs.
    folder: Path
    # Where its output goes; None means the supervisor's own output.
    log: Path | None = None
    # Parts are stopped in rising order; those of one order together.
    stop_order: int = 0


def read_procfile(path: Path) -> dict[str, str]:
    """The commands by process name, in the order of the file."""
    return dict(parse_procfile(path.read_text(encoding="utf-8")).processes)


class Supervisor:
    """Keeps parts running until it is stopped.

    Use it as an asynchronous context manager: leaving the block stops everything, in order, and kills what has not ended
    ``grace_seconds`` later.
    """

    def __init__(self, *, lifeline: int, say: Callable[[str], None], grace_seconds: float = 8.0) -> None:
        # Descriptor from ``sole``; every part inherits it.
        self._lifeline = lifeline
        self._say = say
        self._grace_seconds = grace_seconds
        self._parts: dict[str, Part] = {}
        self._processes: dict[str, asyncio.subprocess.Process] = {}
        self._keepers: dict[str, asyncio.Task[None]] = {}
        # Set when a part will never come up, with the reason; watched by ``until``.
        self._hopeless = asyncio.Event()
        self._reason = ""
        self._came_up = False

    async def __aenter__(self) -> "Supervisor":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stop()

    def start(self, part: Part) -> None:
        """Start a part and keep it running from now on."""
        self._parts[part.name] = part
        self._keepers[part.name] = asyncio.create_task(self._keep(part), name=part.name)

    def pid_of(self, name: str) -> int:
        """The process of that part at this moment."""
        return self._processes[name].pid

    async def until(self, ready: "asyncio.Task[T]") -> T:
        """Wait for ``ready`` while the parts come up, and return its result.

        Raises:
            StartFailed: a part ended again and again meanwhile.
        """
        hopeless = asyncio.create_task(self._hopeless.wait())
        try:
            await asyncio.wait([ready, hopeless], return_when=asyncio.FIRST_COMPLETED)
            if not ready.done():
                raise StartFailed(self._reason)
            return ready.result()
        finally:
            hopeless.cancel()
            ready.cancel()

    def came_up(self) -> None:
        """Everything has come up once: from now on parts are started again without end."""
        self._came_up = True

    async def _keep(self, part: Part) -> None:
        quick_ends = 0
        while True:
            began = time.monotonic()
            code = await self._run(part)
            quick_ends = 1 if time.monotonic() - began >= _WELL_AFTER_SECONDS else quick_ends + 1
            if quick_ends >= _HOPELESS_AFTER and not self._came_up:
                self._reason = f"{part.name} ended {quick_ends} times in a row, {_said(code)}.{_last_lines(part.log)}"
                self._hopeless.set()
            pause = min(_FIRST_PAUSE_SECONDS * 2 ** (quick_ends - 1), _LONGEST_PAUSE_SECONDS)
            self._say(f"{part.name} ended, {_said(code)}; it is started again in {pause:g} s.")
            await asyncio.sleep(pause)

    async def _run(self, part: Part) -> int:
        with _output(part.log) as output:
            process = await asyncio.create_subprocess_exec(
                "/bin/sh",
                "-c",
                f"exec {part.command}",
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=asyncio.subprocess.STDOUT if output else None,
                cwd=part.folder,
                env=dict(part.environ),
                pass_fds=(self._lifeline,),
                start_new_session=True,  # Ctrl-C in the terminal reaches the supervisor alone, which stops in order
                preexec_fn=_end_with_parent(os.getpid()),
            )
        self._processes[part.name] = process
        self._note_pids()
        return await process.wait()

    def _note_pids(self) -> None:
        """Write the parts' processes to the lifeline's file, for the case that this process is killed."""
        pids = "".join(f"{process.pid}\n" for process in self._processes.values() if process.returncode is None)
        os.ftruncate(self._lifeline, 0)
        os.pwrite(self._lifeline, pids.encode(), 0)

    async def _stop(self) -> None:
        for keeper in self._keepers.values():
            keeper.cancel()
        await asyncio.gather(*self._keepers.values(), return_exceptions=True)
        deadline = asyncio.get_running_loop().time() + self._grace_seconds
        try:
            orders = sorted({part.stop_order for part in self._parts.values()})
            for later, order in zip(reversed(range(len(orders))), orders, strict=True):
                names = [name for name, part in self._parts.items() if part.stop_order == order]
                processes = [self._processes[name] for name in names if name in self._processes]
                await self._end(processes, until=deadline - later * _LAST_ORDERS_SECONDS)
        finally:  # told to stop a second time: at once
            for process in self._processes.values():
                _signal(process, signal.SIGKILL)
            await asyncio.gather(*(process.wait() for process in self._processes.values()))

    async def _end(self, processes: list[asyncio.subprocess.Process], *, until: float) -> None:
        for process in processes:
            _signal(process, signal.SIGTERM)
        with suppress(TimeoutError):
            async with asyncio.timeout_at(until):
                await asyncio.gather(*(process.wait() for process in processes))


@contextmanager
def sole(folder: Path) -> Iterator[int]:
    """Be the only supervisor of this folder; end the parts that a killed one has left.

    Yields a descriptor for ``Supervisor``. Every part inherits it, and with it a lock that is held for as long as any of
    them lives: that is how left-over parts are found, and why no process is mistaken for one.

    Raises:
        AlreadyRunning: another supervisor is at work here, or left-over parts will not end.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with open(folder / "supervisor.pid", "a+", encoding="ascii") as own, open(folder / "parts.pid", "a+b") as parts:
        if not _lock(own):
            own.seek(0)
            raise AlreadyRunning(f"Holdline is running here already (process {own.read().strip() or 'unknown'}).")
        own.truncate(0)
        own.write(f"{os.getpid()}\n")
        own.flush()
        if not _lock(parts):
            _end_left_over(parts)
        yield parts.fileno()


def _lock(file: "IO[str] | IO[bytes]") -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _end_left_over(parts: IO[bytes]) -> None:
    """Give left-over parts, which the system has told to end on Linux, a moment; then kill them; return when they are gone."""
    parts.seek(0)
    pids = [int(line) for line in parts.read().split()]
    for patience_seconds, victims in ((1.0, []), (5.0, pids)):
        for pid in victims:
            with suppress(ProcessLookupError, PermissionError):
                if os.getpgid(pid) == pid:  # every part leads a group of its own
                    os.killpg(pid, signal.SIGKILL)
        deadline = time.monotonic() + patience_seconds
        while time.monotonic() < deadline:
            if _lock(parts):
                return
            time.sleep(0.02)
    raise AlreadyRunning(f"Processes of an earlier run do not end: {', '.join(map(str, pids)) or 'unknown'}.")


def _end_with_parent(parent: int) -> Callable[[], None] | None:
    """What a part does before it begins, where the system offers it: ask to be told to end when the supervisor dies."""
    libc = _LIBC
    if libc is None:
        return None

    def prepare() -> None:
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:  # it died before we asked
            os._exit(1)

    return prepare


def _signal(process: asyncio.subprocess.Process, number: signal.Signals) -> None:
    """Send to the part and to whatever it has started."""
    if process.returncode is None:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, number)


@contextmanager
def _output(log: Path | None) -> Iterator[IO[bytes] | None]:
    """The log, opened to be added to; one that has grown too long is set aside first."""
    if log is None:
        yield None
        return
    log.parent.mkdir(parents=True, exist_ok=True)
    if log.exists() and log.stat().st_size > _LOG_KEPT_BYTES:
        log.replace(log.with_suffix(".log.1"))
    with open(log, "ab") as file:
        yield file


def _said(code: int) -> str:
    return f"killed by signal {-code}" if code < 0 else f"with exit code {code}"


def _last_lines(log: Path | None, count: int = 20) -> str:
    """The end of a log as a person reads it: of our own lines, which are JSON, only what happened."""
    if log is None or not log.exists():
        return ""
    text = "\n".join(map(_readable, log.read_text(encoding="utf-8", errors="replace").splitlines()[-count:]))
    return f" The last lines of {log}:\n" + "\n".join(f"  {line}" for line in text.splitlines()[-count:])


def _readable(line: str) -> str:
    with suppress(ValueError, TypeError, KeyError):
        facts = json.loads(line)
        return "\n".join(filter(None, (facts["event"], facts.get("exception"))))
    return line
