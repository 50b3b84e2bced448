"""Writes rows into an Excel file as they come: typed, formatted, and without anything that Excel would run.

Texts are always texts: a subject that begins with an equals sign is marked as one and never becomes a formula (threat T24), an address in it
is no link. Moments are dates in one named zone, which the header says, because a cell of Excel has no zone. It knows no ticket.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

import xlsxwriter

from chatsvc.reports.model import Column, Type

# Excel takes no more characters in a cell.
_LONGEST_TEXT: Final = 32_767
# What Excel or a program that reads an export of it might take for the beginning of a formula.
_ACTIVE: Final = ("=", "+", "-", "@", "\t", "\r", "\0")
_DAY: Final = timedelta(days=1)
_BEGINNING: Final = datetime(1899, 12, 30)  # noqa: DTZ001 - a cell of Excel has no zone
# Takes the row, the column's index, and a value that is there.
_Write = Callable[[int, int, Any], object]
_LONGEST_SHEET_NAME: Final = 31
_NOT_IN_SHEET_NAMES: Final = str.maketrans(dict.fromkeys("[]:*?/\\'", " "))


class Book:
    """One Excel file with one sheet, written from top to bottom; the rows written so far are not kept in memory."""

    def __init__(self, path: Path, *, columns: Sequence[Column], labels: Mapping[str, str], zone: str) -> None:
        self.path = path
        self.columns = tuple(columns)
        self._labels = labels
        self._zone = ZoneInfo(zone)
        self._row = 0
        self._book = xlsxwriter.Workbook(
            str(path),
            {
                "constant_memory": True,
                "strings_to_formulas": False,
                "strings_to_urls": False,
                "strings_to_numbers": False,
                "tmpdir": str(path.parent),
            },
        )
        title = labels.get("title", "")
        self._book.set_properties({"title": title, "author": "Holdline"})
        self._sheet = self._book.add_worksheet(_sheet_name(title) or None)
        add = self._book.add_format
        self._text, self._quoted = add({"num_format": "@"}), add({"num_format": "@", "quote_prefix": True})
        self._formats: dict[Type, Any] = {
            Type.NUMBER: add({"num_format": "0"}),
            Type.MOMENT: add({"num_format": "yyyy-mm-dd hh:mm"}),
            Type.DAYS: add({"num_format": "0.0"}),
        }
        self._writers = tuple(self._writer(column) for column in self.columns)
        self._begin(zone)

    def _begin(self, zone: str) -> None:
        header = self._book.add_format({"bold": True, "bottom": 1, "text_wrap": True, "valign": "top"})
        for index, column in enumerate(self.columns):
            self._sheet.set_column(index, index, column.width)
        for index, column in enumerate(self.columns):
            name = self._labels.get(column.key, column.key)
            self._sheet.write_string(0, index, f"{name} ({zone})" if column.type is Type.MOMENT else name, header)
        self._sheet.freeze_panes(1, 0)
        self._row = 1

    def add(self, rows: Sequence[Sequence[Any]]) -> None:
        """Write rows: values in the order of the columns; None leaves a cell empty."""
        for row in rows:
            for index, (write, value) in enumerate(zip(self._writers, row, strict=True)):
                if value is not None:
                    write(self._row, index, value)
            self._row += 1

    def _writer(self, column: Column) -> _Write:
        """Return what writes a value of a column: chosen once, because a large report has more than a million cells."""
        write_number, cell = self._sheet.write_number, self._formats.get(column.type)
        match column.type:
            case Type.NUMBER:
                return lambda row, index, value: write_number(row, index, value, cell)
            case Type.DAYS:
                return lambda row, index, value: write_number(row, index, value / _DAY, cell)
            case Type.MOMENT:
                return lambda row, index, value: write_number(row, index, self._serial(value), cell)
            case Type.TEXT:
                words = self._words_of(column.key) if column.is_code else {}
                return lambda row, index, value: self._text_into(row, index, words.get(value) or str(value))

    def _words_of(self, key: str) -> dict[str, str]:
        begin = f"{key}."
        return {code.removeprefix(begin): word for code, word in self._labels.items() if code.startswith(begin)}

    def _text_into(self, row: int, index: int, text: str) -> None:
        quoted = text.startswith(_ACTIVE)
        self._sheet.write_string(row, index, text[:_LONGEST_TEXT], self._quoted if quoted else self._text)

    def _serial(self, moment: datetime) -> float:
        """A moment as Excel counts: days of the zone's calendar since the end of 1899."""
        return (moment.astimezone(self._zone).replace(tzinfo=None) - _BEGINNING) / _DAY

    def close(self) -> int:
        """Finish the file; return its size in bytes."""
        if self._row > 1:
            self._sheet.autofilter(0, 0, self._row - 1, len(self.columns) - 1)
        self._book.close()
        return self.path.stat().st_size


def _sheet_name(title: str) -> str:
    return " ".join(title.translate(_NOT_IN_SHEET_NAMES).split())[:_LONGEST_SHEET_NAME]
