"""The dates of somebody's tickets as a calendar that programs fetch without a session (T8, T9, RFC 5545)."""

import re

import httpx2
from icalendar import Calendar

from chatsvc.accounts.model import PersonRole
from chatsvc.kernel.clock import ManualClock
from tests import builders
from tests.web.desk import BASE, Desk


async def _address(browser: httpx2.AsyncClient) -> str | None:
    """The path of the calendar that the profile shows."""
    found = re.search(r'id="f-feed"[^>]* value="([^"]+)"', (await browser.get("/profile")).text)
    return found and found[1].removeprefix(BASE)


async def test_t8_t9_dates_of_a_ticket_stand_in_the_calendar_of_its_requester(desk: Desk, clock: ManualClock) -> None:
    contact, customer = await desk.somebody(PersonRole.CONTACT, language="de")
    rep, _ = await desk.somebody(PersonRole.REPRESENTATIVE)
    ticket = await builders.a_ticket(desk.services.database, contact, subject="Bericht; leer,\\n")
    assert await _address(customer) is None
    await customer.post("/profile/calendar", data={})
    path = await _address(customer)
    assert path is not None
    program = desk.visitor()

    empty = await program.get(path)
    closes_at = await desk.services.tickets.ask(rep, ticket.id, needed="Which report?")
    clock.advance(1)
    answer = await program.get(path)

    assert answer.headers["content-type"] == "text/calendar; charset=utf-8"
    [event] = Calendar.from_ical(answer.content).walk("VEVENT")
    assert event.decoded("dtstart") == closes_at
    assert str(event["summary"]).endswith(": Bericht; leer,\\n")
    assert str(event["url"]) == f"{BASE}/requests/{ticket.number}"
    assert all(len(line) <= 75 for line in answer.content.split(b"\r\n"))
    assert empty.headers["etag"] != answer.headers["etag"]


async def test_a_calendar_that_has_not_changed_is_not_sent_again(desk: Desk, clock: ManualClock) -> None:
    _, customer = await desk.somebody(PersonRole.CONTACT)
    await customer.post("/profile/calendar", data={})
    path = str(await _address(customer))

    first = await desk.visitor().get(path)
    clock.advance(3_600)
    for tag in (first.headers["etag"], f'"other", W/{first.headers["etag"]}'):
        again = await desk.visitor(**{"if-none-match": tag}).get(path)
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["etag"] == first.headers["etag"]
    assert (await desk.visitor(**{"if-none-match": '"other"'}).get(path)).status_code == 200


async def test_an_address_is_worth_nothing_once_it_is_renewed_or_taken_back(desk: Desk) -> None:
    contact, customer = await desk.somebody(PersonRole.CONTACT)
    administrator, _ = await desk.somebody(PersonRole.ADMINISTRATOR)
    await customer.post("/profile/calendar", data={})
    first = str(await _address(customer))
    await customer.post("/profile/calendar", data={})
    second = str(await _address(customer))

    assert [(await desk.visitor().get(path)).status_code for path in (first, second)] == [404, 200]
    await customer.post("/profile/calendar/end", data={})
    assert await _address(customer) is None
    assert (await desk.visitor().get(second)).status_code == 404

    await customer.post("/profile/calendar", data={})
    third = str(await _address(customer))
    await desk.services.administration.disable(administrator, contact.person)
    assert (await desk.visitor().get(third)).status_code == 404
