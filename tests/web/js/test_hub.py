"""core/hub.js and core/socket.js against a hub that misbehaves on purpose: nothing is lost, nothing doubled, nothing guessed."""

import asyncio
from http import HTTPStatus

import pytest
from playwright.async_api import Page, expect

from chatsvc.hub import frames
from tests.web.js.fake_hub import LOG, FakeHub

pytestmark = pytest.mark.browser

# Follows the log as a page does; what arrives stands in ``window.texts``, resets and states of the line beside it.
FOLLOW = """async ([log, address]) => {
  const { Hub } = await import("/static/js/core/hub.js");
  window.texts = []; window.resets = 0; window.states = []; window.pending = [];
  window.hub = new Hub(address);
  window.hub.onState((state) => window.states.push(state));
  window.hub.follow(log, {
    entries: (entries) => window.texts.push(...entries.map((entry) => `${entry.number} ${entry.body.text}`)),
    reset: () => { window.resets += 1; window.texts = []; },
  });
  window.hub.start();
}"""


async def follow(page: Page) -> None:
    await page.evaluate(FOLLOW, [LOG, "/ws"])


async def has(page: Page, *texts: str) -> None:
    """Wait until the page has exactly these entries."""
    await page.wait_for_function("wanted => JSON.stringify(window.texts) === JSON.stringify(wanted)", arg=list(texts))


def opened_after(number: int):
    return lambda frame: isinstance(frame, frames.Open) and frame.after == number


async def test_history_and_live_entries_arrive_in_order(page: Page, hub: FakeHub) -> None:
    hub.writes("one")

    await follow(page)
    await has(page, "1 one")
    await hub.says("two")

    await has(page, "1 one", "2 two")


async def test_cut_line_resumes_after_the_last_number(page: Page, hub: FakeHub) -> None:
    hub.writes("one")
    await follow(page)
    await has(page, "1 one")

    await hub.cut()
    hub.writes("two")
    await has(page, "1 one", "2 two")

    assert await hub.hears(where=opened_after(1))
    assert (await page.evaluate("window.states"))[:3] == ["connecting", "live", "lost"]


async def test_gap_in_the_numbers_makes_it_ask_instead_of_guessing(page: Page, hub: FakeHub) -> None:
    hub.writes("one")
    await follow(page)
    await has(page, "1 one")

    hub.writes("two")
    await hub.says("three")

    await has(page, "1 one", "2 two", "3 three")
    assert await hub.hears(where=opened_after(1))


async def test_doubled_news_are_shown_once(page: Page, hub: FakeHub) -> None:
    await follow(page)
    entry = await hub.says("one")
    await has(page, "1 one")

    await hub.push(frames.Entries(LOG, (entry,)))
    await hub.says("two")

    await has(page, "1 one", "2 two")


async def test_lost_news_heal_with_the_next_heartbeat(page: Page, hub: FakeHub) -> None:
    await follow(page)
    await hub.has_connected(1)
    await hub.says("one")
    await has(page, "1 one")

    hub.writes("never pushed")
    await hub.beats()

    await has(page, "1 one", "2 never pushed")


async def test_heartbeats_are_answered(page: Page, hub: FakeHub) -> None:
    await follow(page)
    await hub.has_connected(1)
    await hub.says("one")
    await has(page, "1 one")

    await hub.beats()

    assert await hub.hears(where=lambda frame: isinstance(frame, frames.ClientBeat))


async def test_reset_throws_everything_away_and_begins_again(page: Page, hub: FakeHub) -> None:
    hub.writes("old one")
    hub.writes("old two")
    await follow(page)
    await has(page, "1 old one", "2 old two")

    hub.logs[LOG].clear()
    hub.writes("restored")
    await hub.cut()

    await has(page, "1 restored")
    assert await page.evaluate("window.resets") == 1


async def test_another_store_begins_again_from_the_first_entry(page: Page, hub: FakeHub) -> None:
    hub.writes("old")
    await follow(page)
    await has(page, "1 old")

    hub.store = "store-2"
    hub.logs[LOG].clear()
    hub.writes("new")
    await hub.cut()

    await has(page, "1 new")


async def test_two_missed_heartbeats_mean_a_dead_line(page: Page, hub: FakeHub) -> None:
    hub.beat_s = 0.2

    await follow(page)

    await hub.has_connected(2)


async def test_server_that_never_welcomes_is_given_up(page: Page, hub: FakeHub) -> None:
    hub.is_silent = True
    await page.clock.install()
    await follow(page)
    await hub.has_connected(1)

    hub.is_silent = False
    await page.clock.run_for(11_000)

    await page.wait_for_function("window.states.at(-1) === 'live'")


async def test_hint_of_a_restart_is_obeyed(page: Page, hub: FakeHub) -> None:
    await follow(page)
    await page.wait_for_function("window.states.at(-1) === 'live'")
    loop = asyncio.get_running_loop()

    before = loop.time()
    await hub.cut(1012, "retry_after=1.5")
    await hub.has_connected(2)

    assert 1.5 <= loop.time() - before < 4


@pytest.mark.parametrize("code", [4000, 4001, 4004, 1001])
async def test_close_codes_that_mean_come_back(page: Page, hub: FakeHub, code: int) -> None:
    await follow(page)
    await hub.has_connected(1)

    await hub.cut(code)

    await hub.has_connected(2)


async def test_close_codes_that_mean_stay_away(page: Page, hub: FakeHub) -> None:
    await follow(page)
    await page.wait_for_function("window.states.at(-1) === 'live'")

    await hub.cut(4502, "bad_frame")
    await page.wait_for_function("window.states.at(-1) === 'over'")
    await page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")

    assert hub.connected == 1


async def test_ended_session_leads_to_sign_in_and_back(page: Page, hub: FakeHub) -> None:
    await follow(page)
    await page.wait_for_function("window.states.at(-1) === 'live'")

    async with page.expect_request("**/sign-in?next=%2Fpage"):
        await hub.cut(4500, "signed_out")


async def test_requests_take_over_where_sockets_are_killed(page: Page, hub: FakeHub) -> None:
    entry = hub.writes("one")
    asked: list[str] = []

    async def answer(route) -> None:
        asked.append(route.request.url)
        entries = (
            []
            if "after=1" in route.request.url
            else [{"number": 1, "kind": "message", "sender": "x", "body": {"text": "one"}}]
        )
        if not entries:
            return  # held, as a long poll is
        await route.fulfill(json={"log": LOG, "store": hub.store, "head": 1, "entries": entries, "seen": {}})

    await page.route("**/api/v1/logs/**", answer)
    hub.refuses = HTTPStatus.FORBIDDEN

    await follow(page)

    await has(page, "1 one")
    assert "after=0" in asked[0]
    assert (await page.evaluate("window.states"))[-1] == "rest"
    hub.refuses = None
    await page.wait_for_function("window.states.at(-1) === 'live'", timeout=30_000)
    assert await hub.hears(where=opened_after(entry.number))


# The outbox ------------------------------------------------------------------------------------------------------------

OUTBOX = """async (log) => {
  const { Outbox } = await import("/static/js/core/outbox.js");
  window.progress = [];
  window.outbox = new Outbox(window.hub);
  window.outbox.listen(log, (unsent, progress) => window.progress.push([unsent.text, progress.state]));
}"""


async def write(page: Page, text: str) -> None:
    await page.evaluate(
        "([log, text]) => window.outbox.add(log, 'message', text, [], new Date().toISOString())", [LOG, text]
    )


def said(text: str):
    return lambda frame: isinstance(frame, frames.AppendFrame) and frame.text == text


async def test_message_is_sent_and_its_storing_told(page: Page, hub: FakeHub) -> None:
    await follow(page)
    await page.evaluate(OUTBOX, LOG)
    await page.wait_for_function("window.states.at(-1) === 'live'")

    await write(page, "hello")

    await page.wait_for_function(
        "JSON.stringify(window.progress) === JSON.stringify([['hello','sending'],['hello','stored']])"
    )
    assert await page.evaluate("sessionStorage.getItem('holdline.outbox')") is None


async def test_message_without_an_answer_is_sent_again_with_the_same_key(page: Page, hub: FakeHub) -> None:
    await follow(page)
    await page.evaluate(OUTBOX, LOG)
    await page.wait_for_function("window.states.at(-1) === 'live'")
    hub.swallow = lambda frame: True

    await write(page, "hello")
    first = await hub.hears(where=said("hello"))
    hub.swallow = lambda frame: False
    count = len(hub.heard)
    await hub.cut()
    again = await hub.hears(after=count, where=said("hello"))

    assert again.key == first.key
    await has(page, "1 hello")


async def test_message_stored_but_unacknowledged_is_not_doubled(page: Page, hub: FakeHub) -> None:
    await follow(page)
    await page.evaluate(OUTBOX, LOG)
    await page.wait_for_function("window.states.at(-1) === 'live'")

    def store_and_swallow(frame: frames.AppendFrame) -> bool:
        hub.writes(frame.text, key=frame.key)
        return True

    hub.swallow = store_and_swallow
    await write(page, "hello")
    await hub.hears(where=said("hello"))
    hub.swallow = lambda frame: False
    await hub.cut()

    await has(page, "1 hello")
    await page.wait_for_function("window.progress.at(-1)[1] === 'stored'")
    assert len(hub.logs[LOG]) == 1


async def test_unsent_message_survives_a_reload(page: Page, hub: FakeHub) -> None:
    await follow(page)
    await page.evaluate(OUTBOX, LOG)
    await page.wait_for_function("window.states.at(-1) === 'live'")
    hub.swallow = lambda frame: True
    await write(page, "hello")
    first = await hub.hears(where=said("hello"))

    await page.reload()
    hub.swallow = lambda frame: False
    count = len(hub.heard)
    await follow(page)
    await page.evaluate(OUTBOX, LOG)

    assert (await hub.hears(after=count, where=said("hello"))).key == first.key
    await has(page, "1 hello")


async def test_messages_are_sent_in_the_order_in_which_they_were_written(page: Page, hub: FakeHub) -> None:
    await follow(page)
    await page.evaluate(OUTBOX, LOG)
    await page.wait_for_function("window.states.at(-1) === 'live'")

    for text in ("a", "b", "c", "d"):
        await write(page, text)

    await has(page, "1 a", "2 b", "3 c", "4 d")


async def test_refused_message_waits_for_its_writer_and_lets_others_pass(page: Page, hub: FakeHub) -> None:
    await follow(page)
    await page.evaluate(OUTBOX, LOG)
    await page.wait_for_function("window.states.at(-1) === 'live'")
    hub.swallow = lambda frame: frame.text == "bad"

    await write(page, "bad")
    bad = await hub.hears(where=said("bad"))
    await hub.push(frames.RefusedFrame(bad.ref, "log.sealed", "c0ffee"))
    await write(page, "good")

    await has(page, "1 good")
    assert ["bad", "refused"] in await page.evaluate("window.progress")


async def test_signing_out_wipes_what_was_kept(page: Page, hub: FakeHub) -> None:
    await page.evaluate("""async () => {
      const { keep } = await import("/static/js/core/kept.js");
      keep("draft.x.message", "secret");
      const form = document.createElement("form");
      form.action = "/sign-out";
      form.addEventListener("submit", (event) => event.preventDefault());
      document.body.append(form);
      form.requestSubmit();
    }""")

    assert await page.evaluate("Object.keys(sessionStorage)") == []
    await expect(page.locator("form")).to_have_count(1)
