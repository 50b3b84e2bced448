"""What customers read about their calls, and what their calendars are told (C3, C4)."""

from datetime import timedelta

import icalendar
import msgspec
import pytest

from chatsvc.accounts.links import Links
from chatsvc.accounts.queries import AccountQueries
from chatsvc.db.outbox import outbox
from chatsvc.kernel.ids import OutboxId
from chatsvc.notifications.compose import CallNews, Composer, Envelope
from chatsvc.notifications.mailer import Mail, message_of
from tests.callback.house import CallHouse, a_number

COMPOSER = Composer(base_url="https://desk.example", mail_from="desk@desk.example", links=Links("a key of nobody"))


async def mails(house: CallHouse) -> list[Mail]:
    """Return every mail about calls, in order."""
    accounts = AccountQueries(house.database)
    found = []
    for row in await house.rows(outbox, outbox.c.created_at):
        if row.kind == "mail.callback":
            to = await accounts.person(row.recipient)
            assert to is not None
            facts = msgspec.convert(row.payload, CallNews)
            found.append(COMPOSER.call_news(Envelope(OutboxId(row.id), row.created_at), to, facts))
    return found


@pytest.mark.parametrize("dialect", ["sqlite"])
async def test_an_invitation_is_asked_for_changed_and_taken_back(house: CallHouse) -> None:
    claire, ravi = await house.contact(), await house.ready()
    await house.planned(ravi)
    reservation = await house.books(claire, slot_at=house.slot(48))
    house.clock.advance(1)
    await house.calls.move(claire, reservation, house.slot(50))
    house.clock.advance(1)
    await house.calls.cancel(claire, reservation)

    told = [message_of(mail) for mail in await mails(house)]
    parts = [next(part for part in message.walk() if part.get_content_subtype() == "calendar") for message in told]
    assert [part.get_param("method") for part in parts] == ["REQUEST", "REQUEST", "CANCEL"]
    events = [icalendar.Calendar.from_ical(part.get_content()).walk("VEVENT")[0] for part in parts]
    assert len({str(event["uid"]) for event in events}) == 1
    assert [int(event["sequence"]) for event in events] == [0, 1, 2]
    assert [event["dtstart"].dt for event in events] == [house.slot(48), house.slot(50), house.slot(50)]
    # Without both of them no calendar takes it for an invitation (RFC 5546, 3.2.2).
    to = await AccountQueries(house.database).person(claire.person)
    assert to is not None
    assert {event["organizer"] for event in events} == {"mailto:desk@desk.example"}
    assert {(event["attendee"], event["attendee"].params["PARTSTAT"]) for event in events} == {
        (f"mailto:{to.email}", "ACCEPTED")
    }
    assert events[0]["dtend"].dt - events[0]["dtstart"].dt == timedelta(minutes=30)


@pytest.mark.parametrize("dialect", ["sqlite"])
async def test_a_mail_says_the_time_in_the_customers_zone_and_no_whole_number(house: CallHouse) -> None:
    claire, ravi = await house.contact(), await house.ready()
    await house.planned(ravi)
    reservation = await house.books(claire, slot_at=house.slot(2))

    [mail] = await mails(house)

    assert "Monday, 2 March 2026" in mail.text
    assert "12:00 CET" in mail.text
    assert a_number() not in mail.text + mail.html + (mail.calendar or "")
    link = next(word for word in mail.text.split() if word.startswith("https://desk.example/calls/"))
    assert house.calls.links.read(link.rpartition("/")[2]) == reservation


@pytest.mark.parametrize("dialect", ["sqlite"])
async def test_a_mail_about_a_call_that_is_put_off_says_from_when_on_in_the_customers_zone(house: CallHouse) -> None:
    claire, ravi = await house.contact(), await house.ready()
    await house.books(claire)
    conversation = await house.previews(ravi)
    house.clock.advance(timedelta(hours=14))
    await house.stay(ravi)
    await house.calls.dial(ravi, conversation)

    mail = (await mails(house))[-1]

    assert "comes later" in mail.subject
    assert "Tuesday, 3 March 2026, 08:00 CET" in mail.text
    assert "https://desk.example/calls/" in mail.text


TURNS = ("booked", "moved", "renumbered", "put_off", "reminder", "next", "apology", "number", "declined")
ENDS = ("cancelled", "merged", "answered", "unreachable", "expired", "blocked")


@pytest.mark.parametrize("dialect", ["sqlite"])
async def test_every_turn_of_a_call_has_its_words(house: CallHouse) -> None:
    await house.books(await house.contact())
    [row] = [row for row in await house.rows(outbox) if row.kind == "mail.callback"]
    to = await AccountQueries(house.database).person(row.recipient)
    assert to is not None

    for what in TURNS + ENDS:
        facts = msgspec.structs.replace(msgspec.convert(row.payload, CallNews), what=what)
        mail = COMPOSER.call_news(Envelope(OutboxId(row.id), row.created_at), to, facts)

        assert str(facts.number) in mail.subject
        assert ("Book another call" in mail.text) == (what in ENDS)


async def test_whoever_comes_to_the_head_of_the_line_is_told_once_and_nobody_else(house: CallHouse) -> None:
    first, second = await house.contact(), await house.contact()
    before = await house.books(first)
    behind = await house.books(second, number=a_number(1))
    await house.calls.sweep()
    # The first was next when the call was booked, and the second is not.
    assert (await house.told(before), await house.told(behind)) == (["booked"], ["booked"])

    await house.calls.cancel(first, before)
    for _ in range(2):
        await house.calls.sweep()

    assert await house.told(behind) == ["booked", "next"]
    assert await house.told(before) == ["booked", "cancelled"]
