"""Response plans: what they promise, and a plan or a calendar whose effect on what is due is seen before it counts."""

import re
from datetime import UTC, datetime
from pathlib import Path

import httpx2
import pytest

from chatsvc.accounts.model import PersonRole
from chatsvc.catalog.model import DEFAULTS
from chatsvc.kernel.clock import ManualClock
from chatsvc.kernel.ids import CompanyId
from tests import builders
from tests.web.desk import JOIN, Desk, keyed

MONDAY = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """A catalogue with a second plan, that answers a P3 within two hours, and reaches its target within half a business day."""
    standard = DEFAULTS.read_text("utf-8").partition("[[plans]]")[2].partition("\n# ")[0]
    swift = standard.replace('key = "standard"\nname = "Standard"', 'key = "swift"\nname = "Swift"')
    swift = swift.replace("initial = { days = 1 }", "initial = { hours = 2, always = true }")
    swift = swift.replace("target = { days = 5 }", "target = { days = 0.5 }")
    (tmp_path / "catalogue.toml").write_text(f"[[plans]]{standard}\n[[plans]]{swift}", "utf-8")
    return {"HOLDLINE_CATALOG_PATH": str(tmp_path / "catalogue.toml")}


class Office:
    """An administrator, and a company with one open ticket, whose first answer is due on Tuesday at 10:00 in Berlin."""

    def __init__(self, browser: httpx2.AsyncClient, company: CompanyId, number: int) -> None:
        self.browser = browser
        self.company = company
        self.number = number


@pytest.fixture
async def office(desk: Desk, clock: ManualClock) -> Office:
    """A Monday morning."""
    clock.advance(MONDAY - clock.now())
    _, browser = await desk.somebody(PersonRole.ADMINISTRATOR)
    company = await builders.a_company(desk.services.database, name="Nordwind", always=False)
    customer = await desk.browser_of(await builders.a_contact(desk.services.database, company))
    visit = (await customer.post("/api/v1/visits", json=JOIN, headers=keyed("due"))).json()
    await desk.services.clocks.sweep()
    return Office(browser, company, visit["number"])


def rows(page: str, heading: str) -> list[list[str]]:
    """The rows of the table after a heading, without the marks."""
    table = page.partition(heading)[2].partition("</table>")[0].partition("<tbody>")[2]
    cells = [re.findall(r"<t[dh][^>]*>(.*?)</t[dh]>", row, re.DOTALL) for row in table.split("</tr>") if "<t" in row]
    return [[" ".join(re.sub("<[^>]+>", " ", cell).split()) for cell in row] for row in cells]


async def test_page_says_what_each_plan_promises_and_who_has_it(office: Office) -> None:
    page = (await office.browser.get("/admin/plans")).text

    assert rows(page, ">Standard</h2>")[0][1:] == ["1 hour, around the clock"] * 2 + ["4 hours, around the clock"]
    assert rows(page, ">Swift</h2>")[2][1:] == ["2 hours, around the clock", "3 business days", "0.5 business days"]
    [company] = rows(page, ">Companies</h2>")
    assert company[0].startswith("Nordwind")
    assert company[1:3] == ["Standard", "As delivered"]


async def test_plan_is_seen_before_it_is_given(office: Office, desk: Desk, clock: ManualClock) -> None:
    path = f"/admin/plans/{office.company}"
    shown = (await office.browser.post(path, data={"plan": "swift"})).text
    before = (await office.browser.get("/admin/plans")).text
    clock.advance(1)

    given = await office.browser.post(path, data={"plan": "swift", "do": "save"})

    dues = rows(shown, "Due times of open tickets")
    assert [row[:2] for row in dues] == [[str(office.number), "First answer"], [str(office.number), "Target"]]
    assert "What the plan Swift would alter for Nordwind" in shown
    assert rows(before, ">Companies</h2>")[0][1] == "Standard"
    assert (given.status_code, given.headers["location"]) == (303, "/admin/plans")
    assert rows((await office.browser.get("/admin/plans")).text, ">Companies</h2>")[0][1] == "Swift"
    await desk.services.clocks.sweep()
    again = (await office.browser.post(path, data={"plan": "standard"})).text
    assert [row[2] for row in rows(again, "Due times")] == [dues[0][3], dues[1][3]]
    assert (
        "Nothing: the company has this plan already." in (await office.browser.post(path, data={"plan": "swift"})).text
    )


async def test_plan_that_the_catalogue_does_not_have_is_refused(office: Office) -> None:
    answer = await office.browser.post(f"/admin/plans/{office.company}", data={"plan": "golden", "do": "save"})

    assert answer.status_code == 422
    assert rows(answer.text, ">Companies</h2>")[0][1] == "Standard"
    assert (await office.browser.post("/admin/plans/co_0", data={"plan": "swift", "do": "save"})).status_code == 404


async def test_preview_of_a_calendar_names_the_tickets_that_are_due_at_another_time(office: Office) -> None:
    path = f"/admin/calendars/{office.company}/days"

    closed = (await office.browser.post(path, data={"version": "0", "day": "2026-03-03"})).text
    later = (await office.browser.post(path, data={"version": "0", "day": "2026-12-01"})).text

    first = rows(closed, "Due times of open tickets")[0]
    assert first[:2] == [str(office.number), "First answer"]
    assert ("3 Mar 2026" in first[2], "4 Mar 2026" in first[3]) == (True, True)
    assert "None would be due at another time." in later
