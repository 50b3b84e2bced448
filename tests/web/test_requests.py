"""The request form and the reports as a browser without a script sees them (T3, T4, T12)."""

import io
import re
from typing import Any, Final

import httpx2
import pytest
from openpyxl import load_workbook

from chatsvc.accounts.model import PersonRole
from chatsvc.kernel.clock import ManualClock
from chatsvc.reports.model import REPORTS
from tests import builders
from tests.web.desk import Desk
from tests.web.gallery.reading import Element, read
from tests.web.test_forms import PASSWORD, _summary, _value, _with_password
from tests.web.world import signed_in_anew
from web import errors
from web.texts import REPORT_COLUMNS, REPORT_NAMES

MALFUNCTION: Final = {
    "reason": "malfunction", "product": "expense", "environment": "test", "subject": "No receipts", "description": "They are gone.",
    "language": "de", "then": "show",
}  # fmt: skip


def controls(page: str) -> dict[str, Element]:
    """The inputs of the form that a browser would send, by name; the first of several."""
    found: dict[str, Element] = {}
    for element in read(page).elements:
        if element.tag in ("input", "select", "textarea") and "disabled" not in element.attributes:
            found.setdefault(element.attributes.get("name", ""), element)
    return found


async def fresh(browser: httpx2.AsyncClient, **query: str) -> dict[str, str]:
    """What binds a new form to its person."""
    page = (await browser.get("/requests/new", params=query)).text
    return {"key": _value(page, "key"), "who": _value(page, "who")}


# the form ---------------------------------------------------------------------------------------------------------------


async def test_t3_the_first_page_asks_for_the_reason_alone(desk: Desk) -> None:
    _, browser = await desk.somebody(PersonRole.CONTACT)

    page = (await browser.get("/requests/new")).text

    assert "How can we help you?" in page
    reasons = [each.attributes["value"] for each in read(page).all("input") if each.attributes.get("name") == "reason"]
    assert reasons == ["access", "malfunction", "configuration", "subscription"]  # not subscribed to the audit service
    assert "product" not in controls(page)


async def test_t3_continuing_brings_the_fields_of_the_reason_without_a_script(desk: Desk) -> None:
    _, browser = await desk.somebody(PersonRole.CONTACT)

    page = await browser.post(
        "/requests/new", data={**await fresh(browser), "reason": "configuration", "then": "fields"}
    )

    found = controls(page.text)
    assert page.status_code == 200
    assert {"product", "environment", "change", "wanted_on", "subject", "description"} <= set(found)
    assert not {"steps", "wish", "report", "approver"} & set(found)
    assert {name: "required" in found[name].attributes for name in ("product", "change", "wanted_on")} == {
        "product": True, "change": True, "wanted_on": False,
    }  # fmt: skip
    assert found["subject"].attributes["maxlength"] == "200"
    assert _summary(page.text) == []


async def test_t3_missing_fields_are_named_and_nothing_typed_is_lost(desk: Desk) -> None:
    _, browser = await desk.somebody(PersonRole.CONTACT)
    sent = {
        **await fresh(browser),
        **MALFUNCTION,
        "environment": "production",
        "subject": "",
        "message": "Error <b>17</b>",
    }

    page = await browser.post("/requests/new", data=sent, files={"files": ("log.txt", b"what happened")})

    assert page.status_code == 422
    assert _summary(page.text) == ["f-steps".removeprefix("f-"), "subject"]
    assert _value(page.text, "message") == "Error &lt;b&gt;17&lt;/b&gt;"
    assert _value(page.text, "key") == sent["key"]
    assert "They are gone." in page.text
    kept = controls(page.text)["kept"].attributes
    assert "checked" in kept
    again = {**sent, "subject": "Now with a subject", "steps": "Open it.", "kept": kept["value"]}
    done = await browser.post("/requests/new", data=again)
    ticket = await browser.get(done.headers["location"])
    assert "log.txt" in ticket.text
    assert "Now with a subject" in ticket.text


async def test_t3_a_request_is_sent_and_its_page_says_everything(desk: Desk) -> None:
    _, browser = await desk.somebody(PersonRole.CONTACT)

    answer = await browser.post(
        "/requests/new", data={**await fresh(browser), **MALFUNCTION, "message": "Error 17", "then": "attach"}
    )

    number = re.fullmatch(r"/requests/(\d+)#f-files-box", answer.headers["location"])
    assert answer.status_code == 303
    assert number is not None
    page = await browser.get(f"/requests/{number[1]}")
    for said in (
        "No receipts",
        "Something does not work as expected",
        "Error 17",
        "Test",
        "Your request has been sent",
    ):
        assert said in page.text
    # Staff see the codes in English, and in which language the customer writes.
    _, staff = await desk.somebody(PersonRole.REPRESENTATIVE)
    seen = (await staff.get(f"/desk/tickets/{number[1]}")).text
    assert "What does the error message say?" in seen
    assert "German (Deutsch)" in seen


async def test_t6_colleagues_are_kept_in_copy_from_the_start(desk: Desk) -> None:
    contact, browser = await desk.somebody(PersonRole.CONTACT)
    colleague, beside = await desk.somebody(PersonRole.CONTACT, company=contact.company, name="Jonas Weber")
    foreign, far = await desk.somebody(PersonRole.CONTACT, name="Far Away")
    page = (await browser.get("/requests/new")).text

    copies = [colleague.person, foreign.person]
    answer = await browser.post("/requests/new", data={**await fresh(browser), **MALFUNCTION, "copy": copies})

    path = answer.headers["location"]
    assert "Jonas Weber" in page
    assert "Far Away" not in page
    assert [(await each.get(path)).status_code for each in (beside, far)] == [200, 404]


async def test_t3_audit_is_offered_to_subscribed_companies(desk: Desk) -> None:
    contact, browser = await desk.somebody(PersonRole.CONTACT)
    _, office = await desk.somebody(PersonRole.ADMINISTRATOR)

    added = await office.post(f"/admin/companies/{contact.company}/services", data={"services": "audit"})

    assert added.status_code == 303
    assert 'value="audit"' in (await browser.get("/requests/new")).text
    await office.post(f"/admin/companies/{contact.company}/services", data={})
    assert 'value="audit"' not in (await browser.get("/requests/new")).text


async def test_a_form_sent_twice_is_one_request(desk: Desk) -> None:
    _, browser = await desk.somebody(PersonRole.CONTACT)
    sent = {**await fresh(browser), **MALFUNCTION}

    answers = [await browser.post("/requests/new", data=sent) for _ in range(2)]

    assert len({answer.headers["location"] for answer in answers}) == 1


async def test_t14_whoever_was_signed_out_finds_the_form_as_it_was_after_signing_in(desk: Desk) -> None:
    email = await _with_password(desk)
    browser = desk.visitor()
    await browser.post("/sign-in", data={"email": email, "password": PASSWORD, "next": ""})
    sent = {**await fresh(browser), **MALFUNCTION, "message": "Error 17"}
    browser.cookies.clear()

    door = await browser.post("/requests/new", data=sent, files={"files": ("log.txt", b"what happened")})
    page = await browser.get(door.headers["location"])
    next_ = _value(page.text, "next").replace("&amp;", "&")
    await browser.post("/sign-in", data={"email": email, "password": PASSWORD, "next": next_})
    back = await browser.get(next_)

    assert door.status_code == 303
    assert _value(back.text, "subject") == "No receipts"
    assert _value(back.text, "message") == "Error 17"
    assert _value(back.text, "key") == sent["key"]


async def test_t4_files_that_came_after_the_session_had_ended_are_asked_for_again_by_name(desk: Desk) -> None:
    _, browser = await desk.somebody(PersonRole.CONTACT)
    sent = {**await fresh(browser), **MALFUNCTION}
    files = [("files", (name, b"what happened")) for name in ("log.txt", "second.txt")]

    await desk.visitor().post("/requests/new", data=sent, files=files)
    back = await browser.get(f"/requests/new?draft={sent['key']}")
    sent_again = await browser.post("/requests/new", data=sent, files=files)

    assert back.status_code == 200
    for name in ("log.txt", "second.txt"):
        assert f"The file “{name}” was not received" in back.text
    assert sent_again.status_code == 303


async def test_t6_whom_to_keep_in_copy_is_chosen_still_after_an_error_and_after_signing_in(desk: Desk) -> None:
    contact, browser = await desk.somebody(PersonRole.CONTACT)
    colleague, _ = await desk.somebody(PersonRole.CONTACT, company=contact.company, name="Jonas Weber")
    sent = {**await fresh(browser), **MALFUNCTION, "subject": "", "copy": colleague.person}

    wrong = await browser.post("/requests/new", data=sent)
    door = await desk.visitor().post("/requests/new", data=sent)
    back = await browser.get(f"/requests/new?draft={sent['key']}")

    assert door.headers["location"].startswith("/sign-in?")
    assert ["checked" in controls(page.text)["copy"].attributes for page in (wrong, back)] == [True, True]


async def test_t4_a_file_that_cannot_be_taken_is_named_and_the_others_are_kept(desk: Desk) -> None:
    _, browser = await desk.somebody(PersonRole.CONTACT)
    files = [
        ("files", (name, content)) for name, content in (("log.txt", b"what happened"), ("tool.exe", b"MZ\x90\0" * 9))
    ]

    page = await browser.post("/requests/new", data={**await fresh(browser), **MALFUNCTION}, files=files)

    assert page.status_code == 422
    assert "The file “tool.exe” was not taken. This kind of file cannot be taken." in page.text
    assert "checked" in controls(page.text)["kept"].attributes
    assert "log.txt" in page.text


@pytest.mark.parametrize("said", ["It is over.", "終わりました。"])
def test_a_reason_within_a_sentence_leaves_the_end_to_it(said: str) -> None:
    assert errors.within(said) == said[:-1]


async def test_a_stranger_s_form_is_kept_nowhere(desk: Desk) -> None:
    contact, browser = await desk.somebody(PersonRole.CONTACT)
    other, _ = await desk.somebody(PersonRole.CONTACT)
    sent = {**await fresh(browser), **MALFUNCTION}

    for strange in ({"who": other.person}, {"key": "k_0123456789"}, {"mood": "bad"}):
        answer = await desk.visitor().post("/requests/new", data=sent | strange)
        assert answer.headers["location"] == "/sign-in"

    assert await desk.services.requests.latest_draft(contact) is None
    assert await desk.services.requests.latest_draft(other) is None


async def test_an_unfinished_form_is_offered_and_can_be_thrown_away(desk: Desk) -> None:
    _, browser = await desk.somebody(PersonRole.CONTACT)
    bound = await fresh(browser)
    kept = await browser.put(f"/api/v1/drafts/{bound['key']}", json={"texts": {"reason": "access", "subject": "Half"}})

    offered = (await browser.get("/requests/new")).text
    back = (await browser.get(f"/requests/new?draft={bound['key']}")).text
    await browser.post("/requests/new/discard", data={"key": bound["key"]})

    assert kept.status_code == 204
    assert "There is a request that you began and did not send." in offered
    assert _value(back, "subject") == "Half"
    assert "access_kind" in controls(back)
    assert "did not send" not in (await browser.get("/requests/new")).text


@pytest.mark.parametrize("more", [{"severity": "P1"}, {"team": "engineering"}, {"key": ""}], ids=str)
async def test_nobody_sets_what_the_form_does_not_have(desk: Desk, more: dict[str, Any]) -> None:
    _, browser = await desk.somebody(PersonRole.CONTACT)

    answer = await browser.post("/requests/new", data={**await fresh(browser), **MALFUNCTION, **more})

    assert answer.status_code == 400


# reports ----------------------------------------------------------------------------------------------------------------


async def test_t12_a_small_report_comes_at_once_in_the_reader_s_words(desk: Desk) -> None:
    contact, browser = await desk.somebody(PersonRole.CONTACT)
    await builders.a_ticket(desk.services.database, contact, subject="=1+1")

    answer = await browser.post("/reports", data={"report": "tickets", "states": ["open", "awaiting"]})

    sheet = load_workbook(io.BytesIO(answer.content)).active
    assert answer.status_code == 200
    assert answer.headers["content-disposition"].startswith('attachment; filename="All requests 2026-03-02.xlsx"')
    assert [cell.value for cell in sheet[1]][:3] == ["Number", "Subject", "Company"]
    assert sheet["M1"].value == "Created (Europe/Berlin)"
    assert sheet["B2"].value == "=1+1"
    assert list(desk.services.reports.folder.iterdir()) == []


async def test_t12_a_large_report_is_waited_for_and_got_by_its_person_alone(desk: Desk, clock: ManualClock) -> None:
    contact, browser = await desk.somebody(PersonRole.CONTACT)
    _, other = await desk.somebody(PersonRole.CONTACT, company=contact.company)
    desk.services.reports.rules = desk.services.reports.rules._replace(most_rows_at_once=0)
    await builders.a_ticket(desk.services.database, contact)

    answer = await browser.post("/reports", data={"report": "open"})
    path = answer.headers["location"]
    waiting = (await browser.get(path)).text
    early = await browser.get(path + "/file")
    await desk.services.reports.make_next()
    ready = (await browser.get(path)).text
    got = await browser.get(path + "/file")

    assert "Your report is being made" in waiting
    assert early.status_code == 404
    assert "Your report is ready." in ready
    assert load_workbook(io.BytesIO(got.content)).active.max_row == 2
    assert got.headers["cache-control"] == "private, no-store"
    assert [(await other.get(path + end)).status_code for end in ("", "/file")] == [404, 404]
    visitor = await desk.visitor().get(path + "/file")
    assert visitor.status_code == 303
    clock.advance(desk.services.reports.rules.kept_for)
    again, token = await signed_in_anew(desk.services, contact)
    late = desk.visitor(cookie=f"holdline_session={token}")
    assert (await late.get(path + "/file")).status_code == 404
    assert await desk.services.reports.of_person(again) == []


@pytest.mark.parametrize(
    ("sent", "field"),
    [
        ({"report": "payroll"}, "report"),
        ({"report": "tickets", "since": "1.3.2026"}, "since"),
        ({"report": "tickets", "since": "2026-03-02", "until": "2026-03-01"}, "until"),
        ({"report": "tickets", "until": "9999-12-31"}, "since"),
        ({"report": "tickets", "states": "any"}, "states"),
    ],
    ids=["unknown", "no day", "crossed", "the last day of all", "unknown state"],
)
async def test_a_wish_that_cannot_be_met_is_said_at_its_field(desk: Desk, sent: dict[str, str], field: str) -> None:
    _, browser = await desk.somebody(PersonRole.CONTACT)

    answer = await browser.post("/reports", data=sent)

    assert answer.status_code == 422
    assert _summary(answer.text) == [field]


def test_every_column_has_a_word() -> None:
    assert set(REPORT_NAMES) == set(REPORTS)
    assert set(REPORT_COLUMNS) == {column.key for report in REPORTS.values() for column in report.columns}
