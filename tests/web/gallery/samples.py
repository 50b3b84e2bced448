"""The samples. Values are invented; moments are fixed, so that pictures and tests do not depend on the day."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

import msgspec

from chatsvc.accounts.model import Company
from chatsvc.catalog.model import Plan, Response, Responses
from chatsvc.catalog.model import load as load_catalog
from chatsvc.coverage.difference import difference
from chatsvc.coverage.model import DEFAULT_WEEK, Calendar, Channel, OwnDay, Period
from chatsvc.coverage.policy import coverage_at
from chatsvc.coverage.queries import Sheet
from chatsvc.coverage.store import Change
from chatsvc.kernel.ids import CompanyId, PersonId
from chatsvc.tickets.clock_plans import CompanyPlan, DueChange, DueDifference
from chatsvc.tickets.clocks import Promise
from web.coverage_words import words
from web.i18n import reader
from web.pages.calendar_forms import AskQuery
from web.pages.calendars import page_context, preview_of
from web.pages.plans import dues_of
from web.pages.plans import page_context as plan_context
from web.texts import error_sentence, event_sentence

NOW: Final = datetime(2026, 11, 23, 13, 5, 12, tzinfo=UTC)


@dataclass(frozen=True)
class Sample:
    """One template in one state."""

    name: str
    template: str
    context: dict[str, Any] = field(default_factory=dict)
    # Whether a script would run on it: the pictures then show what scripts reveal.
    scripted: bool = True


def ago(**spans: float) -> datetime:
    """The moment so long before ``NOW``."""
    return NOW - timedelta(**spans)


ANA: Final = {
    "name": "Ana Ruiz",
    "email": "ana.ruiz@nordwind.example",
    "role": "contact",
    "company": "Nordwind Logistics",
}
SAM: Final = {"name": "Sam Okafor", "email": "sam@holdline.example", "role": "representative", "company": None}
ADA: Final = {"name": "Ada Lindqvist", "email": "ada@holdline.example", "role": "administrator", "company": None}


def errors(*pairs: tuple[str, str], **facts: object) -> list[dict[str, str]]:
    """A list of errors as pages get it."""
    return [{"field": name, "text": error_sentence(key, **facts)} for name, key in pairs]


def ticket_row(
    number: int,
    subject: str,
    state: str,
    *,
    days: float,
    product: str = "Expense",
    unread: int = 0,
    requester: str | None = None,
    merged_into: int | None = None,
) -> dict[str, Any]:
    """A row of a ticket list."""
    return {
        "number": number, "subject": subject, "product": product, "state": state, "updated_at": ago(days=days),
        "href": f"/requests/{number}", "unread": unread, "requester": requester, "merged_into": merged_into,
    }  # fmt: skip


TICKETS: Final = [
    ticket_row(4812, "Approval mails arrive twice", "open", days=0.02, unread=2),
    ticket_row(4790, "Mileage rate for Portugal is missing", "awaiting", days=1.2),
    ticket_row(4751, "Invoice export stops at line 250", "solved", days=4, product="Invoice", requester="Jonas Weber"),
    ticket_row(4733, "Invoice export stops", "closed", days=6, product="Invoice", merged_into=4751),
    ticket_row(
        4630,
        "Hotel bookings of the Seoul office do not show their project code in the report",
        "closed",
        days=38,
        product="Travel",
    ),
]


def said(
    number: int, who: str, text: str, minutes: float, *, mine: bool = False, staff: bool = False, **more: Any
) -> dict[str, Any]:
    """A message."""
    return {
        "number": number,
        "kind": "message",
        "side": "mine" if mine else "theirs",
        "name": who,
        "text": text,
        "at": ago(minutes=minutes),
        "staff": staff,
        **more,
    }


def event(number: int, kind: str, minutes: float, **facts: object) -> dict[str, Any]:
    """An event."""
    return {
        "number": number,
        "kind": kind,
        "side": "system",
        "name": "",
        "text": event_sentence(kind, **facts),
        "at": ago(minutes=minutes),
    }


PICTURE: Final = {"name": "double-mail.png", "href": "/files/fi_1", "size_bytes": 241_300, "picture": True}
PDF: Final = {"name": "approval-log-november.pdf", "href": "/files/fi_2", "size_bytes": 1_480_000, "picture": False}

DESCRIPTION: Final = (
    "Since this morning every approver gets the request mail twice, one second apart.\n"
    "We expected one mail. It happens for all departments; see https://status.nordwind.example/mail for our relay."
)


def talk_entries(mine: str = "customer") -> list[dict[str, Any]]:
    """A conversation, from one side."""
    customer, staff = mine == "customer", mine == "staff"
    return [
        event(1, "joined", 14, name="Ana Ruiz", line="Expense"),
        said(
            2,
            "Ana Ruiz",
            "I have added a screenshot of two such mails.",
            12,
            mine=customer,
            state="seen" if customer else None,
            files=[PICTURE],
        ),
        event(3, "accepted", 9, name="Sam Okafor"),
        said(
            4,
            "Sam Okafor",
            "Good afternoon Ana. I see the two mails in your screenshot; they carry the same message number, so one of them is a repeat by a relay.",
            8,
            mine=staff,
            staff=True,
            state="seen" if staff else None,
        ),
        said(
            5,
            "Sam Okafor",
            "Could you tell me whether the relay was changed in the last two days?",
            7.8,
            mine=staff,
            staff=True,
            continued=True,
            state="seen" if staff else None,
        ),
        said(
            6,
            "Ana Ruiz",
            "Yes, it was moved on Saturday. Here is its log.",
            3,
            mine=customer,
            state="stored" if customer else None,
            files=[PDF],
        ),
    ]


def visit(state: str, **changes: Any) -> dict[str, Any]:
    """A visit, as the customer sees it."""
    base: dict[str, Any] = {
        "ticket": "tk_1", "number": 4812, "subject": "Approval mails arrive twice", "line": "expense", "ticket_state": "open", "log": "lg_1",
        "conversation": "cv_1", "state": state, "waiting": None, "representative": "Sam Okafor", "representative_there": True,
        "undo_until": None, "ended_by_customer": None, "rating": None,
    }  # fmt: skip
    return {**base, **changes}


def room(
    state: str, *, entries: list[dict[str, Any]] | None = None, page: dict[str, Any] | None = None, **changes: Any
) -> dict[str, Any]:
    """The context of the chat room."""
    base: dict[str, Any] = {
        "me": ANA, "visit": visit(state, **changes), "line_name": "Expense", "entries": talk_entries() if entries is None else entries,
        "head": 6, "store": "st_1", "post_key": "k1", "draft": "", "errors": [], "rated": False, "undo_s": 10, "closes_first": False, "let_go": False,
        "held": None,
    }  # fmt: skip
    return {**base, **(page or {})}


def waiting(position: int, **changes: Any) -> dict[str, Any]:
    """A place in line."""
    return {
        "position": position,
        "representatives": 4,
        "wait_low_s": None,
        "wait_high_s": None,
        "served_from": None,
        "offered": False,
        "longer": None,
        "longer_at": None,
        "admitted_at": ago(minutes=3),
        **changes,
    }


JOINED: Final = [event(1, "joined", 3, name="Ana Ruiz", line="Expense")]

OPEN_HOURS: Final[dict[str, Any]] = {
    "is_open": True, "until": NOW + timedelta(hours=4), "opens_at": None, "headline": "Open now, until 18:00, Berlin time.",
    "clock": "08:00–18:00, Berlin time; your time now 14:05", "reasons": ["P3 is served in business hours, Berlin time.", "The talk is in English."],
    "in_english": False,
}  # fmt: skip
CLOSED_HOURS: Final[dict[str, Any]] = {
    **OPEN_HOURS, "is_open": False, "until": None, "opens_at": NOW + timedelta(hours=18), "headline": "Closed now. Opens on Monday, 23 November 2026 at 08:00, Berlin time.",
    "clock": "Closed today, Berlin time; your time now 14:05", "reasons": ["P3 is served in business hours, Berlin time.", "Sunday, 22 November 2026: closed.", "The talk is in English."],
    "in_english": True,
}  # fmt: skip
URGENCY: Final[dict[str, Any]] = {
    "severity": "P3", "claim": "none", "proposed": "P3", "reasons": [], "reason": None, "judged_at": None, "may_appeal": False, "version": 3, "contact": None,
    "next_word_at": NOW + timedelta(hours=3), "due": [],
}  # fmt: skip
PROPOSED: Final[dict[str, Any]] = {
    **URGENCY, "claim": "proposed", "proposed": "P1", "reasons": ["Work in production has stopped for many people, and there is no good way around it."],
    "contact": {"name": "Jonas Weber", "phone": "+49 30 1234567"},
    "due": [{"promise": "initial", "label": "First answer", "state": "kept", "due_at": None, "breached": False},
            {"promise": "ongoing", "label": "Next update", "state": "running", "due_at": NOW + timedelta(hours=3), "breached": False},
            {"promise": "target", "label": "Target", "state": "running", "due_at": ago(minutes=5), "breached": True}],
}  # fmt: skip
JUDGED: Final[dict[str, Any]] = {
    **URGENCY,
    "claim": "judged",
    "reason": "There is a way around: use the mobile page.",
    "judged_at": ago(minutes=2),
    "may_appeal": True,
}
CRITICAL: Final = [
    "Work in production has stopped for many people, and there is no good way around it.",
    "Somebody is on a trip and cannot go on without help.",
]


def hours_page(hours: dict[str, Any], **page: Any) -> dict[str, Any]:
    """The context of the hours of support."""
    options = [
        {"title": "Write a request", "about": "At any hour and in your language.", "href": "/requests/new", "glyph": "ticket"},
        {"title": "Report something critical", "about": "Around the clock, in English.", "href": "/chat", "glyph": "zap"},
    ]  # fmt: skip
    return {"me": ANA, "hours": hours, "options": options, "kept": False, "critical": CRITICAL, **page}


TICKET: Final = {
    "number": 4812, "subject": "Approval mails arrive twice", "description": DESCRIPTION, "state": "open", "severity": "P3", "product": "Expense",
    "product_key": "expense", "team": "Support", "team_key": "support", "environment": "production", "reason": "Notifications", "reason_key": "mail",
    "requester": "Ana Ruiz", "requester_email": ANA["email"], "company": "Nordwind Logistics", "zone": "Europe/Berlin", "created_at": ago(minutes=14),
    "updated_at": ago(minutes=3), "log": "lg_1", "notes_log": "lg_2", "owner": "Sam Okafor", "version": 3,
}  # fmt: skip

IMPACT: Final = [
    ("Work stopped", "Partly"),
    ("Way around it", "None known"),
    ("People affected", "A department"),
    ("Deadline", "This week"),
]


def team_names() -> list[tuple[str, str]]:
    """The teams, as the reader calls them."""
    return [(team.key, reader().texts.gettext(team.name)) for team in load_catalog().teams]


def life(state: str = "open", **more: Any) -> dict[str, Any]:
    """Where a ticket is in its life."""
    waits, ended = state == "awaiting", state in ("solved", "closed")
    return {
        "number": 4812, "state": state, "team": "engineering", "incident": None, "mine": False, "owner": "Sam Okafor", "own": True, "following": False,
        "mails": "/mails/quiet/a-token",
        "needed": "Please send the headers of one such mail." if waits else None, "closes_at": ago(days=-29) if waits else None,
        "solution": "The relay had two routes; one is gone." if state == "solved" else None, "solution_at": ago(hours=1),
        "reopen_until": ago(days=-6) if ended else None, "follows": None, "followed_up_by": None, "merged_into": None,
        "may_solve": not ended, "may_close": state != "closed", "may_reopen": state == "solved", "may_follow_up": state == "closed",
        "followers": [{"person": "pe_2", "name": "Jonas Weber", "may_remove": True}], "candidates": [("pe_3", "Greta Holm")],
    } | more  # fmt: skip


def ticket_page(state: str = "open", **page: Any) -> dict[str, Any]:
    """The context of the customer's ticket page."""
    live = state in ("open", "awaiting")
    base: dict[str, Any] = {
        "me": ANA, "ticket": {**TICKET, "state": state}, "impact": IMPACT, "entries": talk_entries(), "head": 6, "store": "st_1",
        "may_comment": state != "closed", "may_solve": live, "running": None, "post_key": "k1", "draft": "", "errors": [], "typed": {},
        "urgency": JUDGED if state == "open" else URGENCY, "life": life(state), "teams": team_names(),
    }  # fmt: skip
    return {**base, **page}


CHOICES: Final = {
    "reasons": [("mail", "Notifications"), ("access", "Sign-in and access"), ("config", "Configuration change")],
    "products": [("expense", "Expense"), ("travel", "Travel"), ("invoice", "Invoice"), ("request", "Request")],
    "priorities": [("P1", "P1 Critical"), ("P2", "P2 High"), ("P3", "P3 Normal"), ("P4", "P4 Low")],
    "teams": [("support", "Support"), ("configuration", "Configuration"), ("engineering", "Engineering")],
}

NOTE: Final = {
    "number": 1,
    "kind": "note",
    "side": "mine",
    "name": "Sam Okafor",
    "text": "Same relay vendor as ticket 4633; ask for header dumps.",
    "at": ago(minutes=6),
    "staff": True,
}


def desk_talk(identity: str, customer: str, company: str, **changes: Any) -> dict[str, Any]:
    """A conversation on a desk."""
    base: dict[str, Any] = {
        "id": identity, "customer": customer, "company": company, "line_name": "Expense", "last": "Yes, it was moved on Saturday.", "unread": 0,
        "silent": "0:41", "silent_long": False, "state": "active", "current": False, "typing": False, "number": 4812, "severity": "P3", "epoch": 1,
        "log": "lg_1", "notes_log": "lg_2", "head": 6, "seen": 6, "entries": talk_entries("staff"), "post_key": "k1", "draft": "",
        "customer_there": True, "undo_until": None, "undo_s": 10, "wrap_up": None, "subject": "Approval mails arrive twice",
    }  # fmt: skip
    return {**base, **changes}


def three_talks() -> list[dict[str, Any]]:
    """A full desk: talking, ended a moment ago, wrapping up."""
    entries = talk_entries("staff")
    return [
        desk_talk("cv_1", "Ana Ruiz", "Nordwind Logistics", current=True, entries=[*entries[:4], NOTE, *entries[4:]]),
        desk_talk("cv_2", "Minh Tran", "Baltic Foods", number=4815, subject="Trip cannot be approved", severity="P2", unread=2, silent="3:20", silent_long=True,
                  last="Is anybody there?", state="ending", undo_until=NOW, entries=[event(1, "accepted", 5, name="Sam Okafor"), said(2, "Minh Tran", "Is anybody there?", 3)]),
        desk_talk("cv_3", "王芳", "Hengda Trading", number=4809, subject="Invoice export stops at line 250", silent=None, state="wrap_up",
                  wrap_up={"subject": "Invoice export stops at line 250", "reason": "config", "product": "invoice", "environment": "production", "severity": "P3",
                           "team": "support", "state": "solved", "due_at": NOW + timedelta(minutes=2), "claim": "Proposed P1: judge it", "judgement": ""}),
    ]  # fmt: skip


OFFER: Final = {
    "id": "of_1", "epoch": 1, "deadline_at": NOW + timedelta(seconds=14), "total_s": 20, "line_name": "Travel", "number": 4820, "subject": "Cannot book a train to Lyon",
    "description": "The booking page stays empty after the search. It worked on Friday.", "severity": "P3", "customer": "Claire Dubois", "company": "Atelier Rhône",
    "handed_over_note": None,
}  # fmt: skip

ABOUT: Final = {
    "customer": "Ana Ruiz", "company": "Nordwind Logistics", "email": ANA["email"], "language_name": "Español", "zone": "Europe/Berlin", "their_time": "14:05", "now": NOW,
    "description": DESCRIPTION,
    "impact": IMPACT, "past": TICKETS[1:],
}  # fmt: skip


def console(state: str = "ready", **page: Any) -> dict[str, Any]:
    """The context of the console."""
    base: dict[str, Any] = {
        "me": SAM, "desk": {"state": state, "reason": "lunch" if state == "away" else None, "capacity": 3, "load": 0},
        "away_reasons": [("break", "Short break"), ("lunch", "Lunch"), ("meeting", "Meeting")],
        "decline_reasons": [("other_product", "Not my product"), ("busy", "Busy with another customer")],
        "lines": [{"key": "expense", "name": "Expense", "waiting": 3, "representatives": 4}, {"key": "travel", "name": "Travel", "waiting": 0, "representatives": 2}],
        "offers": [], "talks": [], "about": None, "choices": CHOICES, "colleagues": [("pe_2", "Ines Duarte"), ("pe_3", "Tom Becker")],
        "hand_over_lines": [("travel", "Travel"), ("invoice", "Invoice")],
        "impact_names": {"impact.people": "How many people does it affect?", "impact.people.one": "Only me"},
        "canned": [{"key": "hello", "title": "Greeting", "text": "Good day {name}, I have read your ticket {number}.", "product": None}],
    }  # fmt: skip
    return {**base, **page}


def staff_ticket(**page: Any) -> dict[str, Any]:
    """The context of the staff's ticket page."""
    base: dict[str, Any] = {
        "me": SAM, "ticket": TICKET, "impact": IMPACT, "entries": talk_entries("staff"), "notes": [NOTE], "head": 6, "store": "st_1", "choices": CHOICES, "now": NOW,
        "life": life(incident="INC-7", candidates=[]), "teams": team_names(), "canned": [{"key": "hello", "title": "Greeting", "text": "Hello {customer}", "lines": []}],
        "urgency": PROPOSED, "hours": CLOSED_HOURS, "their_time": "14:05", "live": None, "may_write": True, "post_key": "k1", "note_key": "k2", "draft": "", "errors": [], "typed": {},
    }  # fmt: skip
    return {**base, **page}


def person(identity: str, name: str, **changes: Any) -> dict[str, Any]:
    """A contact on the page of people."""
    base: dict[str, Any] = {
        "id": identity, "name": name, "email": f"{identity}@nordwind.example", "language_name": "Deutsch", "authorised": True, "company_admin": False, "disabled": False,
        "has_password": True, "seen_at": ago(days=2),
    }  # fmt: skip
    return {**base, **changes}


def people(**page: Any) -> dict[str, Any]:
    """The context of the page of people."""
    nordwind = [
        person("pe_10", "Ana Ruiz", company_admin=True),
        person("pe_11", "Jonas Weber"),
        person("pe_12", "Greta Holm", authorised=False, has_password=False, seen_at=None),
        person("pe_13", "Old Account", authorised=False, disabled=True),
    ]
    member = {
        "lines": "Expense, Travel",
        "teams": "Support, Engineering",
        "team_keys": ("support", "engineering"),
        "disabled": False,
        "has_password": True,
        "me": False,
    }
    base: dict[str, Any] = {
        "me": ADA,
        "companies": [
            {"id": "co_1", "name": "Nordwind Logistics", "zone": "Europe/Berlin", "country": "DE", "contacts": 4, "authorised": 2, "href": "/admin/people?company=co_1", "open": True},
            {"id": "co_2", "name": "Baltic Foods", "zone": "Europe/Riga", "country": "LV", "contacts": 1, "authorised": 1, "href": "/admin/people?company=co_2", "open": False},
        ],
        "company": {"id": "co_1", "name": "Nordwind Logistics", "zone": "Europe/Berlin", "services": ["audit"], "colleagues": True, "people": nordwind},
        "services": {"audit": "The audit service"},
        "staff": [
            {"id": "pe_1", "name": "Ada Lindqvist", "email": ADA["email"], "role": "administrator", **member, "lines": "", "teams": "", "team_keys": (), "me": True},
            {"id": "pe_2", "name": "Sam Okafor", "email": SAM["email"], "role": "representative", **member},
            {"id": "pe_3", "name": "Ines Duarte", "email": "ines@holdline.example", "role": "supervisor", **member, "has_password": False},
        ],
        "bounds": {"least": 2, "most": 5}, "zones": [("Europe/Berlin", "Berlin"), ("Asia/Seoul", "Seoul")], "countries": [("DE", "Germany"), ("KR", "South Korea")],
        "lines": [("expense", "Expense"), ("travel", "Travel")], "teams": CHOICES["teams"], "form": {}, "errors": [],
    }  # fmt: skip
    return {**base, **page}


FORM: Final = {
    "subject": "Approval mails arrive twice", "description": DESCRIPTION, "environment": "production", "stopped": "partly", "workaround": "no", "people": "many",
    "deadline": "week", "since": "today",
}  # fmt: skip


CALENDAR: Final = Calendar(
    "Europe/Berlin",
    "DE",
    "BY",
    own_days=(
        OwnDay(date(2026, 12, 24), (Period(480, 720),), "Heiligabend"),
        OwnDay(date(2027, 1, 4)),
        OwnDay(date(2027, 3, 13), (Period(540, 780),), "Inventur"),
    ),
)


def calendar_page(calendar: Calendar = CALENDAR, ask: AskQuery | None = None, **page: Any) -> dict[str, Any]:
    """A company's calendar."""
    company = Company(CompanyId("co_1"), "Nordwind Logistics", calendar.zone, "DE", None, 2, 4)
    changes = (
        Change(2, PersonId("pe_1"), "Ada Lindqvist", ago(days=2)),
        Change(1, PersonId("pe_0"), None, ago(days=40)),
    )
    sheet = Sheet(company.id, calendar, 2, changes)
    context = page_context(sheet, company, NOW, ask=ask or AskQuery(), typed={})
    return {"me": ADA, "errors": [], "countries": [("DE", "Germany"), ("FR", "France")], **context, **page}


def _told(calendar: Calendar) -> dict[str, str]:
    said = words(coverage_at(NOW, "P3", Channel.CHAT, calendar), calendar, NOW, own=False)
    return {"headline": said.headline, "clock": said.clock}


def calendar_preview() -> dict[str, Any]:
    """What Saturdays and a shorter Friday would alter."""
    week = (*DEFAULT_WEEK[:4], (Period(480, 840),), (Period(540, 780),), ())
    alters = difference(CALENDAR, msgspec.structs.replace(CALENDAR, week=week, region=None), NOW)
    return preview_of(alters, due_changes(), CALENDAR, "calendar_hours", {"version": "2"}, reader())


def due_changes() -> DueDifference:
    """What other hours do to two open tickets."""
    named = (
        DueChange(4809, Promise.INITIAL, NOW + timedelta(hours=20), NOW + timedelta(hours=24)),
        DueChange(4811, Promise.TARGET, NOW + timedelta(days=7), NOW + timedelta(days=9)),
    )
    return DueDifference(named, 12)


def plans_page(*, several: bool = True, preview: bool = False) -> dict[str, Any]:
    """Two plans and who has them."""
    [standard] = load_catalog().plans
    fast = Response(hours=0.5)
    swift = Responses(fast, Response(hours=2), Response(days=1, always=True))
    premium = Plan("premium", "Premium", {**standard.responses, "P3": swift})
    plans = (standard, premium) if several else (standard,)
    companies = [
        CompanyPlan(CompanyId("co_1"), "Nordwind Logistics", "premium" if several else "standard", ago(days=3)),
        CompanyPlan(CompanyId("co_2"), "Baltic Foods", "standard", None),
    ]
    context = plan_context(plans, companies, reader())
    if preview:
        dues = dues_of(due_changes(), reader())
        context["preview"] = {"company": "Baltic Foods", "company_id": "co_2", "plan": "premium", "plan_name": "Premium",
                              "same": False, "dues": dues}  # fmt: skip
    return {"me": ADA, "errors": [], **context}


def chat_form(**page: Any) -> dict[str, Any]:
    """The context of the form before a chat."""
    base = {
        "me": ANA,
        "product": {"key": "expense", "name": "Expense"},
        "questions": [
            {
                "key": question.key,
                "name": question.name,
                "answers": [(answer.key, answer.name) for answer in question.answers],
                "required": question.required,
                "needed_if": msgspec.json.encode(question.needed_if).decode() if question.needed_if else None,
            }
            for question in load_catalog().impact
        ],
        "form": {},
        "errors": [],
        "key": "k1",
        "limits": {"files": 5, "size_bytes": 10_000_000},
        "hours": OPEN_HOURS,
        "closes_first": False,
        "critical": CRITICAL,
        "asks_contact": False,
        "asks_more": bool(page.get("form")),
    }
    return {**base, **page}


PRODUCTS: Final = [
    {
        "key": "expense",
        "name": "Expense",
        "about": "Reports, receipts, mileage, approvals.",
        "representatives": 4,
        "waiting": 3,
        "running": None,
    },
    {
        "key": "travel",
        "name": "Travel",
        "about": "Bookings, itineraries, travel rules.",
        "representatives": 2,
        "waiting": 0,
        "running": "/chats/cv_1",
    },
    {
        "key": "invoice",
        "name": "Invoice",
        "about": "Incoming invoices, payment runs, exports.",
        "representatives": 1,
        "waiting": 1,
        "running": None,
    },
    {
        "key": "request",
        "name": "Request",
        "about": "Requests before money is spent.",
        "representatives": 0,
        "waiting": 0,
        "running": None,
    },
]


def profile(me: dict[str, Any], **page: Any) -> dict[str, Any]:
    """The context of a profile."""
    base = {
        "me": me,
        "person": {"name": me["name"], "email": me["email"], "company": me["company"], "language": "en", "zone": "Europe/Berlin", "zone_fixed": False},
        "chosen_theme": "auto", "minimum": 12, "errors": [], "feed": None, "colleagues": None,
        "sessions": [
            {"id": "se_1", "device": "Firefox on Linux", "created_at": ago(days=1), "seen_at": ago(minutes=1), "current": True},
            {"id": "se_2", "device": "", "created_at": ago(days=9), "seen_at": ago(days=3), "current": False},
        ],
    }  # fmt: skip
    return {**base, **page}


def error_page(status: int, key: str, **page: Any) -> dict[str, Any]:
    """The context of an error page."""
    base = {
        "me": None,
        "status": status,
        "sentence": error_sentence(key, seconds=40),
        "code": key,
        "correlation": "rq_7f3k9",
        "retry_after": None,
        "back": "/",
    }
    return {**base, **page}


def talk_banner(**changes: Any) -> dict[str, Any]:
    """A running conversation on the home page."""
    return {
        "product": "Expense",
        "number": 4812,
        "href": "/chats/cv_1",
        "waiting": False,
        "position": None,
        "representative": "Sam Okafor",
        **changes,
    }


MAIL: Final = {
    "id": "ma_1",
    "to": ANA["email"],
    "subject": "Set your password for Holdline",
    "text": "Hello Ana,\nhttps://support.example/reset/abc",
    "at": ago(minutes=2),
    "links": [],
    "cause": "password",
}

API: Final = {
    "me": None, "version": "0.1.0",
    "routes": [{"method": "POST", "path": "/api/tickets/{ticket}/entries", "summary": "Append a message.", "policy": "contact of the company, representative"}],
    "frames": [{"name": "append", "direction": "in", "summary": "Say something.", "fields": [("ref", "integer"), ("text", "string")]},
               {"name": "stored", "direction": "out", "summary": "Committed, under this number.", "fields": [("number", "integer")]}],
    "close_codes": [{"code": 4001, "name": "signed_out", "meaning": "The session is over.", "come_back": False}, {"code": 1012, "name": "restart", "meaning": "The server restarts.", "come_back": True}],
    "codes": [{"key": "not_found", "status": 404, "sentence": "This does not exist."}],
}  # fmt: skip


def samples() -> list[Sample]:
    """Every page in every state. Sentences in them are made when this is called: call it inside ``reading``."""
    nobody: dict[str, Any] = {"me": None}
    sign_in = {**nobody, "email": "", "next": "", "errors": []}
    reset = {**nobody, "token": "abc", "valid": True, "name": "Ana Ruiz", "first": False, "minimum": 12, "errors": []}
    home = {"me": ANA, "first_name": "Ana", "tickets": TICKETS, "running": [], "hours": OPEN_HOURS}
    requests = {
        "me": ANA,
        "tickets": TICKETS,
        "filter": "all",
        "counts": {"current": 3, "open": 2, "all": 4},
        "form": {"show": "all", "text": "", "product": "", "whose": "all"},
        "narrowed": False,
        "shows": {
            "current": "/requests",
            "open": "/requests?show=open",
            "awaiting": "/requests?show=awaiting",
            "ended": "/requests?show=ended",
            "all": "/requests?show=all",
        },
        "products": CHOICES["products"],
        "first_page": None,
        "next_page": "/requests?before=4630",
    }
    quiet = {"number": 4812, "asked": False, "requester": True, "token": "a-token", "here": "/mails/quiet/a-token"}
    return [
        Sample("sign_in", "auth/sign_in.html", sign_in),
        Sample(
            "sign_in-refused",
            "auth/sign_in.html",
            {
                **sign_in,
                "email": "ana@nordwind.example",
                "next": "/requests/4812",
                "errors": errors(("", "sign_in.refused"), ("email", "email.invalid"), ("password", "required")),
            },
        ),
        Sample("forgot", "auth/forgot.html", {**nobody, "email": "", "errors": []}),
        Sample(
            "forgot-error",
            "auth/forgot.html",
            {**nobody, "email": "ana@", "errors": errors(("email", "email.invalid"))},
        ),
        Sample("forgot_sent", "auth/forgot_sent.html", {**nobody, "hours": 24, "trial": True}),
        Sample("reset", "auth/reset.html", {**reset, "errors": errors(("password", "password.short"), limit=12)}),
        Sample("reset-first", "auth/reset.html", {**reset, "first": True}),
        Sample("reset-invalid", "auth/reset.html", {**reset, "valid": False, "name": None}),
        Sample("signed_out", "auth/signed_out.html", {**nobody, "forced": False}),
        Sample("mail_quiet", "portal/mail_quiet.html", {**nobody, **quiet}),
        Sample("mail_quiet-asked", "portal/mail_quiet.html", {**nobody, **quiet, "asked": True, "requester": False}),
        Sample("signed_out-forced", "auth/signed_out.html", {**nobody, "forced": True}),
        Sample("home", "portal/home.html", {**home, "flash": [{"kind": "good", "text": error_sentence("chat.over")}]}),
        Sample("home-new", "portal/home.html", {**home, "tickets": [], "hours": CLOSED_HOURS}),
        Sample(
            "home-running",
            "portal/home.html",
            {
                **home,
                "running": [
                    talk_banner(),
                    talk_banner(waiting=True, position=3, representative=None, product="Travel"),
                    talk_banner(representative=None),
                ],
            },
        ),
        Sample("chat_products", "portal/chat_products.html", {"me": ANA, "products": PRODUCTS, "hours": OPEN_HOURS}),
        Sample("hours", "portal/hours.html", hours_page(OPEN_HOURS)),
        Sample("hours-closed", "portal/hours.html", hours_page(CLOSED_HOURS, kept=True)),
        Sample("chat_form", "portal/chat_form.html", chat_form(hours=CLOSED_HOURS, asks_contact=True)),
        Sample(
            "chat_form-errors",
            "portal/chat_form.html",
            chat_form(
                form={**FORM, "subject": ""},
                errors=errors(("subject", "required"), ("files", "file.too_big"), ("since", "choose"), limit="10 MB"),
            ),
        ),
        Sample(
            "chat_room-waiting",
            "portal/chat_room.html",
            room(
                "waiting",
                entries=JOINED,
                representative=None,
                representative_there=None,
                waiting=waiting(3, wait_low_s=120, wait_high_s=290),
            ),
        ),
        Sample(
            "chat_room-waiting-next",
            "portal/chat_room.html",
            room(
                "waiting",
                entries=JOINED,
                representative=None,
                representative_there=None,
                waiting=waiting(1, representatives=1, offered=True),
            ),
        ),
        Sample(
            "chat_room-waiting-nobody",
            "portal/chat_room.html",
            room(
                "waiting",
                entries=JOINED,
                representative=None,
                representative_there=None,
                waiting=waiting(2, representatives=0),
            ),
            scripted=False,
        ),
        Sample(
            "chat_room-talk",
            "portal/chat_room.html",
            room(
                "active",
                entries=[
                    *talk_entries(),
                    said(7, "Ana Ruiz", "I can send more if needed.", 2, mine=True, state="sending"),
                    said(8, "Ana Ruiz", "Just say so.", 1, mine=True, state="failed"),
                    said(9, "Ana Ruiz", "Hello?", 1, mine=True, state="refused"),
                ],
            ),
        ),
        Sample(
            "chat_room-plain",
            "portal/chat_room.html",
            room("active", representative_there=False, page={"errors": errors(("text", "message.empty"))}),
            scripted=False,
        ),
        Sample("chat_room-undo", "portal/chat_room.html", room("ending", undo_until=NOW, ended_by_customer=True)),
        Sample(
            "chat_room-ended-by-rep", "portal/chat_room.html", room("ending", undo_until=NOW, ended_by_customer=False)
        ),
        Sample("chat_room-end", "portal/chat_room.html", room("wrap_up")),
        Sample(
            "chat_room-rated",
            "portal/chat_room.html",
            room("closed", rating=5, ticket_state="solved", page={"rated": True}),
        ),
        Sample(
            "chat_room-left",
            "portal/chat_room.html",
            room(
                "left",
                entries=[*JOINED, event(2, "left_line", 1, name="Ana Ruiz", why="left")],
                representative=None,
                representative_there=None,
            ),
        ),
        Sample("requests", "portal/requests.html", requests),
        Sample(
            "requests-none-open",
            "portal/requests.html",
            {
                **requests,
                "tickets": [],
                "filter": "open",
                "counts": {"current": 0, "open": 0, "all": 4},
                "next_page": None,
            },
        ),
        Sample(
            "requests-empty",
            "portal/requests.html",
            {
                **requests,
                "tickets": [],
                "filter": "current",
                "counts": {"current": 0, "open": 0, "all": 0},
                "next_page": None,
            },
        ),
        Sample(
            "requests-not-found",
            "portal/requests.html",
            {
                **requests,
                "tickets": [],
                "filter": "current",
                "narrowed": True,
                "form": {**requests["form"], "text": "登录"},
                "next_page": None,
            },
        ),
        Sample("ticket", "portal/ticket.html", ticket_page(running="/chats/cv_1")),
        Sample(
            "ticket-awaiting", "portal/ticket.html", ticket_page("awaiting", errors=errors(("text", "message.empty")))
        ),
        Sample("ticket-solved", "portal/ticket.html", ticket_page("solved")),
        Sample("ticket-closed", "portal/ticket.html", ticket_page("closed")),
        Sample(
            "ticket-followed-up",
            "portal/ticket.html",
            ticket_page(
                "closed",
                life=life(
                    "closed",
                    own=False,
                    following=True,
                    followers=[],
                    candidates=[],
                    follows={"number": 4633, "href": "/requests/4633"},
                    followed_up_by={"number": 4820, "href": "/requests/4820"},
                    merged_into={"number": 4790, "href": "/requests/4790"},
                ),
            ),
        ),
        Sample("profile", "portal/profile.html", profile(ANA, colleagues=True)),
        Sample(
            "profile-errors",
            "portal/profile.html",
            profile(ANA, errors=errors(("current", "password.wrong"), ("again", "password.different"))),
        ),
        Sample("profile-staff", "portal/profile.html", profile(SAM, feed="https://desk.example/calendar/a-token.ics")),
        Sample("console-empty", "console/console.html", console()),
        Sample("console-offer", "console/console.html", console(offers=[OFFER])),
        Sample(
            "console-busy",
            "console/console.html",
            console(
                desk={"state": "ready", "reason": None, "capacity": 4, "load": 3},
                talks=three_talks(),
                about=ABOUT,
                offers=[{**OFFER, "severity": "P1", "handed_over_note": "Knows the relay vendor."}],
            ),
        ),
        Sample(
            "console-one",
            "console/console.html",
            console(
                desk={"state": "away", "reason": "lunch", "capacity": 3, "load": 1},
                talks=[desk_talk("cv_1", "Ana Ruiz", "Nordwind Logistics", current=True, typing=True)],
                about={**ABOUT, "past": []},
            ),
        ),
        Sample("console-paused", "console/console.html", console("paused")),
        Sample("console-away", "console/console.html", console("away")),
        Sample("ticket_staff", "console/ticket_staff.html", staff_ticket()),
        Sample("ticket_staff-live", "console/ticket_staff.html", staff_ticket(live="/console")),
        Sample(
            "ticket_staff-sealed",
            "console/ticket_staff.html",
            staff_ticket(
                may_write=False,
                ticket={**TICKET, "state": "closed", "owner": None},
                errors=errors(("subject", "required")),
            ),
        ),
        Sample(
            "ticket_staff-awaiting",
            "console/ticket_staff.html",
            staff_ticket(
                ticket={**TICKET, "state": "awaiting"},
                life=life("awaiting", mine=True, candidates=[]),
                errors=errors(("needed", "required"), ("into", "merge.unknown")),
                typed={"into": "9999"},
            ),
        ),
        Sample("people", "admin/people.html", people()),
        Sample(
            "calendars",
            "admin/calendars.html",
            {
                "me": ADA,
                "companies": [
                    {
                        "name": "Nordwind Logistics",
                        "href": "/admin/calendars/co_1",
                        "open": True,
                        "changed": True,
                        **_told(CALENDAR),
                    },
                    {
                        "name": "Baltic Foods",
                        "href": "/admin/calendars/co_2",
                        "open": False,
                        "changed": False,
                        **_told(Calendar("Asia/Tokyo", "JP")),
                    },
                ],
            },
        ),
        Sample("plans", "admin/plans.html", plans_page(several=False)),
        Sample("plans-preview", "admin/plans.html", plans_page(preview=True)),
        Sample("calendars-empty", "admin/calendars.html", {"me": ADA, "companies": []}),
        Sample("calendar", "admin/calendar.html", calendar_page()),
        Sample("calendar-preview", "admin/calendar.html", calendar_page(preview=calendar_preview())),
        Sample(
            "calendar-night",
            "admin/calendar.html",
            calendar_page(
                Calendar("Europe/Berlin", "XX", week=((Period(1320, 1800),),) * 7),
                AskQuery(day="2027-10-31", time="02:30"),
                errors=errors(("monday", "calendar.hours_unreadable")),
            ),
        ),
        Sample(
            "people-errors",
            "admin/people.html",
            people(
                form={"contact-name": "Eva", "contact-email": "eva"},
                errors=errors(("contact-email", "email.invalid"), ("", "contacts.too_many"), limit=5),
            ),
        ),
        Sample("people-empty", "admin/people.html", people(companies=[], company=None)),
        Sample(
            "people-no-contacts",
            "admin/people.html",
            people(
                company={
                    "id": "co_2",
                    "name": "Baltic Foods",
                    "zone": "Europe/Riga",
                    "services": [],
                    "colleagues": False,
                    "people": [],
                }
            ),
        ),
        Sample("mailbox", "trial/mailbox.html", {"me": ADA, "trial": True, "mails": [MAIL, {**MAIL, "id": "ma_2"}]}),
        Sample("mailbox-visitor", "trial/mailbox.html", {"me": None, "trial": True, "mails": [MAIL]}),
        Sample("mailbox-empty", "trial/mailbox.html", {"me": ADA, "trial": True, "mails": []}),
        Sample("error-404", "error.html", error_page(404, "not_found")),
        Sample("error-403", "error.html", error_page(403, "not_allowed", back="/requests", correlation=None)),
        Sample("error-429", "error.html", error_page(429, "too_many", retry_after=40)),
        Sample("error-503", "error.html", error_page(503, "unavailable")),
        Sample("error-500", "error.html", error_page(500, "unknown")),
        Sample("api_docs", "api_docs.html", API),
    ]
