"""The stories of the telephone: a place kept by a call, seen from all sides, and a slot on the other side of a change of the clocks.

The desk lives in this process, by a clock that the story moves; what the process of calls does is done when the story says so.
"""

import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import icalendar
import msgspec
import pytest
from playwright.async_api import Browser, expect
from sqlalchemy import select

from callback import store
from callback.actions import Callbacks
from callback.links import CallLinks
from chatsvc.accounts.links import Links
from chatsvc.accounts.model import Identity
from chatsvc.accounts.queries import AccountQueries
from chatsvc.db.outbox import outbox
from chatsvc.kernel.ids import OutboxId, SessionId, new_id
from chatsvc.notifications.compose import CallNews, Composer, Envelope
from chatsvc.notifications.mailer import Mail, message_of
from tests import builders
from tests.browser import WIDE, Watched
from tests.flows.desk_of_today import Served, served
from tests.flows.people import Customer, Person, Representative
from tests.web.desk import a_session

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

# Friday before the night in which the clocks of Berlin go forward.
FRIDAY = datetime(2026, 3, 27, 9, 0, tzinfo=UTC)


class Floor:
    """A desk with a telephone, and browsers for its people."""

    def __init__(self, desk: Served, browser: Browser, stack: AsyncExitStack) -> None:
        self.desk = desk
        self.services = desk.services
        self.calls = Callbacks(desk.services.conversations, CallLinks(desk.services.settings.secret_key))
        self.people: list[Person] = []
        self._browser = browser
        self._stack = stack

    async def customer(self, identity: Identity, *, scripts: bool = True) -> Customer:
        """Let a contact sit down in front of a browser, signed in."""
        person = Customer(*await self._page(identity, scripts=scripts))
        self.people.append(person)
        return person

    async def representative(self, name: str) -> Representative:
        """Let a new representative open the console, and be ready."""
        identity = await builders.a_representative(self.services.database, name=name, capacity=1)
        person = Representative(*await self._page(identity))
        self.people.append(person)
        await person.page.goto("/console")
        await person.is_ready()
        return person

    async def _page(self, identity: Identity, *, scripts: bool = True):  # type: ignore[no-untyped-def]
        context = await self._browser.new_context(
            base_url=self.desk.address,
            viewport=WIDE,  # type: ignore[arg-type]
            locale="en-GB",
            java_script_enabled=scripts,
        )
        self._stack.push_async_callback(context.close)
        token = await a_session(self.services, identity)
        await context.add_cookies([{"name": "holdline_session", "value": token, "url": self.desk.address}])
        watched = Watched(context)
        return await context.new_page(), watched

    async def mails(self) -> list[Mail]:
        """Every mail about calls, in order, as it is written."""
        composer = Composer(base_url=self.desk.address, mail_from="desk@desk.example", links=Links("a key of nobody"))
        accounts = AccountQueries(self.services.database)
        statement = select(outbox).where(outbox.c.kind == "mail.callback").order_by(outbox.c.created_at, outbox.c.id)
        async with self.services.database.read() as connection:
            rows = (await connection.execute(statement)).all()
        found = []
        for row in rows:
            to = await accounts.person(row.recipient)
            assert to is not None
            facts = msgspec.convert(row.payload, CallNews)
            found.append(composer.call_news(Envelope(OutboxId(row.id), row.created_at), to, facts))
        return found


@pytest.fixture
async def floor(browser: Browser, sqlite_template: Path, tmp_path: Path, redis_address: str) -> AsyncIterator[Floor]:
    """The desk, served on a port of its own; in the end no script may have failed."""
    async with served(sqlite_template, tmp_path, redis_address) as desk, AsyncExitStack() as stack:
        floor = Floor(desk, browser, stack)
        yield floor
        assert [wrong for person in floor.people for wrong in person.watched.wrongs] == []


async def test_a_place_is_kept_by_telephone_called_and_becomes_a_ticket(floor: Floor) -> None:
    database = floor.services.database
    staff = []
    for name in ("Ravi Patel", "Mei Lin"):
        representative = await floor.representative(name)
        visitor = await floor.customer(await builders.a_contact(database, name=f"Visitor of {name}"))
        await visitor.stands_in_line("Expense", "Takes a while")
        await representative.accepts()
        staff.append(representative)
    ravi, mei = staff

    # Both are busy: the third keeps the place by telephone, by keyboard alone, and reads the number as people there write it.
    claire = await floor.customer(await builders.a_contact(database, name="Claire Fontaine"))
    await claire.stands_in_line("Expense", "Report does not open")
    await claire.sees_position("You are next in line")
    number = await claire.ticket_number
    offer = claire.page.locator("summary", has_text="Call me, I keep my place")
    await offer.focus()
    await claire.page.keyboard.press("Enter")
    await claire.page.get_by_label("Telephone number").fill("+49302345678")
    await claire.page.keyboard.press("Enter")
    await expect(claire.page.get_by_role("heading", level=1)).to_have_text("Your call")
    main = claire.page.get_by_role("main")
    await expect(main).to_contain_text("030 2345678 (Germany)")
    await expect(main.locator("[data-slot=position]")).to_have_text("You are next in line")
    await claire.finds_nothing_wrong()

    # Back to chat, and once more to the telephone: the place is the same.
    await main.get_by_role("button", name="Back to chat").click()
    await claire.sees_position("You are next in line")
    await claire.page.locator("summary", has_text="Call me, I keep my place").click()
    await claire.page.get_by_label("Telephone number").fill("030 2345678")
    await claire.page.get_by_role("button", name="Call me, I keep my place").click()
    await expect(main.locator("[data-slot=position]")).to_have_text("You are next in line")

    # A representative frees: the call comes to the console by itself, is heard of, and counted in the title.
    await ravi.talk.get_by_role("button", name="End", exact=True).click()
    await expect(ravi.talk.locator("[data-panel=undo]")).to_be_visible()
    floor.desk.clock.advance(11)
    await floor.services.conversations.sweep()
    await ravi.completes()
    await expect(ravi.offer).to_contain_text("By telephone: you see the number, then you call")
    await expect(ravi.page).to_have_title(re.compile(r"^\(1\)"))
    await ravi.accepts()
    link = ravi.talk.get_by_role("link", name="Open the call")
    await link.press("Enter")

    # Preview: number, country, never dialled before. The customer's page has followed.
    card = ravi.page.get_by_role("main")
    await expect(card).to_contain_text("+49 30 2345678")
    await expect(card).to_contain_text("Germany")
    await expect(card).to_contain_text("never dialled before")
    await expect(card).to_contain_text("Report does not open")
    await expect(main).to_contain_text("A representative is about to call")
    await ravi.finds_nothing_wrong()
    await card.get_by_role("button", name="Call", exact=True).press("Enter")
    await expect(card.get_by_role("link", name="Dial +49 30 2345678")).to_have_attribute("href", "tel:+49302345678")
    await expect(card.locator("[data-timer]")).to_have_text("0:00")
    await expect(main).to_contain_text("Being called")
    await card.get_by_role("button", name="They have answered").press("Enter")
    floor.desk.clock.advance(65)
    await card.get_by_role("button", name="The call is over").press("Enter")

    # The outcome is a wrap-up on the console, and the ticket is the one the customer has had since standing in line.
    await expect(ravi.page.locator("holdline-console")).to_be_visible()
    await expect(main).to_contain_text("The talk is over")
    await ravi.completes()
    await expect(ravi.page.locator(".talk")).to_have_count(0)
    # The customer's page has followed to the end.
    await expect(main).to_contain_text("Done")
    await expect(main).to_contain_text("Solved")
    await claire.finds_nothing_wrong()
    await claire.page.goto(f"/requests/{number}")
    await expect(claire.page.get_by_role("main")).to_contain_text("Solved")
    await expect(claire.log).to_contain_text("Support called")
    # The third side: a colleague sees what came of it, and nothing of the number.
    await mei.page.goto(f"/desk/tickets/{number}")
    await expect(mei.page.get_by_role("log").first).to_contain_text("Support called")
    await floor.calls.sweep()
    await mei.page.goto("/desk/calls")
    await expect(mei.page.get_by_role("main")).to_contain_text("No calls")


async def test_a_slot_beyond_a_change_of_the_clocks_is_right_on_page_in_mail_and_calendar_and_is_called(
    floor: Floor,
) -> None:
    floor.desk.clock.advance(FRIDAY - floor.desk.clock.now())
    rep = await builders.a_representative(floor.services.database)
    async with floor.services.database.begin() as uow:
        await store.add_shift(uow, rep.person, ["expense"], uow.now, uow.now + timedelta(days=15))
    # Without a script.
    contact = await builders.a_contact(floor.services.database)
    claire = await floor.customer(contact, scripts=False)
    page, main = claire.page, claire.page.get_by_role("main")

    # Friday, in winter time: nine o'clock of Monday is seven in UTC, and not eight.
    await page.goto("/call/expense")
    await page.get_by_role("link", name="Mon 30 Mar").click()
    chosen = page.get_by_role("radio", name="09:00 – 09:30")
    assert await chosen.get_attribute("value") == "2026-03-30T07:00:00+00:00"
    await chosen.check()
    await page.get_by_label("Telephone number").fill("030 2345678")
    await page.get_by_label("Subject").fill("Report does not open")
    await page.get_by_label("Description").fill("It shows a blank page.")
    await page.get_by_role("button", name="Book the call").click()
    await expect(main).to_contain_text("Monday, 30 March 2026, 09:00 – 09:30")
    await expect(main).to_contain_text("030 2345678 (Germany)")
    number = await main.get_by_role("link", name=re.compile(r"^\d+$")).inner_text()

    # Moved to the winter side of it, and back.
    for day, shown in (
        ("Fri 27 Mar", "Friday, 27 March 2026, 15:00 – 15:30"),
        ("Mon 30 Mar", "Monday, 30 March 2026, 15:00 – 15:30"),
    ):
        await page.get_by_role("link", name=day).click()
        await page.get_by_role("radio", name="15:00 – 15:30").check()
        await page.get_by_role("button", name="Move the call").click()
        await expect(main).to_contain_text(shown)

    # Written at the same instant of a clock that stands still, so their own numbers put them in order.
    told = sorted(((_event(mail), mail.text) for mail in await floor.mails()), key=lambda each: each[0]["sequence"])
    monday, friday = "Monday, 30 March 2026", "Friday, 27 March 2026"
    said = [(monday, "09:00 CEST"), (friday, "15:00 CET"), (monday, "15:00 CEST")]
    for (_, text), (day, time) in zip(told, said, strict=True):
        assert day in text
        assert time in text
    at = [
        datetime(2026, 3, 30, 7, tzinfo=UTC),
        datetime(2026, 3, 27, 14, tzinfo=UTC),
        datetime(2026, 3, 30, 13, tzinfo=UTC),
    ]
    assert [event["dtstart"].dt for event, _ in told] == at

    # When it is Monday, the seat becomes a place by itself at three on the customer's clock, and not an hour off.
    floor.desk.clock.advance(at[2] - timedelta(minutes=1) - floor.desk.clock.now())
    await floor.calls.sweep()
    await page.reload()
    await expect(main).to_contain_text("Booked")
    floor.desk.clock.advance(60)
    await floor.calls.sweep()
    await page.reload()
    await expect(main).to_contain_text("You are next in line")

    # Whoever is free then sees the customer's hour, calls at it, and completes the ticket of Friday.
    ravi = await floor.representative("Ravi Patel")
    await ravi.accepts()
    await ravi.talk.get_by_role("link", name="Open the call").press("Enter")
    card = ravi.page.get_by_role("main")
    await expect(card).to_contain_text("there it is 15:00")
    await card.get_by_role("button", name="Call", exact=True).press("Enter")
    await expect(card.get_by_role("link", name="Dial +49 30 2345678")).to_be_visible()
    await page.reload()
    await expect(main).to_contain_text("Being called")
    await card.get_by_role("button", name="They have answered").press("Enter")
    await card.get_by_role("button", name="The call is over").press("Enter")
    await ravi.completes()
    await expect(ravi.page.locator(".talk")).to_have_count(0)
    # Days have passed: they sign in anew.
    again = await floor.customer(msgspec.structs.replace(contact, session=SessionId(new_id("se"))), scripts=False)
    await again.page.goto(f"/requests/{number}")
    await expect(again.page.get_by_role("main")).to_contain_text("Solved")
    await expect(again.log).to_contain_text("Support called")


def _event(mail: Mail) -> icalendar.Event:
    part = next(part for part in message_of(mail).walk() if part.get_content_subtype() == "calendar")
    return icalendar.Calendar.from_ical(part.get_content()).walk("VEVENT")[0]
