"""The checks of the ledger find what they are there to find: each is shown a log in which its promise is broken."""

from datetime import UTC, datetime

import msgspec
import pytest

from chatsvc.kernel.ids import LogId
from chatsvc.tickets.model import Entry, Role
from tests.faults.ledger import Ledger, Said, Violation

LOG = LogId("lg_1")


def entry(number: int, key: str = "", text: str = "x") -> Entry:
    moment = datetime(2026, 3, 2, tzinfo=UTC)
    return Entry(
        number, moment, "message", "pe_1", "A", Role.CUSTOMER, key or f"key-{number}", msgspec.Raw(text.encode())
    )


def said(key: str, begun_at: float, acked_at: float | None, number: int | None) -> Said:
    return Said(LOG, "pe_1", key, begun_at, acked_at, number)


GOOD = Ledger([said("key-1", 0, 1, 1), said("key-2", 2, 3, 2)], {LOG: {"a": [entry(1), entry(2)], "b": [entry(1)]}})
TRUTH = {LOG: [entry(1), entry(2)]}


def test_honest_log_passes() -> None:
    GOOD.check(TRUTH)


@pytest.mark.parametrize(
    ("ledger", "truth", "says"),
    [
        (GOOD, {LOG: [entry(1), entry(3, "key-2")]}, "holes"),
        (GOOD, {LOG: [entry(1), entry(2), entry(3, "key-1")]}, "twice"),
        (Ledger([said("key-9", 0, 1, 2)]), TRUTH, "not stored"),
        (Ledger([said("key-1", 0, 1, 2)]), TRUTH, "not stored"),
        (Ledger([said("key-2", 0, 1, 2), said("key-1", 2, 3, 1)]), TRUTH, "in front of it"),
        (Ledger(views={LOG: {"a": [entry(2), entry(1)]}}), TRUTH, "another log"),
        (Ledger(views={LOG: {"a": [entry(1), entry(1)]}}), TRUTH, "another log"),
        (Ledger(views={LOG: {"a": [entry(2)]}}), TRUTH, "another log"),
        (Ledger(views={LOG: {"a": [entry(1, text="y")]}}), TRUTH, "another log"),
    ],
    ids=[
        "a hole", "a key twice", "lost after its acknowledgement", "stored under another number", "out of real-time order",
        "seen out of order", "seen twice", "seen with a gap", "seen with other words",
    ],
)  # fmt: skip
def test_broken_promise_is_found(ledger: Ledger, truth: dict[LogId, list[Entry]], says: str) -> None:
    with pytest.raises(Violation, match=says):
        ledger.check(truth)
