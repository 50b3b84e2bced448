"""The newest entries of the logs that passed through this process lately: most who come back need only these (performance, rule 8).

Bounded by bytes over all logs; the log that was used longest ago goes first. What is not here is in the database.
"""

from collections import OrderedDict, deque
from collections.abc import Sequence
from typing import Final

from chatsvc.kernel.ids import LogId
from chatsvc.tickets.model import Entry

PER_LOG: Final = 64
# About what an entry takes beside its body.
_OVERHEAD_BYTES: Final = 500


def size_of(entry: Entry) -> int:
    """Return about how many bytes an entry takes, in memory and on the line."""
    return len(bytes(entry.body)) + _OVERHEAD_BYTES


class Ring:
    """Recent entries: log -> consecutive ones, oldest first."""

    def __init__(self, most_bytes: int = 16 * 1024 * 1024) -> None:
        self._logs: OrderedDict[LogId, deque[Entry]] = OrderedDict()
        self._bytes = 0
        self._most_bytes = most_bytes

    def add(self, log: LogId, entries: Sequence[Entry]) -> None:
        """Keep consecutive entries. What does not connect to those that are kept replaces them; what is kept already is left."""
        kept = self._logs.get(log)
        if kept is None:
            kept = self._logs[log] = deque()
        else:
            self._logs.move_to_end(log)
        for entry in entries:
            if kept and entry.number <= kept[-1].number:
                continue
            if kept and entry.number != kept[-1].number + 1:
                self._bytes -= sum(map(size_of, kept))
                kept.clear()
            kept.append(entry)
            self._bytes += size_of(entry)
            if len(kept) > PER_LOG:
                self._bytes -= size_of(kept.popleft())
        while self._bytes > self._most_bytes and len(self._logs) > 1:
            _, gone = self._logs.popitem(last=False)
            self._bytes -= sum(map(size_of, gone))

    def after(self, log: LogId, number: int) -> tuple[Entry, ...]:
        """Return what is kept beyond a number; nothing unless the very next one is kept."""
        kept = self._logs.get(log)
        if not kept or not kept[0].number <= number + 1 <= kept[-1].number:
            return ()
        self._logs.move_to_end(log)
        skip = number + 1 - kept[0].number
        return tuple(kept)[skip:]
