"""The console with its scripts, against a hub that a test directs."""

import json
import re
from dataclasses import dataclass
from datetime import timedelta

import pytest
from playwright.async_api import Page, Route, expect

from chatsvc.hub import frames
from chatsvc.tickets.model import Role
from tests.browser import NARROW, WIDE, violations
from tests.web.js.fake_hub import LOG, OTHER, FakeHub
from tests.web.js.pages import CONVERSATION, NOTES, a_desk, a_talk, an_offer, console_page, now

pytestmark = pytest.mark.browser


@dataclass
class Console:
    """The page, and the hub behind it."""

    page: Page
    hub: FakeHub
    # What waits for judgement in every ticket; empty: nothing.
    claim: str = ""

    async def open(self, **desk: object) -> None:
        """Open the console with this desk."""
        self.hub.page = console_page()
        self.hub.other = ("Claire Fontaine", Role.CUSTOMER)
        self.hub.desk = a_desk(**desk)
        await self.page.route("**/api/v1/**", self._answer)
        connected = self.hub.connected
        await self.page.goto(f"{self.hub.address}/page")
        await self.hub.has_connected(connected + 1)
        await self.hub.hears(where=lambda frame: isinstance(frame, frames.Watch))

    async def _answer(self, route: Route) -> None:
        request = route.request
        path = request.url.partition("/api/v1")[2]
        if path.endswith("/customer"):
            past = [{"number": 4700, "subject": "<b>Old</b>", "state": "solved"}]
            about = {"email": "claire@nordwind.example", "impact": {"people": "some"}, "past": past}
            await route.fulfill(json=about)
        elif path.endswith("/panel") and self.claim:
            urgency = {"claim": self.claim, "proposed": "P1", "severity": "P3", "reasons": [], "contact": None,
                       "next_word_at": None, "version": 1}  # fmt: skip
            await route.fulfill(json={"urgency": urgency, "coverage": {"headline": "Open", "clock": "", "words": []}})
        elif request.method == "POST" and path.endswith("/wrap_up") and self.claim:
            lacks = not json.loads(request.post_data or "")["judgement"]
            problem = {"code": "severity.judgement_needed", "title": "It waits for your judgement."}
            await (route.fulfill(status=422, json=problem) if lacks else route.fulfill(status=204))
        elif path.startswith("/colleagues"):
            await route.fulfill(
                json={"colleagues": [{"person": "pe_2", "name": "Mei Lin", "load": 1, "capacity": 3}], "lines": []}
            )
        elif request.method == "GET" and path.endswith("/wrap_up"):
            form = {"subject": "Mails twice", "reason": None, "product": "expense", "environment": "production",
                    "severity": "P3" if self.claim else "P2",
                    "team": "engineering", "solved": False}  # fmt: skip
            await route.fulfill(json=form)
        else:
            await route.fulfill(status=204)

    @property
    def talk(self):
        return self.page.locator(".talk[data-current]")

    @property
    def words(self):
        return self.talk.locator("[data-composer-text]")

    @property
    def offer(self):
        return self.page.get_by_role("region", name="Offer")


@pytest.fixture
def console(page: Page, hub: FakeHub) -> Console:
    return Console(page, hub)


async def test_offer_is_told_and_takes_no_focus(console: Console) -> None:
    await console.open(conversations=(a_talk(),))
    await console.words.press_sequentially("I am writ")

    await console.hub.shows(a_desk(conversations=(a_talk(),), offers=(an_offer(),)))

    await expect(console.offer).to_contain_text("Approval mails arrive twice")
    await expect(console.offer).to_contain_text(re.compile(r"\d+ seconds left"))
    await expect(console.page.locator("[data-status]")).to_have_text("New offer: Claire Fontaine, Expense")
    await expect(console.words).to_be_focused()
    await console.words.press_sequentially("ing")
    await expect(console.words).to_have_value("I am writing")


async def test_enter_accepts_outside_of_fields_only(console: Console) -> None:
    await console.open(conversations=(a_talk(),), offers=(an_offer(),))
    await expect(console.offer).to_be_visible()
    await console.words.focus()
    await console.page.keyboard.press("Enter")
    assert not any(isinstance(frame, frames.Accept) for frame in console.hub.heard)

    await console.page.keyboard.press("Escape")
    await console.page.keyboard.press("Enter")

    accept = await console.hub.hears(where=lambda frame: isinstance(frame, frames.Accept))
    assert accept.epoch == 1


async def test_declining_needs_a_reason_and_a_button(console: Console) -> None:
    await console.open(offers=(an_offer(),))
    await expect(console.offer.get_by_role("button", name="Decline")).to_be_hidden()

    await console.offer.get_by_label("Reason for declining").select_option("busy")
    assert not any(isinstance(frame, frames.Decline) for frame in console.hub.heard)
    assert await violations(console.page) == []
    await console.offer.get_by_role("button", name="Decline").click()

    decline = await console.hub.hears(where=lambda frame: isinstance(frame, frames.Decline))
    assert decline.reason == "busy"


async def test_missed_offer_is_said(console: Console) -> None:
    await console.open(offers=(an_offer(deadline_at=now()),))
    await expect(console.offer).to_be_visible()

    await console.hub.shows(a_desk(state="paused", reason="missed"))

    await expect(console.page.locator(".toast")).to_contain_text("You missed an offer.")
    await expect(console.page.get_by_role("button", name=re.compile("I am back"))).to_be_visible()
    await console.page.keyboard.press("r")
    wish = await console.hub.hears(where=lambda frame: isinstance(frame, frames.SetDesk))
    assert wish.state == "ready"


async def test_accepted_conversation_comes_to_the_front_ready_to_write(console: Console) -> None:
    await console.open(offers=(an_offer(),))
    await console.offer.get_by_role("button", name="Accept").click()

    await console.hub.shows(a_desk(load=1, conversations=(a_talk(),)))

    await expect(console.words).to_be_focused()
    await expect(console.page.locator("[data-context]")).to_contain_text("claire@nordwind.example")
    await expect(console.page.locator("[data-context]")).to_contain_text("<b>Old</b>")
    await expect(console.page.locator("[data-slot=clock-theirs]")).to_have_text(re.compile(r"\w{3} \d\d:\d\d"))


async def test_note_and_reply_cannot_be_confused(console: Console) -> None:
    await console.open(conversations=(a_talk(),))
    await console.words.fill("for the customer")

    await console.talk.get_by_role("radio", name="Internal note").check()
    await expect(console.words).to_have_value("")
    await expect(console.talk.get_by_text("the customer never sees this")).to_be_visible()
    assert await violations(console.page) == []
    await console.words.fill("for us")
    await console.words.press("Enter")
    note = await console.hub.hears(where=lambda frame: isinstance(frame, frames.AppendFrame))
    await console.talk.get_by_role("radio", name="Reply").check()
    await expect(console.words).to_have_value("for the customer")
    await console.words.press("Enter")
    reply = await console.hub.hears(
        where=lambda frame: isinstance(frame, frames.AppendFrame) and frame.kind == "message"
    )

    assert (note.kind, note.log, note.text) == ("note", NOTES, "for us")
    assert (reply.log, reply.text, reply.epoch) == (LOG, "for the customer", 7)
    await expect(console.talk.locator(".entry--note")).to_contain_text("for us")


async def test_prepared_reply_is_picked_by_keys_and_filled_in(console: Console) -> None:
    await console.open(conversations=(a_talk(),))

    await console.words.press("/")
    await expect(console.page.get_by_role("listbox").get_by_role("option")).to_contain_text("Good day Claire Fontaine")
    assert await violations(console.page) == []
    await console.words.press("Enter")

    await expect(console.words).to_have_value("Good day Claire Fontaine, I have read your ticket 4812.")
    assert not any(isinstance(frame, frames.AppendFrame) for frame in console.hub.heard)
    await expect(console.page.get_by_role("listbox")).to_be_hidden()


async def test_slash_in_a_note_is_a_slash(console: Console) -> None:
    await console.open(conversations=(a_talk(),))
    await console.talk.get_by_role("radio", name="Internal note").check()

    await console.words.press("/")

    await expect(console.page.get_by_role("listbox")).to_be_hidden()


async def test_unread_words_of_the_other_conversation_are_marked(console: Console) -> None:
    other = a_talk(id="cv_00000000000000000002", log="lg_0000000000000000000c", notes_log="lg_0000000000000000000d",
                   ticket="tk_00000000000000000002", customer="Haruka Sato", customer_id="pe_other0000000000002")  # fmt: skip
    await console.open(conversations=(a_talk(), other))
    row = console.page.get_by_role("button", name=re.compile("Haruka Sato"))
    await console.hub.hears(where=lambda frame: isinstance(frame, frames.Open) and frame.log == other.log)
    await console.hub.says("ready", log=LOG)
    await expect(console.talk.get_by_text("ready", exact=True)).to_be_visible()

    await console.hub.says("Is anybody there?", log=other.log)

    await expect(row).to_contain_text("Is anybody there?")
    await expect(row.locator("[data-slot=unread]")).to_have_text(re.compile("1 unread"))
    await expect(row.locator("[data-slot=silent]")).to_have_class(re.compile("late"))
    await console.page.wait_for_function("document.title.startsWith('(1) ')")
    for size in (WIDE, NARROW):
        await console.page.set_viewport_size(size)
        assert await violations(console.page) == []
    await row.click()
    await expect(row.locator("[data-slot=unread]")).to_be_hidden()


async def test_keys_work_by_their_letters_and_can_be_switched_off(console: Console) -> None:
    await console.open(conversations=(a_talk(),))
    await expect(console.talk).to_be_visible()

    await console.page.keyboard.press("n")
    await expect(console.words).to_be_focused()
    await expect(console.talk.get_by_role("radio", name="Internal note")).to_be_checked()
    await expect(console.words).to_have_value("")
    await console.page.keyboard.press("Escape")
    await console.page.keyboard.press("?")
    dialog = console.page.get_by_role("dialog")
    await expect(dialog).to_be_visible()
    assert await violations(console.page) == []
    await dialog.get_by_role("checkbox").uncheck()
    await console.page.keyboard.press("Escape")
    await expect(dialog).to_be_hidden()
    await console.page.locator("body").click(position={"x": 600, "y": 400})
    await console.page.keyboard.press("m")

    await expect(console.words).not_to_be_focused()


async def test_key_counts_while_the_button_of_a_closed_dialog_still_has_the_focus(console: Console) -> None:
    await console.open(conversations=(a_talk(),))
    await expect(console.talk).to_be_visible()

    await console.page.locator("[data-dialog=keys] button").first.evaluate(
        "(button) => button.dispatchEvent(new KeyboardEvent('keydown', { key: 'n', bubbles: true, cancelable: true }))"
    )

    await expect(console.words).to_be_focused()


async def test_korean_keyboard_finds_its_keys_by_their_places(console: Console) -> None:
    await console.open(conversations=(a_talk(),))
    await expect(console.talk).to_be_visible()

    await console.page.evaluate(
        "document.body.dispatchEvent(new KeyboardEvent('keydown', { key: 'ㅡ', code: 'KeyM', bubbles: true }))"
    )

    await expect(console.words).to_be_focused()


async def test_hand_over_goes_to_one_target_with_a_note(console: Console) -> None:
    await console.open(conversations=(a_talk(),))
    await console.talk.get_by_role("button", name="Hand over").click()
    dialog = console.page.get_by_role("dialog")
    await expect(dialog.get_by_label("Colleague", exact=True).locator("option")).to_have_text(
        ["Choose a colleague", "Mei Lin (1 of 3)"]
    )
    assert await violations(console.page) == []

    await dialog.get_by_label("Colleague", exact=True).select_option("pe_2")
    await dialog.get_by_label("Note for whoever takes it").fill("Knows it better")
    async with console.page.expect_request("**/hand_over") as asking:
        await dialog.get_by_role("button", name="Hand over").click()

    assert json.loads((await asking.value).post_data or "") == {"person": "pe_2", "note": "Knows it better"}
    await expect(dialog).to_be_hidden()


async def test_what_counts_down_says_that_it_is_over_and_offers_nothing_more(console: Console) -> None:
    await console.page.clock.install()
    await console.open(
        conversations=(a_talk(state="ending", due_at=now() + timedelta(seconds=40.5)),),
        offers=(an_offer(deadline_at=now() + timedelta(seconds=40.5)),),
    )
    undo = console.talk.locator("[data-panel=undo]")
    await expect(undo.get_by_role("button", name="Undo")).to_be_visible()

    await console.page.clock.run_for(40_700)

    assert "The time to undo is over." in await undo.inner_text()
    await expect(undo.get_by_role("button")).to_have_count(0)
    assert "The time to answer is over." in await console.offer.inner_text()
    await expect(console.offer.get_by_role("button", name="Accept")).to_have_count(0)


async def test_ending_can_be_undone_and_leads_to_a_prefilled_wrap_up(console: Console) -> None:
    await console.open(conversations=(a_talk(),))
    async with console.page.expect_request(f"**/conversations/{CONVERSATION}/end"):
        await console.talk.get_by_role("button", name="End", exact=True).click()
    await console.hub.shows(a_desk(conversations=(a_talk(state="ending", due_at=now() + timedelta(seconds=9)),)))
    await expect(console.talk).to_contain_text(re.compile(r"Undo is possible for \d seconds"))
    async with console.page.expect_request("**/undo_end"):
        await console.talk.get_by_role("button", name="Undo").click()

    await console.hub.shows(a_desk(conversations=(a_talk(state="wrap_up", due_at=now() + timedelta(seconds=90)),)))
    form = console.talk.locator("[data-form=wrap_up]")
    await expect(form.get_by_label("Subject")).to_have_value("Mails twice")
    await expect(form).to_contain_text(re.compile(r"Completes by itself in 1:\d\d"))
    for size in (NARROW, WIDE):
        await console.page.set_viewport_size(size)
        assert await violations(console.page) == []
    async with console.page.expect_request("**/extend"):
        await form.get_by_role("button", name="More time").click()
    async with console.page.expect_request(
        lambda request: request.method == "POST" and request.url.endswith("/wrap_up")
    ) as asking:
        await form.get_by_label("Reason").select_option(index=1)
        await form.get_by_role("button", name="Complete ticket").click()

    sent = json.loads((await asking.value).post_data or "")
    assert sent["subject"] == "Mails twice"
    assert sent["solved"] is False
    assert sent["severity"] == "P2"


async def test_wrap_up_asks_for_the_judgement_that_is_missing(console: Console) -> None:
    console.claim = "proposed"
    await console.open(conversations=(a_talk(state="wrap_up", due_at=now() + timedelta(seconds=90)),))
    form = console.talk.locator("[data-form=wrap_up]")
    await expect(form).to_contain_text("Proposed P1: judge it")
    await form.get_by_label("Reason").select_option(index=1)
    words = form.get_by_label("Your judgement, as the customer reads it")
    assert await words.evaluate("field => field.validity.valueMissing")
    # A severity that grants it needs no words here; the server has the last one.
    await form.get_by_label("Priority").select_option("P1")
    await form.get_by_role("button", name="Complete ticket").click()

    await expect(form.locator("[data-slot=refused]")).to_have_text("It waits for your judgement.")
    await expect(words).to_be_focused()
    assert await violations(console.page) == []
    await words.fill("The mobile page works.")
    async with console.page.expect_request(
        lambda request: request.method == "POST" and request.url.endswith("/wrap_up")
    ) as asking:
        await form.get_by_role("button", name="Complete ticket").click()

    assert json.loads((await asking.value).post_data or "")["judgement"] == "The mobile page works."


async def test_wrap_up_of_an_ordinary_talk_asks_for_no_judgement(console: Console) -> None:
    await console.open(conversations=(a_talk(state="wrap_up", due_at=now() + timedelta(seconds=90)),))

    await expect(console.talk.locator("[data-form=wrap_up]").get_by_label("Subject")).to_have_value("Mails twice")
    await expect(console.talk.get_by_label("Your judgement, as the customer reads it")).to_be_hidden()


async def test_typing_customer_is_seen_in_the_list(console: Console) -> None:
    await console.open(conversations=(a_talk(),))
    await console.hub.hears(where=lambda frame: isinstance(frame, frames.Open))

    await console.hub.push(frames.TypingMark(LOG, OTHER, "Claire Fontaine"))

    await expect(console.page.locator("[data-talk-list]")).to_contain_text("typing…")
    await expect(console.talk.locator("[data-typing]")).to_have_text("Claire Fontaine is typing…")


async def test_a_call_is_told_counted_in_the_title_and_leads_to_its_page(console: Console) -> None:
    await console.open()
    title = await console.page.title()

    await console.hub.shows(a_desk(offers=(an_offer(waiting_for="call"),)))

    await expect(console.offer).to_contain_text("By telephone: you see the number, then you call")
    await expect(console.page.locator("[data-status]")).to_have_text("New call: Claire Fontaine, Expense")
    assert await console.page.title() == f"(1) {title}"
    assert await violations(console.page) == []
    await console.page.keyboard.press("Enter")
    await console.hub.hears(where=lambda frame: isinstance(frame, frames.Accept))
    await console.hub.shows(a_desk(conversations=(a_talk(call="waits"),)))

    link = console.talk.get_by_role("link", name="Open the call")
    await expect(link).to_be_focused()
    assert await link.get_attribute("href") == f"/desk/calls/{CONVERSATION}"
    await expect(console.talk.get_by_role("button", name="Hand over")).to_be_hidden()
    await expect(console.talk.locator("[data-slot=call]")).to_have_text("This customer waits for your call.")
    assert await console.page.title() == title
    assert await violations(console.page) == []
    await console.hub.shows(a_desk(conversations=(a_talk(call="on"),)))
    await expect(console.talk.locator("[data-slot=call]")).to_have_text("You are on the telephone with this customer.")


async def test_a_chat_says_nothing_of_a_call(console: Console) -> None:
    await console.open(conversations=(a_talk(),))

    await expect(console.talk).to_be_visible()
    await expect(console.page.get_by_role("link", name="Open the call")).to_be_hidden()
