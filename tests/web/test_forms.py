"""Forms without a script: they keep what was typed, say what is wrong where it is wrong, and lead on."""

import re

import httpx2
import pytest

from chatsvc.accounts.model import PersonRole
from chatsvc.accounts.passwords import Passwords
from chatsvc.kernel.clock import ManualClock
from tests import builders
from tests.web.desk import Desk
from tests.web.test_matrix import IMPACT
from tests.web.world import PNG, a_house

PASSWORD = "Right-Horse-1"


async def _with_password(desk: Desk, role: PersonRole = PersonRole.CONTACT) -> str:
    """Return the mail address of somebody who can sign in with ``PASSWORD``."""
    hashed = await Passwords().hash(PASSWORD)
    email = f"{role}@example.test"
    more = {"email": email, "email_key": email, "password_hash": hashed}
    if role is PersonRole.CONTACT:
        await builders.a_contact(desk.services.database, **more)
    else:
        await builders.a_representative(desk.services.database, role=role, **more)
    return email


def _value(page: str, name: str) -> str:
    found = re.search(rf'name="{name}"[^>]*value="([^"]*)"', page)
    assert found is not None, name
    return found[1]


def _summary(page: str) -> list[str]:
    """The inputs that the error summary links to."""
    return re.findall(r'href="#f-([\w-]+)"', page)


# Signing in -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("role", "home"),
    [(PersonRole.CONTACT, "/"), (PersonRole.REPRESENTATIVE, "/console"), (PersonRole.SUPERVISOR, "/console"), (PersonRole.ADMINISTRATOR, "/admin/people")],
)  # fmt: skip
async def test_everybody_lands_where_their_work_begins(desk: Desk, role: PersonRole, home: str) -> None:
    email = await _with_password(desk, role)
    browser = desk.visitor()

    answer = await browser.post("/sign-in", data={"email": email, "password": PASSWORD, "next": ""})

    assert (answer.status_code, answer.headers["location"]) == (303, home)
    assert (await browser.get(home)).status_code == 200


async def test_t14_a_link_in_a_mail_leads_after_sign_in_to_where_it_pointed(desk: Desk) -> None:
    email = await _with_password(desk)
    browser = desk.visitor()

    door = await browser.get("/requests/1001?from=mail")
    page = await browser.get(door.headers["location"])
    answer = await browser.post(
        "/sign-in", data={"email": email, "password": PASSWORD, "next": _value(page.text, "next")}
    )

    assert door.status_code == 303
    assert answer.headers["location"] == "/requests/1001?from=mail"


@pytest.mark.parametrize("wanted", ["https://evil.example", "//evil.example", "/\\evil.example"])
async def test_signing_in_leads_nowhere_else(desk: Desk, wanted: str) -> None:
    email = await _with_password(desk)

    answer = await desk.visitor().post("/sign-in", data={"email": email, "password": PASSWORD, "next": wanted})

    assert answer.headers["location"] == "/"


async def test_the_session_is_out_of_reach_of_scripts_and_other_sites(desk: Desk) -> None:
    email = await _with_password(desk)

    answer = await desk.visitor().post("/sign-in", data={"email": email, "password": PASSWORD, "next": ""})

    [cookie] = [each for each in answer.headers.get_list("set-cookie") if each.startswith("holdline_session=")]
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert "Path=/" in cookie
    assert "Domain" not in cookie


async def test_a_wrong_password_and_an_unknown_account_read_alike(desk: Desk) -> None:
    email = await _with_password(desk)

    wrong = await desk.visitor().post("/sign-in", data={"email": email, "password": PASSWORD.lower(), "next": "/chat"})
    unknown = await desk.visitor().post("/sign-in", data={"email": "x" + email, "password": PASSWORD, "next": "/chat"})

    assert wrong.status_code == unknown.status_code == 422
    assert wrong.text == unknown.text.replace("x" + email, email)
    assert _value(wrong.text, "email") == email
    assert _value(wrong.text, "next") == "/chat"
    assert PASSWORD.lower() not in wrong.text


async def test_a_contact_without_the_permission_cannot_enter(desk: Desk) -> None:
    hashed = await Passwords().hash(PASSWORD)
    more = {"email": "out@example.test", "email_key": "out@example.test", "password_hash": hashed}
    contact = await builders.a_contact(desk.services.database, authorised=False, **more)

    answer = await desk.visitor().post("/sign-in", data={"email": "out@example.test", "password": PASSWORD, "next": ""})
    with_session = await (await desk.browser_of(contact)).get("/api/v1/session")

    assert answer.status_code == 422
    assert with_session.status_code == 401


async def test_signing_out_ends_the_session(desk: Desk) -> None:
    _, browser = await desk.somebody(PersonRole.CONTACT)

    answer = await browser.post("/sign-out")
    after = await desk.visitor(cookie=f"holdline_session={browser.cookies.get('holdline_session')}").get("/")

    assert answer.headers["location"] == "/signed-out"
    assert after.headers["location"] == "/sign-in"


async def test_forgotten_passwords_read_alike_for_unknown_accounts(desk: Desk) -> None:
    email = await _with_password(desk)

    known = await desk.visitor().post("/forgot", data={"email": email})
    unknown = await desk.visitor().post("/forgot", data={"email": "nobody@example.test"})

    assert (
        (known.status_code, known.headers["location"])
        == (unknown.status_code, unknown.headers["location"])
        == (303, "/forgot/sent")
    )


async def test_a_language_can_be_chosen_without_an_account(desk: Desk) -> None:
    browser = desk.visitor()

    answer = await browser.post("/language", data={"language": "de", "next": "/forgot"})

    assert answer.headers["location"] == "/forgot"
    assert '<html lang="de"' in (await browser.get("/forgot")).text


# Standing in line -------------------------------------------------------------------------------------------------------


async def _form(browser: httpx2.AsyncClient) -> dict[str, str]:
    page = await browser.get("/chat/expense")
    return {"key": _value(page.text, "key"), "subject": "No report", "description": "Line 1\r\nLine 2", **IMPACT}


async def test_a_form_that_lacks_something_keeps_what_was_typed(desk: Desk) -> None:
    _, browser = await desk.somebody(PersonRole.CONTACT)
    form = await _form(browser)
    del form["people"]

    answer = await browser.post("/chat/expense", data=form | {"subject": " "})

    assert answer.status_code == 422
    assert _summary(answer.text) == ["subject", "people"]
    assert "Line 1\nLine 2" in answer.text
    assert _value(answer.text, "key") == form["key"]
    assert re.search(r'name="since" value="now" checked', answer.text)


async def test_a_file_that_cannot_be_taken_keeps_what_was_typed(desk: Desk) -> None:
    _, browser = await desk.somebody(PersonRole.CONTACT)

    answer = await browser.post(
        "/chat/expense", data=await _form(browser), files={"files": ("a.svg", b"<svg onload=x>", "image/png")}
    )

    assert answer.status_code == 422
    assert _summary(answer.text) == ["files"]
    assert "No report" in answer.text


async def test_what_is_never_needed_is_folded_until_it_is_answered(desk: Desk) -> None:
    _, browser = await desk.somebody(PersonRole.CONTACT)

    empty = (await browser.get("/chat/expense")).text
    again = (await browser.post("/chat/expense", data={**await _form(browser), "subject": "", "since": "today"})).text

    assert "<details data-more>" in empty
    assert "<details data-more open>" in again
    for question in desk.services.catalog.impact:
        assert f'name="{question.key}"' in empty


async def test_a_form_sent_twice_is_one_ticket(desk: Desk) -> None:
    contact, browser = await desk.somebody(PersonRole.CONTACT)
    form = await _form(browser)

    first = await browser.post("/chat/expense", data=form, files={"files": ("a.png", PNG, "image/png")})
    second = await browser.post("/chat/expense", data=form)

    assert first.status_code == second.status_code == 303
    assert first.headers["location"] == second.headers["location"]
    assert (await desk.services.tickets.counts(contact)).all == 1
    room = await browser.get(first.headers["location"])
    assert "You are next in line" in room.text
    assert "a.png" in room.text


async def test_somebody_who_stands_in_a_line_is_led_back_to_it(desk: Desk) -> None:
    _, browser = await desk.somebody(PersonRole.CONTACT)
    room = (await browser.post("/chat/expense", data=await _form(browser))).headers["location"]

    again = await browser.get("/chat/expense")
    other = await browser.post(
        "/chat/expense", data={**IMPACT, "key": "k_another_one", "subject": "s", "description": "d"}
    )

    assert again.headers["location"] == other.headers["location"] == room


async def test_an_unknown_product_is_not_found(desk: Desk) -> None:
    _, browser = await desk.somebody(PersonRole.CONTACT)

    assert (await browser.get("/chat/nothing")).status_code == 404


async def test_the_whole_talk_works_without_a_script(desk: Desk, clock: ManualClock) -> None:
    rep = await builders.a_representative(desk.services.database)
    house = await a_house(desk, clock, "ACME", rep)
    browser = await desk.browser_of(house.contact)
    room = f"/chats/{house.visit.conversation}"

    said = await browser.post(f"{room}/messages", data={"key": "k_0123456789", "text": "Is anybody <b>there</b>?"})
    ended = await browser.post(f"{room}/end")
    undone = await browser.post(f"{room}/undo")
    ended_again = await browser.post(f"{room}/end")
    page = (await browser.get(room)).text
    clock.advance(desk.services.settings.undo_seconds + 1)
    await desk.services.conversations.sweep()
    late = await browser.post(f"{room}/undo")
    rated = await browser.post(f"{room}/rating", data={"rating": "4", "comment": "fine"})
    over = (await browser.get(room)).text
    transcript = await browser.get(f"{room}/transcript")

    assert [each.headers["location"] for each in (said, ended, undone, ended_again, late, rated)] == [room] * 6
    assert "Is anybody &lt;b&gt;there&lt;/b&gt;?" in page
    assert 'data-state="ending"' in page
    assert 'data-state="wrap_up"' in over
    assert (await desk.services.queries.visit(house.contact, house.visit.ticket)).rating == 4
    assert "Is anybody <b>there</b>?" in transcript.text
    assert transcript.headers["content-disposition"] == f'attachment; filename="ticket-{house.visit.number}.txt"'
    assert transcript.headers["cache-control"] == "no-store"


async def test_nothing_said_is_said_beside_the_box(desk: Desk, clock: ManualClock) -> None:
    house = await a_house(desk, clock, "ACME", await builders.a_representative(desk.services.database))
    browser = await desk.browser_of(house.contact)

    answer = await browser.post(
        f"/chats/{house.visit.conversation}/messages", data={"key": "k_0123456789", "text": "  "}
    )

    assert answer.status_code == 422
    assert "There is nothing to send yet" in answer.text


# Requests ---------------------------------------------------------------------------------------------------------------


async def test_a_request_is_commented_solved_and_opened_again(desk: Desk) -> None:
    contact, browser = await desk.somebody(PersonRole.CONTACT)
    ticket = await builders.a_ticket(desk.services.database, contact)
    page = f"/requests/{ticket.number}"

    await browser.post(f"{page}/comments", data={"key": "k_0123456789", "text": "More details"})
    solved = await browser.post(f"{page}/solve")
    told = await browser.get(page)
    state = (await desk.services.tickets.view(contact, ticket.number)).state
    again = await browser.post(f"{page}/solve")
    await browser.post(f"{page}/comments", data={"key": "k_abcdefghij", "text": "It is back"})

    assert solved.headers["location"] == page
    assert "has been marked as solved" in told.text
    assert "More details" in told.text
    assert state == "solved"
    assert again.status_code == 303
    assert (await desk.services.tickets.view(contact, ticket.number)).state == "open"
    assert "has been marked as solved" not in (await browser.get(page)).text  # told once


async def test_a_link_to_a_request_serves_staff_as_well(desk: Desk) -> None:
    contact, _ = await desk.somebody(PersonRole.CONTACT)
    ticket = await builders.a_ticket(desk.services.database, contact)
    _, staff = await desk.somebody(PersonRole.REPRESENTATIVE)

    answer = await staff.get(f"/requests/{ticket.number}")

    assert answer.headers["location"] == f"/desk/tickets/{ticket.number}"
    assert (await staff.get(answer.headers["location"])).status_code == 200


async def test_staff_change_fields_once_per_version(desk: Desk) -> None:
    contact, _ = await desk.somebody(PersonRole.CONTACT)
    ticket = await builders.a_ticket(desk.services.database, contact)
    _, staff = await desk.somebody(PersonRole.REPRESENTATIVE)
    page = f"/desk/tickets/{ticket.number}"
    fields = {
        "subject": "Better words",
        "severity": "P2",
        "team": "engineering",
        "product": "travel",
        "state": "solved",
    }
    version = _value((await staff.get(page)).text, "version")

    changed = await staff.post(f"{page}/fields", data={**fields, "version": version})
    stale = await staff.post(f"{page}/fields", data={**fields, "version": version})
    unknown = await staff.post(f"{page}/fields", data={**fields, "version": "2", "team": "nobody"})

    assert changed.status_code == 303
    view = await desk.services.tickets.view(contact, ticket.number)
    assert (view.subject, view.severity, view.team, view.product, view.state) == (
        "Better words",
        "P2",
        "engineering",
        "travel",
        "solved",
    )
    assert stale.status_code == 422
    assert "Somebody else changed this" in stale.text
    assert unknown.status_code == 422


async def test_an_internal_note_stays_with_staff(desk: Desk) -> None:
    contact, browser = await desk.somebody(PersonRole.CONTACT)
    ticket = await builders.a_ticket(desk.services.database, contact)
    _, staff = await desk.somebody(PersonRole.REPRESENTATIVE)

    stored = await staff.post(
        f"/desk/tickets/{ticket.number}/notes", data={"key": "k_0123456789", "note": "between us"}
    )

    assert stored.status_code == 303
    assert "between us" in (await staff.get(f"/desk/tickets/{ticket.number}")).text
    assert "between us" not in (await browser.get(f"/requests/{ticket.number}")).text


# Profile and people -----------------------------------------------------------------------------------------------------


async def test_a_profile_is_kept(desk: Desk) -> None:
    _, browser = await desk.somebody(PersonRole.CONTACT)

    answer = await browser.post("/profile", data={"language": "fr", "theme": "dark"})
    page = await browser.get("/profile")

    assert answer.status_code == 303
    assert '<html lang="fr" data-theme="dark"' in page.text


async def test_two_different_new_passwords_are_refused(desk: Desk) -> None:
    _, browser = await desk.somebody(PersonRole.CONTACT)

    answer = await browser.post(
        "/profile/password", data={"current": "x", "password": "first-password", "again": "other-password"}
    )

    assert answer.status_code == 422
    assert _summary(answer.text) == ["again"]
    assert "first-password" not in answer.text


async def test_an_administrator_adds_a_company_a_contact_and_a_colleague(desk: Desk) -> None:
    _, browser = await desk.somebody(PersonRole.ADMINISTRATOR)
    made = await browser.post(
        "/admin/companies", data={"company-name": "Acme", "company-zone": "Europe/Berlin", "company-country": "DE"}
    )
    company = made.headers["location"].partition("company=")[2]
    contacts = f"/admin/companies/{company}/contacts"

    refused = await browser.post(
        contacts, data={"contact-name": "Zed", "contact-email": "nonsense", "contact-language": "en"}
    )
    added = await browser.post(
        contacts,
        data={
            "contact-name": "Zed",
            "contact-email": "z@acme.example",
            "contact-language": "en",
            "contact-authorised": "yes",
        },
    )
    colleague = await browser.post(
        "/admin/staff",
        data={
            "staff-name": "Nia",
            "staff-email": "n@acme.example",
            "staff-role": "representative",
            "staff-lines": ["expense", "travel"],
        },
    )
    page = (await browser.get(made.headers["location"])).text

    assert refused.status_code == 422
    assert _value(refused.text, "contact-name") == "Zed"
    assert _summary(refused.text) == ["contact-email"]
    assert (added.status_code, colleague.status_code) == (303, 303)
    assert "Zed" in page
    assert "Expense, Travel" in page
