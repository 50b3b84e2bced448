"""What a durable append costs when nothing stands around it: SQLite, WAL, synchronous=FULL, one writer, shared commits.

An append raises the head of a log and inserts an entry, unique by (log, sender, key). With --rate, appends are due at
random moments and whatever has come in while the last commit ran shares the next one; latency counts from the moment an
append was due. Prints one JSON object. It serves nobody: it is half of the denominator of "distance to the limit".
"""

import argparse
import json
import random
import sqlite3
import time
from pathlib import Path

# More than the largest batch, so that no batch holds a log twice and the heads can be raised first.
LOGS = 1024
TEXT = "The report shows yesterday's rate for the receipt although it was changed this morning; "[:84]

SCHEMA = """
CREATE TABLE log (id TEXT PRIMARY KEY, head INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE entry (
    log TEXT NOT NULL, number INTEGER NOT NULL, sender TEXT NOT NULL, key TEXT NOT NULL, at INTEGER NOT NULL,
    kind TEXT NOT NULL, body TEXT NOT NULL,
    PRIMARY KEY (log, number), UNIQUE (log, sender, key)
) WITHOUT ROWID;
"""
RAISE = "UPDATE log SET head = head + 1 WHERE id = ?"
INSERT = "INSERT INTO entry SELECT id, head, ?, ?, ?, 'message', ? FROM log WHERE id = ?"


class Store:
    """A database file with its logs; appends are numbered to make keys."""

    def __init__(self, path: Path) -> None:
        self.connection = sqlite3.connect(path, isolation_level=None)
        self.connection.execute("PRAGMA journal_mode=WAL")
        self.connection.execute("PRAGMA synchronous=FULL")
        self.connection.executescript(SCHEMA)
        self.connection.executemany("INSERT INTO log VALUES (?, 0)", [(f"lg_{i:020d}",) for i in range(LOGS)])
        self.count = 0

    def append(self, batch: int) -> None:
        """Append so many entries in one commit."""
        at = time.time_ns() // 1000
        numbers = range(self.count, self.count + batch)
        logs = [f"lg_{number % LOGS:020d}" for number in numbers]
        self.connection.execute("BEGIN IMMEDIATE")
        self.connection.executemany(RAISE, [(log,) for log in logs])
        self.connection.executemany(
            INSERT,
            [
                (f"pe_{number % LOGS:020d}", f"{number:016x}", at, TEXT, log)
                for number, log in zip(numbers, logs, strict=True)
            ],
        )
        self.connection.execute("COMMIT")
        self.count += batch


def saturated(store: Store, batch: int, seconds: float) -> dict[str, float]:
    """Commit full batches one after the other."""
    started, cpu, before = time.monotonic(), time.process_time(), store.count
    while time.monotonic() - started < seconds:
        store.append(batch)
    count = store.count - before
    return {
        "batch": batch,
        "per_second": count / (time.monotonic() - started),
        "cpu_us": (time.process_time() - cpu) * 1e6 / count,
    }


def at_rate(store: Store, rate: float, seconds: float) -> dict[str, float]:
    """Commit what is due; return percentiles of the latency in milliseconds."""
    chance = random.Random(1)
    due, end, waited = time.monotonic(), time.monotonic() + seconds, []
    while due < end:
        now = time.monotonic()
        if now < due:
            time.sleep(due - now)
            continue
        batch: list[float] = []
        while due <= now and len(batch) < LOGS:
            batch.append(due)
            due += chance.expovariate(rate)
        store.append(len(batch))
        done = time.monotonic()
        waited += [done - each for each in batch]
    waited.sort()
    return {
        "rate": rate,
        "per_second": len(waited) / seconds,
        "p50_ms": waited[len(waited) // 2] * 1000,
        "p99_ms": waited[len(waited) * 99 // 100] * 1000,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--rate", type=float, default=0)
    parser.add_argument("--seconds", type=float, default=2)
    options = parser.parse_args()
    store = Store(options.folder / "floor.db")
    if options.rate:
        print(json.dumps(at_rate(store, options.rate, options.seconds)))
    else:
        print(json.dumps(saturated(store, options.batch, options.seconds)))


main()
