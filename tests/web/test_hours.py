"""Every door of the web tried closed; the closed page, the judgement and the appeal, without a script."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest

from chatsvc.accounts.model import Identity, PersonRole
from chatsvc.kernel.clock import ManualClock
from tests import builders
from tests.web.desk import JOIN, Desk, keyed

SUNDAY = datetime(2026, 3, 8, 11, 0, tzinfo=UTC)
MONDAY_EIGHT = "2026-03-09T07:00:00Z"
DOWN = {"environment": "production", "stopped": "stopped", "workaround": "none", "people": "company"}
REACHABLE = {"contact_name": "Jonas Weber", "contact_phone": "+49 30 1234567", "speaks_english": True}
FORM = {"key": "fm_0123456789", "subject": "The report does not open", "description": "It shows a blank page."}
HARMLESS = {"environment": "production", "stopped": "no_effect"}


@pytest.fixture
async def customer(desk: Desk, clock: ManualClock) -> httpx2.AsyncClient:
    """The browser of a contact whose company keeps business hours in Berlin; it is Sunday noon there."""
    clock.advance(SUNDAY - clock.now())
    return (await a_customer(desk))[1]


async def a_customer(desk: Desk, **more: Any) -> tuple[Identity, httpx2.AsyncClient]:
    company = await builders.a_company(desk.services.database, always=False)
    contact = await builders.a_contact(desk.services.database, company, **more)
    return contact, await desk.browser_of(contact)


async def a_triage(customer: httpx2.AsyncClient) -> dict[str, Any]:
    """Stand in line with a critical request; return the visit."""
    answer = await customer.post("/api/v1/visits", json=JOIN | {"impact": DOWN} | REACHABLE, headers=keyed("crit"))
    assert answer.status_code == 201, answer.text
    visit: dict[str, Any] = answer.json()
    return visit


# Refused, with the code and the next opening ------------------------------------------------------------------------------


async def test_rest_refuses_to_join_and_says_when_it_opens(customer: httpx2.AsyncClient) -> None:
    answer = await customer.post("/api/v1/visits", json=JOIN, headers=keyed("p3"))

    assert answer.status_code == 403
    assert (answer.json()["code"], answer.json()["opens_at"]) == ("coverage.closed", MONDAY_EIGHT)
    assert "9 Mar 2026, 08:00" in answer.json()["title"]


@pytest.mark.parametrize(
    "forged",
    [{"severity": "P1"}, {"proposed": "P1"}, {"claim": "proposed"}, {"impact": {"severity": "P1"}}],
    ids=["a severity", "a proposal", "a claim", "a severity among the answers"],
)
async def test_forged_severity_opens_nothing(customer: httpx2.AsyncClient, forged: dict[str, Any]) -> None:
    answer = await customer.post("/api/v1/visits", json=JOIN | forged, headers=keyed("forged"))

    assert answer.status_code == 422
    assert (await customer.get("/api/v1/tickets")).json()["items"] == []


async def test_contact_to_reach_alone_opens_nothing(customer: httpx2.AsyncClient) -> None:
    answer = await customer.post("/api/v1/visits", json=JOIN | REACHABLE, headers=keyed("p3"))

    assert answer.json()["code"] == "coverage.closed"


async def test_customer_cannot_set_a_severity(customer: httpx2.AsyncClient) -> None:
    visit = await a_triage(customer)

    answer = await customer.put(f"/api/v1/tickets/{visit['number']}/severity", json={"severity": "P1"})

    assert answer.status_code in (403, 404)
    assert (await customer.get(f"/api/v1/tickets/{visit['number']}")).json()["severity"] == "P3"


async def test_critical_request_without_english_is_refused_at_its_field(customer: httpx2.AsyncClient) -> None:
    body = JOIN | {"impact": DOWN} | REACHABLE | {"speaks_english": False}

    answer = await customer.post("/api/v1/visits", json=body, headers=keyed("crit"))

    assert (answer.status_code, answer.json()["code"]) == (422, "severity.english_needed")
    assert answer.json()["field"] == "speaks_english"


# Pages --------------------------------------------------------------------------------------------------------------------


async def test_form_leads_to_the_closed_page_with_what_was_typed_kept(customer: httpx2.AsyncClient) -> None:
    answer = await customer.post("/chat/expense", data=FORM | HARMLESS)

    assert answer.status_code == 403
    assert "Closed. Opens on Monday" in answer.text
    assert "What is possible now" in answer.text
    draft = answer.text.split("/requests/new?draft=")[1].split('"')[0]
    again = await customer.get(f"/requests/new?draft={draft}")
    assert FORM["subject"] in again.text
    assert FORM["description"] in again.text


async def test_files_chosen_before_the_closed_door_wait_in_the_form_for_requests(
    customer: httpx2.AsyncClient, desk: Desk
) -> None:
    files = {"files": ("blank page.txt", b"what it shows")}
    answer = await customer.post("/chat/expense", data=FORM | HARMLESS, files=files)
    draft = answer.text.split("/requests/new?draft=")[1].split('"')[0]
    page = (await customer.get(f"/requests/new?draft={draft}")).text
    [kept] = re.findall(r'type="checkbox" name="kept" value="([^"]+)" checked> ([^<]+?) <', page)
    hidden = {name: re.findall(rf'name="{name}" value="([^"]+)"', page)[0] for name in ("key", "who")}
    assert kept[1] == "blank page.txt"
    assert '<option value="production" selected>' in page

    typed = {"reason": "malfunction", "product": "expense", "environment": "test", "steps": "Open it.", "then": "send"}
    sent = await customer.post("/requests/new", data=FORM | typed | hidden | {"kept": kept[0]})

    assert "blank page.txt" in (await customer.get(sent.headers["location"])).text
    # Of a draft, nobody else gets the files: they are looked up as their own.
    _, other = await a_customer(desk)
    assert kept[0] not in (await other.get(f"/requests/new?draft={hidden['key']}")).text


async def test_form_says_before_it_is_filled_in_that_only_critical_requests_are_served(
    customer: httpx2.AsyncClient,
) -> None:
    text = (await customer.get("/chat/expense")).text

    assert "Only critical requests are served live right now" in text
    assert "Opens on Monday" in text


async def test_hours_page_says_what_is_possible_and_what_counts_as_critical(customer: httpx2.AsyncClient) -> None:
    text = (await customer.get("/hours")).text

    assert "Support is closed right now" in text
    assert "Write a request" in text
    assert "Work in production has stopped for many people" in text


async def test_hours_page_in_the_week_is_open_until_six(desk: Desk) -> None:
    _, customer = await a_customer(desk)

    text = (await customer.get("/hours")).text

    assert "Open until 18:00" in text


async def test_critical_form_stands_in_line_on_sunday(customer: httpx2.AsyncClient) -> None:
    reach = {"contact_name": "Jonas Weber", "contact_phone": "+49 30 1234567", "speaks_english": "yes"}

    answer = await customer.post("/chat/expense", data=FORM | DOWN | reach)

    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/chats/")


async def test_critical_form_without_somebody_to_reach_is_shown_again_with_the_fields_open(
    customer: httpx2.AsyncClient,
) -> None:
    answer = await customer.post("/chat/expense", data=FORM | DOWN)

    assert answer.status_code == 422
    assert "somebody we can reach" in answer.text
    assert "<details open>" in answer.text


@pytest.mark.parametrize(
    ("answers", "status"),
    [
        ({}, 422),
        ({"environment": "production"}, 422),
        (HARMLESS, 303),
        ({"environment": "test", "stopped": "stopped"}, 303),
        ({"environment": "production", "stopped": "stopped"}, 422),
        ({"environment": "production", "stopped": "stopped", "workaround": "good", "people": "one"}, 303),
    ],
    ids=[
        "nothing answered", "half of what is always needed", "no effect: nothing more is needed", "a test system: nothing more is needed",
        "stopped in production: the rest decides", "stopped in production, all that decides",
    ],
)  # fmt: skip
async def test_form_insists_only_on_answers_that_decide(desk: Desk, answers: dict[str, str], status: int) -> None:
    _, customer = await a_customer(desk)

    assert (await customer.post("/chat/expense", data=FORM | answers)).status_code == status


async def test_page_in_another_language_says_before_the_line_that_the_talk_is_in_english(desk: Desk) -> None:
    _, customer = await a_customer(desk, language="de")

    text = (await customer.get("/chat/expense")).text

    assert 'lang="de"' in text
    assert "/requests/new?product=expense" in text


async def test_little_of_the_hours_left_is_said_before_joining_and_while_waiting(
    desk: Desk, clock: ManualClock
) -> None:
    _, customer = await a_customer(desk)
    clock.advance(datetime(2026, 3, 2, 16, 50, tzinfo=UTC) - clock.now())

    assert "Your wait may last beyond the hours of support" in (await customer.get("/chat/expense")).text
    room = await customer.post("/chat/expense", data=FORM | HARMLESS)
    text = (await customer.get(room.headers["location"])).text
    assert '<div data-slot="closing">' in text


# What programs are told ---------------------------------------------------------------------------------------------------


async def test_coverage_says_why_and_what_is_possible(customer: httpx2.AsyncClient) -> None:
    answer = (await customer.get("/api/v1/coverage")).json()

    assert (answer["is_open"], answer["opens_at"]) == (False, MONDAY_EIGHT)
    assert answer["reasons"] == ["coverage.business_hours", "coverage.day_closed", "coverage.english_only"]
    assert [option["key"] for option in answer["possible"]] == ["request", "callback", "critical", "chat"]


# Judging ------------------------------------------------------------------------------------------------------------------


async def test_representative_judges_by_form_and_the_customer_appeals_by_form(
    desk: Desk, customer: httpx2.AsyncClient
) -> None:
    visit = await a_triage(customer)
    _, ravi = await desk.somebody(PersonRole.REPRESENTATIVE)
    page = f"/desk/tickets/{visit['number']}"
    text = (await ravi.get(page)).text
    assert "Proposed P1: judge it" in text
    assert "Jonas Weber, +49 30 1234567" in text
    assert "This may be critical: somebody is there around the clock" in text
    assert "Closed today, Berlin time; it is 12:00 there now" in text

    unexplained = await ravi.post(f"{page}/severity", data={"version": "1", "severity": "P3"})
    assert unexplained.status_code == 422
    judged = await ravi.post(
        f"{page}/severity", data={"version": "1", "severity": "P3", "why": "There is another way."}
    )
    assert judged.status_code == 303

    own = f"/requests/{visit['number']}"
    text = (await customer.get(own)).text
    assert "There is another way." in text
    assert "Jonas Weber" not in text
    assert (await customer.post(f"{own}/appeal", data={"reason": "It does not work."})).status_code == 303
    assert "Ask for a second look" not in (await customer.get(own)).text
    assert (await customer.post(f"{own}/appeal", data={"reason": "Again."})).status_code == 422


async def test_lowering_the_priority_among_other_fields_needs_a_reason_too(
    desk: Desk, customer: httpx2.AsyncClient
) -> None:
    visit = await a_triage(customer)
    _, ravi = await desk.somebody(PersonRole.REPRESENTATIVE)
    page = f"/desk/tickets/{visit['number']}"
    fields = {"version": "1", "subject": "S", "state": "open", "team": "support", "product": "expense"}

    raised = await ravi.post(f"{page}/fields", data=fields | {"severity": "P1"})
    assert raised.status_code == 303
    version = str((await ravi.get(f"/api/v1/tickets/{visit['number']}")).json()["version"])
    lowered = await ravi.post(f"{page}/fields", data=fields | {"severity": "P4", "version": version})

    assert lowered.status_code == 422
    assert (await ravi.get(f"/api/v1/tickets/{visit['number']}")).json()["severity"] == "P1"


async def test_panel_says_to_staff_what_the_customer_does_not_see(desk: Desk, customer: httpx2.AsyncClient) -> None:
    visit = await a_triage(customer)
    await desk.services.clocks.sweep()
    _, ravi = await desk.somebody(PersonRole.REPRESENTATIVE)

    panel = (await ravi.get(f"/api/v1/tickets/{visit['ticket']}/panel")).json()

    assert panel["coverage"]["is_open"] is True
    assert panel["coverage"]["reasons"][0] == "coverage.proposed_critical"
    assert panel["urgency"]["contact"]["phone"] == "+49 30 1234567"
    assert [due["state"] for due in panel["urgency"]["due"]] == ["running", "later", "running"]
    own = (await customer.get(f"/api/v1/tickets/{visit['number']}/urgency")).json()
    assert (own["contact"], own["due"]) == (None, [])
    assert own["next_word_at"] == "2026-03-09T17:00:00Z"
    assert (await customer.get(f"/api/v1/tickets/{visit['ticket']}/panel")).status_code in (403, 404)


async def test_downgrade_on_sunday_shows_the_customer_where_to_go_on(desk: Desk, customer: httpx2.AsyncClient) -> None:
    visit = await a_triage(customer)
    _, ravi = await desk.somebody(PersonRole.REPRESENTATIVE)

    judged = await ravi.put(
        f"/api/v1/tickets/{visit['number']}/severity", json={"severity": "P3", "reason": "There is another way."}
    )

    assert judged.status_code == 204
    text = (await customer.get(f"/chats/{visit['conversation']}")).text
    assert "You are no longer in line" in text
    assert "<p data-let-go>The hours of support ended" in text


async def test_ticket_whose_claim_waits_is_solved_by_no_page_and_by_no_program_of_the_desk(
    desk: Desk, customer: httpx2.AsyncClient
) -> None:
    number = (await a_triage(customer))["number"]
    _, staff = await desk.somebody(PersonRole.REPRESENTATIVE)

    page = await staff.post(f"/desk/tickets/{number}/solve", data={"solution": "Restarted."})
    rest = await staff.post(f"/api/v1/tickets/{number}/solve", headers=keyed("solve"))
    mine = await customer.post(f"/requests/{number}/close")

    assert (page.status_code, 'href="#f-severity"' in page.text) == (422, True)
    assert "waits for your judgement" in page.text
    assert (rest.status_code, rest.json()["code"]) == (422, "severity.judgement_needed")
    assert (await customer.get(f"/api/v1/tickets/{number}")).json()["state"] == "closed", mine.text


async def test_wait_that_passes_the_closing_is_told_by_the_picture(desk: Desk, clock: ManualClock) -> None:
    contact, customer = await a_customer(desk)
    answer = await customer.post("/api/v1/visits", json=JOIN, headers=keyed("p3"))

    assert answer.json()["waiting"]["closes_at"] == "2026-03-02T17:00:00Z"
    clock.advance(timedelta(hours=9))
    await desk.services.conversations.renew_places([answer.json()["ticket"]])
    await desk.services.conversations.sweep()
    assert (await desk.services.queries.visit(contact, answer.json()["ticket"])).state == "left"
