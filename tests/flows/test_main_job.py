"""A customer chats with a representative, and a full ticket is what remains (K4): the whole story, in two browsers, step by step."""

import re
from pathlib import Path

import pytest
from playwright.async_api import expect

from tests.faults.proxy import Proxy
from tests.flows.conftest import Cast
from tests.flows.people import Customer, Representative, a_file

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]


async def in_conversation(cast: Cast, subject: str, product: str = "Expense") -> tuple[Customer, Representative]:
    """A customer and a representative who have just met."""
    customer, representative = await cast.customer(), await cast.representative()
    await customer.stands_in_line(product, subject)
    await representative.is_ready()
    await representative.accepts()
    await customer.sees_panel("talk")
    return customer, representative


async def test_from_the_first_page_to_the_ticket(cast: Cast, tmp_path: Path) -> None:
    customer = await cast.customer()
    await customer.finds_nothing_wrong()

    # The form asks what happened and what it means.
    await customer.opens_form("Expense")
    await customer.finds_nothing_wrong()
    await customer.fills_form("Report does not open")
    await customer.page.get_by_role("button", name="Stand in line").click()

    # The ticket exists at once; the customer sees their place, here and in a second tab.
    await customer.sees_panel("waiting")
    await customer.sees_position("You are next in line")
    number = await customer.ticket_number
    assert number > 0
    await customer.finds_nothing_wrong()
    await customer.page.reload()
    await customer.sees_position("You are next in line")
    second_tab = await customer.watched.context.new_page()
    await second_tab.goto(customer.page.url)
    await expect(second_tab.locator("[data-slot=position]")).to_have_text("You are next in line")
    await customer.says("One more detail while I wait")
    await customer.sees_state("One more detail while I wait", "Sent")

    # A representative becomes ready, is offered the place, and takes it.
    representative = await cast.representative()
    await representative.finds_nothing_wrong()
    await representative.is_ready()
    await expect(representative.offer).to_contain_text("Report does not open")
    await expect(representative.offer).to_contain_text(re.compile(r"\d+ seconds? left"))
    await representative.finds_nothing_wrong()
    await representative.accepts()
    await expect(representative.words).to_be_focused()
    await expect(customer.page.locator("[data-slot=representative]")).to_contain_text(
        "Ravi Patel, representative, is here"
    )
    await expect(customer.page.locator("[data-panel=waiting]")).to_be_hidden()
    await expect(second_tab.locator("[data-slot=representative]")).to_contain_text("Ravi Patel")
    await representative.sees("One more detail while I wait")
    await expect(representative.page.locator(".desk__side")).to_contain_text("claire@nordwind.example")
    await representative.finds_nothing_wrong()

    # They talk: typing, stored, seen.
    await customer.words.press_sequentially("I ca")
    await representative.sees_typing("Claire Fontaine")
    await customer.says("I can not open it")
    await representative.sees("I can not open it")
    await customer.page.bring_to_front()
    await representative.page.bring_to_front()
    await customer.sees_state("I can not open it", "Seen")
    await representative.says("Thank you, I am looking")
    await customer.sees("Thank you, I am looking")
    await expect(second_tab.get_by_role("log").get_by_text("Thank you, I am looking", exact=True)).to_be_visible()
    await second_tab.close()

    # Files: pasted by one, picked by the other.
    await customer.pastes_picture("screen.png")
    await expect(customer.page.locator("[data-upload]")).to_contain_text("screen.png")
    await customer.says("This is what I see")
    await expect(representative.log.get_by_role("link", name=re.compile("screen.png"))).to_be_visible()
    await expect(representative.log.locator("a.file--picture img")).to_have_js_property("naturalWidth", 1)
    guide = a_file(tmp_path, "guide.pdf", b"%PDF-1.4\n%%EOF\n")
    await representative.talk.locator("[data-composer-files]").set_input_files(guide)
    await representative.says("Please follow this")
    await expect(customer.log.get_by_role("link", name=re.compile("guide.pdf"))).to_be_visible()
    await customer.finds_nothing_wrong()

    # A prepared reply, by keys alone.
    await representative.words.press("/")
    await representative.words.press_sequentially("screenshot")
    await expect(representative.page.get_by_role("listbox").get_by_role("option")).to_have_count(1)
    await representative.finds_nothing_wrong()
    await representative.words.press("Enter")
    await expect(representative.words).to_have_value(re.compile("Could you send me a screenshot"))
    await representative.words.press("Enter")
    await customer.sees("Could you send me a screenshot of what you see? You can paste it straight into this window.")

    # An internal note stays inside.
    await representative.notes("Seems to be the font again")
    await representative.sees("Seems to be the font again")
    await representative.finds_nothing_wrong()
    await representative.says("One moment")
    await customer.sees("One moment")
    assert "font" not in await customer.page.content()

    # The customer ends, thinks better of it, ends again.
    await customer.page.get_by_role("button", name="End conversation").click()
    await customer.sees_panel("undo")
    await expect(representative.talk.locator("[data-panel=undo]")).to_be_visible()
    await customer.finds_nothing_wrong()
    await customer.page.get_by_role("button", name="Undo").click()
    await expect(customer.page.locator("[data-panel=undo]")).to_be_hidden()
    await customer.says("Sorry, still here")
    await representative.sees("Sorry, still here")
    await customer.page.get_by_role("button", name="End conversation").click()

    # The wrap-up is prefilled; it completes the ticket.
    form = representative.talk.locator("[data-form=wrap_up]")
    await expect(form).to_be_visible(timeout=20_000)
    await expect(form.get_by_label("Subject")).to_have_value("Report does not open")
    await representative.finds_nothing_wrong()
    await representative.completes()
    await expect(representative.page.locator(".talk")).to_have_count(0)

    # The customer rates, has the transcript and the ticket.
    await customer.sees_panel("end")
    await customer.finds_nothing_wrong()
    await customer.page.get_by_role("radio", name="5").check()
    await customer.page.get_by_role("button", name="Send rating").click()
    await expect(customer.page.get_by_text("Thank you. Your rating is stored.").first).to_be_visible()
    async with customer.page.expect_download() as downloading:
        await customer.page.get_by_role("link", name="Download transcript").click()
    transcript = Path(await (await downloading.value).path()).read_text()
    assert "I can not open it" in transcript
    assert "font" not in transcript
    await customer.page.get_by_role("link", name=f"Open ticket {number}").click()
    await expect(customer.page.get_by_role("heading", level=1)).to_have_text("Report does not open")
    await expect(customer.page.get_by_role("main")).to_contain_text("Solved")
    await customer.sees("I can not open it")
    assert "font" not in await customer.page.content()
    await customer.finds_nothing_wrong()
    await customer.page.goto("/requests?show=all")
    await expect(customer.page.get_by_role("link", name="Report does not open")).to_be_visible()
    await customer.finds_nothing_wrong()


async def test_cut_line_loses_no_word_on_either_side(cast: Cast, line: Proxy) -> None:
    customer, representative = await in_conversation(cast, "Line is bad")
    await customer.says("before")
    await representative.sees("before")

    line.is_black_hole = True
    line.cut_all()
    for person in (customer, representative):
        await expect(person.page.locator("[data-connection]")).to_have_text(re.compile("Your text is safe"))
    await customer.finds_nothing_wrong()
    await customer.says("while it was down")
    await customer.sees_state("while it was down", "Not sent. Trying again…")
    await representative.says("from the other side")
    line.is_black_hole = False
    line.cut_all()

    await expect(customer.page.locator("[data-connection]")).to_be_hidden()
    await representative.sees("while it was down")
    await customer.sees("from the other side")
    await customer.sees_state("while it was down", "S")
    ours = [text for text in await customer.texts() if "joined" not in text]
    theirs = [text for text in await representative.texts() if "joined" not in text]
    assert ours == theirs
    assert len(set(ours)) == len(ours)


async def test_what_was_typed_survives_a_reload(cast: Cast) -> None:
    customer, representative = await in_conversation(cast, "Drafts")
    await customer.words.press_sequentially("half a sen")
    await representative.words.press_sequentially("half an ans")
    await representative.talk.get_by_role("radio", name="Internal note").check()
    await representative.words.press_sequentially("half a note")

    await customer.page.reload()
    await representative.page.reload()

    await expect(customer.words).to_have_value("half a sen")
    await expect(representative.words).to_have_value("half an ans")
    await representative.talk.get_by_role("radio", name="Internal note").check()
    await expect(representative.words).to_have_value("half a note")


async def test_conversation_is_handed_over_with_its_history(cast: Cast) -> None:
    customer, representative = await in_conversation(cast, "Needs somebody else", "Travel")
    await customer.says("It is about trains")
    await representative.sees("It is about trains")
    colleague = await cast.representative("mei@holdline.example")
    await colleague.is_ready()

    await representative.talk.get_by_role("button", name="Hand over").click()
    dialog = representative.page.get_by_role("dialog")
    await expect(dialog.get_by_label("Colleague", exact=True).locator("option")).to_have_count(2)
    await representative.finds_nothing_wrong()
    await dialog.get_by_label("Colleague", exact=True).select_option(index=1)
    await dialog.get_by_label("Note for whoever takes it").fill("Knows trains better")
    await dialog.get_by_role("button", name="Hand over").click()

    await expect(representative.page.locator(".talk")).to_have_count(0)
    await expect(colleague.offer).to_contain_text("Knows trains better")
    await colleague.accepts()
    await colleague.sees("It is about trains")
    await colleague.says("Hello, I take over")
    await customer.sees("Hello, I take over")
    await expect(customer.page.locator("[data-slot=representative]")).to_contain_text("Mei Lin")
    assert "Knows trains better" not in await customer.page.content()


async def test_declined_offer_goes_on_and_the_place_stays(cast: Cast) -> None:
    customer, representative = await cast.customer("jonas@nordwind.example"), await cast.representative()
    await customer.stands_in_line("Invoice", "Declined at first")
    await representative.is_ready()

    await representative.declines()

    await customer.sees_position("You are next in line")
    await representative.accepts()
    await customer.sees_panel("talk")


async def test_customer_leaves_the_line_and_the_ticket_stays(cast: Cast) -> None:
    customer = await cast.customer("jonas@nordwind.example")
    await customer.stands_in_line("Request", "Never mind")
    number = await customer.ticket_number
    customer.page.on("dialog", lambda dialog: dialog.accept())

    await customer.page.get_by_role("button", name="Leave the line").click()

    await customer.sees_panel("left")
    await customer.finds_nothing_wrong()
    await customer.page.get_by_role("link", name=f"Open ticket {number}").click()
    await expect(customer.page.get_by_role("main")).to_contain_text("Open")

    # The ticket's page is live on both sides while it is open.
    representative = await cast.representative()
    await representative.page.goto(f"/desk/tickets/{number}")
    history = representative.page.get_by_role("log")
    await customer.says("I found it myself")
    await customer.sees("I found it myself")
    await expect(history.get_by_text("I found it myself", exact=True)).to_be_visible()
    await representative.page.get_by_placeholder("Write to the customer").fill("Good to hear")
    await representative.page.get_by_role("button", name="Send to customer").click()
    await customer.sees("Good to hear")
    await customer.finds_nothing_wrong()
    await representative.finds_nothing_wrong()
