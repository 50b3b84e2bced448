"""Measure Holdline and its peers in one run and write ``bench/RESULTS.md``.

    python3 bench/run.py              everything, about forty minutes on a quiet machine
    python3 bench/run.py --quick      one short repetition of everything, for a look; writes no RESULTS.md
    python3 bench/run.py --only relay --only two/socketio
    python3 bench/run.py --row 7      what the seventh target needs, and nothing else
    python3 bench/run.py --again FILE    write the report of an earlier run's figures anew

Repetitions are interleaved: everything is measured once, then everything again, so that an hour's mood of the machine
falls on all alike. Every server is started for its measurement alone, on free loopback ports or Unix sockets, and
stopped after it. Needs Linux with at least two cores, Python 3.11, gcc, Node with npm, and redis-server; what it builds
and installs lies in $HOLDLINE_BENCH_DIR (default ~/.cache/holdline-bench).
"""

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path

from rig.facts import Bystanders, facts
from rig.generator import LoadFailed
from rig.measurements import Measurement, Outcome, Pace, measurements
from rig.places import BENCH, RUNS
from rig.prepare import prepare
from rig.processes import DidNotStart
from rig.report import report
from rig.results import Results
from rig.targets import TARGETS


def main() -> None:
    """Parse the arguments and run."""
    options = _arguments()
    if options.again:
        _write(Results.read(options.again))
        return
    if (os.cpu_count() or 1) < 2:
        raise SystemExit("The measurements need two cores: one for the servers, one for everything else.")
    prepare()
    pace = Pace.quick() if options.quick else Pace(repetitions=options.repetitions, large_crowd=options.large_crowd)
    only = [*options.only, *(need for row in TARGETS if row.number in options.row for need in row.needs)]
    chosen = [each for each in measurements() if _is_chosen(each, only)]
    path = RUNS / f"{time.strftime('%Y%m%d-%H%M%S')}.json"
    results = _measure_all(chosen, pace, path)
    print(f"\nfigures: {path}\n")
    if options.quick or only:
        print(report(results))
    else:
        _write(results)


def _measure_all(chosen: list[Measurement], pace: Pace, path: Path) -> Results:
    """Measure everything in turn; what has been seen so far lies in the file, also when the run is broken off."""
    results = Results(facts=facts())
    results.facts["Run"] = f"`python3 bench/run.py {' '.join(sys.argv[1:])}`, {time.strftime('%Y-%m-%d %H:%M')}"
    bystanders, started = Bystanders(), time.monotonic()
    for repetition in range(pace.repetitions):
        for each in chosen:
            if repetition and each.once:
                continue
            outcome = _measure(each, pace)
            results.add(each.scenario, each.subject, outcome)
            results.facts["Repetitions"] = f"{repetition + 1}, interleaved, {time.monotonic() - started:.0f} s in all"
            results.facts["CPU used by others"] = f"{bystanders.share():.1%} of the machine during the run"
            results.save(path)
            print(
                f"{time.monotonic() - started:6.0f} s  {each.scenario:12} {each.subject:20} {_short(outcome)}",
                flush=True,
            )
    return results


def _measure(each: Measurement, pace: Pace) -> Outcome:
    """One repetition; one that fails is reported, the others go on."""
    try:
        return each.measure(pace)
    except (DidNotStart, LoadFailed, subprocess.CalledProcessError, OSError) as error:
        return {"error": " ".join(str(error).split())[-500:]}


def _short(outcome: Outcome) -> str:
    if "error" in outcome:
        return f"failed: {outcome['error']}"
    return f"{outcome['per_second']:,.0f}/s" if "per_second" in outcome else "done"


def _write(results: Results) -> None:
    (BENCH / "RESULTS.md").write_text(report(results))
    print(f"wrote {BENCH / 'RESULTS.md'}")


def _is_chosen(each: Measurement, only: list[str]) -> bool:
    return not only or each.scenario in only or f"{each.scenario}/{each.subject}" in only


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="one short repetition, printed and not written")
    parser.add_argument("--repetitions", type=int, default=5, help="how often everything is measured (5)")
    parser.add_argument(
        "--large-crowd", type=int, default=10_000, help="connections that sit there or are cut (10,000)"
    )
    parser.add_argument(
        "--only", action="append", default=[], metavar="SCENARIO[/SUBJECT]", help="measure only this; repeat"
    )
    parser.add_argument(
        "--row", action="append", type=int, default=[], metavar="NUMBER", help="measure what this target needs; repeat"
    )
    parser.add_argument(
        "--again", type=Path, metavar="FILE", help="write the report from the figures of an earlier run"
    )
    return parser.parse_args()


if __name__ == "__main__":
    main()
