"""Reports: typed, formatted, without anything that runs; large ones in the background, by whoever is alive, for one person alone (T12, T24)."""

import asyncio
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, Final
from xml.etree import ElementTree
from zipfile import ZipFile
from zoneinfo import ZoneInfo

import msgspec
import pytest
from openpyxl import load_workbook
from sqlalchemy import select, update

from chatsvc.accounts.model import Identity
from chatsvc.accounts.queries import AccountQueries
from chatsvc.accounts.tables import people
from chatsvc.db.engine import Database
from chatsvc.db.outbox import outbox
from chatsvc.kernel.clock import ManualClock
from chatsvc.kernel.errors import Conflict, Invalid, NotFound
from chatsvc.reports import making
from chatsvc.reports.actions import Reports, file_name
from chatsvc.reports.book import Book
from chatsvc.reports.model import REPORTS, ReportRules, State, Wish
from tests import builders

BERLIN: Final = "Europe/Berlin"
LABELS: Final = {"title": "Requests", "number": "Number", "created_at": "Created", "state.open": "Open"}
# What Excel, or a program that reads an export of it, might run; and what a file of it may not contain.
NASTY: Final = [
    "=cmd|' /C calc'!A0", "=HYPERLINK(\"https://evil.example\",\"x\")", "+1+1", "-2+3", "@SUM(1)", "\t=1+1", "\r=1+1", "{=1+1}",
    "https://example.com/a?b=c", "00123", "1e5", "2026-03-02", "TRUE", "a\x00b\x08c\x1f", "_x0041_", "𝒳 \ufffe 王芳", "<b>&amp;",
]  # fmt: skip


def a_wish(**more: Any) -> Wish:
    return Wish(**({"report": "tickets", "zone": BERLIN, "labels": LABELS} | more))


@pytest.fixture
def reports(database: Database, tmp_path: Path) -> Reports:
    """Reports that are made in the background above two rows."""
    return Reports(database, tmp_path / "reports", AccountQueries(database), ReportRules(most_rows_at_once=2))


def rows_of(path: str | Path) -> list[dict[str, Any]]:
    """The sheet as a list of rows, by the header's words."""
    header, *rows = load_workbook(path).active.iter_rows(values_only=True)
    return [dict(zip(header, row, strict=True)) for row in rows]


async def tickets_of(database: Database, contact: Identity, subjects: Sequence[str]) -> list[int]:
    return [(await builders.a_ticket(database, contact, subject=subject)).number for subject in subjects]


# what is in the file ----------------------------------------------------------------------------------------------------


async def test_t12_cells_are_typed_and_dates_are_dates_in_the_named_zone(
    database: Database, clock: ManualClock, reports: Reports
) -> None:
    contact = await builders.a_contact(database)
    [number] = await tickets_of(database, contact, ["Report does not open"])

    path = await reports.make_now(contact, a_wish())

    sheet = load_workbook(path).active
    cells = {str(head.value): cell for head, cell in zip(sheet[1], sheet[2], strict=True)}
    created = cells["Created (Europe/Berlin)"]
    assert cells["Number"].value == number
    assert cells["Number"].data_type == "n"
    assert created.value == clock.now().astimezone(ZoneInfo(BERLIN)).replace(tzinfo=None)
    assert created.number_format == "yyyy-mm-dd hh:mm"
    assert created.is_date
    assert cells["state"].value == "Open"
    assert cells["owner"].value is None
    assert sheet.freeze_panes == "A2"
    assert sheet.title == "Requests"


async def test_t24_no_text_of_a_person_becomes_a_formula_or_a_link(database: Database, reports: Reports) -> None:
    contact = await builders.a_contact(database)
    await tickets_of(database, contact, [text.replace("\x00", "") for text in NASTY])

    sheet = load_workbook(await reports.make_now(contact, a_wish())).active

    subjects = list(next(sheet.iter_cols(min_col=2, max_col=2, min_row=2)))
    assert {cell.data_type for cell in subjects} == {"s"}
    assert [cell.value for cell in subjects[:5]] == NASTY[:5]
    assert [bool(cell.quotePrefix) for cell in subjects[:9]] == [True] * 7 + [False] * 2
    assert all(cell.hyperlink is None for cell in subjects)
    assert [cell.data_type for row in sheet.iter_rows() for cell in row if cell.data_type == "f"] == []


SAID = [
    ('a & b <c> "d"', 'a & b <c> "d"'),
    ("  two  spaces  ", "  two  spaces  "),
    ("first\nsecond\tthird", "first\nsecond\tthird"),
    ("bell \x07 return \r", "bell _x0007_ return _x000D_"),
    ("what is _x0041_ here", "what is _x005F_x0041_ here"),
    ("half \ud83d", "half _xD83D_"),
    ("\ufffe\U0001f600", "_xFFFE_\U0001f600"),
    ("x" * 40_000, "x" * 32_767),
]


def test_every_text_is_a_cell_that_xml_can_say(tmp_path: Path) -> None:
    book = Book(tmp_path / "said.xlsx", columns=REPORTS["tickets"].columns[:2], labels={}, zone="UTC")

    book.add([(n, text) for n, (text, _) in enumerate(SAID)])
    book.add([(None, None)])
    book.close()

    with ZipFile(tmp_path / "said.xlsx") as parts:
        assert parts.namelist()[0] == "[Content_Types].xml"
        sheet = ElementTree.fromstring(parts.read("xl/worksheets/sheet1.xml"))
    spread = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
    texts = [
        cell.findtext(f"{spread}is/{spread}t") for cell in sheet.iter(f"{spread}c") if cell.get("t") == "inlineStr"
    ]
    assert texts == [written for _, written in SAID]
    assert [row.get("r") for row in sheet.iter(f"{spread}row")] == [str(n) for n in range(1, len(SAID) + 3)]
    assert sheet.find(f"{spread}autoFilter").get("ref") == f"A1:B{len(SAID) + 2}"


def test_nothing_but_the_report_itself_is_written_to_the_disk(tmp_path: Path) -> None:
    book = Book(tmp_path / "alone.xlsx", columns=REPORTS["tickets"].columns[:2], labels={}, zone="UTC")
    book.add([(n, "A subject") for n in range(10_000)])

    assert [path.name for path in tmp_path.iterdir()] == ["alone.xlsx"]
    assert book.close() < 200_000


async def test_more_rows_than_a_sheet_has_are_refused_before_anything_is_made(
    database: Database, reports: Reports, monkeypatch: pytest.MonkeyPatch
) -> None:
    contact = await builders.a_contact(database)
    await tickets_of(database, contact, ["One", "Two", "Three"])
    monkeypatch.setattr("chatsvc.reports.actions.MOST_ROWS", 2)

    with pytest.raises(Conflict, match="too_large"):
        await reports.ask(contact, a_wish())

    assert await reports.of_person(contact) == []


@pytest.mark.parametrize("dialect", ["sqlite"])  # the file knows no store
async def test_t12_libreoffice_reads_the_same(database: Database, reports: Reports, tmp_path: Path) -> None:
    program = shutil.which("soffice")
    if program is None:
        pytest.skip("LibreOffice is missing; install the package libreoffice-calc-nogui to see reports opened by it")
    contact = await builders.a_contact(database)
    await tickets_of(database, contact, NASTY[:9])
    path = await reports.make_now(contact, a_wish())

    profile = f"-env:UserInstallation=file://{tmp_path / 'profile'}"
    command = [program, profile, "--headless", "--convert-to", "fods", "--outdir", str(tmp_path), str(path)]
    await asyncio.to_thread(subprocess.run, command, check=True, capture_output=True, timeout=100)

    text = (tmp_path / f"{path.stem}.fods").read_text()
    assert "of:=" not in text
    assert "table:formula" not in text
    assert 'office:value-type="date" office:date-value="2026-03-02T10:00:00"' in text
    assert "=cmd|" in text


@pytest.mark.parametrize("report", REPORTS)
async def test_every_report_says_what_it_promises(database: Database, clock: ManualClock, report: str, reports: Reports) -> None:  # fmt: skip
    contact = await builders.a_contact(database)
    await tickets_of(database, contact, ["Old"])
    clock.advance(timedelta(days=1.5))

    rows = rows_of(await reports.make_now(contact, a_wish(report=report)))

    assert len(rows) == (0 if report == "ended" else 1)
    if report == "open":
        assert rows[0]["age"] == rows[0]["silence"] == 1.5


async def test_filters_narrow_a_report(database: Database, clock: ManualClock, reports: Reports) -> None:
    contact = await builders.a_contact(database)
    monday = clock.now()
    await tickets_of(database, contact, ["Monday"])
    clock.advance(timedelta(days=1))
    await builders.a_ticket(database, contact, subject="Tuesday", product="travel")

    async def subjects(**more: Any) -> list[str]:
        return [row["subject"] for row in rows_of(await reports.make_now(contact, a_wish(**more)))]

    assert await subjects() == ["Monday", "Tuesday"]
    assert await subjects(since=monday + timedelta(hours=1)) == ["Tuesday"]
    assert await subjects(before=monday + timedelta(hours=1)) == ["Monday"]
    assert await subjects(products=("travel",)) == ["Tuesday"]
    assert await subjects(states=("solved",)) == []


async def test_r20_a_report_holds_what_its_person_may_read_and_nothing_else(
    database: Database, reports: Reports
) -> None:
    acme, borg = await builders.a_contact(database), await builders.a_contact(database)
    staff = await builders.a_supervisor(database)
    await tickets_of(database, acme, ["Of Acme"])
    await tickets_of(database, borg, ["Of Borg"])

    seen = rows_of(await reports.make_now(acme, a_wish(company=borg.company)))
    own = rows_of(await reports.make_now(acme, a_wish()))
    by_staff = rows_of(await reports.make_now(staff, a_wish(company=borg.company)))

    assert [row["subject"] for row in seen] == []
    assert [row["subject"] for row in own] == ["Of Acme"]
    assert [row["subject"] for row in by_staff] == ["Of Borg"]


async def test_unknown_report_is_refused(database: Database, reports: Reports) -> None:
    with pytest.raises(Invalid):
        await reports.make_now(await builders.a_contact(database), a_wish(report="payroll"))


@pytest.mark.parametrize("title", ["../../etc/passwd", "a\r\nb", "x" * 500, "", "Anfragen über alles"])
def test_the_saved_name_is_a_plain_one(title: str, clock: ManualClock) -> None:
    name = file_name(title, clock.now())

    assert name.endswith(" 2026-03-02.xlsx")
    assert not set(name) & set("/\\\r\n\"'")
    assert len(name) < 100


# in the background ------------------------------------------------------------------------------------------------------


async def test_t12_a_large_report_is_made_later_and_a_mail_says_so(
    database: Database, clock: ManualClock, reports: Reports
) -> None:
    contact = await builders.a_contact(database)
    await tickets_of(database, contact, ["One", "Two", "Three"])

    report = await reports.ask(contact, a_wish())
    before = await reports.progress(contact, report)
    assert await reports.make_next()
    assert not await reports.make_next()

    after = await reports.progress(contact, report)
    finished = await reports.file(contact, report)
    async with database.read() as connection:
        mails = (await connection.execute(select(outbox.c.kind, outbox.c.recipient, outbox.c.payload))).all()
    assert (before.state, before.done, before.total) == (State.WAITING, 0, 3)
    assert (after.state, after.done, after.total) == (State.READY, 3, 3)
    assert [row["subject"] for row in rows_of(finished.path)] == ["One", "Two", "Three"]
    assert finished.name == "Requests 2026-03-02.xlsx"
    assert mails == [("mail.report_ready", contact.person, {"report": report})]


async def test_what_makes_a_large_report_gives_way_to_everything_else(
    database: Database, clock: ManualClock, tmp_path: Path
) -> None:
    contact = await builders.a_contact(database)
    await tickets_of(database, contact, ["One", "Two"])
    address, path = database.url.render_as_string(hide_password=False), tmp_path / "made.xlsx"
    order = msgspec.json.encode(making.Order(address, str(path), contact, a_wish(), clock.now()))

    group = Path("/proc/self/autogroup")  # where Linux groups processes by session

    def made() -> tuple[bytes, int, str, set[int]]:
        command = [sys.executable, "-m", making.__name__]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.write(order)
            process.stdin.close()
            said = process.stdout.read()
            # It is over, and still has its rank, because nobody has waited for it yet.
            of_session = (
                Path(f"/proc/{process.pid}/autogroup").read_text() if group.exists() else f"nice {making.NICENESS}"
            )
            allowed = os.sched_getaffinity(process.pid)
            return said, os.getpriority(os.PRIO_PROCESS, process.pid), of_session, allowed

    said, rank, of_session, allowed = await asyncio.to_thread(made)

    assert said == b"2 2\n"
    assert rank == min(os.getpriority(os.PRIO_PROCESS, 0) + making.NICENESS, 19)
    assert of_session.split()[-1] == str(making.NICENESS)
    assert len(allowed) == 1
    assert [row["subject"] for row in rows_of(path)] == ["One", "Two"]


async def test_a_process_that_fails_leaves_the_report_to_the_next_try(
    database: Database, reports: Reports, caplog: pytest.LogCaptureFixture
) -> None:
    contact = await builders.a_contact(database)
    await tickets_of(database, contact, ["One"])
    report = await reports.ask(contact, a_wish(zone="Europe/Nowhere"))

    assert [await reports.make_next() for _ in range(4)] == [True, True, True, False]

    assert (await reports.progress(contact, report)).state is State.FAILED
    assert "ended with 1" in caplog.text
    assert list(reports.folder.iterdir()) == []


async def test_whoever_stops_takes_the_process_along(database: Database, reports: Reports) -> None:
    contact = await builders.a_contact(database)
    await tickets_of(database, contact, ["One"])
    await reports.ask(contact, a_wish())
    before = _children()
    at_work = asyncio.create_task(reports.make_next())
    while not (begun := _children() - before):  # noqa: ASYNC110 - nobody is told that it has begun
        await asyncio.sleep(0)

    at_work.cancel()
    await asyncio.gather(at_work, return_exceptions=True)

    assert at_work.cancelled()
    assert list(reports.folder.iterdir()) == []
    assert not begun & _children()


def _children() -> set[str]:
    """The processes that this one has begun and that are not over."""
    return {child for thread in Path("/proc/self/task").glob("*/children") for child in thread.read_text().split()}


async def test_t12_the_file_is_its_person_s_alone_and_goes_away(
    database: Database, clock: ManualClock, reports: Reports
) -> None:
    contact = await builders.a_contact(database)
    colleague = await builders.a_contact(database, contact.company)
    await tickets_of(database, contact, ["One"])
    report = await reports.ask(contact, a_wish())
    with pytest.raises(NotFound):
        await reports.file(contact, report)  # not ready
    await reports.make_next()
    path = (await reports.file(contact, report)).path

    for other in (colleague, await builders.an_administrator(database)):
        with pytest.raises(NotFound):
            await reports.file(other, report)
    clock.advance(reports.rules.kept_for)
    with pytest.raises(NotFound):
        await reports.file(contact, report)
    assert await reports.of_person(contact) == []
    await reports.sweep()
    await reports.close()
    assert not path.exists()


async def test_a_dead_maker_is_followed_by_another_and_may_say_nothing_any_more(
    database: Database, clock: ManualClock, reports: Reports
) -> None:
    contact = await builders.a_contact(database)
    await tickets_of(database, contact, ["One"])
    report = await reports.ask(contact, a_wish())
    frozen = Reports(database, reports.folder, _Overtaken(database, clock, reports))

    await frozen.make_next()

    assert (await reports.progress(contact, report)).state is State.READY
    assert len(list(reports.folder.iterdir())) == 1  # what the frozen one had written is gone
    async with database.read() as connection:
        assert len((await connection.execute(select(outbox.c.id))).all()) == 1


class _Overtaken(AccountQueries):
    """Answers the frozen maker only after its lease has run out and another one has done the work."""

    def __init__(self, database: Database, clock: ManualClock, other: Reports) -> None:
        super().__init__(database)
        self.clock, self.other = clock, other

    async def person(self, person: Any) -> Any:
        """Let the other one be quicker."""
        self.clock.advance(self.other.rules.lease)
        assert await self.other.make_next()
        return await super().person(person)


async def test_what_a_killed_process_left_is_taken_away(
    database: Database, clock: ManualClock, reports: Reports
) -> None:
    contact = await builders.a_contact(database)
    await reports.ask(contact, a_wish())
    await reports.make_next()
    (reports.folder / "half.xlsx").write_bytes(b"PK")
    os.utime(reports.folder / "half.xlsx", (0, 0))

    assert await reports.tidy() == 1
    assert len(list(reports.folder.iterdir())) == 1


async def test_somebody_who_may_no_longer_enter_gets_no_report(database: Database, reports: Reports) -> None:
    contact = await builders.a_contact(database)
    await tickets_of(database, contact, ["One"])
    report = await reports.ask(contact, a_wish())
    async with database.begin() as uow:
        await uow.execute(update(people).where(people.c.id == contact.person).values(authorised=False))

    tries = [await reports.make_next() for _ in range(4)]

    assert tries == [True, True, True, False]
    assert (await reports.progress(contact, report)).state is State.FAILED
    assert list(reports.folder.iterdir()) == []


async def test_nobody_can_order_reports_without_end(database: Database, reports: Reports) -> None:
    contact = await builders.a_contact(database)
    for _ in range(reports.rules.most_waiting):
        await reports.ask(contact, a_wish())

    with pytest.raises(Conflict, match="too_many"):
        await reports.ask(contact, a_wish())
