"""A request's whole life: the form with something missing, a question, an answer, solved, opened again, closed, and eight days later a
follow-up (T3, T7 to T10).

It is told three times: in German by keys alone, in Japanese by taps on a telephone's screen, in Brazilian Portuguese with a mouse. The desk
lives in this process by a clock of its own. Nothing is looked up by words, so that the story is the same in every language:
``HOLDLINE_TEST_LANGUAGES=en,de,fr`` tells it in those, with one pair of hands after the other.
"""

import asyncio
import os
import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from itertools import cycle
from pathlib import Path

import pytest
from playwright.async_api import Browser, Locator, Page, expect

from chatsvc.accounts.model import Identity
from chatsvc.kernel.languages import LANGUAGES
from tests import builders
from tests.browser import NARROW, WIDE, Watched, violations
from tests.flows.desk_of_today import Served, served
from tests.flows.test_keyboard import press, tab_to
from tests.web.world import signed_in_anew

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

TOLD_IN = os.environ.get("HOLDLINE_TEST_LANGUAGES", "de,ja,pt_BR").split(",")
TAGS = {language.code: language.tag for language in LANGUAGES}
# What the customer writes: subject, steps, answer; in other languages English.
WORDS = {
    "de": ("Beleg steht kopf", "Ein Foto anhängen.", "Ein neues."),
    "ja": ("領収書が逆さまです", "写真を添付します。", "新しいものです。"),
    "pt_BR": ("O recibo está de cabeça para baixo", "Anexar uma foto.", "Um novo."),
}
ENGLISH_WORDS = ("Receipt is upside down", "Attach a photo.", "A new one.")


@pytest.fixture
async def desk(sqlite_template: Path, tmp_path: Path, redis_address: str) -> AsyncIterator[Served]:
    """A desk that is served on a port of its own."""
    async with served(sqlite_template, tmp_path, redis_address) as desk:
        yield desk


@asynccontextmanager
async def sitting(browser: Browser, desk: Served, who: Identity, *, phone: bool = False, script: bool = True) -> AsyncIterator[Page]:  # fmt: skip
    """Somebody in front of a browser, signed in; in the end nothing has gone wrong in it."""
    context = await browser.new_context(
        base_url=desk.address,
        viewport=NARROW if phone else WIDE,
        has_touch=phone,
        locale="en-GB",
        java_script_enabled=script,
    )
    watched = Watched(context)
    await sign_in(context, desk, who)
    yield await context.new_page()
    await context.close()
    assert watched.wrongs == []


async def sign_in(context: object, desk: Served, who: Identity) -> None:
    """Give a browser a new session: after days the old one is over."""
    _, token = await signed_in_anew(desk.services, who)
    await context.add_cookies([{"name": "holdline_session", "value": token, "url": desk.address}])  # type: ignore[attr-defined]


async def is_clean(page: Page) -> None:
    """Axe has nothing to say."""
    assert await violations(page) == [], page.url


class Keys:
    """Somebody who has a keyboard alone."""

    phone = False

    async def press(self, target: Locator) -> None:
        """Press a button, follow a link, open what is folded."""
        await press(target.page, target)

    async def check(self, target: Locator) -> None:
        """Choose one of several that are all in sight: from the first of them by arrows."""
        group = target.page.locator(f"input[name={await target.get_attribute('name')}]")
        await tab_to(target.page, group.first)
        await target.page.keyboard.press("Space")
        for _ in range(await group.count()):
            if await target.is_checked():
                return
            await target.page.keyboard.press("ArrowDown")
        raise AssertionError(f"{target} cannot be chosen")

    async def choose(self, control: Locator, value: str) -> None:
        """Choose in a list."""
        await tab_to(control.page, control)
        for _ in range(10):
            if await control.input_value() == value:
                return
            await control.page.keyboard.press("ArrowDown")
        raise AssertionError(f"{value} cannot be chosen")

    async def write(self, control: Locator, text: str) -> None:
        """Go to a field and type."""
        await tab_to(control.page, control)
        await control.page.keyboard.type(text)


class Mouse:
    """Somebody who points, and types only words."""

    phone = False

    async def press(self, target: Locator) -> None:
        """Press a button, follow a link, open what is folded."""
        await target.click()

    async def check(self, target: Locator) -> None:
        """Choose one of several that are all in sight."""
        await self.press(target.page.locator("label").filter(has=target))

    async def choose(self, control: Locator, value: str) -> None:
        """Choose in a list."""
        await control.select_option(value)

    async def write(self, control: Locator, text: str) -> None:
        """Go to a field and type."""
        await self.press(control)
        await control.page.keyboard.type(text)


class Fingers(Mouse):
    """Somebody with a telephone."""

    phone = True

    async def press(self, target: Locator) -> None:
        """Tap."""
        await target.tap()


TELLINGS = list(zip(TOLD_IN, cycle((Keys(), Fingers(), Mouse())), strict=False))


async def opens(hands: Keys | Mouse, page: Page, action: str) -> None:
    """Press the button of a form."""
    await hands.press(page.locator(f"form[action$='{action}'] button"))


@pytest.mark.parametrize(("language", "hands"), TELLINGS, ids=TOLD_IN)
async def test_a_request_from_the_form_to_its_follow_up(
    browser: Browser, desk: Served, language: str, hands: Keys | Mouse
) -> None:
    database, clock = desk.services.database, desk.clock
    subject, steps, answer = WORDS.get(language, ENGLISH_WORDS)
    at_desk = Mouse() if hands.phone else hands  # nobody works here on a telephone
    contact = await builders.a_contact(database, language=language)
    rep = await builders.a_representative(database)
    async with AsyncExitStack() as stack:
        page = await stack.enter_async_context(sitting(browser, desk, contact, phone=hands.phone))
        staff = await stack.enter_async_context(sitting(browser, desk, rep))

        # The form: fields come with the reason, and something is missing.
        await page.goto("/requests")
        await hands.press(page.locator("main a[href='/requests/new']").first)
        await expect(page).to_have_url(re.compile("/requests/new$"))
        await expect(page.locator("html")).to_have_attribute("lang", TAGS[language])
        await expect(page.locator("[data-rest]")).to_be_hidden()
        await hands.check(page.locator("input[value=malfunction]"))
        await expect(page.locator("input[value=malfunction]")).to_be_checked()
        await expect(page.locator("[name=steps]")).to_be_visible()
        await expect(page.locator("[name=access_kind]")).to_be_hidden()
        await is_clean(page)
        await hands.write(page.locator("[name=subject]"), subject)
        submit = page.locator("button[name=then][value=show]")
        await hands.press(submit)
        await expect(page.locator("[name=product]")).to_be_focused()
        await hands.choose(page.locator("[name=product]"), "expense")
        await hands.choose(page.locator("[name=environment]"), "production")
        await expect(page.locator("[name=steps]")).to_have_attribute("required", "")
        await hands.write(page.locator("[name=steps]"), steps)

        # Nothing typed is lost by a reload.
        await page.reload()
        await expect(page.locator("[name=subject]")).to_have_value(subject)
        await expect(page.locator("[name=steps]")).to_have_value(steps)
        await hands.write(page.locator("[name=description]"), steps)
        await hands.press(submit)
        await expect(page).to_have_url(re.compile(r"/requests/\d+$"))
        number = page.url.rpartition("/")[2]
        await expect(page.locator("h1")).to_have_text(subject)
        await is_clean(page)

        # The representative asks; the customer answers.
        await staff.goto(f"/desk/tickets/{number}")
        await at_desk.press(staff.locator("details:has([name=needed]) > summary"))
        await at_desk.write(staff.locator("[name=needed]"), "Which telephone?")
        # They see each other type; a saved reply is chosen with "/" and not sent.
        words = staff.locator("[data-composer-text]")
        await at_desk.write(words, "/moment")
        await staff.keyboard.press("Enter")
        await expect(words).to_have_value(re.compile("two or three minutes"))
        await expect(page.locator("[data-typing]")).to_contain_text("Ravi Patel")
        await words.fill("")
        await tab_to(staff, staff.locator("[name=needed]"))
        await opens(at_desk, staff, f"/{number}/ask")
        await expect(staff.locator(".flash, .notice--good").first).to_be_visible()
        await is_clean(staff)
        await page.reload()
        await expect(page.locator(".life__words")).to_have_text("Which telephone?")
        await is_clean(page)
        await hands.write(page.locator("[data-composer-text]"), answer)
        await hands.press(page.locator("[data-composer-send]"))
        await expect(page.get_by_role("log")).to_contain_text(answer)
        await expect(page.locator("[data-slot=state]").filter(has_text=re.compile(".")).first).to_be_visible()

        # Solved, opened again, closed.
        await staff.reload()
        await at_desk.press(staff.locator("details:has([name=solution]) > summary"))
        await at_desk.write(staff.locator("[name=solution]"), "Photos are turned now.")
        await opens(at_desk, staff, f"/{number}/solve")
        await expect(staff.locator(".badge--solved").first).to_be_visible()
        await page.reload()
        await expect(page.locator("#solution")).to_be_visible()
        await is_clean(page)
        await opens(hands, page, f"/{number}/reopen")
        await expect(page.locator(".badge--open").first).to_be_visible()
        await opens(hands, page, f"/{number}/close")
        await expect(page.locator(".badge--closed").first).to_be_visible()
        await is_clean(page)

        # Day 8: only a follow-up is possible. A page that stays open would lead to the sign-in by itself meanwhile.
        await page.goto("about:blank")
        clock.advance(timedelta(days=8))
        await asyncio.gather(*(sweep() for sweep in desk.services.sweeps))
        await sign_in(page.context, desk, contact)
        await page.goto(f"/requests/{number}")
        await expect(page.locator(f"form[action$='/{number}/reopen']")).to_have_count(0)
        await opens(hands, page, f"/{number}/follow-up")
        await expect(page.locator(f"main a[href='/requests/{number}']")).to_be_visible()
        assert page.url.rpartition("/")[2] != number
        await is_clean(page)


async def test_the_form_needs_no_script(browser: Browser, desk: Served, tmp_path: Path) -> None:
    contact = await builders.a_contact(desk.services.database)
    picture = tmp_path / "what I saw.txt"
    picture.write_text("an error")
    async with sitting(browser, desk, contact, script=False) as page:
        await page.goto("/requests/new")
        await page.locator("input[value=subscription]").check()
        await page.locator("button[value=fields]").click()
        await expect(page.locator("[name=wish]")).to_be_visible()
        await page.locator("[name=wish]").select_option("cancel")
        await page.locator("[name=subject]").fill("Cancel it")
        await page.locator("[name=description]").fill("Please.")
        await page.locator("[name=files]").set_input_files(picture)
        await page.locator("button[value=attach]").click()
        # From which day was not asked for yet: now it is, and nothing is lost.
        await expect(page.locator("[data-error-summary] a")).to_have_attribute("href", "#f-effective_on")
        await expect(page.locator("[name=kept]")).to_be_checked()
        await page.locator("[name=effective_on]").fill("2027-03-01")
        await page.locator("button[value=attach]").click()
        await expect(page).to_have_url(re.compile(r"/requests/\d+#f-files-box$"))
        await expect(page.locator("#f-files-box")).to_be_focused()
        await expect(page.get_by_text("what I saw.txt")).to_be_visible()


async def fills_in_review(page: Page) -> None:
    """Fill in the form for a review of the subscription, up to sending it."""
    await page.goto("/requests/new")
    await page.locator("input[value=subscription]").check()
    await page.locator("[name=wish]").select_option("review")
    await page.locator("[name=subject]").fill("Review it")
    await page.locator("[name=description]").fill("Please.")


async def test_t4_whoever_submits_to_add_an_attachment_stands_at_the_files(browser: Browser, desk: Served) -> None:
    contact = await builders.a_contact(desk.services.database)
    async with sitting(browser, desk, contact) as page:
        await fills_in_review(page)
        await press(page, page.locator("button[value=attach]"))
        await expect(page.locator("#f-files-box")).to_be_focused()
        await expect(page.locator("holdline-composer[data-works]")).to_be_attached()
        await page.keyboard.press("Tab")
        await expect(page.locator("[data-composer-attach]")).to_be_focused()


async def test_what_was_typed_outlives_the_session(browser: Browser, desk: Served) -> None:
    contact = await builders.a_contact(desk.services.database)
    async with sitting(browser, desk, contact) as page:
        await fills_in_review(page)
        await page.context.clear_cookies()
        await page.locator("button[value=show]").click()
        await expect(page).to_have_url(re.compile("/sign-in"))
        await sign_in(page.context, desk, contact)
        await page.goto(await page.locator("#main input[name=next]").input_value())
        await expect(page.locator("[name=subject]")).to_have_value("Review it")
        await page.locator("button[value=show]").click()
        await expect(page.locator("h1")).to_have_text("Review it")


# Gives the form a file as a hand would: out of the clipboard, or let go above it.
GIVE = """(form, [way, name]) => {
  const data = new DataTransfer();
  data.items.add(new File(["an error"], name, { type: "text/plain" }));
  const facts = { bubbles: true, cancelable: true };
  if (way === "paste") return form.dispatchEvent(new ClipboardEvent("paste", { ...facts, clipboardData: data }));
  for (const kind of ["dragover", "drop"]) form.dispatchEvent(new DragEvent(kind, { ...facts, dataTransfer: data }));
}"""


async def test_t4_files_are_chosen_pasted_and_dropped_and_a_lost_line_loses_nothing(
    browser: Browser, desk: Served, tmp_path: Path
) -> None:
    contact = await builders.a_contact(desk.services.database)
    chosen = tmp_path / "chosen.txt"
    chosen.write_text("an error")
    async with sitting(browser, desk, contact) as page:
        await fills_in_review(page)
        await page.locator("[name=files]").set_input_files(chosen)
        form = page.locator("form", has=page.locator("[name=files]"))
        await form.evaluate(GIVE, ["paste", "pasted.txt"])
        await form.evaluate(GIVE, ["drop", "dropped.txt"])

        await page.context.set_offline(True)
        await page.locator("button[value=show]").click()
        await expect(page.locator("[role=status]").filter(has_text=re.compile(r"\S")).first).to_be_attached()
        assert page.url.endswith("/requests/new")
        await page.context.set_offline(False)
        await page.locator("button[value=show]").click()

        await expect(page).to_have_url(re.compile(r"/requests/\d+"))
        for name in ("chosen.txt", "pasted.txt", "dropped.txt"):
            await expect(page.get_by_text(name)).to_be_visible()
