"""The life of a ticket on its pages, without a script: asked, answered, solved, opened again, closed, followed up; lists and copies (T1 to T11)."""

import asyncio
import re
from datetime import timedelta
from typing import Any

import httpx2
import pytest

from chatsvc.accounts.model import Identity, PersonRole
from chatsvc.kernel.clock import ManualClock
from tests import builders
from tests.web.desk import Desk
from tests.web.test_requests import fresh
from tests.web.world import signed_in_anew


async def _anew(desk: Desk, who: Identity) -> httpx2.AsyncClient:
    """Sign somebody in again: after days their session is over."""
    _, token = await signed_in_anew(desk.services, who)
    return desk.visitor(cookie=f"holdline_session={token}")


async def post(browser: httpx2.AsyncClient, path: str, **data: Any) -> str:
    """Press a button of a page and return the page that follows."""
    answer = await browser.post(path, data=data)
    assert answer.status_code == 303, answer.text[:2000]
    page = await browser.get(answer.headers["location"].partition("#")[0])
    assert page.status_code == 200
    return page.text


async def test_t7_to_t10_a_request_goes_its_whole_way(desk: Desk, clock: ManualClock) -> None:
    contact, customer = await desk.somebody(PersonRole.CONTACT)
    rep, staff = await desk.somebody(PersonRole.REPRESENTATIVE)
    ticket = await builders.a_ticket(desk.services.database, contact)
    mine, theirs = f"/requests/{ticket.number}", f"/desk/tickets/{ticket.number}"

    asked = await post(staff, f"{theirs}/ask", needed="Which report is it?")
    assert "It closes on" in asked
    waiting = (await customer.get(mine)).text
    assert "Which report is it?" in waiting
    assert "It closes on" in waiting
    answered = await post(customer, f"{mine}/comments", key="k_01234567", text="Number 17.")
    assert "It closes on" not in answered
    solved = await post(staff, f"{theirs}/solve", solution="The report was locked.")
    assert "It can be opened again until" in solved
    read = (await customer.get(mine)).text
    assert "The report was locked." in read
    assert "Open it again" in read
    reopened = await post(customer, f"{mine}/reopen")
    assert "The request has been opened again." in reopened
    closed = await post(customer, f"{mine}/close")
    assert "The request has been closed." in closed
    assert "No comments can be added while it is closed." in closed

    clock.advance(timedelta(days=7, seconds=1))
    customer = await _anew(desk, contact)
    over = (await customer.get(mine)).text
    assert "Open it again" not in over
    followed = await post(customer, f"{mine}/follow-up")
    assert f"It goes on where request {ticket.number} ended" in followed
    number = re.search(r"Ticket (\d+)", followed)
    assert number is not None
    before = (await customer.get(mine)).text
    assert f"It goes on in request {number[1]}" in before
    assert f'action="{mine}/follow-up"' not in before
    assert rep.is_staff


async def test_v1_v2_a_request_begins_as_p3_and_its_promises_follow_the_priority_set_on_review(desk: Desk) -> None:
    contact, customer = await desk.somebody(PersonRole.CONTACT)
    _, staff = await desk.somebody(PersonRole.REPRESENTATIVE)
    form = {"reason": "malfunction", "product": "expense", "environment": "test", "subject": "Down", "description": "All of it.", "language": "en"}  # fmt: skip
    sent = await customer.post("/requests/new", data={**await fresh(customer), **form, "then": "show"})
    number = int(sent.headers["location"].rpartition("/")[2])
    before = await desk.services.tickets.view(contact, number)
    await asyncio.gather(*(sweep() for sweep in desk.services.sweeps))
    [first] = (await desk.services.tickets.requests(contact)).tickets

    said = {"severity": "P1", "why": "Nobody can work.", "version": before.version}
    judged = await staff.post(f"/desk/tickets/{number}/severity", data=said)

    await asyncio.gather(*(sweep() for sweep in desk.services.sweeps))
    [after] = (await desk.services.tickets.requests(contact)).tickets
    assert judged.status_code == 303
    assert (first.severity, after.severity) == ("P3", "P1")
    assert first.due_at is not None
    assert after.due_at is not None
    assert after.due_at < first.due_at
    assert "Nobody can work." in (await customer.get(f"/requests/{number}")).text


async def test_t7_those_who_work_here_close_by_a_button_and_come_back_to_their_list(desk: Desk) -> None:
    contact, _ = await desk.somebody(PersonRole.CONTACT)
    _, staff = await desk.somebody(PersonRole.REPRESENTATIVE)
    ticket = await builders.a_ticket(desk.services.database, contact)

    before = (await staff.get(f"/desk/tickets/{ticket.number}")).text
    closed = await post(staff, f"/requests/{ticket.number}/close")

    assert f'action="/requests/{ticket.number}/close"' in before
    assert 'class="crumb" href="/desk/tickets"' in before
    assert "The request has been closed." in closed
    assert f'action="/requests/{ticket.number}/close"' not in closed


async def test_t8_a_field_that_would_wait_for_the_customer_asks_for_what(desk: Desk) -> None:
    contact, customer = await desk.somebody(PersonRole.CONTACT)
    _, staff = await desk.somebody(PersonRole.REPRESENTATIVE)
    ticket = await builders.a_ticket(desk.services.database, contact)
    fields = {
        "version": "1",
        "subject": "s",
        "state": "awaiting",
        "severity": "P3",
        "team": "support",
        "product": "expense",
    }

    refused = await staff.post(f"/desk/tickets/{ticket.number}/fields", data=fields)

    assert refused.status_code == 422
    assert re.search(r"<details open><summary>Ask the customer and wait", refused.text)
    assert "It closes on" not in (await customer.get(f"/requests/{ticket.number}")).text


async def test_t8_without_an_answer_it_closes_after_thirty_days(desk: Desk, clock: ManualClock) -> None:
    contact, _ = await desk.somebody(PersonRole.CONTACT)
    _, staff = await desk.somebody(PersonRole.REPRESENTATIVE)
    ticket = await builders.a_ticket(desk.services.database, contact)
    await post(staff, f"/desk/tickets/{ticket.number}/ask", needed="Which report is it?")

    clock.advance(timedelta(days=30, seconds=1))
    for sweep in desk.services.sweeps:
        await sweep()

    page = (await (await _anew(desk, contact)).get(f"/requests/{ticket.number}")).text
    assert "The request was closed because there was no answer for 30 days" in page


async def test_t1_teams_are_changed_with_a_note_that_the_customer_never_sees(desk: Desk) -> None:
    contact, customer = await desk.somebody(PersonRole.CONTACT)
    _, staff = await desk.somebody(PersonRole.REPRESENTATIVE)
    ticket = await builders.a_ticket(desk.services.database, contact)
    path = f"/desk/tickets/{ticket.number}"

    passed = await post(staff, f"{path}/team", team="engineering", note="SECRET NOTE")
    taken = await post(staff, f"{path}/owner", owner="me")
    linked = await post(staff, f"{path}/incident", incident="INC-7")

    seen = (await customer.get(f"/requests/{ticket.number}")).text
    assert "SECRET NOTE" in passed
    assert "Let it go" in taken
    assert "Incident INC-7" in linked
    assert "SECRET NOTE" not in seen
    assert "passed the request on to the Engineering team" in seen


async def test_what_is_missing_is_said_at_its_field(desk: Desk) -> None:
    contact, _ = await desk.somebody(PersonRole.CONTACT)
    _, staff = await desk.somebody(PersonRole.REPRESENTATIVE)
    ticket = await builders.a_ticket(desk.services.database, contact)
    path = f"/desk/tickets/{ticket.number}"

    for action, data, field in (
        ("ask", {"needed": " "}, "needed"),
        ("merge", {"into": "many"}, "into"),
        ("merge", {"into": "999999"}, "into"),
        ("incident", {"incident": "<b>"}, "incident"),
    ):
        answer = await staff.post(f"{path}/{action}", data=data)
        assert answer.status_code == 422, action
        assert f'href="#f-{field}"' in answer.text, action


async def test_t6_colleagues_are_kept_in_copy_and_leave_again(desk: Desk) -> None:
    contact, customer = await desk.somebody(PersonRole.CONTACT)
    colleague, beside = await desk.somebody(PersonRole.CONTACT, company=contact.company, name="Jonas Weber")
    foreign, _ = await desk.somebody(PersonRole.CONTACT)
    ticket = await builders.a_ticket(desk.services.database, contact)
    path = f"/requests/{ticket.number}"

    assert (await beside.get(path)).status_code == 404
    added = await post(customer, f"{path}/follow", person=colleague.person)
    strange = await customer.post(f"{path}/follow", data={"person": foreign.person})
    in_copy = (await beside.get("/requests?whose=followed")).text
    gone = await post(beside, f"{path}/unfollow")

    assert "Jonas Weber" in added
    assert strange.status_code in (404, 422)
    assert str(ticket.number) in in_copy
    assert "no more mails about this request" in gone
    assert (await beside.get(path)).status_code == 404


async def test_t11_a_request_opens_by_its_number_and_by_its_subject(desk: Desk) -> None:
    contact, customer = await desk.somebody(PersonRole.CONTACT)
    _, staff = await desk.somebody(PersonRole.REPRESENTATIVE)
    ticket = await builders.a_ticket(desk.services.database, contact, subject="Report does not open")

    for browser, listed, path in (
        (customer, "/requests", f"/requests/{ticket.number}"),
        (customer, "/", f"/requests/{ticket.number}"),
        (staff, "/desk/tickets?view=open", f"/desk/tickets/{ticket.number}"),
    ):
        page = (await browser.get(listed)).text
        words = [" ".join(found.split()) for found in re.findall(rf'<a[^>]* href="{path}"[^>]*>(.*?)</a>', page, re.S)]
        assert {str(ticket.number), "Report does not open"} <= set(words), listed
        assert "Report does not open" in (await browser.get(path)).text


async def test_t6_my_requests_are_searched_and_narrowed(desk: Desk) -> None:
    contact, customer = await desk.somebody(PersonRole.CONTACT)
    database = desk.services.database
    for subject, product in (("登录失败", "travel"), ("Receipt upside down", "expense")):
        await builders.a_ticket(database, contact, subject=subject, product=product)

    async def shown(**query: str) -> list[str]:
        page = (await customer.get("/requests", params=query)).text
        return [subject for subject in ("登录失败", "Receipt upside down") if subject in page]

    assert await shown() == ["登录失败", "Receipt upside down"]
    assert await shown(text="登录") == ["登录失败"]
    assert await shown(text="receipt") == ["Receipt upside down"]
    assert await shown(product="travel") == ["登录失败"]
    assert await shown(show="ended") == []
    assert "No request fits" in (await customer.get("/requests?text=nothing")).text


async def test_t6_my_requests_begin_with_what_something_can_still_be_done_about(desk: Desk, clock: ManualClock) -> None:
    contact, customer = await desk.somebody(PersonRole.CONTACT)
    tickets = desk.services.tickets
    ended, solved, opened = [
        await builders.a_ticket(desk.services.database, contact, subject=subject)
        for subject in ("Ended", "Solved", "Opened")
    ]
    await tickets.mark_solved(contact, ended.id)
    clock.advance(timedelta(days=7, seconds=1))
    customer = await _anew(desk, contact)
    await tickets.mark_solved(contact, solved.id)

    async def shown(path: str) -> list[int]:
        page = (await customer.get(path)).text
        return [ticket.number for ticket in (ended, solved, opened) if f'"/requests/{ticket.number}"' in page]

    assert await shown("/requests") == [solved.number, opened.number]
    assert await shown("/requests?show=open") == [opened.number]
    assert await shown("/requests?show=all") == [ended.number, solved.number, opened.number]
    assert re.search(r"Current \(2\).*Open \(1\).*All \(3\)", (await customer.get("/requests")).text, re.S)
    assert await shown("/requests?text=ended") == []
    assert 'href="/requests?text=ended&amp;show=all"' in (await customer.get("/requests?text=ended")).text


async def test_a_comment_that_meets_an_ended_session_is_said_to_be_lost(desk: Desk) -> None:
    contact, _ = await desk.somebody(PersonRole.CONTACT)
    ticket = await builders.a_ticket(desk.services.database, contact)
    visitor = desk.visitor()

    door = await visitor.post(
        f"/requests/{ticket.number}/comments",
        data={"key": "key-00001", "text": "A new one."},
        files={"files": ("log.txt", b"what happened")},
    )

    assert door.headers["location"] == "/sign-in"
    assert "nothing was stored" in (await visitor.get("/sign-in")).text


async def test_t6_a_duplicate_says_in_the_list_where_it_goes_on(desk: Desk) -> None:
    contact, customer = await desk.somebody(PersonRole.CONTACT)
    representative, _ = await desk.somebody(PersonRole.REPRESENTATIVE)
    kept, duplicate = [await builders.a_ticket(desk.services.database, contact) for _ in range(2)]
    await desk.services.tickets.merge(representative, duplicate.id, into=kept.number)

    ended = (await customer.get("/requests?show=ended")).text

    assert f'"/requests/{duplicate.number}"' not in (await customer.get("/requests")).text
    assert f"It was a duplicate and goes on in request {kept.number}" in ended


async def test_t6_the_search_of_a_list_is_taken_with_everything_else_left_open(desk: Desk) -> None:
    """A browser sends every field of a form, the empty ones too."""
    contact, customer = await desk.somebody(PersonRole.CONTACT)
    _, staff = await desk.somebody(PersonRole.REPRESENTATIVE)
    await builders.a_ticket(desk.services.database, contact, subject="Receipt upside down")

    for browser, address in (
        (customer, "/requests?show=open&text=receipt&product=&whose=all"),
        (staff, "/desk/tickets?view=open&text=receipt&product=&severity=&team="),
    ):
        page = await browser.get(address)

        assert page.status_code == 200
        assert "Receipt upside down" in page.text


async def changed(staff: httpx2.AsyncClient, query: str, **data: Any) -> tuple[str, str]:
    """Do something to many in a part of a list; return the address that the list has then, and its page."""
    answer = await staff.post(f"/desk/tickets/bulk?{query}", data=data)
    assert answer.status_code == 303, answer.text[:2000]
    page = await staff.get(answer.headers["location"])
    return answer.headers["location"], page.text


def numbers_in(page: str) -> list[str]:
    return re.findall(r'name="tickets" value="(\d+)"', page)


def form_to(page: str, path: str) -> str:
    """Return where the form that belongs to a path is sent, with what stands behind the question mark."""
    found = re.search(rf'action="({path}[^"]*)"', page)
    assert found is not None
    return found[1].replace("&amp;", "&")


def bulk_of(page: str) -> str:
    found = re.search(r'name="bulk" value="([^"]+)"', page)
    assert found is not None
    return found[1]


async def test_lists_and_changes_to_many_with_undo(desk: Desk, clock: ManualClock) -> None:
    contact, _ = await desk.somebody(PersonRole.CONTACT)
    _, staff = await desk.somebody(PersonRole.REPRESENTATIVE)
    tickets = [await builders.a_ticket(desk.services.database, contact) for _ in range(3)]
    numbers = [str(ticket.number) for ticket in tickets]

    async def listed(view: str) -> list[str]:
        return sorted(numbers_in((await staff.get(f"/desk/tickets?view={view}")).text))

    assert await listed("unassigned") == numbers
    _, done = await changed(staff, "view=unassigned", change="take", tickets=numbers[:2])
    assert "2 tickets were changed." in done
    assert (await listed("mine"), await listed("unassigned")) == (numbers[:2], numbers[2:])
    back = await post(staff, "/desk/tickets/undo?view=mine", bulk=bulk_of(done))
    assert "The last change has been taken back." in back
    assert await listed("mine") == []

    address, again = await changed(staff, "view=open", change="solved", tickets=numbers)
    clock.advance(timedelta(seconds=11))
    assert 'name="bulk"' not in (await staff.get(address)).text
    late = await post(staff, "/desk/tickets/undo", bulk=bulk_of(again))
    assert "The time to undo is over." in late
    assert await listed("open") == []
    nothing = await staff.post("/desk/tickets/bulk", data={"change": "take"})
    assert (nothing.status_code, "No ticket is chosen" in nothing.text) == (422, True)


@pytest.mark.parametrize(
    "change",
    [
        {"change": "take"},
        {"change": "nobody"},
        {"change": "team", "team": "engineering"},
        {"change": "solved"},
        {"change": "closed"},
        {"change": "incident", "incident": "INC-204"},
    ],
    ids=lambda change: change["change"],
)
async def test_a_list_keeps_its_filters_and_its_page_over_a_change_to_many_and_its_undo(
    desk: Desk, change: dict[str, str]
) -> None:
    contact, _ = await desk.somebody(PersonRole.CONTACT)
    _, staff = await desk.somebody(PersonRole.REPRESENTATIVE)
    colleague, _ = await desk.somebody(PersonRole.REPRESENTATIVE)
    for subject in ("Receipt upside down", "Other"):
        for _ in range(27):
            ticket = await builders.a_ticket(desk.services.database, contact, subject=subject, product="travel")
            await desk.services.tickets.assign(colleague, ticket.id, colleague.person)
    first = (await staff.get("/desk/tickets?view=open&text=receipt&product=travel&severity=P3&team=support")).text
    older = re.search(r'<a href="([^"]+)"[^>]* rel="next"', first)
    assert older is not None
    second = (await staff.get(older[1].replace("&amp;", "&"))).text
    chosen = numbers_in(second)
    where = {"view": "open", "text": "receipt", "product": "travel", "severity": "P3", "team": "support"}
    where["after"] = numbers_in(first)[-1]

    answer = await staff.post(form_to(second, "/desk/tickets/bulk"), data={**change, "tickets": chosen[:1]})
    address = httpx2.URL(answer.headers["location"])
    page = (await staff.get(str(address))).text
    taken_back = await staff.post(form_to(page, "/desk/tickets/undo"), data={"bulk": bulk_of(page)})

    assert len(chosen) == 2
    assert "First page" in second
    assert dict(address.params) == {**where, "undo": bulk_of(page)}
    assert dict(httpx2.URL(taken_back.headers["location"]).params) == where
    assert numbers_in((await staff.get(taken_back.headers["location"])).text) == chosen


async def test_a_list_whose_last_page_was_emptied_goes_on_in_front_of_it(desk: Desk) -> None:
    contact, _ = await desk.somebody(PersonRole.CONTACT)
    _, staff = await desk.somebody(PersonRole.REPRESENTATIVE)
    for _ in range(26):
        await builders.a_ticket(desk.services.database, contact)
    all_of_them = sorted(numbers_in((await staff.get("/desk/tickets?view=open")).text), reverse=True)

    _, page = await changed(
        staff, f"view=open&after={all_of_them[-1]}", change="solved", tickets=str(int(all_of_them[-1]) - 1)
    )

    assert "1 ticket was changed." in page
    assert numbers_in(page) == all_of_them


async def test_what_was_chosen_for_many_is_chosen_still_when_something_is_wrong(desk: Desk) -> None:
    contact, _ = await desk.somebody(PersonRole.CONTACT)
    _, staff = await desk.somebody(PersonRole.REPRESENTATIVE)
    tickets = [await builders.a_ticket(desk.services.database, contact, product="travel") for _ in range(2)]
    address = "/desk/tickets/bulk?view=unassigned&product=travel"

    for wrong in (
        {"change": "team"},
        {"change": "incident", "incident": "not a number!"},
        {"change": "incident", "incident": "x" * 41},
    ):
        refused = await staff.post(address, data={**wrong, "tickets": str(tickets[0].number)})

        assert refused.status_code == 422
        assert f'value="{tickets[0].number}" checked' in refused.text
        assert f'value="{tickets[1].number}" checked' not in refused.text
        assert f'<option value="{wrong["change"]}" selected>' in refused.text
        assert f'value="{wrong.get("incident", "")}"' in refused.text
        assert '<option value="travel" selected>' in refused.text
        assert form_to(refused.text, "/desk/tickets/bulk") == address


async def test_a_change_to_many_that_changes_nothing_says_so_and_one_that_others_went_on_with_is_taken_back_in_part(
    desk: Desk,
) -> None:
    contact, _ = await desk.somebody(PersonRole.CONTACT)
    rep, staff = await desk.somebody(PersonRole.REPRESENTATIVE)
    tickets = [await builders.a_ticket(desk.services.database, contact) for _ in range(2)]
    numbers = [str(ticket.number) for ticket in tickets]

    _, taken = await changed(staff, "view=open", change="take", tickets=numbers)
    _, again = await changed(staff, "view=open", change="take", tickets=numbers)
    await desk.services.tickets.hand_over(rep, tickets[0].id, team="engineering")
    back = await post(staff, "/desk/tickets/undo?view=open", bulk=bulk_of(taken))

    assert "The chosen tickets are like that already." in again
    assert "What nobody has changed since has been taken back." in back


async def test_whoever_is_in_no_team_is_told_so_by_the_list_of_their_team(desk: Desk) -> None:
    rep, staff = await desk.somebody(PersonRole.REPRESENTATIVE)
    administrator = await builders.an_administrator(desk.services.database)

    before = (await staff.get("/desk/tickets?view=my_team")).text
    await desk.services.tickets.set_teams(administrator, rep.person, ["support"])
    after = (await staff.get("/desk/tickets?view=my_team")).text

    assert "You are in no team yet" in before
    assert "No ticket belongs to this list now." in after


async def test_those_who_work_here_are_told_how_a_ticket_that_is_over_goes_on(desk: Desk, clock: ManualClock) -> None:
    contact, _ = await desk.somebody(PersonRole.CONTACT)
    rep, staff = await desk.somebody(PersonRole.REPRESENTATIVE)
    ticket = await builders.a_ticket(desk.services.database, contact)
    path = f"/desk/tickets/{ticket.number}"
    await desk.services.tickets.close(rep, ticket.id)

    lately = (await staff.get(path)).text
    clock.advance(timedelta(days=7, seconds=1))
    staff = await _anew(desk, rep)
    later = (await staff.get(path)).text
    await desk.services.tickets.follow_up(rep, ticket.id)
    followed = (await staff.get(path)).text

    assert "Open it again to write one." in lately
    assert "Create a follow-up request: it is linked with this one." in later
    assert "it goes on in another request." in followed


async def test_a_list_that_is_narrowed_to_nothing_offers_all_of_it(desk: Desk) -> None:
    contact, _ = await desk.somebody(PersonRole.CONTACT)
    _, staff = await desk.somebody(PersonRole.REPRESENTATIVE)
    await builders.a_ticket(desk.services.database, contact)

    page = (await staff.get("/desk/tickets?view=open&text=nothing&product=&severity=&team=")).text

    assert "No ticket of this list fits what you look for." in page
    assert 'href="/desk/tickets?view=open"' in page


async def test_duplicates_are_merged_and_lead_on(desk: Desk) -> None:
    contact, customer = await desk.somebody(PersonRole.CONTACT)
    _, staff = await desk.somebody(PersonRole.REPRESENTATIVE)
    first, second = [await builders.a_ticket(desk.services.database, contact) for _ in range(2)]

    await post(staff, f"/desk/tickets/{second.number}/merge", into=str(first.number))

    page = (await customer.get(f"/requests/{second.number}")).text
    assert f"goes on in request {first.number}" in page


@pytest.mark.parametrize(
    ("into", "sentence"),
    [
        ("9999", "There is no ticket with this number."),
        ("abc", "This is not a number."),
        ("itself", "This is the number of this ticket itself."),
        ("foreign", "That ticket belongs to another company."),
        ("closed", "One of the two tickets can no longer be changed"),
    ],
)
async def test_a_duplicate_that_cannot_be_merged_says_why_and_keeps_the_number(
    desk: Desk, clock: ManualClock, into: str, sentence: str
) -> None:
    contact, _ = await desk.somebody(PersonRole.CONTACT)
    foreign, _ = await desk.somebody(PersonRole.CONTACT)
    rep, _ = await desk.somebody(PersonRole.REPRESENTATIVE)
    database = desk.services.database
    closed = await builders.a_ticket(database, contact)
    await desk.services.tickets.close(contact, closed.id)
    clock.advance(timedelta(days=7, seconds=1))
    ticket, other = await builders.a_ticket(database, contact), await builders.a_ticket(database, foreign)
    staff = await _anew(desk, rep)
    numbers = {"itself": str(ticket.number), "foreign": str(other.number), "closed": str(closed.number)}
    number = numbers.get(into, into)

    refused = await staff.post(f"/desk/tickets/{ticket.number}/merge", data={"into": number})

    assert sentence in refused.text
    assert re.search(rf'name="into"[^>]* value="{number}"', refused.text)


@pytest.mark.parametrize(
    ("form", "data", "kept"),
    [
        ("ask", {"needed": "x" * 8_001}, "x" * 8_001),
        ("solve", {"solution": "y" * 8_001}, "y" * 8_001),
        ("team", {"team": "engineering", "note": "z" * 2_001}, "z" * 2_001),
        ("incident", {"incident": "not one!"}, 'value="not one!"'),
        ("severity", {"severity": "P4", "why": " ", "version": "1"}, '<option value="P4" selected>'),
        ("notes", {"key": "k_0123456", "note": "n" * 8_001}, "n" * 8_001),
    ],
    ids=lambda value: value if isinstance(value, str) and len(value) < 9 else "",
)
async def test_what_those_who_work_here_typed_is_there_again_when_something_is_wrong(
    desk: Desk, form: str, data: dict[str, str], kept: str
) -> None:
    contact, _ = await desk.somebody(PersonRole.CONTACT)
    _, staff = await desk.somebody(PersonRole.REPRESENTATIVE)
    ticket = await builders.a_ticket(desk.services.database, contact)

    refused = await staff.post(f"/desk/tickets/{ticket.number}/{form}", data=data)

    assert refused.status_code == 422
    assert kept in refused.text
    # At its own field, and at no other of the same name.
    assert len(re.findall(r'id="f-[\w-]+-error"', refused.text)) == 1


async def test_nobody_is_promised_a_word_about_what_waits_for_them_or_is_over(desk: Desk) -> None:
    contact, customer = await desk.somebody(PersonRole.CONTACT)
    rep, staff = await desk.somebody(PersonRole.REPRESENTATIVE)
    ticket = await builders.a_ticket(desk.services.database, contact)
    path = f"/requests/{ticket.number}"

    assert "Next update due" in (await customer.get(path)).text
    await desk.services.tickets.ask(rep, ticket.id, needed="Which report is it?")
    assert "Next update due" not in (await customer.get(path)).text
    assert re.search(r"First answer</dt><dd[^>]*>Kept", (await staff.get(f"/desk/tickets/{ticket.number}")).text)
    assert "Next update due" not in await post(customer, f"{path}/close")


async def test_a_contact_sees_the_trial_s_mailbox_among_their_own_pages(desk: Desk) -> None:
    _, customer = await desk.somebody(PersonRole.CONTACT)

    page = await customer.get("/trial/mailbox")

    assert page.status_code in (200, 404)
    assert 'href="/console"' not in page.text


async def test_similar_requests_of_colleagues_are_offered_where_the_company_shows_them(
    desk: Desk, clock: ManualClock
) -> None:
    contact, customer = await desk.somebody(PersonRole.CONTACT)
    colleague, _ = await desk.somebody(PersonRole.CONTACT, company=contact.company, name="Jonas Weber")
    administrator = await builders.an_administrator(desk.services.database)
    assert contact.company is not None
    ticket = await builders.a_ticket(desk.services.database, colleague, subject="Approval mails arrive twice")
    clock.advance(timedelta(minutes=40))

    hidden = (await customer.get("/requests/new")).text
    await desk.services.tickets.show_colleagues(administrator, contact.company, shown=True)
    shown = (await customer.get("/requests/new")).text
    await post(customer, f"/requests/{ticket.number}/follow")
    after = (await customer.get("/requests/new")).text

    assert "Approval mails arrive twice" not in hidden
    assert re.search(rf"Jonas Weber opened {ticket.number} · <time [^>]*>40 minutes ago<", shown)
    assert "Follow it" in shown
    assert "Follow it" not in after


async def test_a_request_of_a_colleague_of_the_same_name_is_offered_and_told_from_ones_own(desk: Desk) -> None:
    contact, customer = await desk.somebody(PersonRole.CONTACT, name="Jonas Weber")
    colleague, _ = await desk.somebody(PersonRole.CONTACT, company=contact.company, name="Jonas Weber")
    administrator = await builders.an_administrator(desk.services.database)
    assert contact.company is not None
    await desk.services.tickets.show_colleagues(administrator, contact.company, shown=True)
    theirs = await builders.a_ticket(desk.services.database, colleague, subject="Approval mails arrive twice")
    for _ in range(26):
        await builders.a_ticket(desk.services.database, contact, subject="Mine")

    offered = (await customer.get("/requests/new")).text
    listed = (await customer.get("/requests?text=twice")).text

    assert f"Jonas Weber opened {theirs.number}" in offered
    assert "Mine" not in offered
    assert "by Jonas Weber" in listed
