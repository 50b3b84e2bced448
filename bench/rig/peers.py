"""The servers of other people that Holdline is measured against, as ``peers/peers.toml`` lists them."""

import tomllib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from rig.generator import Target
from rig.places import NODE, PEERS, PROGRAMS, VENV
from rig.processes import SERVER_CORE, prints_port, running
from rig.stores import redis


@dataclass(frozen=True)
class Peer:
    """One row of ``peers.toml``; ``name`` is its folder."""

    name: str
    title: str
    runtime: str
    dialect: str
    redis: bool

    @contextmanager
    def started(self, processes: int = 1) -> Iterator[Target]:
        """Run the peer, with a fresh Redis when it wants one; with two processes customers and representatives part."""
        with ExitStack() as stack:
            folder = Path(stack.enter_context(TemporaryDirectory(prefix="holdline-bench-")))
            watched = {}
            environment = {"NODE_PATH": str(NODE / "node_modules")}
            if self.redis:
                store = stack.enter_context(redis(folder))
                watched["redis"] = store.pid
                environment["BENCH_REDIS_SOCKET"] = str(store.socket)
            servers = [
                stack.enter_context(
                    running(
                        self._command(),
                        core=SERVER_CORE,
                        log=folder / f"server{number}.log",
                        serves=prints_port,
                        environment=environment,
                    )
                )
                for number in range(processes)
            ]
            watched |= {f"server{number}": server.pid for number, server in enumerate(servers)}
            yield Target(
                dialect=PEERS / self.dialect, customers=[servers[0].port], reps=[servers[-1].port], watched=watched
            )

    def _command(self) -> list[str | Path]:
        folder = PEERS / self.name
        match self.runtime:
            case "c":
                return [PROGRAMS / self.name]
            case "node":
                return ["node", folder / "server.js"]
            case _:
                return [VENV / "bin/python", folder / "server.py"]


def peers() -> dict[str, Peer]:
    """Mapping name -> peer, in the order of the tables."""
    with (PEERS / "peers.toml").open("rb") as file:
        return {name: Peer(name, **fields) for name, fields in tomllib.load(file).items()}
