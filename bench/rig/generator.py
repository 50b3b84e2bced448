"""Run the load generator and read its answer."""

import json
import statistics
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rig.places import PROGRAMS
from rig.processes import OTHER_CORE, pinned


class LoadFailed(Exception):
    """The generator could not open its connections; the text says what it met first."""


@dataclass(frozen=True, kw_only=True)
class Target:
    """A running server, as the generator has to know it.

    Attributes:
        dialect: file that says how it is spoken to.
        customers: ports that customers, and the crowd, connect to; spread in turn.
        reps: ports of the representatives; the same as the customers' when empty.
        watched: name -> process id of everything whose CPU counts.
        seats: file with one line of values for each pair, or None.
        crowd_seats: the same for the crowd.
        host: the Host header, which is also ``{host}`` in the dialect.
        settles: seconds under load until it has done what it does once in its life, on top of a warm-up.
    """

    dialect: Path
    customers: Sequence[int]
    reps: Sequence[int] = ()
    watched: dict[str, int] = field(default_factory=dict)
    seats: Path | None = None
    crowd_seats: Path | None = None
    host: str = "127.0.0.1"
    settles: float = 0


def load(target: Target, *, deadline_seconds: float = 240, **options: float | bool) -> dict[str, Any]:
    """Load the server and return what the generator measured; ``options`` are its flags, True for one without value.

    Returns:
        The generator's JSON object. Times are in the unit that ends each name.

    Raises:
        LoadFailed: the connections could not be opened, or the generator took longer than the deadline.
    """
    command: list[str | Path] = [PROGRAMS / "loadgen", "--dialect", target.dialect, "--host", target.host]
    command += ["--customers", _ports(target.customers), "--reps", _ports(target.reps or target.customers)]
    if target.seats:
        command += ["--seats", target.seats]
    if target.crowd_seats:
        command += ["--crowd-seats", target.crowd_seats]
    for name, pid in target.watched.items():
        command += ["--watch", f"{name}={pid}"]
    for name, value in options.items():
        if value is not False:
            command += [f"--{name}"] if value is True else [f"--{name}", f"{value:g}"]
    try:
        answer = subprocess.run(
            pinned(command, OTHER_CORE), capture_output=True, text=True, check=False, timeout=deadline_seconds
        )
    except subprocess.TimeoutExpired as error:
        raise LoadFailed(f"no answer within {deadline_seconds:g} s") from error
    if answer.returncode:
        raise LoadFailed(answer.stderr.strip())
    outcome: dict[str, Any] = json.loads(answer.stdout)
    return outcome


def cpu_us(outcome: dict[str, Any]) -> float | None:
    """CPU time of all watched processes for each message acknowledged and delivered, in microseconds; None without one."""
    if not outcome["done"]:
        return None
    spent: int = sum(each["cpu_us"] for each in outcome["watched"].values())
    return spent / int(outcome["done"])


def median(values: Sequence[float]) -> float:
    """The median; of an even number the mean of the middle two."""
    return statistics.median(values)


def _ports(ports: Sequence[int]) -> str:
    return ",".join(map(str, ports))
