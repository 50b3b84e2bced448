"""The real templates with sample values, as a fake hub serves them, and the pictures that go with them."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from chatsvc.conversations.views import Desk, DeskConversation, LineCount, OfferCard, Visit, Waiting
from chatsvc.kernel.ids import ConversationId, LogId, OfferId, TicketId
from tests.web.gallery import request_samples, samples
from tests.web.js.fake_hub import LOG, ME, OTHER
from web.i18n import Reader, reading
from web.rendering import Renderer

TICKET = TicketId("tk_00000000000000000000")
CONVERSATION = ConversationId("cv_00000000000000000000")
NOTES = LogId("lg_00000000000000000000b")

_READER = Reader(zone=ZoneInfo("UTC"))


def now() -> datetime:
    """The present moment."""
    return datetime.now(UTC)


def chat_page(state: str = "active", **changes: Any) -> str:
    """The customer's chat without a history: the hub brings it."""
    waiting = samples.waiting(1) if state == "waiting" else None
    ids = {"log": LOG, "ticket": TICKET, "conversation": CONVERSATION, "number": 4812, "waiting": waiting}
    context = samples.room(state, entries=[], page={"head": 0}, **ids, **changes)
    return _page("portal/chat_room.html", context, "Claire")


def console_page(state: str = "ready", **page: Any) -> str:
    """The console with an empty desk: the hub fills it."""
    return _page("console/console.html", samples.console(state, **page), "Ravi Patel")


def _page(template: str, context: dict[str, Any], name: str) -> str:
    me = {**context["me"], "person": ME, "name": name}
    with reading(_READER):
        return Renderer().page(template, _READER, **{**context, "me": me})


def a_visit(state: str = "active", **changes: Any) -> Visit:
    """A visit as its customer sees it."""
    values: dict[str, Any] = {
        "ticket": TICKET, "number": 4812, "subject": "Approval mails arrive twice", "line": "expense", "ticket_state": "open",
        "log": LOG, "conversation": CONVERSATION, "state": state, "waiting": None, "representative": "Ravi Patel",
        "representative_id": OTHER, "representative_there": True, "undo_until": None, "ended_by_customer": None, "rating": None,
    }  # fmt: skip
    return Visit(**values | changes)


def a_place(position: int, **changes: Any) -> Waiting:
    """A place in line."""
    values: dict[str, Any] = {
        "position": position, "representatives": 2, "wait_low_s": None, "wait_high_s": None, "offered": False, "admitted_at": now(),
    }  # fmt: skip
    return Waiting(**values | changes)


def a_desk(**changes: Any) -> Desk:
    """A ready representative with nothing to do."""
    lines = (LineCount("expense", 0, 1, None), LineCount("travel", 0, 1, None))
    values: dict[str, Any] = {
        "state": "ready", "reason": None, "capacity": 3, "load": 0, "lines": lines, "offers": (), "conversations": (),
    }  # fmt: skip
    return Desk(**values | changes)


def an_offer(**changes: Any) -> OfferCard:
    """An offer that waits for an answer."""
    values: dict[str, Any] = {
        "id": OfferId("of_00000000000000000000"), "epoch": 1, "deadline_at": now() + timedelta(seconds=20), "line": "expense",
        "ticket": TICKET, "number": 4812, "subject": "Approval mails arrive twice", "description": "Every approver gets two.",
        "severity": "P3", "customer": "Claire Fontaine", "company": "Nordwind Logistik", "admitted_at": now(),
    }  # fmt: skip
    return OfferCard(**values | changes)


def a_talk(**changes: Any) -> DeskConversation:
    """A conversation on a desk."""
    values: dict[str, Any] = {
        "id": CONVERSATION, "state": "active", "epoch": 7, "ticket": TICKET, "number": 4812, "subject": "Approval mails arrive twice",
        "line": "expense", "severity": "P3", "log": LOG, "notes_log": NOTES, "head": 0, "seen": 0, "customer_id": OTHER,
        "customer": "Claire Fontaine", "company": "Nordwind Logistik", "customer_zone": "Asia/Tokyo", "customer_language": "pt_BR",
        "customer_there": True, "customer_at": now() - timedelta(seconds=75), "accepted_at": now(), "due_at": None,
        "ended_by_customer": None,
    }  # fmt: skip
    return DeskConversation(**values | changes)


def chat_form_page() -> str:
    """The form before the line, empty."""
    return _page("portal/chat_form.html", samples.chat_form(), "Claire")


def request_form_page(**page: Any) -> str:
    """The form for a request, empty."""
    return _page("portal/request_form.html", request_samples.request_form(**page), "Claire")


def ticket_list_page(**page: Any) -> str:
    """A list of tickets of those who work here."""
    return _page("console/tickets.html", request_samples.ticket_list(**page), "Sam Okafor")


def ticket_page() -> str:
    """An open ticket as its customer sees it, without a history."""
    context = samples.ticket_page(entries=[], head=0, store="store-1")
    return _page(
        "portal/ticket.html", {**context, "ticket": {**context["ticket"], "log": LOG, "number": 4812}}, "Claire"
    )


def staff_ticket_page(**page: Any) -> str:
    """A ticket as those who work here see it, without a history."""
    context = samples.staff_ticket(entries=[], head=0, store="store-1", canned=[], **page)
    ticket = {**context["ticket"], "log": LOG, "notes_log": NOTES, "number": 4812}
    return _page("console/ticket_staff.html", {**context, "ticket": ticket}, "Ravi Patel")


def calls_page(state: str, rows: list[dict[str, Any]]) -> str:
    """The list of calls of those who work here."""
    return _page(
        "console/calls.html", {"me": samples.SAM, "rows": rows, "is_over": False, "state": state}, "Sam Okafor"
    )
