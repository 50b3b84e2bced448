"""The calendar pages: seen before it is done, any instant, and coverage in words in every language."""

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx2
import pytest

from chatsvc.coverage.model import DEFAULT, Channel, Reason
from chatsvc.coverage.policy import coverage_at
from chatsvc.kernel.languages import LANGUAGES
from tests import builders
from tests.chatsvc.coverage.places import PLACES, moment_of
from tests.web.desk import Desk
from web import coverage_words
from web.i18n import Reader, reading

REFERENCE = Path(__file__).parents[2] / "docs" / "reference" / "coverage.md"
WEEK = dict.fromkeys(("monday", "tuesday", "wednesday", "thursday"), "08:00-18:00")
HOURS = {"version": "0", "zone": "Europe/Berlin", "country": "DE", **WEEK, "friday": "08:00-12:00, 13:00-15:00"}


class Admin:
    """An administrator at the calendar of a company."""

    def __init__(self, browser: httpx2.AsyncClient, page: str) -> None:
        self.browser = browser
        self.page = page

    async def sees(self, **query: str) -> str:
        """Read the page."""
        answer = await self.browser.get(self.page, params=query)
        assert answer.status_code == 200
        return answer.text

    async def sends(self, form: str, **fields: str) -> httpx2.Response:
        """Send one of its forms."""
        return await self.browser.post(f"{self.page}/{form}", data=fields)


@pytest.fixture
async def admin(desk: Desk) -> Admin:
    """An administrator, and a company that nobody has changed."""
    who = await builders.an_administrator(desk.services.database)
    company = await builders.a_company(desk.services.database, always=False)
    return Admin(await desk.browser_of(who), f"/admin/calendars/{company}")


def hidden(page: str) -> dict[str, str]:
    """The fields of the form that saves what was shown."""
    form = page.partition("What this change would alter")[2].partition("</form>")[0]
    return dict(re.findall(r'type="hidden" name="([^"]*)" value="([^"]*)"', form))


def field(page: str, name: str) -> str:
    """What stands in a field of the hours' form."""
    found = re.search(rf'id="f-{name}" name="{name}"[^>]*value="([^"]*)"', page)
    assert found is not None
    return found[1]


async def test_a_change_is_seen_before_it_is_made_and_stays_on_record(admin: Admin) -> None:
    shown = await admin.sends("hours", **HOURS)
    assert (shown.status_code, "Save this change" in shown.text) == (200, True)
    assert "Open hours in the next 400 days" in shown.text
    assert field(await admin.sees(), "friday") == "08:00–18:00"

    saved = await admin.sends("hours", **hidden(shown.text))
    after = await admin.sees()

    assert (saved.status_code, saved.headers["location"]) == (303, admin.page)
    assert field(after, "friday") == "08:00–12:00, 13:00–15:00"
    assert "Ada Admin" in after.partition('id="record"')[2]
    assert "Its own" in (await admin.browser.get("/admin/calendars")).text


async def test_what_was_seen_on_an_older_calendar_is_not_saved(admin: Admin) -> None:
    shown = await admin.sends("hours", **HOURS)
    await admin.sends("days", version="0", day="2026-12-24", hours="08:00-12:00", name="Eve", do="save")

    late = await admin.sends("hours", **hidden(shown.text))

    assert (late.status_code, "Somebody else changed this calendar" in late.text) == (409, True)
    assert field(late.text, "friday") == "08:00-12:00, 13:00-15:00"


async def test_a_day_of_its_own_is_shown_set_and_removed(admin: Admin) -> None:
    shown = await admin.sends("days", version="0", day="2026-12-24", hours="08:00-12:00", name="Christmas Eve")
    await admin.sends("days", **hidden(shown.text))
    noon = await admin.sees(day="2026-12-24", time="12:30", severity="P3", channel="chat")

    removed = await admin.sends("days/removed", version="1", day="2026-12-24")
    again = await admin.sees(day="2026-12-24", time="12:30", severity="P3", channel="chat")

    assert "has hours of its own (Christmas Eve): 08:00–12:00." in noon
    assert removed.status_code == 303
    assert "Open until 18:00, Berlin time." in again.partition('id="ask"')[2]


WRONG = {
    "hours that cannot be read": ("hours", {**HOURS, "monday": "8 to 6"}, "monday"),
    "hours that overlap": ("hours", {**HOURS, "monday": "08:00-12:00, 11:00-13:00"}, "monday"),
    "a region of another country": ("hours", {**HOURS, "region": "CA"}, "region"),
    "a day that there is not": ("days", {"version": "0", "day": "2026-02-30"}, "day"),
    "a day that is no day": ("days", {"version": "0", "day": "tomorrow"}, "day"),
    "a day that is over": ("days", {"version": "0", "day": "2020-01-01"}, "day"),
    "no day": ("days", {"version": "0", "day": ""}, "day"),
}


@pytest.mark.parametrize(("form", "fields", "at"), WRONG.values(), ids=WRONG)
async def test_what_is_wrong_is_said_at_its_field(admin: Admin, form: str, fields: dict[str, str], at: str) -> None:
    answer = await admin.sends(form, **fields)

    assert answer.status_code == 422
    assert f'href="#f-{at}"' in answer.text
    assert f'id="f-{at}-error"' in answer.text


INSTANTS = {
    "a time that comes twice": ({"day": "2026-10-25", "time": "02:30"}, "There is an answer for each."),
    "a time that is skipped": ({"day": "2026-03-29", "time": "02:30"}, "The clock skips this time"),
    "no time": ({"day": "soon", "time": "02:30"}, "no day and time that can be asked about"),
    "a time too far away": ({"day": "9999-12-31", "time": "02:30"}, "no day and time that can be asked about"),
    "a critical one at night": ({"day": "2026-12-25", "time": "03:00", "severity": "P1"}, "P1 is served around the clock"),
    "a proposal at night": ({"day": "2026-12-25", "time": "03:00", "severity": "proposed"}, "This may be critical"),
    "a holiday": ({"day": "2026-12-25", "time": "12:00", "severity": "P3"}, "is a public holiday: Christmas Day."),
    "the form": ({"day": "2026-12-25", "time": "12:00", "channel": "ticket"}, "A request can be written at any time."),
}  # fmt: skip


@pytest.mark.parametrize(("query", "sentence"), INSTANTS.values(), ids=INSTANTS)
async def test_any_instant_can_be_asked_about(admin: Admin, query: dict[str, str], sentence: str) -> None:
    assert sentence in (await admin.sees(**query)).partition('id="ask"')[2].partition("</section>")[0]


async def test_the_page_shows_four_hundred_days_as_a_drawing_and_as_a_table(admin: Admin) -> None:
    page = await admin.sees()

    table = page.partition("All days as a table")[2].partition("</table>")[0]
    assert table.count('<th scope="row">') == 400
    assert page.count('<svg class="plan"') in (14, 15)
    assert "The clock goes forward by 60 minutes on this day." in page.partition("All days as a table")[0]


# Words ----------------------------------------------------------------------------------------------------------------------------------

ASKED: list[tuple[str, str, str, dict[str, Any]]] = [
    ("Paris", "2026-11-23 19:42", "P3", {}),
    ("Paris", "2026-11-23 09:42", "P4", {}),
    ("Paris", "2026-11-22 09:42", "P3", {}),
    ("Paris", "2026-11-22 09:42", "P1", {}),
    ("Paris", "2026-11-22 09:42", "P3", {"proposed": True}),
    ("Berlin", "2026-12-25 09:42", "P3", {}),
    ("the Berlin night shift", "2026-10-25 02:30", "P3", {}),
    ("the Berlin factory", "2026-12-24 10:00", "P3", {}),
    ("the Berlin factory", "2026-12-28 10:00", "P3", {}),
    ("the Tokyo data centre", "2026-12-28 10:00", "P3", {}),
    ("a place that is never open", "2026-12-28 10:00", "P3", {}),
]


def told(place: str, when: str, severity: str, **more: Any) -> coverage_words.Words:
    """Ask, and put the answer in words."""
    calendar, moment = PLACES[place], moment_of(when, PLACES[place].zone)
    return coverage_words.words(coverage_at(moment, severity, Channel.CHAT, calendar, **more), calendar, moment)


def test_the_customer_reads_the_hours_in_their_own_time() -> None:
    words = told("Paris", "2026-11-23 19:42", "P3")

    assert words.headline == "Closed. Opens on Tuesday, 24 November 2026 at 08:00, Paris time."
    assert words.clock == "08:00–18:00, Paris time; your time now 19:42"
    assert words.reasons == (
        "P3 is served in business hours, Paris time.",
        "Monday, 23 November 2026: 08:00–18:00.",
        "The talk is in English.",
    )


def test_hours_that_are_words_begin_their_line_like_a_sentence() -> None:
    assert told("the Tokyo data centre", "2026-11-23 19:42", "P3").clock == "All day, Tokyo time; your time now 19:42"


@pytest.mark.parametrize("language", LANGUAGES, ids=lambda language: language.code)
def test_every_answer_has_words_in_every_language(language: Any) -> None:
    with reading(Reader(language)):
        for place, when, severity, more in ASKED:
            words = told(place, when, severity, **more)
            sentences = [words.headline, words.clock, *words.reasons]
            assert all(sentences)
            assert [text for text in sentences if "%(" in text or "coverage." in text] == []


def test_every_reason_has_a_sentence_and_stands_in_the_reference() -> None:
    documented = set(re.findall(r"^\| `(coverage\.\w+)`", REFERENCE.read_text("utf-8"), re.MULTILINE))
    given = set[str]()
    for place, calendar in PLACES.items():
        for when in (
            "2026-11-23 12:00",
            "2026-12-25 12:00",
            "2026-12-24 10:00",
            "2026-12-28 10:00",
            "2026-11-22 12:00",
        ):
            moment = moment_of(when, PLACES[place].zone)
            for channel in Channel:
                for severity in DEFAULT.severities:
                    for proposed in (False, True):
                        answer = coverage_at(moment, severity, channel, calendar, proposed=proposed)
                        given |= {reason.key for reason in answer.reasons}

    assert given == documented == set(coverage_words.REASONS)


def test_a_day_on_which_the_clock_changes_says_so() -> None:
    calendar, moment = PLACES["the Berlin night shift"], datetime(2026, 10, 25, 22, 0, tzinfo=UTC)
    answer = coverage_at(moment, "P3", Channel.CHAT, calendar)
    day: Reason = answer.reasons[1]

    said = coverage_words.reason_sentences(day, calendar)

    assert said == ["Sunday, 25 October 2026: 22:00–06:00.", "The clock goes back by 60 minutes on this day."]
