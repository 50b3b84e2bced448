"""Starts the real thing as processes: hubs, worker, Redis, a store; and lets a test kill any of them."""

import asyncio
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path

from tests import requirements_plugin, stores
from tests.stores import SHOWS_UP_WITHIN_S, free_port

ROOT = Path(__file__).parents[1]


class Part:
    """One process, started again with the same command as often as a test likes."""

    def __init__(self, name: str, command: list[str], environ: dict[str, str], log: Path) -> None:
        self.name = name
        self.command = command
        self.environ = environ
        self.log = log
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it; returns at once."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command, env=self.environ, cwd=ROOT, stdout=log, stderr=subprocess.STDOUT
            )

    def send(self, number: signal.Signals) -> None:
        """Send it a signal, when it runs."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(number)

    def kill(self) -> None:
        """Kill it without a farewell, and wait until it is gone."""
        self.send(signal.SIGKILL)
        self.wait()

    def wait(self, within_s: float = 30) -> int:
        """Wait until it has ended; return its code."""
        assert self.process is not None
        return self.process.wait(within_s)

    @property
    def is_running(self) -> bool:
        """Whether it has been started and has not ended."""
        return self.process is not None and self.process.poll() is None


@dataclass
class System:
    """A whole desk: any number of hubs on one store and one Redis."""

    folder: Path
    # Address of a migrated store.
    store: str
    hubs: int = 1
    with_worker: bool = False
    # More settings for every process.
    settings: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.ports = [free_port() for _ in range(self.hubs)]
        self.redis_socket = self.folder / "r.sock"
        common = {
            "HOLDLINE_DATA_DIR": str(self.folder / "data"),
            "HOLDLINE_DATABASE_URL": self.store,
            "HOLDLINE_REDIS_URL": f"unix://{self.redis_socket}",
            "HOLDLINE_SECRET_KEY": "0123456789abcdef0123456789abcdef",
            "HOLDLINE_DEMO": "no",
            "HOLDLINE_BASE_URL": f"http://127.0.0.1:{self.ports[0]}",
            # On a machine that tests keep busy, who stands back comes too late.
            "HOLDLINE_WORKER_NICENESS": "0",
            "HOLDLINE_ALLOWED_HOSTS": ",".join(["127.0.0.1", *(f"127.0.0.1:{port}" for port in self.ports)]),
        }
        environ = {k: v for k, v in os.environ.items() if not k.startswith("HOLDLINE_")} | common | self.settings
        (self.folder / "data").mkdir(exist_ok=True)
        self.environ = environ
        self.redis = Part("redis", self._redis_command(), environ, self.folder / "redis.log")
        self.webs = [
            Part(f"web-{n}", self._web_command(port), environ, self.folder / f"web-{n}.log")
            for n, port in enumerate(self.ports)
        ]
        worker = [sys.executable, "-m", "arq", "chatsvc.worker.Settings"]
        self.worker = Part("worker", worker, environ, self.folder / "worker.log")

    def _redis_command(self) -> list[str]:
        program = requirements_plugin.need_redis()
        return [
            program, "--port", "0", "--unixsocket", str(self.redis_socket), "--dir", str(self.folder),
            "--save", "", "--appendonly", "no",
        ]  # fmt: skip

    def _web_command(self, port: int) -> list[str]:
        return [
            sys.executable, "-m", "uvicorn", "web.app:create", "--factory", "--host", "127.0.0.1", "--port", str(port),
            "--ws", "chatsvc.hub.direct:HubProtocol", "--ws-max-size", "65536", "--ws-per-message-deflate", "false", "--timeout-graceful-shutdown", "7",
            "--no-server-header", "--no-access-log", "--log-level", "warning",
        ]  # fmt: skip

    @property
    def parts(self) -> list[Part]:
        """Every process that was started, in the order to stop them."""
        return [*self.webs, self.worker, self.redis]

    def address(self, hub: int = 0) -> str:
        """The address of one hub's pages."""
        return f"http://127.0.0.1:{self.ports[hub]}"

    def start(self) -> None:
        """Start everything and wait until every hub can commit."""
        self.redis.start()
        stores.wait_for_ping(self.redis_socket)
        for web in self.webs:
            web.start()
        if self.with_worker:
            self.worker.start()
        for hub in range(self.hubs):
            self.wait_ready(hub)

    def wait_ready(self, hub: int = 0) -> None:
        """Wait until a hub says that it is ready."""
        deadline = time.monotonic() + SHOWS_UP_WITHIN_S
        while not _answers(f"{self.address(hub)}/readyz"):
            if not self.webs[hub].is_running:
                raise RuntimeError(f"{self.webs[hub].name} ended:\n{self.webs[hub].log.read_text()[-4000:]}")
            if time.monotonic() > deadline:
                raise TimeoutError(f"{self.webs[hub].name} is not ready:\n{self.webs[hub].log.read_text()[-4000:]}")
            time.sleep(0.02)

    def restart_redis(self) -> None:
        """Kill Redis with everything it knew, and start an empty one."""
        self.redis.kill()
        self.redis_socket.unlink(missing_ok=True)
        self.redis.start()
        stores.wait_for_ping(self.redis_socket)

    def stop(self) -> None:
        """Stop everything."""
        for part in self.parts:
            part.send(signal.SIGCONT)
            part.send(signal.SIGTERM)
        for part in self.parts:
            if part.process is not None:
                try:
                    part.wait(12)
                except subprocess.TimeoutExpired:
                    part.kill()

    def logs(self) -> str:
        """Everything that the processes have written, for looking at when a test fails and for finding what should not be there."""
        return "\n".join(f"--- {part.name}\n{part.log.read_text()}" for part in self.parts if part.log.exists())


def _answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(address, timeout=1) as answer:
            return bool(answer.status == 200)
    except (OSError, urllib.error.URLError):
        return False


async def in_thread(work: object) -> None:
    """Run something that waits for a process without holding up the loop."""
    assert callable(work)
    await asyncio.to_thread(work)
