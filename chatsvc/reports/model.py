"""What a report is: its columns as data, and what somebody wants in it. Values only.

Names of columns and words for codes are not here: whoever asks brings them in their own language, as labels.
"""

from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from chatsvc.kernel.ids import CompanyId


class Type(StrEnum):
    """How a cell is typed and formatted."""

    TEXT = "text"
    # A whole number without separators: a ticket's.
    NUMBER = "number"
    # Day and time in the report's zone.
    MOMENT = "moment"
    # A length of time, as days with one decimal.
    DAYS = "days"


class Column(NamedTuple):
    """One column."""

    # Names the value, and its label.
    key: str
    type: Type
    # Characters.
    width: int
    # Values are codes of which the labels have words, under ``<key>.<code>``.
    is_code: bool = False


_ALL: Final = (
    Column("number", Type.NUMBER, 9),
    Column("subject", Type.TEXT, 46),
    Column("company", Type.TEXT, 24),
    Column("requester", Type.TEXT, 22),
    Column("product", Type.TEXT, 12, is_code=True),
    Column("reason", Type.TEXT, 30, is_code=True),
    Column("environment", Type.TEXT, 13, is_code=True),
    Column("severity", Type.TEXT, 12, is_code=True),
    Column("state", Type.TEXT, 18, is_code=True),
    Column("team", Type.TEXT, 18, is_code=True),
    Column("owner", Type.TEXT, 20),
    Column("source", Type.TEXT, 10, is_code=True),
    Column("created_at", Type.MOMENT, 17),
    Column("updated_at", Type.MOMENT, 17),
    Column("ended_at", Type.MOMENT, 17),
)


class Report(NamedTuple):
    """One report that can be chosen."""

    key: str
    columns: tuple[Column, ...]
    # Only tickets in these states; empty: all, or those that were asked for.
    states: tuple[str, ...] = ()


_BY_AGE: Final = ("number", "subject", "company", "requester", "product", "severity", "state", "team", "owner")

REPORTS: Final = {
    report.key: report
    for report in (
        Report("tickets", _ALL),
        Report(
            "open",
            (
                *(column for column in _ALL if column.key in _BY_AGE),
                Column("age", Type.DAYS, 11),
                Column("silence", Type.DAYS, 11),
                Column("created_at", Type.MOMENT, 17),
                Column("updated_at", Type.MOMENT, 17),
            ),
            states=("open", "awaiting"),
        ),
        Report(
            "ended",
            (
                *(column for column in _ALL if column.key in (*_BY_AGE, "reason")),
                Column("lasted", Type.DAYS, 11),
                Column("created_at", Type.MOMENT, 17),
                Column("ended_at", Type.MOMENT, 17),
            ),
            states=("solved", "closed"),
        ),
    )
}


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody wants to have in a report."""

    # A key of ``REPORTS``.
    report: str
    # Created at or after, and before; None: from the first, to the last.
    since: datetime | None = None
    before: datetime | None = None
    # Keys; empty: all.
    states: tuple[str, ...] = ()
    products: tuple[str, ...] = ()
    # One company only; for those who may read several.
    company: CompanyId | None = None
    # IANA name: in which moments are written, and which the header names.
    zone: str
    # ``title``, a column's key, or ``<column>.<code>`` -> the reader's word. What is missing reads as its code.
    labels: dict[str, str] = {}


class State(StrEnum):
    """How far a report in the background is."""

    WAITING = "waiting"
    READY = "ready"
    # It failed as often as it may.
    FAILED = "failed"


class Progress(msgspec.Struct, frozen=True):
    """A report in the background, as the person who asked for it sees it."""

    id: str
    report: str
    title: str
    state: State
    # Rows.
    done: int
    total: int
    asked_at: datetime
    # None until it is ready.
    expires_at: datetime | None
    # None until it is ready.
    size_bytes: int | None


class Finished(NamedTuple):
    """Somebody's report that lies ready."""

    name: str
    path: Path


class ReportRules(NamedTuple):
    """Numbers that an operator may change."""

    # Above this many rows a report is made in the background (T12).
    most_rows_at_once: int = 250
    # How long a finished file is kept.
    kept_for: timedelta = timedelta(days=7)
    # Reports that one person may have waiting.
    most_waiting: int = 3
    # A maker that is silent for so long has died.
    lease: timedelta = timedelta(seconds=60)
    most_attempts: int = 3
