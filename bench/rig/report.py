"""Write a run down in Markdown: targets first, then every table behind them."""

from collections.abc import Callable, Sequence

from rig.measurements import BATCHES
from rig.peers import peers
from rig.results import Figure, Results, at, cpu, of_servers, per_second, spread
from rig.targets import TARGETS, stall_growth_mib

_HOLDLINE = {
    "holdline": "**Holdline**, SQLite, `synchronous=FULL`",
    "holdline_postgres": "**Holdline**, PostgreSQL",
}
# More than this used by others, and a run is a rehearsal.
_QUIET_PERCENT = 5.0
Column = tuple[str, Callable[[Results, str, str], str]]


def report(results: Results) -> str:
    """The whole document."""
    parts = [
        "# Results\n\nWritten by `python3 bench/run.py`; what is measured and how stands in [README.md](README.md). "
        "CPU is CPU time of all servers and stores for each message that was acknowledged and delivered. Figures are "
        "medians. Absolute figures belong to this machine and this hour; ratios inside one run hold.",
        _facts(results),
        *_warning(results),
        "## Targets\n\n" + _targets(results),
    ]
    for title, text, scenario, columns in _TABLES:
        if results.subjects(scenario):
            parts.append(f"## {title}\n\n{text}\n\n" + _table(results, scenario, columns))
    if results.errors():
        parts.append("## What failed\n\n" + "\n".join(f"- {line}" for line in results.errors()))
    return "\n\n".join(parts) + "\n"


def _warning(results: Results) -> list[str]:
    """A sentence for the head when the machine was not ours alone."""
    used = results.facts.get("CPU used by others", "0%").partition("%")[0]
    if float(used) <= _QUIET_PERCENT:
        return []
    return [
        f"**Others used {used} % of the machine during this run: it is a rehearsal.** Servers shared their core with strangers, so "
        "throughput is far too low, latencies are those of waiting for the core, and work that is done per second and not per "
        "message (heartbeats, sweeps, rounds of the worker) weighs too much in CPU per message."
    ]


def _facts(results: Results) -> str:
    return _markdown(["", ""], [[label, text] for label, text in results.facts.items()])


def _targets(results: Results) -> str:
    rows = []
    for row in TARGETS:
        finding = row.find(results)
        verdict = "not measured" if finding is None else "reached" if finding.reached else "**not reached**"
        rows.append([str(row.number), row.what, row.target, finding.figure if finding else "—", verdict])
    return _markdown(["#", "What", "Target", "Measured", "Verdict"], rows)


def _table(results: Results, scenario: str, columns: Sequence[Column]) -> str:
    rows = [
        [_title(subject), *(cell(results, scenario, subject) for _, cell in columns)]
        for subject in results.subjects(scenario)
    ]
    return _markdown(["", *(name for name, _ in columns)], rows)


def _title(subject: str) -> str:
    known = peers()
    return known[subject].title if subject in known else _HOLDLINE.get(subject, subject)


def _markdown(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [f"| {' | '.join(row)} |" for row in [head, ["---"] * len(head), *rows]]
    return "\n".join(lines)


def _number(name: str, figure: Figure, form: str = ",.0f", scale: float = 1) -> Column:
    def cell(results: Results, scenario: str, subject: str) -> str:
        value = results.median(scenario, subject, figure)
        return "—" if value is None else format(value * scale, form)

    return name, cell


def _between(name: str, figure: Figure) -> Column:
    return name, lambda results, scenario, subject: spread(results.values(scenario, subject, figure))


def _against(name: str, other: str) -> Column:
    """CPU as a multiple of another subject's."""

    def cell(results: Results, scenario: str, subject: str) -> str:
        mine, theirs = results.median(scenario, subject, cpu), results.median(scenario, other, cpu)
        return f"{mine / theirs:.2f}" if mine and theirs else "—"

    return name, cell


_LATENCY = (
    _number("ack p50, ms", at("ack_ms", "p50"), ".1f"),
    _number("ack p99, ms", at("ack_ms", "p99"), ".1f"),
    _number("delivery p50, ms", at("delivery_ms", "p50"), ".1f"),
    _number("delivery p99, ms", at("delivery_ms", "p99"), ".1f"),
)
_RELAY = (
    _number("msg/s", per_second),
    _number("CPU, µs", cpu),
    _between("lowest to highest", cpu),
    _against("× socket.io", "socketio"),
    _number("servers busy", of_servers("busy"), ".0%"),
    _number("generator busy", at("generator_busy"), ".0%"),
    *_LATENCY,
    _number("lost", at("lost")),
)
_CONNECTION = (
    _number("connections", at("crowd")),
    _number("KiB each, PSS", of_servers("pss_kib_each"), ".1f"),
    _number("KiB each, RSS", of_servers("rss_kib_each"), ".1f"),
    _number("opened per second", at("opened_per_second")),
    _number("CPU to open, µs", of_servers("opening_cpu_us_each")),
)

_TABLES = (
    (
        "Pair relay, one process",
        "400 connections in 200 pairs: customer → store → acknowledgement and representative; one message of every pair is "
        "under way. The first rows have no store and keep nothing; the peers keep messages in Redis' memory; Holdline has "
        "them synced to disk before it acknowledges. A row counts as a measurement of the server when the server, not the "
        "generator, is busy.",
        "relay",
        _RELAY,
    ),
    (
        "Pair relay, two processes",
        "Customers on one process, their representatives on the other; both on the same core, so that CPU can be compared.",
        "two",
        _RELAY,
    ),
    (
        "The bare append",
        f"SQLite alone, batches of {', '.join(map(str, BATCHES))} appends in one commit.",
        "commit",
        (
            _number("appends/s", per_second),
            _number("CPU, µs", at("cpu_us")),
            _between("lowest to highest", at("cpu_us")),
        ),
    ),
    (
        "The bare append at 1,000 per second",
        "Whatever came while the last commit ran shares the next one.",
        "commit_rate",
        (_number("p50, ms", at("p50_ms"), ".2f"), _number("p99, ms", at("p99_ms"), ".2f")),
    ),
    (
        "Latency at 1,000 messages per second",
        "Messages are due at random moments; latency counts from the moment a message was due.",
        "latency",
        (_number("msg/s", per_second), _number("CPU, µs", cpu), *_LATENCY, _number("lost", at("lost"))),
    ),
    (
        "Idle connections",
        "Growth of the servers' memory for every connection on top of the first hundred.",
        "idle",
        (*_CONNECTION, _number("CPU while idle", of_servers("busy"), ".1%")),
    ),
    (
        "Everybody cut at once",
        "All lines of the crowd are reset at one moment and come back without spreading; 50 pairs go on talking.",
        "storm",
        (
            _number("connections", at("crowd")),
            _number("all back after, s", at("return_seconds"), ".1f"),
            _number("returned", at("returned")),
            _number("return p50, s", at("return_ms", "p50"), ".1f", 1e-3),
            _number("others' delivery p99, ms", at("delivery_ms", "p99"), ".1f"),
            _number("CPU to open, µs", of_servers("opening_cpu_us_each")),
        ),
    ),
    (
        "A long line, one served every second",
        "Everybody who waits sees their place; 50 pairs talk at 200 messages per second all the while.",
        "line",
        (
            _number("waiting", at("crowd")),
            _number("servers busy", of_servers("busy"), ".0%"),
            _number("pictures sent", at("counted")),
            _number("others' p99, ms", at("delivery_ms", "p99"), ".1f"),
            _number("p99 when nobody is served, ms", at("calm", "delivery_ms", "p99"), ".1f"),
        ),
    ),
    (
        "Offers",
        "100 lines, 1,000 representatives who have as much as they can take; 100 others become ready, five a second.",
        "offers",
        (
            _number("waiting", at("waiting")),
            _number("ready → shown p50, ms", at("p50_ms"), ".1f"),
            _number("p99, ms", at("p99_ms"), ".1f"),
            _number("not shown", at("missed")),
            _number("CPU each, µs", at("cpu_us")),
            _number("with 100 waiting", at("few", "cpu_us")),
            _number("with ten times as many", at("most", "cpu_us")),
        ),
    ),
    (
        "A quarter of the representatives stop reading",
        "40 pairs, texts of 8,000 bytes, 1,000 messages per second.",
        "stall",
        (
            _number("sent", at("sent")),
            _number("acknowledged", at("acked")),
            _number("memory above calm, MiB", stall_growth_mib, ".0f"),
            _number("others' p99, ms", at("delivery_ms", "p99"), ".1f"),
            _number("p99 when calm, ms", at("calm", "delivery_ms", "p99"), ".1f"),
            _number("lines closed", at("closed")),
        ),
    ),
    (
        "One hub, two hubs",
        "Two hubs on two cores that the generator and the stores share; pairs are spread over both.",
        "hubs",
        _RELAY,
    ),
)
