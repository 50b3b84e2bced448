"""Writes rows into an Excel file as they come: typed, formatted, and without anything that Excel would run.

Texts are always texts: a subject that begins with an equals sign is marked as one and never becomes a formula (threat T24), an address in it
is no link. Moments are dates in one named zone, which the header says, because a cell of Excel has no zone. It knows no ticket.
"""

from collections.abc import Mapping, Sequence
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
            for index, (column, value) in enumerate(zip(self.columns, row, strict=True)):
                if value is not None:
                    self._write(index, column, value)
            self._row += 1

    def _write(self, index: int, column: Column, value: Any) -> None:
        if column.type is Type.TEXT:
            text = str(self._labels.get(f"{column.key}.{value}", value) if column.is_code else value)[:_LONGEST_TEXT]
            self._sheet.write_string(self._row, index, text, self._quoted if text.startswith(_ACTIVE) else self._text)
        elif column.type is Type.MOMENT:
            self._sheet.write_datetime(self._row, index, self._local(value), self._formats[Type.MOMENT])
        else:
            number = value / _DAY if isinstance(value, timedelta) else value
            self._sheet.write_number(self._row, index, number, self._formats[column.type])

    def _local(self, moment: datetime) -> datetime:
        return moment.astimezone(self._zone).replace(tzinfo=None)

    def close(self) -> int:
        """Finish the file; return its size in bytes."""
        if self._row > 1:
            self._sheet.autofilter(0, 0, self._row - 1, len(self.columns) - 1)
        self._book.close()
        return self.path.stat().st_size


def _sheet_name(title: str) -> str:
    return " ".join(title.translate(_NOT_IN_SHEET_NAMES).split())[:_LONGEST_SHEET_NAME]
