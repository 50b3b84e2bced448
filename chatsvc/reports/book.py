"""Writes rows into an Excel file as they come: typed, formatted, and without anything that Excel would run.

Texts are always texts: a subject that begins with an equals sign is marked as one and never becomes a formula (threat T24), an address in it
is no link. Moments are dates in one named zone, which the header says, because a cell of Excel has no zone. It knows no ticket.

The library writes the book: styles, widths, header, filter. The rows are put between, compressed as they come. The library itself would lay them
down twice, a hundred megabytes each time, before it compresses them; what a disk does with that holds up everybody who commits (ADR 53).
"""

import io
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final, NamedTuple
from zipfile import ZIP_DEFLATED, ZipFile
from zoneinfo import ZoneInfo

import xlsxwriter
from xlsxwriter.utility import xl_col_to_name

from chatsvc.reports.model import Column, Type

# Excel takes no more characters in a cell, and no more rows in a sheet, its header included.
_LONGEST_TEXT: Final = 32_767
MOST_ROWS: Final = 1_048_576 - 1
# What Excel or a program that reads an export of it might take for the beginning of a formula.
_ACTIVE: Final = ("=", "+", "-", "@", "\t", "\r", "\0")
_DAY: Final = timedelta(days=1)
_BEGINNING: Final = datetime(1899, 12, 30)  # noqa: DTZ001 - a cell of Excel has no zone
# Returns a cell: takes its address and a value that is there.
_Cell = Callable[[str, Any], str]
_LONGEST_SHEET_NAME: Final = 31
_NOT_IN_SHEET_NAMES: Final = str.maketrans(dict.fromkeys("[]:*?/\\'", " "))
# Where programs look first to see what a file is; and where the rows go.
_FIRST: Final = "[Content_Types].xml"
_SHEET: Final = "xl/worksheets/sheet1.xml"
# What XML cannot say, and what would be read as if it said that (ECMA-376, part 1, 22.4.2.4).
_UNSAYABLE: Final = re.compile(r"[\x00-\x08\x0b-\x1f\ud800-\udfff\ufffe\uffff]|_(?=x[0-9A-Fa-f]{4}_)")
_MARKUP: Final = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})


class Book:
    """One Excel file with one sheet, written from top to bottom; the rows written so far are not kept, neither in memory nor beside the file."""

    def __init__(self, path: Path, *, columns: Sequence[Column], labels: Mapping[str, str], zone: str) -> None:
        self.path = path
        self.columns = tuple(columns)
        self._labels = labels
        self._zone_name = zone
        self._zone = ZoneInfo(zone)
        self._rows = 0
        frame = self._frame()
        *styles, self._quoted = frame.styles
        self._cells = tuple(self._cell(column, style) for column, style in zip(self.columns, styles, strict=True))
        self._names = tuple(map(xl_col_to_name, range(len(self.columns))))
        self._zip = ZipFile(path, "w", ZIP_DEFLATED)
        self._zip.writestr(_FIRST, frame.parts[_FIRST])
        self._sheet = self._zip.open(_SHEET, "w")
        self._sheet.write(frame.before)

    def add(self, rows: Sequence[Sequence[Any]]) -> None:
        """Write rows: values in the order of the columns; None leaves a cell empty."""
        begin = self._rows + 2
        self._rows += len(rows)
        written = [self._row(number, row) for number, row in enumerate(rows, begin)]
        self._sheet.write("".join(written).encode())

    def _row(self, number: int, row: Sequence[Any]) -> str:
        cells = [
            cell(f"{name}{number}", value)
            for name, cell, value in zip(self._names, self._cells, row, strict=True)
            if value is not None
        ]
        return f'<row r="{number}">{"".join(cells)}</row>'

    def close(self) -> int:
        """Finish the file; return its size in bytes."""
        frame = self._frame()
        self._sheet.write(frame.after)
        self._sheet.close()
        for name, part in frame.parts.items():
            if name not in (_FIRST, _SHEET):
                self._zip.writestr(name, part)
        self._zip.close()
        return self.path.stat().st_size

    # Cells ------------------------------------------------------------------------------------------------------------------------------

    def _cell(self, column: Column, style: str) -> _Cell:
        """Return what writes a value of a column: chosen once, because a large report has more than a million cells."""

        def number(at: str, value: float) -> str:
            return f'<c r="{at}" s="{style}"><v>{value}</v></c>'

        match column.type:
            case Type.NUMBER:
                return number
            case Type.DAYS:
                return lambda at, value: number(at, value / _DAY)
            case Type.MOMENT:
                return lambda at, value: number(at, self._serial(value))
            case Type.TEXT:
                words = self._words_of(column.key) if column.is_code else {}
                return lambda at, value: self._text(at, style, words.get(value) or str(value))

    def _words_of(self, key: str) -> dict[str, str]:
        begin = f"{key}."
        return {code.removeprefix(begin): word for code, word in self._labels.items() if code.startswith(begin)}

    def _text(self, at: str, style: str, text: str) -> str:
        if text.startswith(_ACTIVE):
            style = self._quoted
        said = _UNSAYABLE.sub(lambda found: f"_x{ord(found[0]):04X}_", text[:_LONGEST_TEXT]).translate(_MARKUP)
        return f'<c r="{at}" s="{style}" t="inlineStr"><is><t xml:space="preserve">{said}</t></is></c>'

    def _serial(self, moment: datetime) -> float:
        """A moment as Excel counts: days of the zone's calendar since the end of 1899."""
        return (moment.astimezone(self._zone).replace(tzinfo=None) - _BEGINNING) / _DAY

    # The book around the rows -----------------------------------------------------------------------------------------------------------

    def _frame(self) -> "_Frame":
        """Let the library write the book as it is with the rows so far, but without them: a row of examples says how each cell is styled."""
        file = io.BytesIO()
        book = xlsxwriter.Workbook(file, {"in_memory": True})
        title = self._labels.get("title", "")
        book.set_properties({"title": title, "author": "Holdline"})
        sheet = book.add_worksheet(_sheet_name(title) or None)
        header = book.add_format({"bold": True, "bottom": 1, "text_wrap": True, "valign": "top"})
        formats = {
            Type.TEXT: book.add_format({"num_format": "@"}),
            Type.NUMBER: book.add_format({"num_format": "0"}),
            Type.MOMENT: book.add_format({"num_format": "yyyy-mm-dd hh:mm"}),
            Type.DAYS: book.add_format({"num_format": "0.0"}),
        }
        for index, column in enumerate(self.columns):
            name = self._labels.get(column.key, column.key)
            said = f"{name} ({self._zone_name})" if column.type is Type.MOMENT else name
            sheet.set_column(index, index, column.width)
            sheet.write_string(0, index, said, header)
            sheet.write_number(1, index, 0, formats[column.type])
        sheet.write_number(1, len(self.columns), 0, book.add_format({"num_format": "@", "quote_prefix": True}))
        sheet.freeze_panes(1, 0)
        if self._rows:
            sheet.autofilter(0, 0, self._rows, len(self.columns) - 1)
        book.close()
        with ZipFile(file) as written:
            return _Frame.around({name: written.read(name) for name in written.namelist()})


class _Frame(NamedTuple):
    """A book without its rows."""

    # Name -> content of every part, the sheet's too.
    parts: Mapping[str, bytes]
    # What stands in the sheet before and after the rows.
    before: bytes
    after: bytes
    # The cells' in the row of examples.
    styles: Sequence[str]

    @classmethod
    def around(cls, parts: Mapping[str, bytes]) -> "_Frame":
        """Take a book apart that has a header and a row of examples."""
        before, rest = parts[_SHEET].split(b'<row r="2"')
        examples, after = rest.split(b"</sheetData>")
        styles = [style.decode() for style in re.findall(rb'<c r="[A-Z]+2" s="(\d+)"', examples)]
        # How far the sheet reaches is not known yet; whoever reads it counts.
        return cls(parts, re.sub(rb"<dimension [^>]*/>", b"", before), b"</sheetData>" + after, styles)


def _sheet_name(title: str) -> str:
    return " ".join(title.translate(_NOT_IN_SHEET_NAMES).split())[:_LONGEST_SHEET_NAME]
