"""The link in a mail that asks for no more of its kind: for mail programs with one click, for people with a page, and taken back (RFC 8058)."""

import httpx2

from chatsvc.accounts.model import Identity, PersonRole
from chatsvc.kernel.ids import TicketId
from chatsvc.notifications.compose import CALL_PATH, QUIET_PATH, REPORT_PATH, RESET_PATH, TICKET_PATH
from chatsvc.notifications.quiet import Wish
from chatsvc.tickets import feeds
from tests import builders
from tests.forging import forged
from tests.web.desk import Desk
from web.paths import PATHS

ONE_CLICK = {"List-Unsubscribe": "One-Click"}


def test_links_of_mails_lead_to_pages() -> None:
    paths = {RESET_PATH, CALL_PATH, TICKET_PATH, QUIET_PATH, REPORT_PATH, feeds.PATH}

    assert paths - set(PATHS.values()) == set()


async def _link(desk: Desk) -> tuple[str, Identity, TicketId]:
    contact, _ = await desk.somebody(PersonRole.CONTACT)
    ticket = await builders.a_ticket(desk.services.database, contact)
    token = desk.services.quiet.make(Wish(contact.person, ticket.id))
    return QUIET_PATH.format(token=token), contact, ticket.id


def _mail_program(desk: Desk) -> httpx2.AsyncClient:
    """Somebody without a cookie, an origin or a word where the request comes from."""
    browser = desk.visitor()
    del browser.headers["origin"]
    return browser


async def test_one_click_of_a_mail_program_is_enough(desk: Desk) -> None:
    path, contact, ticket = await _link(desk)

    answer = await _mail_program(desk).post(path, data=ONE_CLICK)
    again = await _mail_program(desk).post(path, files={"List-Unsubscribe": (None, "One-Click")})

    assert (answer.status_code, again.status_code) == (200, 200)  # a redirection would not be followed
    assert answer.headers.get("set-cookie") is None
    assert (await desk.services.tickets.quiet(ticket, contact.person)).asked


async def test_looking_at_the_link_changes_nothing_and_the_buttons_do_and_undo_it(desk: Desk) -> None:
    path, contact, ticket = await _link(desk)
    browser = desk.visitor()

    before = (await browser.get(path)).text
    assert "You still get a mail when we need something" in before
    assert not (await desk.services.tickets.quiet(ticket, contact.person)).asked

    pressed = await browser.post(path, data={})
    after = (await browser.get(pressed.headers["location"])).text
    assert "Undo: mail me again" in after
    assert (await desk.services.tickets.quiet(ticket, contact.person)).asked

    undone = await browser.post(f"{path}/undo", data={})
    assert "Undo" not in (await browser.get(undone.headers["location"])).text
    assert not (await desk.services.tickets.quiet(ticket, contact.person)).asked


async def test_the_page_of_the_ticket_leads_there_too(desk: Desk) -> None:
    contact, customer = await desk.somebody(PersonRole.CONTACT)
    _, staff = await desk.somebody(PersonRole.REPRESENTATIVE)
    ticket = await builders.a_ticket(desk.services.database, contact)
    path = QUIET_PATH.format(token=desk.services.quiet.make(Wish(contact.person, ticket.id)))

    assert f'href="{path}"' in (await customer.get(f"/requests/{ticket.number}")).text
    assert "/mails/quiet/" not in (await staff.get(f"/desk/tickets/{ticket.number}")).text


async def test_nothing_but_the_click_itself_is_taken_from_elsewhere(desk: Desk) -> None:
    path, contact, ticket = await _link(desk)
    elsewhere = desk.visitor(origin="https://evil.example")

    undo = await _mail_program(desk).post(f"{path}/undo", data={})
    others = [await elsewhere.request(method, path) for method in ("PUT", "DELETE")]
    deeper = await elsewhere.post(f"{path}/more", data=ONE_CLICK)

    assert [answer.status_code for answer in (undo, *others, deeper)] == [403] * 4
    assert not (await desk.services.tickets.quiet(ticket, contact.person)).asked


async def test_a_forged_link_is_no_link(desk: Desk) -> None:
    path, _, _ = await _link(desk)

    for bad in (forged(path), QUIET_PATH.format(token="not-a-token")):
        assert (await desk.visitor().get(bad)).status_code == 404
        assert (await _mail_program(desk).post(bad, data=ONE_CLICK)).status_code == 404


async def test_a_mail_carries_the_link_and_the_page_of_a_follower_promises_nothing_more(desk: Desk) -> None:
    _, contact, ticket = await _link(desk)
    colleague, _ = await desk.somebody(PersonRole.CONTACT, company=contact.company, name="Jan Kowalski")
    await desk.services.tickets.follow(contact, ticket, colleague.person)
    assert desk.services.mailbox is not None

    # What the worker does with it: without a mail server it is kept.
    await desk.services.sender.run_once()
    [mail] = [mail for mail in await desk.services.mailbox.kept_letters() if mail.to_name == "Jan Kowalski"]

    assert mail.unsubscribe is not None
    path = mail.unsubscribe.removeprefix(desk.services.settings.base_url)
    assert f'href="{mail.unsubscribe}"' in mail.html
    assert "You still get a mail" not in (await desk.visitor().get(path)).text
