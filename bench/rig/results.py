"""All outcomes of one run, kept as JSON, and the medians that the report asks for."""

import json
import statistics
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from rig.generator import cpu_us
from rig.measurements import Outcome


@dataclass
class Results:
    """What one run has seen.

    Attributes:
        facts: label -> text about the machine and the run.
        outcomes: scenario -> subject -> one outcome for each repetition; a failed one holds only ``error``.
    """

    facts: dict[str, str] = field(default_factory=dict)
    outcomes: dict[str, dict[str, list[Outcome]]] = field(default_factory=dict)

    def add(self, scenario: str, subject: str, outcome: Outcome) -> None:
        """Note one repetition's outcome."""
        self.outcomes.setdefault(scenario, {}).setdefault(subject, []).append(outcome)

    def subjects(self, scenario: str) -> list[str]:
        """Who was measured in the scenario, in the order of the first outcome."""
        return list(self.outcomes.get(scenario, {}))

    def values(self, scenario: str, subject: str, figure: "Figure") -> list[float]:
        """The figure of every repetition that has one."""
        found = [figure(outcome) for outcome in self.good(scenario, subject)]
        return [value for value in found if value is not None]

    def median(self, scenario: str, subject: str, figure: "Figure") -> float | None:
        """The median of the figure over the repetitions; None when nothing was measured."""
        values = self.values(scenario, subject, figure)
        return statistics.median(values) if values else None

    def good(self, scenario: str, subject: str) -> list[Outcome]:
        """The outcomes without those that failed."""
        return [each for each in self.outcomes.get(scenario, {}).get(subject, []) if "error" not in each]

    def errors(self) -> list[str]:
        """A line for every repetition that failed."""
        return [
            f"{scenario}, {subject}: {outcome['error']}"
            for scenario, subjects in self.outcomes.items()
            for subject, outcomes in subjects.items()
            for outcome in outcomes
            if "error" in outcome
        ]

    def save(self, path: Path) -> None:
        """Write everything to a file."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(asdict(self), indent=1))

    @classmethod
    def read(cls, path: Path) -> "Results":
        """Read a file of ``save``."""
        return cls(**json.loads(path.read_text()))


# Takes one number out of an outcome; None when the outcome does not have it.
Figure = Callable[[Outcome], float | None]


def at(*path: str) -> Figure:
    """The number at a path of keys."""

    def figure(outcome: Outcome) -> float | None:
        value: Any = outcome
        for key in path:
            if key not in value:
                return None
            value = value[key]
        return float(value)

    return figure


def of_servers(key: str) -> Figure:
    """The sum of a key over the watched processes that are servers and not stores."""

    def figure(outcome: Outcome) -> float | None:
        found = [each[key] for name, each in outcome["watched"].items() if name.startswith("server")]
        return float(sum(found))

    return figure


per_second: Figure = at("per_second")
cpu: Figure = cpu_us


def spread(values: Sequence[float]) -> str:
    """Lowest to highest, as a reader sees how far the median can be trusted."""
    return f"{min(values):,.0f} to {max(values):,.0f}" if len(values) > 1 else ""
