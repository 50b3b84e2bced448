"""Every route, every role, own and foreign objects: who is kept out is kept out, and nobody reads what is not theirs (R20, threat T4).

Generated from the table of routes: a new route is in it by itself, and a route whose body has no sample here fails the first test.
"""

from typing import Any

import httpx2
import msgspec
import pytest

from chatsvc.accounts.model import Identity, PersonRole
from chatsvc.bootstrap import Services
from chatsvc.kernel import ids
from chatsvc.kernel.clock import ManualClock
from tests import builders
from tests.web.desk import BASE, Desk
from tests.web.world import PNG, House, a_house, signed_in_anew
from web import routes
from web.door import Keyed, Route, Rule, Speaks

WRAP_UP = {
    "subject": "s", "reason": "malfunction", "product": "expense", "environment": "production", "severity": "P3", "team": "support",
    "solved": True,
}  # fmt: skip
PASSWORDS = {"password": "a long enough one", "again": "a long enough one"}
IMPACT = {
    "environment": "production", "stopped": "hindered", "workaround": "none", "people": "one", "deadline": "none", "since": "now",
}  # fmt: skip

# Operation -> a body that its door accepts, so that it is the object that decides.
JSON: dict[str, dict[str, Any]] = {
    "signIn": {"email": "nobody@example.test", "password": "wrong"},
    "join": {"line": "travel", "subject": "s", "description": "d"},
    "append": {"text": "hello"},
    "markSeen": {"number": 1},
    "handOver": {"line": "travel", "note": "n"},
    "draftWrapUp": {"subject": "s"},
    "wrapUp": WRAP_UP,
    "rate": {"rating": 5},
    "setDesk": {"state": "ready"},
    "acceptOffer": {"epoch": 1},
    "declineOffer": {"epoch": 1, "reason": "busy"},
    "comment": {"text": "hello"},
    "createTicket": {
        "reason": "subscription",
        "fields": {"wish": "review", "subject": "s", "description": "d"},
    },
    "askCustomer": {"needed": "n"},
    "solveWith": {"solution": "s"},
    "handOverTicket": {"team": "engineering", "note": "n"},
    "ownTicket": {"person": None},
    "linkIncident": {"incident": "2026-17"},
    "mergeTicket": {"into": 1},
    "judgeTicket": {"severity": "P2", "reason": "r"},
    "appeal": {"reason": "r"},
    "keepDraft": {"texts": {"subject": "s"}},
}
KEY = {"key": "k_0123456789"}
FORMS: dict[str, dict[str, Any]] = {
    "sign_in_post": {"email": "nobody@example.test", "password": "wrong"},
    "sign_out_post": {},
    "forgot_post": {"email": "nobody@example.test"},
    "reset_post": PASSWORDS,
    "language_post": {"language": "de", "next": "/sign-in"},
    "mail_quiet_post": {"List-Unsubscribe": "One-Click"},
    "mail_quiet_undo_post": {},
    "chat_form_post": {**KEY, "subject": "s", "description": "d", **IMPACT},
    "chat_say_post": {**KEY, "text": "hello"},
    "chat_leave_post": {},
    "chat_end_post": {},
    "chat_undo_post": {},
    "chat_rate_post": {"rating": "5", "comment": ""},
    "ticket_comment_post": {**KEY, "text": "hello"},
    "ticket_solve_post": {},
    "request_new_post": {"reason": "subscription", "wish": "review", "subject": "s", "description": "d", "key": "k_0123456789"},
    "request_discard_post": KEY,
    "staff_judge_post": {"version": "1", "severity": "P2", "why": "w"},
    "ticket_appeal_post": {"reason": "r"},
    "ticket_close_post": {},
    "ticket_reopen_post": {},
    "ticket_follow_up_post": {},
    "ticket_follow_post": {},
    "ticket_unfollow_post": {},
    "staff_bulk_post": {"change": "take", "tickets": "1"},
    "staff_undo_post": {"bulk": "bk_00000000"},
    "staff_ask_post": {"needed": "n"},
    "staff_solve_post": {"solution": "s"},
    "staff_team_post": {"team": "engineering"},
    "staff_owner_post": {"owner": "me"},
    "staff_incident_post": {"incident": "1"},
    "staff_merge_post": {"into": "1"},
    "replies_post": {"title": "t", "text": "x"},
    "reply_post": {"title": "t", "text": "x", "version": "1"},
    "reply_remove_post": {},
    "reports_post": {"report": "tickets"},
    "company_services_post": {"services": "audit"},
    "profile_post": {"language": "en", "theme": "dark"},
    "password_post": {"current": "wrong", **PASSWORDS},
    "session_end_post": {},
    "feed_renew_post": {},
    "feed_revoke_post": {},
    "staff_comment_post": {**KEY, "text": "hello"},
    "staff_note_post": {**KEY, "note": "hello"},
    "staff_change_post": {
        "version": "1", "subject": "s", "state": "open", "severity": "P3", "team": "support", "product": "expense",
    },
    "calendar_hours_post": {"version": "0", "zone": "Europe/Berlin", "country": "DE", "monday": "08:00-18:00"},
    "calendar_day_post": {"version": "0", "day": "2026-12-24"},
    "plan_post": {"plan": "standard", "do": "save"},
    "calendar_day_removed_post": {"version": "0", "day": "2026-12-24"},
    "call_form_post": {**KEY, "number": "030 2345678", "country": "DE", "subject": "s", "description": "d"},
    "call_place_post": {**KEY, "number": "030 2345678", "country": "DE"},
    "call_not_needed_post": {},
    "call_cancel_post": {},
    "call_move_post": {"slot": "2026-03-03T10:00:00+00:00"},
    "call_snooze_post": {},
    "call_number_post": {"number": "030 2345678", "country": "DE"},
    "call_again_post": {},
    "call_chat_post": {},
    "call_dial_post": {},
    "call_connected_post": {},
    "call_outcome_post": {"outcome": "busy"},
    "call_release_post": {},
    "call_hang_up_post": {},
    "call_number_silenced_post": {"number": "030 9999999", "country": "DE", "number_reason": "r"},
    "call_number_removed_post": {"reference": "none"},
    "call_region_allowed_post": {"company": "co_none", "region": "FR", "region_reason": "r"},
    "call_region_removed_post": {"company": "co_none", "region": "FR"},
    "staffing_post": {"person": "pe_x", "day": "2026-03-03", "begins": "08:00", "ends": "16:00", "lines": "expense"},
    "shift_remove_post": {},
    "shift_restore_post": {
        "person": "pe_x", "lines": "expense", "begins": "2026-03-03T08:00:00+00:00", "ends": "2026-03-03T16:00:00+00:00",
    },
    "company_add_post": {"company-name": "New", "company-zone": "Europe/Berlin", "company-country": "DE"},
    "contact_add_post": {"contact-name": "New", "contact-email": "new@example.test"},
    "staff_add_post": {"staff-name": "New", "staff-email": "new2@example.test", "staff-role": "representative"},
    "company_colleagues_post": {"colleagues": "yes"},
    "person_teams_post": {"teams": "support"},
    "own_company_post": {"colleagues": "yes"},
    "person_authorise_post": {"authorised": "no"},
    "person_disable_post": {"disabled": "yes"},
    "person_link_post": {},
}  # fmt: skip
QUERIES: dict[str, dict[str, str]] = {"listColleagues": {"line": "expense"}}
# Rules behind which every object is one person's or one company's: a foreign one does not exist for a contact.
OWNED = {
    Rule.TICKET,
    Rule.VISIT,
    Rule.CONVERSATION,
    Rule.OWN_CONVERSATION,
    Rule.LOG,
    Rule.FILE,
    Rule.SESSION,
    Rule.OFFER,
    Rule.DRAFT,
    Rule.REPORT,
}
ROLES = [None, *PersonRole]


def request_for(route: Route, parts: dict[str, str]) -> httpx2.Request:
    """Return a well-formed request to a route, with the objects that ``parts`` names."""
    headers = {"origin": BASE, "user-agent": "Matrix"}
    if route.keyed is not Keyed.NO:
        headers["idempotency-key"] = "k_0123456789"
    body: dict[str, Any] = {}
    if route.name == "upload":
        body = {"files": {"file": ("a.png", PNG, "image/png")}}
    elif route.name in FORMS:
        body = {"data": FORMS[route.name]}
    elif route.name in JSON:
        body = {"json": JSON[route.name]}
    path = route.path.format_map(parts)
    return httpx2.Request(route.method, BASE + path, headers=headers, params=QUERIES.get(route.name), **body)


def test_every_route_that_takes_something_has_a_sample() -> None:
    takers = {route.name for route in routes.TABLE if route.takes is not None or route.files} - {"upload"}

    assert takers == set(JSON) | set(FORMS)


class Reached:
    """What came back, to be searched for marks."""

    def __init__(self, route: Route, answer: httpx2.Response) -> None:
        self.route = route
        self.status = answer.status_code
        self.everything = answer.content + repr(answer.headers.multi_items()).encode()

    def shows(self, mark: str) -> bool:
        """Whether a mark is anywhere in it."""
        return mark.encode() in self.everything

    def __repr__(self) -> str:
        return f"{self.route.method} {self.route.path} -> {self.status}"


async def knock_everywhere(desk: Desk, who: Identity | None, house: House) -> list[Reached]:
    """Ask every route for this company's objects, each time in a new session."""
    found = []
    for route in routes.TABLE:
        session, cookie = await _session(desk.services, who)
        request = request_for(route, house.parts(session=session))
        if cookie:
            request.headers["cookie"] = f"holdline_session={cookie}"
        browser = desk.visitor()
        browser.cookies.clear()
        found.append(Reached(route, await browser.send(request)))
    return found


async def _session(services: Services, who: Identity | None) -> tuple[str, str]:
    if who is None:
        return "se_00000000", ""
    again, token = await signed_in_anew(services, who)
    return again.session, token


async def _both(desk: Desk, clock: ManualClock) -> tuple[Identity, House, House]:
    rep = await builders.a_representative(desk.services.database, name="Ravi")
    return rep, await a_house(desk, clock, "ACME", rep), await a_house(desk, clock, "BORG", rep)


async def _somebody(desk: Desk, role: PersonRole | None, house: House) -> Identity | None:
    """Somebody of this role; the contact is that of the house, staff are strangers to its conversation."""
    database = desk.services.database
    match role:
        case None:
            return None
        case PersonRole.CONTACT:
            return house.contact
        case PersonRole.ADMINISTRATOR:
            return await builders.an_administrator(database)
        case _:
            return await builders.a_representative(database, name="Somebody", role=role)


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.value if role else "visitor")
async def test_whoever_a_route_is_not_for_gets_nothing(desk: Desk, clock: ManualClock, role: PersonRole | None) -> None:
    _, acme, _ = await _both(desk, clock)
    who = await _somebody(desk, role, acme)

    reached = await knock_everywhere(desk, who, acme)

    kept_out = [each for each in reached if not each.route.policy.admits(role)]  # type: ignore[union-attr]
    refused = 403 if role else 401
    assert [each for each in kept_out if each.status != _refusal(each.route, refused)] == []
    # An error page greets a contact in their own company's name; of the object itself it says nothing.
    marks = [acme.note_mark] if role is PersonRole.CONTACT else ["MARK-"]
    assert [each for each in kept_out if any(each.shows(mark) for mark in marks)] == []
    assert [each for each in reached if each.status >= 500] == []


def _refusal(route: Route, status: int) -> int:
    """Pages send a visitor to sign in; everything else says no."""
    return 303 if status == 401 and route.speaks is Speaks.PAGES else status


async def test_a_visitor_reads_nothing_of_anybody(desk: Desk, clock: ManualClock) -> None:
    _, acme, _ = await _both(desk, clock)

    assert [each for each in await knock_everywhere(desk, None, acme) if each.shows("MARK-")] == []


async def test_a_contact_reads_nothing_of_another_company(desk: Desk, clock: ManualClock) -> None:
    _, acme, borg = await _both(desk, clock)

    own = await knock_everywhere(desk, acme.contact, acme)
    foreign = await knock_everywhere(desk, acme.contact, borg)

    assert [each for each in own + foreign if each.shows(borg.mark)] == []
    assert any(each.shows(acme.mark) for each in own)  # the search itself finds something


async def test_a_contact_never_reads_an_internal_note(desk: Desk, clock: ManualClock) -> None:
    _, acme, borg = await _both(desk, clock)

    reached = await knock_everywhere(desk, acme.contact, acme)
    browser = await desk.browser_of(msgspec.structs.replace(acme.contact, session=ids.session_id()))
    hidden = [
        await browser.get(f"/api/v1/logs/{acme.ticket.notes_log}/entries"),
        await browser.post(
            f"/api/v1/logs/{acme.ticket.notes_log}/entries", json={"kind": "note", "text": "x", "key": "k_01234567"}
        ),
        await browser.get(f"/files/{acme.note_file}"),
        await browser.get(f"/api/v1/files/{borg.note_file}"),
    ]

    assert [each for each in reached if each.shows(acme.note_mark) or each.shows(borg.note_mark)] == []
    assert [answer.status_code for answer in hidden] == [404, 404, 404, 404]


async def test_a_foreign_object_does_not_exist_for_a_contact(desk: Desk, clock: ManualClock) -> None:
    _, acme, borg = await _both(desk, clock)
    other, _ = await signed_in_anew(desk.services, borg.contact)

    reached = await knock_everywhere(desk, acme.contact, _with_session(borg, other.session))

    owned = [
        each for each in reached if each.route.policy.rule in OWNED and each.route.policy.admits(PersonRole.CONTACT)
    ]  # type: ignore[union-attr]
    assert len(owned) > 20
    assert [each for each in owned if each.status != 404] == []
    unchanged = await desk.services.tickets.view(borg.contact, borg.visit.number)
    assert unchanged.state == borg.ticket.state
    assert (await desk.services.queries.visit(borg.contact, borg.visit.ticket)).state == "active"
    assert await desk.services.accounts.still_in(other, in_use=False) is not None


def _with_session(house: House, session: str) -> House:
    class Pinned(House):
        def parts(self, **_: str) -> dict[str, str]:
            return super().parts(session=session)

    return Pinned(**vars(house))


async def test_a_conversation_is_its_own_representatives_alone(desk: Desk, clock: ManualClock) -> None:
    _, acme, _ = await _both(desk, clock)
    colleague = await builders.a_representative(desk.services.database, name="Colleague")

    reached = await knock_everywhere(desk, colleague, acme)

    theirs = {Rule.CONVERSATION, Rule.OWN_CONVERSATION, Rule.OFFER}
    tried = [
        each
        for each in reached
        if each.route.policy.rule in theirs and each.route.policy.admits(PersonRole.REPRESENTATIVE)
    ]  # type: ignore[union-attr]
    assert len(tried) > 6
    assert [each for each in tried if each.status not in (404, 409)] == []
    assert (await desk.services.queries.visit(acme.contact, acme.visit.ticket)).state == "active"
