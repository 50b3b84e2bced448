"""Calls as pages, without a script: keep the place, book a slot, move it, cancel by the link; preview, call, outcome; the plan (C3, C4)."""

import re
from datetime import timedelta

import httpx2
from sqlalchemy import select

from callback import store
from callback.tables import reservations
from chatsvc.accounts.model import Identity, PersonRole
from chatsvc.kernel.clock import ManualClock
from chatsvc.tickets.severity import CriticalContact
from tests.forging import forged
from tests.web.desk import JOIN, Desk
from tests.web.test_hours import DOWN


async def _plan(desk: Desk, rep: Identity) -> None:
    async with desk.services.database.begin() as uow:
        await store.add_shift(uow, rep.person, ["expense"], uow.now, uow.now + timedelta(days=15))


def _key(page: str) -> str:
    found = re.search(r'name="key" value="([^"]+)"', page)
    assert found is not None
    return found[1]


async def _waits(desk: Desk) -> tuple[Identity, httpx2.AsyncClient, str]:
    contact, browser = await desk.somebody(PersonRole.CONTACT)
    visit = await desk.services.conversations.join(contact, **JOIN, key="form-0001")
    return contact, browser, visit.conversation


async def _keeps_place(desk: Desk) -> tuple[Identity, httpx2.AsyncClient, str, str]:
    contact, browser, conversation = await _waits(desk)
    room = await browser.get(f"/chats/{conversation}")
    assert "Call me, I keep my place" in room.text
    form = {"key": _key(room.text.partition("I keep my place")[2]), "country": "DE", "number": "030 2345678"}
    booked = await browser.post(f"/chats/{conversation}/call", data=form)
    assert booked.status_code == 303, booked.text
    return contact, browser, conversation, booked.headers["location"]


def _form(page: str, slot: str) -> dict[str, str]:
    """Fill in the form of a call for a slot of its page."""
    typed = {"country": "DE", "number": "030 2345678", "subject": "s", "description": "d"}
    return {**typed, "key": _key(page), "slot": slot}


async def _takes_call(desk: Desk) -> tuple[Identity, httpx2.AsyncClient, str]:
    """Let a representative come who takes the call that waits."""
    rep, browser = await desk.somebody(PersonRole.REPRESENTATIVE)
    act = desk.services.conversations
    await act.set_desk(rep, "ready")
    await act.match()
    [offer] = (await desk.services.queries.desk(rep)).offers
    return rep, browser, await act.accept(rep, offer.id, offer.epoch)


async def test_the_waiting_dialog_offers_a_call_and_back_to_chat_keeps_the_place(desk: Desk) -> None:
    _, browser, conversation, link = await _keeps_place(desk)

    page = (await browser.get(link)).text
    assert "030 2345678" in page
    assert "You are next in line" in page or "1st in line" in page
    room = (await browser.get(f"/chats/{conversation}")).text
    assert "We call you" in room
    assert (await browser.post(f"{link}/chat")).headers["location"].startswith(f"/chats/{conversation}")
    assert "Call me, I keep my place" in (await browser.get(f"/chats/{conversation}")).text


async def test_a_bad_number_is_said_at_its_field(desk: Desk) -> None:
    _, browser, conversation = await _waits(desk)
    form = {"key": "k_0123456789", "country": "DE", "number": "0900 1234567"}

    answer = await browser.post(f"/chats/{conversation}/call", data=form)

    assert answer.status_code == 422
    assert "Numbers of this kind are not called" in answer.text


async def test_a_slot_is_booked_moved_and_cancelled_by_the_link_alone(desk: Desk) -> None:
    contact, browser = await desk.somebody(PersonRole.CONTACT)
    rep, _ = await desk.somebody(PersonRole.REPRESENTATIVE)
    await _plan(desk, rep)
    home = (await browser.get("/call")).text
    assert "View global phone numbers" in home
    assert "+44 20 7946 0100" in home
    page = (await browser.get("/call/expense")).text
    slots = re.findall(r'name="slot" value="(\d[^"]+)"', page)
    assert len(slots) > 5

    form = _form(page, slots[0])
    booked = await browser.post("/call/expense", data=form)
    again = await browser.post("/call/expense", data=form)
    assert booked.headers["location"] == again.headers["location"]

    stranger, link = desk.visitor(), booked.headers["location"]
    seen = (await stranger.get(link)).text
    assert "030 2345678" not in seen
    assert "78" in seen
    assert (await stranger.post(f"{link}/time", data={"slot": slots[4]})).status_code == 303
    assert (await stranger.post(f"{link}/cancel", data={})).status_code == 303
    async with desk.services.database.read() as connection:
        row = (await connection.execute(select(reservations))).one()
    assert (row.state, row.contact_id, row.slot_at.isoformat()) == ("cancelled", contact.person, slots[4])
    over = (await browser.get(link)).text
    assert "Book another call" in over
    assert '<p class="lead">Cancelled</p>' in over


async def test_a_time_that_was_cancelled_is_booked_again_with_one_click_while_it_is_free(desk: Desk) -> None:
    _, browser = await desk.somebody(PersonRole.CONTACT)
    rep, _ = await desk.somebody(PersonRole.REPRESENTATIVE)
    await _plan(desk, rep)
    page = (await browser.get("/call/expense")).text
    slot = re.findall(r'name="slot" value="(\d[^"]+)"', page)[3]
    form = _form(page, slot)
    link = (await browser.post("/call/expense", data=form)).headers["location"]
    assert (await browser.post(f"{link}/again", data={})).status_code == 422
    await browser.post(f"{link}/cancel", data={})
    assert "Book it again at the same time" in (await browser.get(link)).text
    assert "Book it again at the same time" not in (await desk.visitor().get(link)).text

    again = await browser.post(f"{link}/again", data={})
    twice = await browser.post(f"{link}/again", data={})

    assert again.headers["location"] == twice.headers["location"] != link
    async with desk.services.database.read() as connection:
        rows = (await connection.execute(select(reservations).order_by(reservations.c.created_at))).all()
    assert [(row.state, row.slot_at.isoformat()) for row in rows] == [("cancelled", slot), ("booked", slot)]
    assert rows[0].ticket_id == rows[1].ticket_id
    assert "Book it again at the same time" not in (await browser.get(link)).text


async def test_a_place_in_line_is_given_up_in_two_steps(desk: Desk) -> None:
    _, browser, _, link = await _keeps_place(desk)

    page = (await browser.get(link)).text

    first, _, second = page.partition("You give up your place in line")
    assert "Cancel the call</summary>" in first
    assert f'action="{link}/cancel"' not in first
    assert f'action="{link}/cancel"' in second


async def test_a_forged_link_leads_nowhere(desk: Desk) -> None:
    _, _, _, link = await _keeps_place(desk)
    stranger = desk.visitor()

    for path in (forged(link), "/calls/nothing"):
        assert (await stranger.get(path)).status_code == 404
        assert (await stranger.post(f"{path}/cancel", data={})).status_code == 404


async def test_a_representative_previews_calls_and_says_how_it_went(desk: Desk, clock: ManualClock) -> None:
    await _keeps_place(desk)
    rep, browser, conversation = await _takes_call(desk)

    card = (await browser.get(f"/desk/calls/{conversation}")).text
    assert "+49 30 2345678" in card
    assert "never dialled before" in card
    assert "Open the call" in (await browser.get("/desk/calls")).text
    await browser.post(f"/desk/calls/{conversation}/dial", data={})
    assert 'href="tel:+49302345678"' in (await browser.get(f"/desk/calls/{conversation}")).text
    await browser.post(f"/desk/calls/{conversation}/connected", data={})
    clock.advance(5)
    done = await browser.post(f"/desk/calls/{conversation}/outcome", data={"outcome": "answered"})

    assert done.headers["location"] == "/console"
    [left] = (await desk.services.queries.desk(rep)).conversations
    assert left.state == "wrap_up"


async def test_an_outcome_that_writes_to_the_customer_says_so_before_it_is_noted(desk: Desk) -> None:
    await _keeps_place(desk)
    _, browser, conversation = await _takes_call(desk)
    await browser.post(f"/desk/calls/{conversation}/dial", data={})

    card = (await browser.get(f"/desk/calls/{conversation}")).text

    steps = dict(re.findall(r"<summary[^>]*>([^<]+)</summary>(.*?)</details>", card, re.DOTALL))
    assert list(steps) == ["The customer declined", "The number does not exist"]
    assert "asked for another number at once, by mail" in steps["The number does not exist"]
    assert 'name="outcome" value="invalid_number"' in steps["The number does not exist"]
    assert card.count('value="invalid_number"') == 1
    assert f'href="/desk/calls/{conversation}"' in steps["The number does not exist"]


async def test_supervisors_keep_the_plan(desk: Desk) -> None:
    rep, _ = await desk.somebody(PersonRole.REPRESENTATIVE)
    _, browser = await desk.somebody(PersonRole.SUPERVISOR)
    form = {
        "person": rep.person,
        "day": "2026-03-03",
        "begins": "22:00",
        "ends": "06:00",
        "lines": ["expense", "travel"],
    }

    assert (await browser.post("/desk/staffing", data=form)).status_code == 303
    page = (await browser.get("/desk/staffing")).text
    assert rep.name in page
    assert '<h3 id="day-1">Tuesday, 3 March 2026</h3>' in page
    assert "11 min, usual" in page
    [shift] = re.findall(r"/desk/staffing/(sh_\w+)/remove", page)
    wrong = await browser.post("/desk/staffing", data={**form, "begins": "06:00"})
    assert wrong.status_code == 422
    assert (await browser.post(f"/desk/staffing/{shift}/remove", data={})).status_code == 303
    assert "Nobody is planned" in (await browser.get("/desk/staffing")).text


async def test_a_removed_shift_comes_back_with_one_click_and_only_once(desk: Desk) -> None:
    rep, _ = await desk.somebody(PersonRole.REPRESENTATIVE)
    _, browser = await desk.somebody(PersonRole.SUPERVISOR)
    form = {"person": rep.person, "day": "2026-03-03", "begins": "22:00", "ends": "06:00", "lines": ["expense"]}
    await browser.post("/desk/staffing", data=form)
    before = (await browser.get("/desk/staffing")).text
    [shift] = re.findall(r"/desk/staffing/(sh_\w+)/remove", before)

    removed = (await browser.post(f"/desk/staffing/{shift}/remove", data={})).headers["location"]
    page = (await browser.get(removed)).text
    assert "No call was cancelled" in page
    hidden = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', page))
    for _ in range(2):
        back = await browser.post(f"/desk/staffing/{shift}/restore", data=hidden)
        assert back.status_code == 303

    after = (await browser.get("/desk/staffing")).text
    assert re.findall(r"/desk/staffing/(sh_\w+)/remove", after) == [shift]
    assert after.count("22:00") == before.count("22:00")
    # The page that said so is still open somewhere: what is back cannot be put back.
    assert "/restore" not in (await browser.get(removed)).text


async def test_supervisors_read_on_the_list_of_calls_that_too_many_were_promised(desk: Desk) -> None:
    _, browser = await desk.somebody(PersonRole.CONTACT)
    rep, at_the_desk = await desk.somebody(PersonRole.REPRESENTATIVE)
    _, supervisor = await desk.somebody(PersonRole.SUPERVISOR)
    await _plan(desk, rep)
    page = (await browser.get("/call/expense")).text
    slot = re.findall(r'name="slot" value="(\d[^"]+)"', page)[0]
    form = _form(page, slot)
    await browser.post("/call/expense", data=form)
    assert "than the plan carries" not in (await supervisor.get("/desk/calls")).text
    for shift in re.findall(r"/desk/staffing/(sh_\w+)/remove", (await supervisor.get("/desk/staffing")).text):
        await supervisor.post(f"/desk/staffing/{shift}/remove", data={})

    assert "than the plan carries" in (await supervisor.get("/desk/calls")).text
    assert "than the plan carries" not in (await at_the_desk.get("/desk/calls")).text


async def test_supervisors_keep_the_numbers_that_are_called_with_a_reason_and_a_name(desk: Desk) -> None:
    contact, _ = await desk.somebody(PersonRole.CONTACT)
    supervisor, browser = await desk.somebody(PersonRole.SUPERVISOR, name="Inês Costa")
    silent = {"number": "030 2345678", "country": "DE", "number_reason": "Asked by mail"}
    allowed = {"company": str(contact.company), "region": "AT", "region_reason": "Works from Vienna"}

    assert (await browser.post("/desk/numbers/silenced", data=silent)).status_code == 303
    assert (await browser.post("/desk/numbers/countries", data=allowed)).status_code == 303
    page = (await browser.get("/desk/numbers")).text
    for words in ("+49 … 78", "Asked by mail", "Austria", "Works from Vienna", supervisor.name):
        assert words in page
    assert "2345678" not in page

    again = await browser.post("/desk/numbers/silenced", data={**silent, "number": "12", "number_reason": "typed"})
    assert again.status_code == 422
    assert 'value="typed"' in again.text
    assert (await browser.post("/desk/numbers/countries", data={**allowed, "region_reason": " "})).status_code == 422
    [reference] = re.findall(r'name="reference" value="(\w+)"', page)
    assert (await browser.post("/desk/numbers/silenced/removed", data={"reference": reference})).status_code == 303
    assert (
        await browser.post("/desk/numbers/countries/removed", data={k: allowed[k] for k in ("company", "region")})
    ).status_code == 303
    left = (await browser.get("/desk/numbers")).text
    assert "No number is on the list" in left
    assert "No country was added" in left


async def test_a_form_with_a_bad_number_has_what_was_typed(desk: Desk) -> None:
    _, browser, _, link = await _keeps_place(desk)

    answer = await browser.post(f"{link}/number", data={"number": "0900 1234567", "country": "DE"})

    assert answer.status_code == 422
    assert 'value="0900 1234567"' in answer.text


async def test_a_signed_in_stranger_sees_the_number_masked_and_no_way_into_the_ticket(desk: Desk) -> None:
    _, _, _, link = await _keeps_place(desk)
    _, other = await desk.somebody(PersonRole.CONTACT)

    page = (await other.get(link)).text

    assert "030 2345678" not in page
    assert 'href="/requests/' not in page
    assert "js/call.js" not in page


async def test_at_night_the_pages_say_so_before_and_offer_times(desk: Desk, clock: ManualClock) -> None:
    clock.advance(timedelta(hours=13))  # 23:00 in Berlin.
    _, browser, conversation = await _waits(desk)
    rep, _ = await desk.somebody(PersonRole.REPRESENTATIVE)
    await _plan(desk, rep)

    room = (await browser.get(f"/chats/{conversation}")).text
    assert "Call me, I keep my place" not in room
    assert "Calls are made from 8:00 to 21:00 on your clock" in room
    link = re.search(r'href="(/call/expense\?request=\d+)"', room)
    assert link is not None
    form = (await browser.get(link[1])).text
    assert "As soon as it is my turn" not in form
    assert "Calls are made from 8:00 to 21:00 on your clock" in form
    assert re.search(r'name="slot" value="(\d[^"]+)"', form)
    typed = {"key": "k_0123456789", "country": "DE", "number": "030 2345678"}
    refused = await browser.post(f"/chats/{conversation}/call", data=typed)
    assert (refused.status_code, "Calls are made from 8:00" in refused.text) == (422, True)


async def test_the_wish_to_be_called_at_night_is_there_again_when_the_number_is_wrong(
    desk: Desk, clock: ManualClock
) -> None:
    clock.advance(timedelta(hours=13))  # 23:00 in Berlin.
    contact, browser = await desk.somebody(PersonRole.CONTACT)
    critical = {"impact": DOWN, "reachable": CriticalContact("Jonas Weber", "+49 30 1234567")}
    visit = await desk.services.conversations.join(contact, **{**JOIN, **critical}, key="form-0001")
    typed = {"key": "k_0123456789", "country": "DE", "number": "0900 1234567", "any_hour": "yes"}

    refused = (await browser.post(f"/chats/{visit.conversation}/call", data=typed)).text

    assert re.search(r'name="any_hour"[^>]* checked', refused)


async def test_the_list_of_calls_says_why_one_waits_and_until_when(desk: Desk) -> None:
    await _keeps_place(desk)
    _, browser, conversation = await _takes_call(desk)
    await browser.post(f"/desk/calls/{conversation}/dial", data={})
    runs = (await browser.get("/desk/calls")).text
    assert "Not before" not in runs
    assert "When it is their turn" not in runs

    await browser.post(f"/desk/calls/{conversation}/outcome", data={"outcome": "busy"})

    page = (await browser.get("/desk/calls")).text
    row = page.partition("Waits for the next attempt")[2].partition("</tr>")[0]
    assert "Busy" in row
    assert "Not before" in row


async def test_the_list_of_calls_has_another_state_as_soon_as_it_says_something_else(desk: Desk) -> None:
    _, browser = await desk.somebody(PersonRole.REPRESENTATIVE)

    async def state() -> str:
        return (await browser.get("/desk/calls")).text.partition('data-state="')[2].partition('"')[0]

    empty, again = await state(), await state()
    await _keeps_place(desk)

    assert empty == again != ""
    assert await state() != empty


async def test_the_page_of_a_call_that_the_hours_put_off_says_from_when_on(desk: Desk, clock: ManualClock) -> None:
    _, customer, _, link = await _keeps_place(desk)
    clock.advance(timedelta(hours=13))  # 23:00 in Berlin.
    _, browser, conversation = await _takes_call(desk)

    await browser.post(f"/desk/calls/{conversation}/dial", data={})

    page = (await customer.get(link)).text
    assert re.search(r"We call you from Tuesday, 3 March 2026, 08:00\s+on", page)
    assert "choose another time below, or cancel the call" in page


async def test_whoever_has_a_call_is_told_before_they_fill_in_the_form_of_another(desk: Desk) -> None:
    _, browser, _, link = await _keeps_place(desk)

    page = (await browser.get("/call/travel")).text

    assert "You already have a call booked" in page
    assert link.partition("?")[0] in page


async def test_whoever_chats_about_something_else_is_asked_about_the_call_that_is_booked(desk: Desk) -> None:
    contact, browser, conversation, link = await _keeps_place(desk)
    visit = await desk.services.conversations.join(contact, **{**JOIN, "line": "travel"}, key="form-0002")

    other = (await browser.get(f"/chats/{visit.conversation}")).text

    assert "is booked too. Do you still need it?" in other
    assert f'href="{link.partition("?")[0]}"' in other
    assert "is booked too" not in (await browser.get(f"/chats/{conversation}")).text
    [answer] = re.findall(r'action="([^"]+/not-needed)"', other)
    for _ in range(2):
        answered = await browser.post(answer, data={})
        assert answered.headers["location"].startswith(f"/chats/{visit.conversation}")
    room = (await browser.get(answered.headers["location"])).text
    assert ("That call is cancelled" in room, "is booked too" in room) == (True, False)
    assert "This call is no longer needed" in (await browser.get(link)).text


async def test_nobody_does_without_the_call_of_somebody_else(desk: Desk) -> None:
    _, browser, _, link = await _keeps_place(desk)
    _, theirs, conversation = await _waits(desk)
    token = link.partition("?")[0].rpartition("/")[2]

    answer = await theirs.post(f"/chats/{conversation}/calls/{token}/not-needed", data={})

    assert answer.status_code == 404
    assert "This call is no longer needed" not in (await browser.get(link)).text


async def test_a_time_that_was_not_chosen_is_asked_for_on_the_page_of_the_call(desk: Desk) -> None:
    _, browser, _, link = await _keeps_place(desk)
    rep, _ = await desk.somebody(PersonRole.REPRESENTATIVE)
    await _plan(desk, rep)
    day = re.findall(r"\?day=(\d{4}-\d\d-\d\d)", (await browser.get(link)).text)[3]

    answer = await browser.post(f"{link}/time", data={"day": day})

    assert answer.status_code == 422
    assert "Choose one of the answers." in answer.text
    assert re.search(rf'day={day}#other" aria-current="true"', answer.text)


async def test_a_form_that_cannot_be_taken_shows_the_day_that_was_looked_at(desk: Desk) -> None:
    _, browser = await desk.somebody(PersonRole.CONTACT)
    rep, _ = await desk.somebody(PersonRole.REPRESENTATIVE)
    await _plan(desk, rep)
    day = re.findall(r"\?day=(\d{4}-\d\d-\d\d)", (await browser.get("/call/expense")).text)[3]
    page = (await browser.get(f"/call/expense?day={day}")).text
    slot = re.findall(r'name="slot" value="(\d[^"]+)"', page)[0]
    form = {"key": _key(page), "country": "DE", "number": "0" * 61, "slot": slot, "day": day}

    answer = await browser.post("/call/expense", data=form)

    assert answer.status_code == 422
    assert re.search(rf'day={day}#when" aria-current="true"', answer.text)
    assert f'value="{slot}" checked' in answer.text
