"""The people of the stories, and what they do and see, in the words of the trade."""

import re
from pathlib import Path

from playwright.async_api import Locator, Page, expect

from chatsvc.demo import PASSWORD
from tests.browser import NARROW, WIDE, Watched, violations

# The smallest picture there is: one grey pixel.
PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d494844520000000100000001080200000090"
    "7753de0000000c4944415408d763b8bcbc0c0003f901f9d4e6d6ad0000000049454e44ae426082"
)


class Person:
    """Somebody in front of a browser."""

    def __init__(self, page: Page, watched: Watched) -> None:
        self.page = page
        self.watched = watched

    async def signs_in(self, email: str) -> None:
        """Sign in by the form."""
        await self.page.goto("/sign-in")
        await self.page.get_by_label("E-mail").fill(email)
        await self.page.get_by_label("Password", exact=True).fill(PASSWORD)
        await self.page.get_by_role("button", name="Sign in").click()
        await expect(self.page).not_to_have_url(re.compile("/sign-in"))

    async def finds_nothing_wrong(self) -> None:
        """Axe has nothing to say about the page as it stands, wide and narrow."""
        size = self.page.viewport_size
        for width in (WIDE, NARROW):
            await self.page.set_viewport_size(width)  # type: ignore[arg-type]
            assert await violations(self.page) == [], f"{self.page.url} at {width['width']}"
        if size is not None:
            await self.page.set_viewport_size(size)

    @property
    def log(self) -> Locator:
        """The conversation in front."""
        return self.page.get_by_role("log")

    @property
    def words(self) -> Locator:
        """Where they write."""
        return self.page.locator("[data-composer-text]:visible")

    async def says(self, text: str) -> None:
        """Write and press Enter, once the page's script is there: before it, Enter makes a new line and the button sends."""
        await expect(self.words.locator("xpath=ancestor::holdline-composer[@data-works]")).to_be_attached()
        await self.words.fill(text)
        await self.words.press("Enter")

    async def sees(self, text: str) -> None:
        """The words are in the conversation."""
        await expect(self.log.get_by_text(text, exact=True)).to_be_visible()

    async def sees_state(self, text: str, state: str) -> None:
        """Their own words are ``Sent`` or ``Seen``."""
        entry = self.log.locator("[data-entry]").filter(has_text=text)
        await expect(entry.locator("[data-slot=state]")).to_contain_text(state)

    async def sees_typing(self, name: str) -> None:
        """The other side is typing."""
        await expect(self.page.locator("[data-typing]:visible")).to_have_text(f"{name} is typing…")

    async def texts(self) -> list[str]:
        """All words of the conversation, in order."""
        return await self.log.locator("[data-entry] [data-slot=text]").all_inner_texts()

    async def pastes_picture(self, name: str) -> None:
        """Paste a picture, as after taking a screenshot."""
        await self.words.evaluate(
            """(box, [bytes, name]) => {
              const data = new DataTransfer();
              data.items.add(new File([new Uint8Array(bytes)], name, { type: "image/png" }));
              box.dispatchEvent(new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true }));
            }""",
            [list(PIXEL), name],
        )


class Customer(Person):
    """An authorised contact of a company."""

    async def opens_form(self, product: str) -> None:
        """From the first page to the form of a product."""
        await self.page.goto("/")
        await self.page.get_by_role("link", name="Chat with Support").first.click()
        await self.page.get_by_role("main").get_by_role("link", name=re.compile(product)).first.click()

    async def fills_form(self, subject: str, description: str = "It shows a blank page.") -> None:
        """Tell what happened and what it means; the first answer of each question that is answered by choosing."""
        await self.page.get_by_label("Subject").fill(subject)
        await self.page.get_by_label("Description").fill(description)
        await expect(self.page.locator("[data-chat-form][data-works]")).to_be_attached()
        for question in await self.page.get_by_role("group").all():
            if await question.get_by_role("radio").count():
                await question.get_by_role("radio").first.check()

    async def stands_in_line(self, product: str, subject: str, description: str = "It shows a blank page.") -> None:
        """All the way to the waiting dialog."""
        await self.opens_form(product)
        await self.fills_form(subject, description)
        await self.page.get_by_role("button", name="Stand in line").click()
        await self.sees_panel("waiting")

    async def sees_panel(self, panel: str) -> None:
        """The page is in this state."""
        await expect(self.page.locator(f"[data-panel={panel}]")).to_be_visible()

    async def sees_position(self, sentence: str) -> None:
        """Their place in line."""
        await expect(self.page.locator("[data-slot=position]")).to_have_text(sentence)

    @property
    async def ticket_number(self) -> int:
        """The number that the page shows."""
        return int(await self.page.locator("holdline-chat").get_attribute("data-number") or 0)


class Representative(Person):
    """Somebody who answers."""

    async def signs_in(self, email: str) -> None:
        """Sign in; the console is where their work begins."""
        await super().signs_in(email)
        await self.page.goto("/console")
        await expect(self.page.locator("holdline-console")).to_be_visible()

    async def is_ready(self) -> None:
        """Choose to get offers."""
        await self.page.get_by_role("combobox", name="My status").select_option("ready")
        await expect(self.page.locator("holdline-console")).to_have_attribute("data-state", "ready")

    @property
    def offer(self) -> Locator:
        """The offer on the desk."""
        return self.page.get_by_role("region", name="Offer")

    async def accepts(self) -> None:
        """Take the offer, and see the conversation."""
        await expect(self.offer).to_be_visible()
        await self.offer.get_by_role("button", name="Accept").click()
        await expect(self.offer).to_have_count(0)
        await expect(self.talk).to_be_visible()

    async def declines(self) -> None:
        """Send the offer on, and see it gone; with nobody else in the line it comes back as a new one."""
        declined = self.page.locator(f"[data-offer={await self.offer.get_attribute('data-offer')}]")
        await self.offer.get_by_label("Reason for declining").select_option(index=1)
        await self.offer.get_by_role("button", name="Decline").click()
        await expect(declined).to_have_count(0)

    @property
    def talk(self) -> Locator:
        """The conversation in front."""
        return self.page.locator(".talk[data-current]")

    @property
    def log(self) -> Locator:
        """Its log."""
        return self.talk.get_by_role("log")

    @property
    def words(self) -> Locator:
        """Where they write to it."""
        return self.talk.locator("[data-composer-text]")

    async def notes(self, text: str) -> None:
        """Write an internal note."""
        await self.talk.get_by_role("radio", name="Internal note").check()
        await self.says(text)
        await self.talk.get_by_role("radio", name="Reply").check()

    async def completes(self) -> None:
        """Fill in what the wrap-up still asks for, and complete the ticket."""
        form = self.talk.locator("[data-form=wrap_up]")
        await expect(form).to_be_visible()
        await form.get_by_label("Reason").select_option(index=1)
        await form.get_by_role("radio", name="Solved").check()
        await form.get_by_role("button", name="Complete ticket").click()


def a_file(folder: Path, name: str, content: bytes) -> Path:
    """Make a file to be attached."""
    path = folder / name
    path.write_bytes(content)
    return path
