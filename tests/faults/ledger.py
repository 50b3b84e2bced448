"""What was done, what came back, and whether the log agrees: the checks that run after every fault (promises, section 3).

An operation whose answer was lost is *unknown*: it may or may not have happened, but at most once.
"""

import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from chatsvc.kernel.ids import LogId
from chatsvc.tickets.model import Entry


@dataclass
class Said:
    """One message that a client wanted to send."""

    log: LogId
    sender: str
    key: str
    # Seconds of the monotonic clock; ``acked_at`` None while the answer is unknown.
    begun_at: float = field(default_factory=time.monotonic)
    acked_at: float | None = None
    number: int | None = None

    def acked(self, number: int) -> None:
        """Note the acknowledgement."""
        self.acked_at, self.number = time.monotonic(), number


class Violation(AssertionError):
    """A promise was broken."""


@dataclass
class Ledger:
    """Everything that the clients of one campaign said and saw."""

    said: list[Said] = field(default_factory=list)
    # Log -> viewer -> the entries in the order in which the viewer got them.
    views: dict[LogId, dict[str, list[Entry]]] = field(default_factory=dict)

    def say(self, log: LogId, sender: str, key: str) -> Said:
        """Note that somebody begins to send."""
        said = Said(log, sender, key)
        self.said.append(said)
        return said

    def see(self, log: LogId, viewer: str, entries: Iterable[Entry]) -> None:
        """Note what somebody got."""
        self.views.setdefault(log, {}).setdefault(viewer, []).extend(entries)

    @property
    def acknowledged(self) -> int:
        """How many messages were acknowledged."""
        return sum(said.number is not None for said in self.said)

    def check(self, truth: Mapping[LogId, Sequence[Entry]]) -> None:
        """Compare with what the store holds.

        Raises:
            Violation: the first promise that does not hold.
        """
        for log, entries in truth.items():
            _check_dense(log, entries)
            _check_keys(log, entries)
        self._check_acknowledged(truth)
        self._check_order(truth)
        self._check_views(truth)

    def _check_acknowledged(self, truth: Mapping[LogId, Sequence[Entry]]) -> None:
        """R1: what was acknowledged is stored, under the number that was said."""
        stored = {log: {entry.number: entry for entry in entries} for log, entries in truth.items()}
        for said in self.said:
            if said.number is None:
                continue
            entry = stored[said.log].get(said.number)
            if entry is None or (entry.sender, entry.key) != (said.sender, said.key):
                raise Violation(f"acknowledged but not stored: {said}")

    def _check_order(self, truth: Mapping[LogId, Sequence[Entry]]) -> None:
        """R3: whatever was acknowledged before something else was begun stands before it."""
        begun = {(said.log, said.sender, said.key): said for said in self.said}
        for log, entries in truth.items():
            latest_begin = float("-inf")
            for entry in entries:
                said = begun.get((log, entry.sender, entry.key))
                if said is None:
                    continue
                if said.acked_at is not None and said.acked_at < latest_begin:
                    raise Violation(f"{said} was acknowledged before an entry in front of it was begun")
                latest_begin = max(latest_begin, said.begun_at)

    def _check_views(self, truth: Mapping[LogId, Sequence[Entry]]) -> None:
        """R4: everybody has seen exactly the log, or a beginning of it, each entry once and in order."""
        for log, viewers in self.views.items():
            entries = list(truth[log])
            for viewer, seen in viewers.items():
                if [(e.number, e.sender, e.key, bytes(e.body)) for e in seen] != [
                    (e.number, e.sender, e.key, bytes(e.body)) for e in entries[: len(seen)]
                ]:
                    raise Violation(f"{viewer} saw another log than {log}: {[entry.number for entry in seen]}")


def _check_dense(log: LogId, entries: Sequence[Entry]) -> None:
    """R3: numbers 1 to n without holes."""
    if [entry.number for entry in entries] != list(range(1, len(entries) + 1)):
        raise Violation(f"{log} has holes: {[entry.number for entry in entries]}")


def _check_keys(log: LogId, entries: Sequence[Entry]) -> None:
    """R2: no key twice."""
    twice = [key for key, count in Counter((e.sender, e.key) for e in entries).items() if count > 1]
    if twice:
        raise Violation(f"{log} has the same key twice: {twice}")
