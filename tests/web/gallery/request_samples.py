"""Samples of the request form, of reports, and of what else belongs to tickets outside a conversation."""

from datetime import timedelta
from typing import Any, Final

import msgspec

from chatsvc.catalog import policy
from chatsvc.catalog.model import load as load_catalog
from tests.web.gallery.samples import ANA, NOW, SAM, Sample, ago, errors
from web.i18n import reader
from web.texts import SEVERITIES, VIEWS, error_sentence

_CATALOG: Final = load_catalog()


def _word(text: str) -> str:
    return reader().texts.gettext(text) if text else ""


def fields(typed: dict[str, str]) -> list[dict[str, Any]]:
    """The form's fields for what was typed."""
    answers = policy.shown_answers(_CATALOG, typed)
    return [
        {
            "key": field.key,
            "name": _word(field.name),
            "hint": _word(field.hint),
            "kind": field.kind,
            "answers": [(item.key, _word(item.name)) for item in _CATALOG.choices(field)],
            "longest": field.longest,
            "shown": policy.is_shown(field, answers),
            "required": policy.is_required(field, answers),
            "rules": msgspec.json.encode({"shown": field.shown, "required": field.required}).decode(),
        }
        for field in _CATALOG.fields
    ]


def request_form(typed: dict[str, str] | None = None, **more: Any) -> dict[str, Any]:
    """The context of the form."""
    return {
        "me": ANA,
        "reasons": [
            {"key": reason.key, "name": _word(reason.name), "about": _word(reason.about)} for reason in _CATALOG.reasons
        ],
        "fields": fields(typed or {}),
        "form": {**(typed or {}), "language": "en"},
        "kept": [],
        "colleagues": [],
        "similar": [],
        "draft": None,
        "errors": [],
        "key": "fm_0-0",
        "who": "pe_1",
        "limits": {"files": 5, "size_bytes": 10_485_760},
    } | more


SIMILAR: Final = [
    {"number": 4812, "subject": "Approval mails arrive twice", "name": "Jonas Weber", "at": ago(minutes=40), "age": timedelta(minutes=40), "followed": False, "href": "/requests/4812"},
    {"number": 4790, "subject": "Mails are late", "name": "Jonas Weber", "at": ago(days=1), "age": timedelta(days=1), "followed": True, "href": "/requests/4790"},
]  # fmt: skip
TYPED: Final = {
    "reason": "malfunction", "product": "expense", "environment": "production", "message": "Error 17", "subject": "Approval mails",
}  # fmt: skip


def report(state: str, **more: Any) -> dict[str, Any]:
    """A report in the background."""
    return {
        "id": "rp_1", "title": "Open requests", "state": state, "done": 12_000, "total": 48_200, "asked_at": ago(minutes=2),
        "expires_at": ago(days=-7) if state == "ready" else None, "size_bytes": 2_400_000 if state == "ready" else None,
        "href": "/reports/rp_1", "file": "/reports/rp_1/file" if state == "ready" else None,
    } | more  # fmt: skip


def reports(**more: Any) -> dict[str, Any]:
    """The context of the choice of reports."""
    return {
        "me": ANA,
        "reports": [("tickets", _word("All requests")), ("open", _word("Open requests by age"))],
        "states": [("open", _word("Open")), ("solved", _word("Solved"))],
        "products": [(line.key, _word(line.name)) for line in _CATALOG.lines],
        "companies": [],
        "mine": [report("waiting"), report("ready"), report("failed")],
        "at_once": 250,
        "form": {},
        "chosen": {"states": ("open",), "products": ()},
        "errors": [],
    } | more


def ticket_list(**more: Any) -> dict[str, Any]:
    """The context of the lists of those who work here."""
    rows = [
        {
            "number": number, "subject": subject, "href": f"/desk/tickets/{number}", "requester": "Ana Ruiz", "company": "Nordwind Logistics",
            "product": "Expense", "severity": severity, "state": state, "team": "Engineering", "owner": owner, "updated_at": ago(hours=2),
            "due_at": due_at, "breached": due_at is not None and due_at < NOW,
        }
        for number, subject, severity, state, owner, due_at in (
            (4812, "Approval mails arrive twice", "P1", "open", "Sam Okafor", ago(minutes=5)),
            (4790, "Mileage rate for Portugal is missing", "P3", "awaiting", None, None),
            (4751, "Invoice export stops at line 250", "P2", "open", None, ago(hours=-3)),
        )
    ]  # fmt: skip
    views = [(_word(name), index) for index, name in enumerate(VIEWS.values())]
    return {
        "me": SAM,
        "tickets": rows,
        "view": "mine",
        "views": [
            {
                "href": "/desk/tickets",
                "label": label,
                "count": 3 if index else 999,
                "more": not index,
                "current": not index,
            }
            for label, index in views
        ],
        "first_page": None,
        "next_page": "/desk/tickets?after=4751",
        "products": [(line.key, _word(line.name)) for line in _CATALOG.lines],
        "teams": [(team.key, _word(team.name)) for team in _CATALOG.teams],
        "severities": [(code, _word(name)) for code, name in SEVERITIES.items()],
        "form": {"text": "", "product": None, "severity": None, "team": None},
        "everything": None,
        "bulk": {"href": "/desk/tickets/bulk?view=mine", "typed": {}, "tickets": ()},
        "undo": None,
        "teamless": False,
        "errors": [],
    } | more


def replies(**more: Any) -> dict[str, Any]:
    """The context of the saved replies."""
    kept = {
        "id": "sr_1",
        "title": "Thanks",
        "text": "Thank you {customer}.",
        "line": "",
        "own": True,
        "may_change": True,
    }
    return {
        "me": SAM,
        "replies": [
            kept,
            {**kept, "id": "sr_2", "title": "Relay", "own": False, "may_change": False, "line": "Expense"},
        ],
        "shipped": [{"title": "Greeting", "text": "Hello {customer}"}],
        "chosen": None,
        "for_all": True,
        "lines": [(line.key, _word(line.name)) for line in _CATALOG.lines],
        "form": {},
        "errors": [],
    } | more


def request_samples() -> list[Sample]:
    """All of them."""
    form = "portal/request_form.html"
    return [
        Sample("request_form", form, request_form(draft={"key": "fm_1-1", "subject": "Approval mails arrive twice", "at": ago(hours=3), "href": "/requests/new?draft=fm_1-1"})),
        Sample("request_form-plain", form, request_form(), scripted=False),
        Sample("request_form-filled", form, request_form(
            TYPED, similar=SIMILAR, colleagues=[("pe_2", "Jonas Weber"), ("pe_3", "Ada Berg")],
        )),
        Sample("request_form-errors", form, request_form(
            TYPED,
            errors=errors(("steps", "required"), ("description", "required"), ("files", "file.type")),
            kept=[{"id": "fi_1", "name": "double-mail.png", "size_bytes": 241_300}],
        ), scripted=False),
        Sample("reports", "portal/reports.html", reports()),
        Sample("reports-staff", "portal/reports.html", reports(
            me=SAM, companies=[("co_1", "Nordwind Logistics")], mine=[], errors=errors(("until", "report.days_crossed")),
        )),
        Sample("tickets", "console/tickets.html", ticket_list()),
        Sample("tickets-undo", "console/tickets.html", ticket_list(
            undo={"bulk": "bk_1", "changed": 2, "until": ago(seconds=-10), "now": NOW, "left_s": 10, "href": "/desk/tickets/undo?view=mine"}, errors=[{"field": "", "text": error_sentence("bulk.refused", number=4751, reason=error_sentence("conflict").rstrip("."))}],
        )),
        Sample("tickets-none", "console/tickets.html", ticket_list(tickets=[], next_page=None)),
        Sample("tickets-teamless", "console/tickets.html", ticket_list(tickets=[], next_page=None, teamless=True)),
        Sample("tickets-not-found", "console/tickets.html", ticket_list(tickets=[], next_page=None, everything="/desk/tickets?view=mine")),
        Sample("replies", "console/replies.html", replies()),
        Sample("replies-change", "console/replies.html", replies(
            chosen="sr_1", form={"title": "Thanks", "text": "", "version": "2"}, errors=errors(("text", "required")),
        )),
        Sample("replies-empty", "console/replies.html", replies(replies=[], for_all=False)),
        Sample("report-waiting", "portal/report.html", {"me": ANA, "report": report("waiting")}),
        Sample("report-ready", "portal/report.html", {"me": SAM, "report": report("ready")}),
        Sample("report-failed", "portal/report.html", {"me": ANA, "report": report("failed")}),
    ]  # fmt: skip
