"""The targets that Holdline has set itself, each with the function that finds its figure in a run.

Ratios compare medians of one run. A row that was not measured says so; nothing is filled in from another run.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from rig.results import Figure, Results, at, cpu, of_servers, per_second


@dataclass(frozen=True)
class Finding:
    """What a run says about a target: the figure in words, and whether it was reached."""

    figure: str
    reached: bool


@dataclass(frozen=True)
class TargetRow:
    """One row of the table of targets."""

    number: int
    what: str
    target: str
    find: Callable[[Results], Finding | None]
    # What has to be measured for it: scenarios, or scenario/subject.
    needs: tuple[str, ...] = ()


def _ratio(results: Results, ours: tuple[str, str], theirs: tuple[str, str]) -> float | None:
    """CPU per message of one subject over that of another; each is (scenario, subject)."""
    mine, other = results.median(*ours, cpu), results.median(*theirs, cpu)
    return mine / other if mine is not None and other else None


def _socketio_and_channels(results: Results) -> Finding | None:
    over_socketio = _ratio(results, ("relay", "holdline"), ("relay", "socketio"))
    over_channels = _ratio(results, ("relay", "holdline"), ("relay", "channels"))
    if over_socketio is None or over_channels is None:
        return None
    return Finding(
        f"{over_socketio:.2f} × socket.io; {over_channels:.3f} × Channels",
        over_socketio <= 0.5 and over_channels <= 0.12,
    )


def _two_hubs_postgres(results: Results) -> Finding | None:
    ratio = _ratio(results, ("two", "holdline_postgres"), ("two", "socketio"))
    return Finding(f"{ratio:.2f} × socket.io", ratio <= 0.7) if ratio is not None else None


def _distance_to_limit(results: Results) -> Finding | None:
    ours = results.median("relay", "holdline", cpu)
    relay = results.median("relay", "asyncio_protocol", cpu)
    commit = results.median("commit", "sqlite, batch 64", at("cpu_us"))
    if ours is None or relay is None or commit is None:
        return None
    ratio = ours / (relay + commit)
    return Finding(f"{ratio:.2f} ({ours:.0f} µs over {relay:.0f} + {commit:.0f} µs)", ratio <= 1.5)


def _added_latency(results: Results) -> Finding | None:
    sent, acked = results.median("latency", "holdline", at("sent")), results.median("latency", "holdline", at("acked"))
    if sent is not None and acked is not None and acked < sent:
        # Percentiles of those that were answered say nothing about those that were not.
        return Finding(f"did not keep up: {acked:,.0f} of {sent:,.0f} messages acknowledged in time", False)
    added = []
    for name in ("p50", "p99"):
        ours = results.median("latency", "holdline", at("ack_ms", name))
        bare = results.median("commit_rate", "sqlite", at(f"{name}_ms"))
        if ours is None or bare is None:
            return None
        added.append(ours - bare)
    return Finding(f"{added[0]:.1f} ms; {added[1]:.1f} ms", added[0] <= 1 and added[1] <= 5)


def _idle(results: Results) -> Finding | None:
    kib = results.median("idle", "holdline", of_servers("pss_kib_each"))
    busy = results.median("idle", "holdline", of_servers("busy"))
    crowd = results.median("idle", "holdline", at("crowd"))
    if kib is None or busy is None or crowd is None:
        return None
    return Finding(
        f"{kib:.1f} KiB; {busy:.1%} of a core at {crowd:,.0f}", kib <= 16 and busy <= 0.01 and crowd >= 10_000
    )


def _storm(results: Results) -> Finding | None:
    back = results.median("storm", "holdline", at("return_seconds"))
    others = results.median("storm", "holdline", at("delivery_ms", "p99"))
    crowd = results.median("storm", "holdline", at("crowd"))
    returned = results.median("storm", "holdline", at("returned"))
    if back is None or others is None or crowd is None or returned is None:
        return None
    figure = f"{returned:,.0f} of {crowd:,.0f} back after {back:.1f} s; others' p99 {others:.0f} ms"
    return Finding(figure, crowd >= 10_000 and returned == crowd and back <= 8 and others <= 50)


def _node(results: Results) -> Finding | None:
    ratio = _ratio(results, ("relay", "holdline"), ("relay", "node_ws"))
    return Finding(f"{ratio:.2f} ×", ratio <= 1.2) if ratio is not None else None


def _line(results: Results) -> Finding | None:
    busy = results.median("line", "holdline", of_servers("busy"))
    p99 = results.median("line", "holdline", at("delivery_ms", "p99"))
    calm = results.median("line", "holdline", at("calm", "delivery_ms", "p99"))
    crowd = results.median("line", "holdline", at("crowd"))
    if busy is None or p99 is None or not calm or crowd is None:
        return None
    figure = f"{busy:.0%} of a core at {crowd:,.0f} waiting; p99 {p99:.1f} ms against {calm:.1f} ms"
    return Finding(figure, busy <= 0.2 and p99 <= 1.2 * calm and crowd >= 10_000)


def _offers(results: Results) -> Finding | None:
    p99 = results.median("offers", "holdline", at("p99_ms"))
    growth = results.median("offers", "holdline", at("cost_growth"))
    if p99 is None:
        return None
    grown = f"; cost at 100,000 waiting {growth:.2f} × that at 100" if growth is not None else ""
    # From 100 to 100,000 a cost that grows as log n grows 2.5-fold.
    return Finding(f"p99 {p99:.1f} ms{grown}", p99 <= 20 and growth is not None and growth <= 2.5)


def _pages(results: Results) -> Finding | None:
    page = results.median("pages", "holdline", at("page_gzip_bytes"))
    script = results.median("pages", "holdline", at("script_gzip_bytes"))
    p95 = results.median("pages", "holdline", at("p95_ms"))
    if page is None or script is None or p95 is None:
        return None
    packed = results.median("pages", "holdline", at("all_packed_bytes")) or 0
    figure = f"{page / 1024:.1f} KB as sent ({packed / 1024:.1f} KB if all of it were gzipped), script {script / 1024:.1f} KB; p95 {p95:.0f} ms"
    return Finding(figure, page <= 60 * 1024 and script <= 35 * 1024 and p95 <= 100)


def _trial(results: Results) -> Finding | None:
    kib = results.median("trial", "holdline", at("pss_kib"))
    return Finding(f"{kib / 1024:.0f} MB (PSS of all processes)", kib <= 400 * 1024) if kib is not None else None


def _hubs(results: Results) -> Finding | None:
    one, two = results.median("hubs", "one", per_second), results.median("hubs", "two", per_second)
    return Finding(f"{two / one:.2f} × ({one:,.0f} → {two:,.0f}/s)", two / one >= 1.6) if one and two else None


def _stall(results: Results) -> Finding | None:
    def median(figure: Figure) -> float | None:
        return results.median("stall", "holdline", figure)

    sent, acked = median(at("sent")), median(at("acked"))
    p99, calm = median(at("delivery_ms", "p99")), median(at("calm", "delivery_ms", "p99"))
    growth = median(stall_growth_mib)
    if not sent or acked is None or p99 is None or not calm or growth is None:
        return None
    figure = f"{acked / sent:.1%} acknowledged; {growth:.0f} MiB; p99 {p99:.1f} ms against {calm:.1f} ms"
    return Finding(figure, acked == sent and growth <= 20 and p99 <= 1.2 * calm)


def stall_growth_mib(outcome: dict[str, object]) -> float | None:
    """How much higher the servers' memory peaked with stalled readers than under the same load without, in MiB."""
    peak = of_servers("rss_peak_kib")
    calm, stalled = outcome.get("calm"), peak(outcome)
    base = peak(calm) if isinstance(calm, dict) else None
    return (stalled - base) / 1024 if stalled is not None and base is not None else None


TARGETS: Final = (
    TargetRow(
        1,
        "Durable pair relay on SQLite, `synchronous=FULL`: CPU of all our processes and the store",
        "≤ 0.5 × socket.io + Redis adapter + XADD; ≤ 0.12 × Channels + XADD",
        _socketio_and_channels,
        ("relay/holdline", "relay/socketio", "relay/channels"),
    ),
    TargetRow(
        2,
        "The same on PostgreSQL, two hubs, people on different ones, PostgreSQL's and Redis's CPU counted",
        "≤ 0.7 × the two-process socket.io case",
        _two_hubs_postgres,
        ("two/holdline_postgres", "two/socketio"),
    ),
    TargetRow(
        3,
        "Distance to the limit: (1) over asyncio protocol relay without store + bare batched SQLite append",
        "≤ 1.5",
        _distance_to_limit,
        ("relay/holdline", "relay/asyncio_protocol", "commit/sqlite, batch 64"),
    ),
    TargetRow(
        4,
        "Added latency at 1,000 msg/s over the bare batched commit: p50, p99",
        "≤ 1 ms, ≤ 5 ms",
        _added_latency,
        ("latency/holdline", "commit_rate"),
    ),
    TargetRow(
        5,
        "Idle connection, signed in, two topics: memory, CPU at 10,000",
        "≤ 16 KiB; ≤ 1 % of a core",
        _idle,
        ("idle/holdline",),
    ),
    TargetRow(
        6,
        "10,000 people cut at once, all signed in and resumed on one core",
        "≤ 8 s without spread; others' p99 ≤ 50 ms meanwhile",
        _storm,
        ("storm/holdline",),
    ),
    TargetRow(
        7,
        "Line of 10,000 waiting, one served per second: position pushed to everybody it changes for",
        "≤ 20 % of a core; p99 of a live message within 20 %",
        _line,
        ("line",),
    ),
    TargetRow(
        8,
        "Offers: representative ready → offer shown at 100 lines, 1,000 representatives, 10,000 waiting",
        "p99 ≤ 20 ms; cost grows as log n or flatter from 100 to 100,000 waiting",
        _offers,
        ("offers",),
    ),
    TargetRow(
        9,
        "Page weight of the customer's chat",
        "≤ 60 KB gzipped, script ≤ 35 KB; first page ≤ 100 ms server time p95",
        _pages,
        ("pages",),
    ),
    TargetRow(10, "Idle memory of the whole trial system", "≤ 400 MB", _trial, ("trial",)),
    TargetRow(11, "1 → 2 hubs on 2 cores", "≥ 1.6 × throughput", _hubs, ("hubs",)),
    TargetRow(
        12,
        "A quarter of the representatives stop reading",
        "100 % of messages acknowledged, ≤ 20 MiB growth, others' p99 within 20 %",
        _stall,
        ("stall/holdline",),
    ),
    TargetRow(
        13,
        "Against Node `ws` + ioredis auto-pipelining + XADD (not durable in SQL): CPU",
        "≤ 1.2 ×",
        _node,
        ("relay/holdline", "relay/node_ws"),
    ),
)
