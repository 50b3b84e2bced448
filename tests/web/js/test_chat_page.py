"""The customer's chat page with its scripts, against a hub that a test directs."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from playwright.async_api import Page, expect

from chatsvc.hub import frames
from tests.browser import NARROW, WIDE, violations
from tests.web.js.fake_hub import LOG, ME, OTHER, FakeHub
from tests.web.js.pages import a_place, a_visit, chat_page, now
from web.static_files import scripts

pytestmark = pytest.mark.browser

# What a person may write, and must only ever be text. The last ones are not even links.
HOSTILE = [
    "<img src=x onerror=\"document.title='owned'\">",
    "<script>document.title='owned'</script>",
    "\"><svg onload=document.title='owned'>",
    "javascript:document.title='owned'",
    "data:text/html,<script>document.title='owned'</script>",
]


@dataclass
class Room:
    """The page, and the hub behind it."""

    page: Page
    hub: FakeHub

    async def open(self, state: str = "active", **changes: object) -> None:
        """Open the page in this state."""
        self.hub.page = chat_page(state)
        self.hub.visit = a_visit(state, **changes)
        connected = self.hub.connected
        await self.page.goto(f"{self.hub.address}/page")
        await self.hub.has_connected(connected + 1)
        await expect(self.page.locator("holdline-chat")).to_have_attribute("data-state", state)

    @property
    def log(self):
        return self.page.get_by_role("log")

    @property
    def words(self):
        return self.page.locator("[data-composer-text]")


@pytest.fixture
def room(page: Page, hub: FakeHub) -> Room:
    return Room(page, hub)


async def test_position_is_live_and_told_to_screen_readers(room: Room) -> None:
    await room.open("waiting", waiting=a_place(3, wait_low_s=130, wait_high_s=290))
    position = room.page.locator("[data-slot=position]")
    await expect(position).to_have_text("You are 3rd in line")
    await expect(room.page.locator("[data-slot=range]")).to_have_text("About 3 min (9 of 10 within 5 min)")

    await room.hub.shows(a_visit("waiting", waiting=a_place(2)))

    await expect(position).to_have_text("You are 2nd in line")
    await expect(room.page.locator("[data-status]")).to_have_text("You are 2nd in line")
    await expect(room.page.locator("[data-slot=range]")).to_be_hidden()


async def test_longer_wait_is_told_once_with_its_reason_and_again_when_it_rises_again(room: Room) -> None:
    await room.open("waiting", waiting=a_place(3, wait_low_s=240, wait_high_s=480))
    notice, status = room.page.locator("[data-slot=longer]"), room.page.locator("[data-status]")
    await expect(notice).to_be_hidden()
    await room.words.focus()
    longer: dict[str, Any] = {"wait_low_s": 600, "wait_high_s": 900, "longer": "fewer", "longer_at": now()}

    await room.hub.shows(a_visit("waiting", waiting=a_place(3, **longer)))

    fewer = "It takes longer than we said: fewer representatives are here than before."
    await expect(notice).to_contain_text(fewer)
    await expect(status).to_have_text(f"{fewer} About 10 min (9 of 10 within 15 min)")
    await expect(room.words).to_be_focused()
    assert await violations(room.page) == []

    # The same rise in another picture, and after the line was cut, is shown and not said.
    await status.evaluate("element => { element.textContent = '' }")
    await room.hub.shows(a_visit("waiting", waiting=a_place(3, **longer | {"wait_high_s": 840})))
    await expect(room.page.locator("[data-slot=range]")).to_have_text("About 10 min (9 of 10 within 14 min)")
    await room.hub.cut()
    await room.hub.has_connected(2)
    await room.hub.shows(a_visit("waiting", waiting=a_place(3, **longer | {"wait_high_s": 780})))
    await expect(room.page.locator("[data-slot=range]")).to_have_text("About 10 min (9 of 10 within 13 min)")
    await expect(notice).to_be_visible()
    assert "longer" not in await status.inner_text()

    again = longer | {"longer": "unknown", "longer_at": now() + timedelta(minutes=5)}
    await room.hub.shows(a_visit("waiting", waiting=a_place(2, **again)))
    sorry = "It takes longer than we said. We are sorry."
    await expect(status).to_have_text(f"You are 2nd in line {sorry} About 10 min (9 of 10 within 15 min)")

    await room.hub.shows(a_visit("waiting", waiting=a_place(2, wait_low_s=60, wait_high_s=120)))
    await expect(notice).to_be_hidden()


async def test_wait_of_hours_is_told_in_hours_with_another_way(room: Room) -> None:
    await room.open("waiting", waiting=a_place(30, wait_low_s=3_000, wait_high_s=7_260))

    await expect(room.page.locator("[data-slot=range]")).to_have_text("About 50 min (9 of 10 within 3 h)")
    await expect(room.page.locator("[data-slot=longer]")).to_contain_text("It may take more than an hour.")

    await room.hub.shows(a_visit("waiting", waiting=a_place(30, wait_low_s=4_000, wait_high_s=10_800)))

    await expect(room.page.locator("[data-slot=range]")).to_have_text("About 2 h (9 of 10 within 3 h)")


async def test_conversation_begins_without_moving_the_focus(room: Room) -> None:
    await room.open("waiting", waiting=a_place(1))
    await room.words.focus()

    await room.hub.shows(a_visit("active"))

    await expect(room.page.locator("[data-panel=waiting]")).to_be_hidden()
    await expect(room.page.locator("[data-slot=representative]")).to_have_text("Ravi Patel, representative, is here")
    await expect(room.words).to_be_focused()


async def test_nobody_is_here_any_more_once_it_is_over(room: Room) -> None:
    await room.open("active")

    await room.hub.shows(a_visit("wrap_up"))

    await expect(room.page.locator("[data-slot=representative]")).to_have_text("You talked with Ravi Patel")
    await expect(room.page.locator("[data-slot=presence]")).to_be_hidden()


async def test_own_words_show_how_far_they_got(room: Room) -> None:
    await room.open()
    room.hub.swallow = lambda frame: True
    await room.words.fill("hello")
    await room.words.press("Enter")
    state = room.log.locator("[data-slot=state]")
    await expect(state).to_contain_text("Sending…")

    first = await room.hub.hears(where=lambda frame: isinstance(frame, frames.AppendFrame))
    room.hub.swallow = lambda frame: False
    entry = room.hub.writes("hello", sender=ME, key=first.key)
    await room.hub.push(frames.StoredFrame(first.ref, LOG, first.key, 1, entry.at))
    await expect(state).to_contain_text("Sent")
    await room.hub.push(frames.Entries(LOG, (entry,)))
    await room.hub.push(frames.SeenMark(LOG, OTHER, 1))

    await expect(state).to_contain_text("Seen")
    await expect(room.log.locator("[data-entry]")).to_have_count(1)


async def test_what_the_server_masked_replaces_what_was_typed(room: Room) -> None:
    await room.open()
    room.hub.swallow = lambda frame: True
    await room.words.fill("card 4111 1111 1111 1111")
    await room.words.press("Enter")

    frame = await room.hub.hears(where=lambda frame: isinstance(frame, frames.AppendFrame))
    entry = room.hub.writes("card •••• 1111", sender=ME, key=frame.key)
    await room.hub.push(frames.Entries(LOG, (entry,)))

    await expect(room.log.get_by_text("card •••• 1111")).to_be_visible()
    await expect(room.log.get_by_text("4111")).to_have_count(0)


async def test_refused_words_say_why_and_go_back_into_the_box(room: Room) -> None:
    await room.open()
    room.hub.swallow = lambda frame: True
    await room.words.fill("too late")
    await room.words.press("Enter")

    frame = await room.hub.hears(where=lambda frame: isinstance(frame, frames.AppendFrame))
    await room.hub.push(frames.RefusedFrame(frame.ref, "chat.over", "c0ffee"))
    await expect(room.log.locator("[data-slot=state]")).to_contain_text("This conversation has ended.")
    assert await violations(room.page) == []
    await room.log.get_by_role("button", name="Put it back into the box").click()

    await expect(room.words).to_have_value("too late")
    await expect(room.log.locator("[data-entry]")).to_have_count(0)


@pytest.mark.parametrize("text", HOSTILE)
async def test_hostile_words_stay_text(room: Room, text: str) -> None:
    await room.open(representative=text)

    await room.hub.says(text)
    await room.hub.push(frames.TypingMark(LOG, OTHER, text))

    await expect(room.log.get_by_text(text, exact=True)).to_be_visible()
    await expect(room.page.locator("[data-typing]")).to_have_text(f"{text} is typing…")
    assert "owned" not in await room.page.title()
    assert await room.log.locator("img, script, a").count() == 0


async def test_only_safe_addresses_become_links(room: Room) -> None:
    await room.open()

    await room.hub.says("see https://example.com/a?b=1, ftp://example.com or mailto:help@example.com.")

    links = room.log.get_by_role("link")
    await expect(links).to_have_count(2)
    assert [await link.get_attribute("href") for link in await links.all()] == [
        "https://example.com/a?b=1",
        "mailto:help@example.com",
    ]
    assert await links.first.get_attribute("rel") == "noopener noreferrer nofollow"


async def test_days_are_marked_and_heads_not_repeated(room: Room) -> None:
    day = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
    for text, at in (
        ("a", day),
        ("b", day + timedelta(minutes=1)),
        ("c", day + timedelta(days=1)),
        ("d", day + timedelta(days=1, hours=1)),
    ):
        room.hub.writes(text, at=at)

    await room.open()

    await expect(room.log.locator(".entry--day")).to_have_text(["2 March 2026", "3 March 2026"])
    await expect(room.log.locator(".entry--continued")).to_have_text(re.compile("b"))
    moment = room.log.locator("[data-number='1'] time")
    await expect(moment).to_have_attribute("datetime", "2026-03-02T09:00:00.000Z")
    await expect(moment).to_have_attribute("title", "Monday, 2 March 2026 at 09:00:00 UTC")


async def test_whoever_reads_further_up_is_told_of_news_and_not_moved(room: Room) -> None:
    for number in range(60):
        room.hub.writes(f"line {number}")
    await room.open()
    box = room.page.locator("[data-log-scroll]")
    await expect(room.log.get_by_text("line 59", exact=True)).to_be_in_viewport()
    await box.evaluate("box => { box.scrollTop = 0; }")
    await expect(room.log.get_by_text("line 0", exact=True)).to_be_in_viewport()

    await room.hub.says("news")
    pill = room.page.get_by_role("button", name="1 new message")
    await expect(pill).to_be_visible()
    assert await box.evaluate("box => box.scrollTop") == 0
    assert await violations(room.page) == []
    await pill.click()

    await expect(room.log.get_by_text("news", exact=True)).to_be_in_viewport()
    await expect(pill).to_be_hidden()


async def test_unread_words_are_counted_in_the_title(room: Room) -> None:
    await room.open()
    title = await room.page.title()
    await room.page.evaluate("document.hasFocus = () => false")

    await room.hub.says("one")
    await room.hub.says("two")
    await room.page.wait_for_function("document.title.startsWith('(2) ')")
    await room.page.evaluate("() => { document.hasFocus = () => true; window.dispatchEvent(new Event('focus')); }")

    await room.page.wait_for_function("title => document.title === title", arg=title)
    seen = await room.hub.hears(where=lambda frame: isinstance(frame, frames.SeenFrame))
    assert seen.number == 2


async def test_lost_line_is_told_and_the_text_kept(room: Room) -> None:
    await room.open()
    banner = room.page.locator("[data-connection]")

    room.hub.is_silent = True
    await room.hub.cut()
    await expect(banner).to_have_text("Reconnecting… Your text is safe.")
    await room.words.fill("meanwhile")
    await room.words.press("Enter")
    await expect(room.log.locator("[data-slot=state]")).to_have_text("Not sent. Trying again…")
    assert await violations(room.page) == []
    room.hub.is_silent = False
    await room.hub.cut(4001, "beat_missed")

    await expect(banner).to_be_hidden()
    await expect(room.log.locator("[data-slot=state]")).to_contain_text("Sent")


async def test_undo_counts_down_by_the_servers_clock(room: Room) -> None:
    await room.open("ending", undo_until=now() + timedelta(seconds=8), ended_by_customer=False)

    await expect(room.page.locator("[data-panel=undo]")).to_contain_text("Ravi Patel ended the conversation")
    await expect(room.page.locator("[data-panel=undo]")).to_contain_text(
        re.compile(r"Undo is possible for \d seconds?")
    )
    assert await violations(room.page) == []


async def test_undo_is_over_the_moment_it_is_over_and_comes_back_with_another_end(room: Room) -> None:
    await room.page.clock.install()
    await room.open("ending", undo_until=now() + timedelta(seconds=60.5), ended_by_customer=True)
    panel = room.page.locator("[data-panel=undo]")
    await expect(panel).to_contain_text("Undo is possible for")

    await room.page.clock.run_for(60_700)

    assert "The time to undo is over." in await panel.inner_text()
    await expect(panel.get_by_role("button")).to_have_count(0)
    await expect(panel.get_by_role("progressbar")).to_have_count(0)
    assert await violations(room.page) == []

    await room.hub.shows(a_visit("active"))
    await room.hub.shows(a_visit("ending", undo_until=now() + timedelta(seconds=120), ended_by_customer=True))
    await expect(panel).to_contain_text("Undo is possible for")
    await expect(panel.get_by_role("button", name="Undo")).to_be_visible()


@pytest.mark.parametrize("state", ["waiting", "active", "ending", "wrap_up", "left"])
async def test_every_state_passes_axe_wide_and_narrow(room: Room, state: str) -> None:
    changes: dict[str, object] = {"waiting": a_place(2)} if state == "waiting" else {}
    room.hub.writes("hello")
    await room.open(state, **changes)
    await expect(room.log.get_by_text("hello")).to_be_visible()

    for size in (WIDE, NARROW):
        await room.page.set_viewport_size(size)
        assert await violations(room.page) == []


async def test_what_is_typed_is_kept_until_it_is_sent(room: Room) -> None:
    await room.open()
    await room.words.press_sequentially("half a sen")
    await room.page.reload()
    await expect(room.words).to_have_value("half a sen")

    await room.words.press("Enter")

    await expect(room.words).to_have_value("")
    await room.page.reload()
    await expect(room.words).to_have_value("")


async def test_scripts_are_small(room: Room) -> None:
    """The customer's chat carries at most 35 KB of script, as it travels."""
    asked: set[str] = set()
    room.page.on("request", lambda request: asked.add(request.url.partition("?")[0]))
    await room.open()
    await room.page.wait_for_load_state("networkidle")

    served = scripts()
    sizes = [len(served[url.partition("/static/js/")[2]].packed) for url in asked if "/static/js/" in url]

    assert len(sizes) > 10
    assert sum(sizes) <= 35 * 1024


async def test_who_goes_on_typing_after_sending_is_seen_to_type_again_at_once(room: Room) -> None:
    await room.open()
    await room.words.press_sequentially("One")
    await room.hub.hears(where=lambda frame: isinstance(frame, frames.TypingFrame))
    await room.words.press("Enter")
    await room.hub.hears(where=lambda frame: isinstance(frame, frames.AppendFrame))
    heard = len(room.hub.heard)

    await room.words.press_sequentially("and")

    await room.hub.hears(after=heard, where=lambda frame: isinstance(frame, frames.TypingFrame))
