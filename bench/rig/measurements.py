"""What is measured: every measurement is a subject under one of the scenarios, and can be repeated.

Scenarios: ``relay`` (pairs talk as fast as the server can), ``two`` (the same, customers and representatives on different
processes), ``latency`` (pairs talk at 1,000 messages per second), ``stall`` (a quarter of the representatives stop
reading), ``idle`` (connections that only sit there), ``storm`` (all of them cut at once), ``hubs`` (pairs spread over one
process or two), ``line`` (one of a long line is served every second), ``offers`` (representatives become ready), ``pages`` (the chat page), ``trial`` (the memory of ``holdline up``), ``commit`` and ``commit_rate`` (the bare
batched append).
"""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from rig.generator import Target, load
from rig.holdline import Holdline, serving
from rig.pages import weigh
from rig.peers import peers
from rig.places import BENCH
from rig.processes import SERVER_CORE, cpu_seconds, pinned
from rig.trial import trial

Outcome = dict[str, Any]

BATCHES: Final = (1, 8, 64, 256)
# 40 pairs with long texts, so that a representative who does not read has more than 2 MiB to come within the window.
# What an offer that did not come counts for.
PATIENCE_MS: Final = 10_000.0
STALL: Final = {"pairs": 40, "rate": 1000, "text": 8000}


@dataclass(frozen=True, kw_only=True)
class Pace:
    """How long and how large; a quick run has the same shape and means less."""

    repetitions: int = 5
    seconds: float = 4
    # The slowest peers are still opening connections to their store in the first second.
    warmup: float = 2
    # Connections that only sit there; the large number is for what is measured on few subjects.
    crowd: int = 2_000
    large_crowd: int = 10_000
    # Long enough to hold a heartbeat of every connection.
    idle_seconds: float = 30
    stall_seconds: float = 12
    line_seconds: float = 20

    @classmethod
    def quick(cls) -> "Pace":
        """One repetition, seconds instead of minutes."""
        return cls(
            repetitions=1,
            seconds=2,
            warmup=1,
            crowd=500,
            large_crowd=2_000,
            idle_seconds=5,
            stall_seconds=6,
            line_seconds=6,
        )


@dataclass(frozen=True, kw_only=True)
class Measurement:
    """One thing to measure.

    Attributes:
        once: whether it is measured once and not in every repetition, because it takes long and varies little.
    """

    scenario: str
    subject: str
    measure: Callable[[Pace], Outcome]
    once: bool = False


Start = Callable[[int], AbstractContextManager[Target]]


def measurements() -> Iterator[Measurement]:
    """Everything that is measured, in the order of a repetition."""
    known = peers()
    yield relay("holdline", Holdline().started)
    for peer in known.values():
        yield relay(peer.name, peer.started)
    for name in ("socketio", "python_socketio", "channels"):
        yield relay(name, known[name].started, processes=2)
    for name in ("node_ws", "socketio"):
        yield latency(name, known[name].started)
        yield stall(name, known[name].started)
    for name in ("websockets_relay", "node_ws", "socketio", "python_socketio", "channels"):
        yield idle(name, known[name].started)
    yield storm("node_ws", known["node_ws"].started)
    yield storm("socketio", known["socketio"].started)
    for batch in BATCHES:
        yield commit(batch)
    yield Measurement(scenario="commit_rate", subject="sqlite", measure=lambda pace: _floor(pace, rate=1000))
    yield from _of_holdline()


def _of_holdline() -> Iterator[Measurement]:
    """What is measured of Holdline beside the first relay, the short ones first."""
    one, crowd, spread = Holdline(), Holdline(crowd=10_000), Holdline(postgres=True, spread=True)
    yield latency("holdline", one.started)
    yield pages("holdline", one.started)
    yield Measurement(scenario="trial", subject="holdline", measure=lambda pace: trial(), once=True)
    yield idle("holdline", crowd.started, large=True)
    yield storm("holdline", crowd.started)
    yield stall("holdline", one.started)
    yield relay("holdline_postgres", Holdline(postgres=True).started)
    yield relay("holdline_postgres", Holdline(postgres=True).started, processes=2)
    yield hubs("one", spread.started, processes=1)
    yield hubs("two", spread.started, processes=2)
    yield line("holdline")
    yield offers("holdline")


def relay(subject: str, started: Start, *, processes: int = 1, **options: float) -> Measurement:
    """400 connections in pairs, one message of every pair under way."""

    def measure(pace: Pace) -> Outcome:
        with started(processes) as target:
            return load(
                target, pairs=200, window=1, seconds=pace.seconds, warmup=pace.warmup + target.settles, **options
            )

    return Measurement(scenario="two" if processes == 2 else "relay", subject=subject, measure=measure)


def hubs(subject: str, started: Start, *, processes: int) -> Measurement:
    """The pair relay with pairs spread over so many processes, each on a core that the generator and the stores share."""

    def measure(pace: Pace) -> Outcome:
        with started(processes) as target:
            return load(target, pairs=200, window=1, seconds=pace.seconds, warmup=pace.warmup + target.settles)

    return Measurement(scenario="hubs", subject=subject, measure=measure)


def pages(subject: str, started: Start) -> Measurement:
    """The customer's chat page: its weight with all it loads, and the server's time for it."""

    def measure(pace: Pace) -> Outcome:
        with started(1) as target:
            return weigh(target)

    return Measurement(scenario="pages", subject=subject, measure=measure, once=True)


def latency(subject: str, started: Start) -> Measurement:
    """1,000 messages per second at random moments over 400 connections."""

    def measure(pace: Pace) -> Outcome:
        with started(1) as target:
            return load(target, pairs=200, rate=1000, seconds=pace.seconds, warmup=pace.warmup + target.settles)

    return Measurement(scenario="latency", subject=subject, measure=measure)


def stall(subject: str, started: Start) -> Measurement:
    """A quarter of the representatives stop reading; the answer's ``calm`` is the same load on readers only."""

    def measure(pace: Pace) -> Outcome:
        with started(1) as target:
            calm = load(target, seconds=pace.stall_seconds, warmup=pace.warmup, **STALL)
        with started(1) as target:
            return load(target, seconds=pace.stall_seconds, warmup=pace.warmup, stall=0.25, **STALL) | {"calm": calm}

    return Measurement(scenario="stall", subject=subject, measure=measure, once=True)


def idle(subject: str, started: Start, *, large: bool = False) -> Measurement:
    """A crowd that sits there, on top of 100 connections that were open before."""

    def measure(pace: Pace) -> Outcome:
        with started(1) as target:
            crowd = pace.large_crowd if large else pace.crowd
            return load(target, pairs=50, crowd=crowd, rate=1e-9, warmup=0, seconds=pace.idle_seconds)

    return Measurement(scenario="idle", subject=subject, measure=measure, once=True)


def storm(subject: str, started: Start) -> Measurement:
    """The whole crowd is cut at once and comes back without waiting, while 50 pairs talk at 200 messages per second."""

    def measure(pace: Pace) -> Outcome:
        with started(1) as target:
            return load(target, pairs=50, rate=200, crowd=pace.large_crowd, cut=True, seconds=60, warmup=1)

    return Measurement(scenario="storm", subject=subject, measure=measure, once=True)


def line(subject: str) -> Measurement:
    """A crowd in one line, of which one is served every second, while 50 pairs talk at 200 messages per second; ``calm`` is the same unserved."""

    def measure(pace: Pace) -> Outcome:
        count = int(pace.line_seconds) + 4
        desk = Holdline(crowd=pace.large_crowd, free=count)
        options = {"pairs": 50, "rate": 200, "crowd": pace.large_crowd, "seconds": pace.line_seconds, "warmup": 2}
        with desk.started() as target:
            calm = load(target, **options)
        with desk.started() as target, serving(target, every=1, count=count, crowd=pace.large_crowd):
            return load(target, **options) | {"calm": calm}

    return Measurement(scenario="line", subject=subject, measure=measure, once=True)


def offers(subject: str) -> Measurement:
    """Representatives of 100 lines become ready, one after the other; and what an offer costs with 100 and with many waiting."""

    def measure(pace: Pace) -> Outcome:
        few, many, most = (_offered(crowd) for crowd in (100, pace.large_crowd, 10 * pace.large_crowd))
        return many | {"cost_growth": most["cpu_us"] / few["cpu_us"], "few": few, "most": most}

    return Measurement(scenario="offers", subject=subject, measure=measure, once=True)


def _offered(crowd: int) -> Outcome:
    """Let 100 representatives become ready, five a second; CPU is that of the web process and the store, for each."""
    desk = Holdline(crowd=crowd, lines=100, busy=1_000, free=100)
    with desk.started() as target, serving(target, every=0.2, count=100) as process:
        before = cpu_seconds(target.watched["server0"])
        answer = json.loads(process.communicate(timeout=300)[0])
        spent = cpu_seconds(target.watched["server0"]) - before
    shown = sorted(answer["offer_ms"]) or [PATIENCE_MS]
    return {
        "waiting": crowd,
        "offers": len(shown),
        "missed": answer["missed"],
        "p50_ms": shown[len(shown) // 2],
        "p99_ms": shown[min(len(shown) - 1, len(shown) * 99 // 100)] if not answer["missed"] else PATIENCE_MS,
        "cpu_us": spent * 1e6 / len(shown),
    }


def commit(batch: int) -> Measurement:
    """The bare append with full batches."""
    return Measurement(
        scenario="commit", subject=f"sqlite, batch {batch}", measure=lambda pace: _floor(pace, batch=batch)
    )


def _floor(pace: Pace, **options: float) -> Outcome:
    with TemporaryDirectory(prefix="holdline-bench-") as folder:
        command: list[str | Path] = [sys.executable, BENCH / "floor/sqlite_append.py", folder]
        for name, value in (options | {"seconds": pace.seconds / 2}).items():
            command += [f"--{name}", f"{value:g}"]
        answer = subprocess.run(pinned(command, SERVER_CORE), check=True, capture_output=True, text=True)
    outcome: Outcome = json.loads(answer.stdout)
    return outcome
