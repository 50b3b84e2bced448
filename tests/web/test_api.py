"""The REST twin: same keys, same numbers, waiting for news, files, and what machines ask."""

import asyncio
from datetime import datetime, timedelta

import httpx2
import msgspec
import pytest

from chatsvc.accounts.model import PersonRole
from chatsvc.kernel import ids
from chatsvc.kernel.clock import ManualClock
from tests import builders
from tests.web.desk import JOIN, Desk, keyed
from tests.web.world import PNG, a_house


async def _stands_in_line(browser: httpx2.AsyncClient) -> dict[str, str]:
    answer = await browser.post("/api/v1/visits", json=JOIN, headers=keyed("join"))
    assert answer.status_code == 201, answer.text
    visit: dict[str, str] = answer.json()
    return visit


async def _somebody_waits(desk: Desk) -> None:
    hub = desk.services.hub
    assert hub is not None
    while not hub.long_poll._waiting:  # noqa: ASYNC110 - the hub tells nobody that a reader has begun to wait
        await asyncio.sleep(0)


async def test_programs_sign_in_by_cookie_and_out_for_good(desk: Desk) -> None:
    contact, browser = await desk.somebody(PersonRole.CONTACT)

    me = (await browser.get("/api/v1/session")).json()
    gone = await browser.delete("/api/v1/session")
    after = await desk.visitor(cookie=f"holdline_session={browser.cookies.get('holdline_session')}").get(
        "/api/v1/session"
    )

    assert (me["person"], me["role"], me["company"]) == (contact.person, "contact", contact.company)
    assert gone.status_code == 204
    assert (after.status_code, after.json()["code"]) == (401, "session.over")


async def test_the_same_key_gives_the_same_number(desk: Desk) -> None:
    _, browser = await desk.somebody(PersonRole.CONTACT)
    log = (await _stands_in_line(browser))["log"]
    path = f"/api/v1/logs/{log}/entries"

    first = await browser.post(path, json={"text": "once"}, headers=keyed("k_1"))
    again = await browser.post(path, json={"text": "once"}, headers=keyed("k_1"))
    other = await browser.post(path, json={"text": "twice"}, headers=keyed("k_1"))

    assert (first.status_code, again.status_code, other.status_code) == (201, 200, 409)
    assert first.json() == again.json()
    assert other.json()["code"] == "entry.key_reused"
    assert [each["number"] for each in (await browser.get(path)).json()["entries"]] == [1, 2]


async def test_a_reader_who_waits_gets_what_is_said_meanwhile(desk: Desk) -> None:
    _, browser = await desk.somebody(PersonRole.CONTACT)
    log = (await _stands_in_line(browser))["log"]
    path = f"/api/v1/logs/{log}/entries"

    waiting = asyncio.create_task(browser.get(f"{path}?after=1&wait=20"))
    await _somebody_waits(desk)
    await browser.post(path, json={"text": "news"}, headers=keyed("k_1"))
    answer = (await waiting).json()

    assert [each["number"] for each in answer["entries"]] == [2]
    assert (answer["head"], answer["log"]) == (2, log)


async def test_a_reader_signed_out_meanwhile_gets_nothing(desk: Desk) -> None:
    contact, browser = await desk.somebody(PersonRole.CONTACT)
    log = (await _stands_in_line(browser))["log"]

    waiting = asyncio.create_task(browser.get(f"/api/v1/logs/{log}/entries?after=1&wait=20"))
    await _somebody_waits(desk)
    await desk.services.accounts.sign_out(contact)
    await desk.services.tickets.say(contact, log, key="said-after", text="secret")  # type: ignore[arg-type]  # a log's id
    answer = await waiting

    assert answer.status_code == 401
    assert "secret" not in answer.text


async def test_a_visit_is_joined_seen_and_left(desk: Desk) -> None:
    _, browser = await desk.somebody(PersonRole.CONTACT)
    visit = await _stands_in_line(browser)

    shown = await browser.get(f"/api/v1/visits/{visit['ticket']}")
    left = await browser.delete(f"/api/v1/visits/{visit['ticket']}")
    after = await browser.get(f"/api/v1/visits/{visit['ticket']}")

    assert shown.json()["waiting"]["position"] == 1
    assert left.status_code == 204
    assert after.json()["state"] == "left"


async def test_a_representative_works_by_rest_alone(desk: Desk, clock: ManualClock) -> None:
    rep, console = await desk.somebody(PersonRole.REPRESENTATIVE)
    house = await a_house(desk, clock, "ACME", rep)

    [talk] = (await console.get("/api/v1/desk")).json()["conversations"]
    path = f"/api/v1/conversations/{talk['id']}"
    said = await console.post(
        f"/api/v1/logs/{talk['log']}/entries", json={"text": "Hello", "epoch": talk["epoch"]}, headers=keyed("k_1")
    )
    without_epoch = await console.post(
        f"/api/v1/logs/{talk['log']}/entries", json={"text": "Hello"}, headers=keyed("k_2")
    )
    customer = await console.get(f"/api/v1/tickets/{talk['ticket']}/customer")
    ended = await console.post(f"{path}/end")
    form = await console.get(f"{path}/wrap_up")
    done = await console.post(f"{path}/wrap_up", json=form.json() | {"solved": True, "reason": "malfunction"})
    clock.advance(desk.services.settings.undo_seconds + 1)
    await desk.services.conversations.sweep()

    assert said.status_code == 201
    assert (without_epoch.status_code, without_epoch.json()["code"]) == (409, "entry.stale_epoch")
    assert customer.json()["company_name"].startswith(house.mark)
    assert (ended.status_code, done.status_code) == (200, 204)
    assert (await desk.services.tickets.view(house.contact, house.visit.number)).state == "solved"


async def test_tickets_are_listed_page_by_page(desk: Desk) -> None:
    contact, browser = await desk.somebody(PersonRole.CONTACT)
    numbers = [(await builders.a_ticket(desk.services.database, contact)).number for _ in range(30)]

    first = (await browser.get("/api/v1/tickets")).json()
    second = (await browser.get(f"/api/v1/tickets?cursor={first['next']}")).json()

    assert [each["number"] for each in first["items"] + second["items"]] == numbers[::-1]
    assert second["next"] is None


WISH = {"reason": "subscription", "fields": {"wish": "review", "subject": "Review it", "description": "Please."}}


async def test_t3_a_request_is_made_as_by_the_form_and_once_for_each_key(desk: Desk) -> None:
    _, browser = await desk.somebody(PersonRole.CONTACT, language="de")
    file = (await _uploaded(browser)).json()["id"]

    first = await browser.post("/api/v1/tickets", json={**WISH, "files": [file]}, headers=keyed("k_1"))
    again = await browser.post("/api/v1/tickets", json={**WISH, "files": [file]}, headers=keyed("k_1"))
    other = await browser.post("/api/v1/tickets", json=WISH, headers=keyed("k_2"))

    assert (first.status_code, again.status_code, other.status_code) == (201, 200, 201)
    ticket = first.json()
    assert (ticket["number"], ticket["source"], ticket["reason"]) == (again.json()["number"], "form", "subscription")
    assert other.json()["number"] == ticket["number"] + 1
    details = await desk.services.requests.details(ticket["id"])
    assert details is not None
    assert (details.language, details.answers) == ("de", {"wish": "review"})
    [entry] = (await browser.get(f"/api/v1/logs/{ticket['log']}/entries")).json()["entries"]
    assert [each["id"] for each in entry["body"]["files"]] == [file]


@pytest.mark.parametrize(
    ("change", "code", "field"),
    [
        ({"reason": "nothing_of_ours"}, "choose", "reason"),
        ({"fields": {"wish": "review", "description": "d"}}, "required", "subject"),
        ({"fields": {**WISH["fields"], "colour": "red"}}, "field.unknown", "fields.colour"),
        ({"fields": {**WISH["fields"], "wish": "cancel"}}, "required", "effective_on"),
        ({"language": "tlh"}, "choose", "language"),
        ({"files": ["fi_00000000"]}, "file.not_found", None),
    ],
)
async def test_t3_a_request_that_the_form_would_not_take_is_refused(
    desk: Desk, change: dict[str, object], code: str, field: str | None
) -> None:
    _, browser = await desk.somebody(PersonRole.CONTACT)

    answer = await browser.post("/api/v1/tickets", json=WISH | change, headers=keyed("k_1"))

    assert (answer.json()["code"], answer.json()["field"]) == (code, field)
    assert (await browser.get("/api/v1/tickets")).json()["items"] == []


async def test_t6_lists_are_narrowed_and_searched(desk: Desk) -> None:
    database = desk.services.database
    contact, browser = await desk.somebody(PersonRole.CONTACT)
    rep, console = await desk.somebody(PersonRole.REPRESENTATIVE)
    colleague = await builders.a_contact(database, contact.company, name="Jan")
    stranger = await builders.a_contact(database)
    own = await builders.a_ticket(database, contact, subject="提出できません", product="travel")
    followed = await builders.a_ticket(database, colleague)
    foreign = await builders.a_ticket(database, stranger)
    await desk.services.tickets.follow(colleague, followed.id, contact.person)
    await desk.services.tickets.assign(rep, foreign.id, rep.person)

    async def numbers(who: httpx2.AsyncClient, **query: str) -> list[int]:
        answer = await who.get("/api/v1/tickets", params=query)
        return [each["number"] for each in answer.json()["items"]]

    assert await numbers(browser) == [followed.number, own.number]
    assert await numbers(browser, product="travel") == [own.number]
    assert await numbers(browser, whose="own") == [own.number]
    assert await numbers(browser, whose="followed") == [followed.number]
    assert await numbers(browser, text="提出") == [own.number]
    assert await numbers(browser, text="open", state="open", severity="P3") == [followed.number]
    assert await numbers(browser, team="engineering") == await numbers(browser, state="solved") == []
    assert await numbers(browser, company=str(stranger.company)) == []
    assert await numbers(console, company=str(stranger.company)) == [foreign.number]
    assert await numbers(console, owner=rep.person) == [foreign.number]
    assert (await browser.get("/api/v1/tickets?colour=red")).json()["code"] == "field.unknown"


async def test_t9_t10_a_program_solves_reopens_and_follows_up(desk: Desk, clock: ManualClock) -> None:
    contact, browser = await desk.somebody(PersonRole.CONTACT)
    ticket = await builders.a_ticket(desk.services.database, contact)
    path = f"/api/v1/tickets/{ticket.number}"

    early = await browser.post(f"{path}/follow_up")
    solved, reopened = await browser.post(f"{path}/solve"), await browser.post(f"{path}/reopen")
    state = (await browser.get(path)).json()["state"]
    await browser.post(f"{path}/solve")
    clock.advance(timedelta(days=8))
    browser = await desk.browser_of(msgspec.structs.replace(contact, session=ids.session_id()))
    late = await browser.post(f"{path}/reopen")
    comment = await browser.post(f"{path}/comments", json={"text": "still there"}, headers=keyed("k_1"))
    new, again = await browser.post(f"{path}/follow_up"), await browser.post(f"{path}/follow_up")

    assert (early.status_code, early.json()["code"]) == (409, "ticket.not_over")
    assert (solved.status_code, reopened.status_code, state) == (204, 204, "open")
    assert (late.json()["code"], comment.status_code) == ("ticket.reopen_window_over", 403)
    assert (new.status_code, new.json()["follows"]) == (200, ticket.number)
    assert again.json() == new.json()
    assert (await browser.get(path)).json()["followed_up_by"] == new.json()["number"]


async def test_t6_followers_are_kept_by_programs_and_are_of_the_ticket_s_company_only(desk: Desk) -> None:
    database = desk.services.database
    contact, browser = await desk.somebody(PersonRole.CONTACT)
    colleague, beside = await desk.somebody(PersonRole.CONTACT, company=contact.company)
    stranger, foreign = await desk.somebody(PersonRole.CONTACT)
    ticket = await builders.a_ticket(database, contact)
    path = f"/api/v1/tickets/{ticket.number}"

    before = (await browser.get(f"{path}/followers")).json()
    refused = await browser.put(f"{path}/followers/{stranger.person}")
    hidden = await beside.get(path)
    added = [await browser.put(f"{path}/followers/{colleague.person}") for _ in range(2)]
    after, read = (await browser.get(f"{path}/followers")).json(), await beside.get(path)
    removed = await beside.delete(f"{path}/followers/{colleague.person}")

    assert before == {"followers": [], "candidates": [{"person": colleague.person, "name": colleague.name}]}
    assert (refused.status_code, refused.json()["code"]) == (404, "person.not_found")
    assert hidden.status_code == 404
    assert [each.status_code for each in added] == [204, 204]
    assert after == {"followers": before["candidates"], "candidates": []}
    assert (read.status_code, read.json()["following"], removed.status_code) == (200, True, 204)
    assert [(await each.get(path)).status_code for each in (beside, foreign)] == [404, 404]


async def test_t8_a_program_asks_the_customer_and_their_word_opens_the_ticket(desk: Desk, clock: ManualClock) -> None:
    contact, browser = await desk.somebody(PersonRole.CONTACT)
    _, console = await desk.somebody(PersonRole.REPRESENTATIVE)
    ticket = await builders.a_ticket(desk.services.database, contact)
    path = f"/api/v1/tickets/{ticket.number}"

    not_theirs = await browser.post(f"{path}/ask", json={"needed": "A file"})
    asked = await console.post(f"{path}/ask", json={"needed": "The exported file"})
    waiting = (await browser.get(path)).json()
    await browser.post(f"{path}/comments", json={"text": "Here it is"}, headers=keyed("k_1"))
    answered = (await browser.get(path)).json()

    assert (not_theirs.status_code, asked.status_code) == (403, 200)
    assert msgspec.json.decode(asked.content)["closes_at"] == waiting["closes_at"]
    assert msgspec.convert(waiting["closes_at"], datetime) == clock.now() + timedelta(days=30)
    assert (waiting["state"], waiting["needed"]) == ("awaiting", "The exported file")
    assert (answered["state"], answered["closes_at"]) == ("open", None)


async def test_t10_either_side_closes_by_program_and_staff_say_how_it_was_solved(desk: Desk) -> None:
    contact, browser = await desk.somebody(PersonRole.CONTACT)
    _, console = await desk.somebody(PersonRole.REPRESENTATIVE)
    one, two = [await builders.a_ticket(desk.services.database, contact) for _ in range(2)]

    closed = [await browser.post(f"/api/v1/tickets/{one.number}/close") for _ in range(2)]
    solved = await console.post(f"/api/v1/tickets/{two.number}/solution", json={"solution": "A filter was set."})
    closed_later = await console.post(f"/api/v1/tickets/{two.number}/close")

    assert [each.status_code for each in closed] == [204, 409]
    assert closed[1].json()["code"] == "transition.illegal"
    assert (solved.status_code, closed_later.status_code) == (204, 204)
    seen = (await browser.get(f"/api/v1/tickets/{two.number}")).json()
    assert (seen["state"], seen["solution"]) == ("closed", "A filter was set.")


async def test_t1_a_program_hands_over_takes_links_and_merges(desk: Desk) -> None:
    contact, browser = await desk.somebody(PersonRole.CONTACT)
    rep, console = await desk.somebody(PersonRole.REPRESENTATIVE)
    stranger = await builders.a_contact(desk.services.database)
    ticket, twin = [await builders.a_ticket(desk.services.database, contact) for _ in range(2)]
    foreign = await builders.a_ticket(desk.services.database, stranger)
    path = f"/api/v1/tickets/{ticket.number}"

    unknown = await console.put(f"{path}/team", json={"team": "gardening"})
    moved = await console.put(f"{path}/team", json={"team": "engineering", "note": "Seen twice", "owner": rep.person})
    linked = await console.put(f"{path}/incident", json={"incident": "2026-17"})
    seen = (await browser.get(path)).json()
    notes = (await console.get(f"/api/v1/logs/{(await console.get(path)).json()['notes_log']}/entries")).text
    let_go = await console.put(f"{path}/owner", json={"person": None})
    crossed = await console.post(f"/api/v1/tickets/{twin.number}/merge", json={"into": foreign.number})
    merged = await console.post(f"/api/v1/tickets/{twin.number}/merge", json={"into": ticket.number})

    assert unknown.status_code == 422
    assert (moved.status_code, linked.status_code, let_go.status_code) == (204, 204, 204)
    assert (seen["team"], seen["owner"], seen["incident"]) == ("engineering", rep.name, "2026-17")
    assert "Seen twice" in notes
    assert (await browser.get(path)).json()["owner"] is None
    assert (crossed.json()["code"], merged.status_code) == ("merge.other_company", 204)
    assert (await browser.get(f"/api/v1/tickets/{twin.number}")).json()["merged_into"] == ticket.number


async def test_lists_of_those_who_work_here_go_on_page_by_page(desk: Desk) -> None:
    contact, browser = await desk.somebody(PersonRole.CONTACT)
    rep, console = await desk.somebody(PersonRole.REPRESENTATIVE)
    numbers = [(await builders.a_ticket(desk.services.database, contact)).number for _ in range(27)]
    await desk.services.tickets.assign(rep, (await desk.services.tickets.view(rep, numbers[0])).id, rep.person)
    await desk.services.clocks.sweep()

    async def walked(view: str) -> list[int]:
        found, cursor = [], ""
        while cursor is not None:
            query = {"view": view, **({"cursor": cursor} if cursor else {})}
            page = (await console.get("/api/v1/views", params=query)).json()
            found += [each["number"] for each in page["items"]]
            cursor = page["next"]
        return found

    assert await walked("open") == numbers[::-1]
    assert await walked("unassigned") == numbers[:0:-1]
    assert await walked("mine") == numbers[:1]
    assert sorted(await walked("due")) == numbers
    counted = (await console.get("/api/v1/views/counts")).json()
    assert counted == {"mine": 1, "my_team": 0, "unassigned": 26, "due": 27, "breached": 0, "open": 27}
    assert (await console.get("/api/v1/views?view=due&cursor=12")).json()["code"] == "cursor.unknown"
    assert [(await browser.get(path)).status_code for path in ("/api/v1/views", "/api/v1/views/counts")] == [403, 403]


# Files ------------------------------------------------------------------------------------------------------------------


async def _uploaded(browser: httpx2.AsyncClient, name: str = "a.png", content: bytes = PNG) -> httpx2.Response:
    return await browser.post("/api/v1/files", files={"file": (name, content, "text/html")})


async def test_a_picture_is_shown_and_everything_is_saved_under_its_own_name(desk: Desk) -> None:
    _, browser = await desk.somebody(PersonRole.CONTACT)
    stored = (await _uploaded(browser, 'Ünïcödé "x".png')).json()

    saved = await browser.get(f"/files/{stored['id']}")
    shown = await browser.get(f"/files/{stored['id']}?inline=1")

    assert stored["media_type"] == "image/png"
    assert saved.headers["content-type"] == "application/octet-stream"
    assert saved.headers["content-disposition"].startswith("attachment; ")
    assert "filename*=UTF-8''%C3%9Cn%C3%AFc%C3%B6d%C3%A9" in saved.headers["content-disposition"]
    assert (shown.headers["content-type"], shown.headers["content-disposition"][:7]) == ("image/png", "inline;")
    for answer in (saved, shown):
        assert answer.headers["content-security-policy"].startswith("sandbox; default-src 'none'")
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.content == PNG


async def test_what_is_no_picture_is_never_shown(desk: Desk) -> None:
    _, browser = await desk.somebody(PersonRole.CONTACT)
    stored = (await _uploaded(browser, "a.png", b"%PDF-1.7 and more")).json()

    answer = await browser.get(f"/files/{stored['id']}?inline=1")

    assert answer.headers["content-disposition"].startswith("attachment")
    assert answer.headers["content-type"] == "application/octet-stream"


@pytest.mark.parametrize(
    "content", [b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"<!DOCTYPE html><script>", b"MZ\x90\0\x03", b""]
)
async def test_what_a_browser_would_run_is_not_taken(desk: Desk, content: bytes) -> None:
    _, browser = await desk.somebody(PersonRole.CONTACT)

    answer = await _uploaded(browser, "a.png", content)

    assert answer.status_code == 422
    assert answer.json()["code"].startswith("file.")


class TestSmallFiles:
    """With a limit of 2,000 bytes."""

    @pytest.fixture
    def environment(self) -> dict[str, str]:
        """Take small files only."""
        return {"HOLDLINE_MAX_FILE_BYTES": "2000", "HOLDLINE_MAX_FILES_PER_POST": "2"}

    async def test_a_large_file_is_refused(self, desk: Desk) -> None:
        _, browser = await desk.somebody(PersonRole.CONTACT)

        answer = await _uploaded(browser, content=PNG + b"\0" * 2_000)
        huge = await _uploaded(browser, content=PNG + b"\0" * 1_100_000)

        assert (answer.status_code, answer.json()["code"]) == (422, "file.too_big")
        assert (huge.status_code, huge.json()["code"]) == (413, "too_large")
        assert list((desk.services.settings.data_dir / "files").iterdir()) == []


# Machines ---------------------------------------------------------------------------------------------------------------


async def test_readiness_needs_the_database_and_survives_redis(desk: Desk) -> None:
    well = await desk.visitor().get("/readyz")
    desk.app.state.site.leaving = True
    leaving = await desk.visitor().get("/readyz")

    assert (well.status_code, well.text) == (200, "ready\n")
    assert (leaving.status_code, leaving.text) == (503, "leaving\n")
    assert (await desk.visitor().get("/healthz")).status_code == 200


async def test_figures_are_for_this_machine_alone(desk: Desk) -> None:
    await desk.visitor().get("/sign-in")

    here = await desk.visitor().get("/metrics")
    through_a_proxy = await desk.visitor(**{"x-forwarded-for": "127.0.0.1"}).get("/metrics")

    assert 'holdline_http_requests_total{route="sign_in",status="2xx"}' in here.text
    assert through_a_proxy.status_code == 404


# The trial's mailbox ----------------------------------------------------------------------------------------------------


async def test_the_mailbox_is_closed_outside_of_a_demonstration(desk: Desk) -> None:
    _, staff = await desk.somebody(PersonRole.REPRESENTATIVE)
    _, administrator = await desk.somebody(PersonRole.ADMINISTRATOR)

    assert (await desk.visitor().get("/trial/mailbox")).status_code == 404
    assert (await staff.get("/trial/mailbox")).status_code == 404
    assert (await administrator.get("/trial/mailbox")).status_code == 200


class TestDemonstration:
    """With the demonstration's settings."""

    @pytest.fixture
    def environment(self) -> dict[str, str]:
        """Be a demonstration."""
        return {"HOLDLINE_DEMO": "yes"}

    async def test_the_mailbox_shows_visitors_only_what_has_no_real_receiver(self, desk: Desk) -> None:
        database = desk.services.database
        await builders.a_contact(database, email="claire@demo.example", email_key="claire@demo.example")
        await builders.a_contact(database, email="real@person.test", email_key="real@person.test")
        for email in ("claire@demo.example", "real@person.test"):
            await desk.visitor().post("/forgot", data={"email": email})
        await desk.services.sender.run_once()
        _, administrator = await desk.somebody(PersonRole.ADMINISTRATOR)

        visitors = (await desk.visitor().get("/trial/mailbox")).text
        all_of_them = (await administrator.get("/trial/mailbox")).text

        assert "claire@demo.example" in visitors
        assert "real@person.test" not in visitors
        assert "real@person.test" in all_of_them
