"""Samples of pages about calls: for the customer, the representative and the supervisor."""

from datetime import UTC, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from callback import numbers
from callback.model import ReservationId, Slot, State
from callback.queries import CallCard, CallView, Earlier
from callback.store import Dialled
from chatsvc.catalog.model import load as load_catalog
from chatsvc.kernel.ids import ConversationId, TicketId
from tests.web.gallery.samples import ANA, SAM, Sample, ago, errors, room, waiting
from web.i18n import Reader, reader
from web.pages.callback_shown import country_name, day_name, short_day_name, slot_name
from web.texts import CALL_CONSEQUENCES, CALL_OUTCOMES, CALL_STATES, error_sentence

_CATALOG: Final = load_catalog()
INES: Final = {"name": "Inês Costa", "email": "ines@holdline.example", "role": "supervisor", "company": None}
_ZONE: Final = ZoneInfo("Europe/Berlin")
# The night in which the clocks go back: half past two comes twice.
_SLOT: Final = datetime(2026, 12, 1, 9, 0, tzinfo=UTC)
_TWICE: Final = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
_LONG_ZONE: Final = "Central European Standard Time"


def _word(text: str) -> str:
    return reader().texts.gettext(text)


def _lines() -> list[tuple[str, str]]:
    return [(line.key, _word(line.name)) for line in _CATALOG.lines]


def _countries() -> list[tuple[str, str]]:
    return [(code, country_name(code, reader())) for code in ("DE", "AT", "US")]


def _mine() -> Reader:
    return Reader(reader().language, _ZONE)


def _slot(begins_at: datetime) -> Slot:
    return Slot("expense", begins_at, begins_at + timedelta(minutes=30), 3)


def _days(chosen: int = 0) -> list[dict[str, Any]]:
    begins = (_SLOT + timedelta(days=day) for day in range(14))
    return [
        {"on": at.date().isoformat(), "name": short_day_name(at.date(), _mine()), "chosen": day == chosen}
        for day, at in enumerate(begins)
        if at.weekday() < 5
    ]


def _slots() -> list[tuple[str, str]]:
    begins = (_SLOT + timedelta(minutes=30 * n) for n in range(14))
    return [(at.isoformat(), slot_name(_slot(at), _mine())) for at in begins]


# The customer ---------------------------------------------------------------------------------------------------------


def a_call(state: str, **changes: Any) -> dict[str, Any]:
    """A call as its customer sees it."""
    slot_at = changes.pop("slot_at", None)
    view = CallView(
        id=ReservationId("cb_1"), ticket=TicketId("tk_1"), number=4812, ticket_state="solved" if state == "completed" else "open",
        subject="Approval mails arrive twice", line="expense", state=State(state), code="K7PX", telephone="030 2345678", region="DE", slot_at=slot_at,
        slot_ends_at=None if slot_at is None else slot_at + timedelta(minutes=30), not_before_at=None, position=None,
        wait_low_s=None, wait_high_s=None, representatives=2, served_from=None, is_late=False, zone="Europe/Berlin", conversation=ConversationId("cv_1"),
        may_move=False, may_cancel=False, may_snooze=False, may_chat=False, may_change_number=False,
    )  # fmt: skip
    slot = slot_at and {
        "day": day_name(slot_at.astimezone(_ZONE).date(), _mine()),
        "time": slot_name(_slot(slot_at), _mine()),
    }
    later = changes.pop("later", None) and {"day": day_name(_SLOT.date(), _mine()), "time": "08:00"}
    return {
        **view._asdict(),
        "state_name": _word(CALL_STATES[state]),
        "line_name": _word("Expense"),
        "country": country_name("DE", reader()),
        "slot": slot,
        "later": later,
        "zone_name": _LONG_ZONE,
        "href": "cb-token",
    } | changes


_FREE: Final = {"may_move": True, "may_cancel": True, "may_change_number": True}


def call_page(state: str, *, me: Any = ANA, said: Any = (), form: Any = None, **call: Any) -> dict[str, Any]:
    """The context of the page of a call."""
    shown = a_call(state, **call)
    return {
        "me": me,
        "mine": me is not None,
        "call": shown,
        "errors": list(said),
        "form": form or {},
        "token": "cb-token",
        "countries": _countries(),
        "days": _days() if shown["may_move"] else [],
        "slots": _slots() if shown["may_move"] else [],
        "day": "2026-12-01" if shown["may_move"] else "",
        "may_book_again": state == "cancelled",
    }


def _form(**changes: Any) -> dict[str, Any]:
    return {
        "me": ANA, "product": {"key": "expense", "name": _word("Expense")}, "form": {}, "errors": [], "key": "fm_1",
        "countries": _countries(), "days": _days(), "slots": _slots(), "day": "2026-12-01", "zone_name": _LONG_ZONE,
        "open_now": True, "not_soon": None, "request": "", "live": None,
    } | changes  # fmt: skip


def _home(**changes: Any) -> dict[str, Any]:
    found = [
        (country_name(code, reader()), number)
        for code, number in (("DE", "+49 30 23125 100"), ("JP", "+81 3-4580-0100"))
    ]
    return {"me": ANA, "lines": _lines(), "request": "", "live": None, "numbers": found} | changes


def _customers() -> list[Sample]:
    home, form, page = "portal/callback_home.html", "portal/callback_form.html", "portal/callback_call.html"
    typed = {"number": "0900 1234567", "country": "DE", "subject": "Mails", "any_hour": "yes"}
    offer = {
        "live": None, "is_this": False, "countries": _countries(), "form": {}, "key": "fm_1", "line": "expense", "number": 4812,
        "not_soon": None, "any_hour": False,
    }  # fmt: skip
    night = error_sentence("call.night", opens_at="24 Nov 2026, 08:00")
    refused = {**offer, "form": typed}
    booked = {"live": a_call("due", position=1), "is_this": True}
    elsewhere = {"live": a_call("booked", slot_at=_SLOT, may_cancel=True), "is_this": False}
    return [
        Sample("call_home", home, _home()),
        Sample("call_home-booked", home, _home(live=a_call("booked", slot_at=_SLOT), request="4812")),
        Sample("call_form", form, _form()),
        Sample("call_form-refused", form, _form(form=typed, errors=errors(("number", "number.premium"), ("slot", "slot.full")))),
        Sample("call_form-nothing_free", form, _form(days=[], slots=[], open_now=False, request="4812")),
        Sample("call_form-booked", form, _form(live="cb-token")),
        Sample("call_form-night", form, _form(open_now=False, not_soon=night)),
        Sample("call_form-night_critical", form, _form(not_soon=night, request="4812")),
        Sample(
            "call_room-night",
            "portal/chat_room.html",
            room("waiting", waiting=waiting(3), page={"by_phone": {**offer, "not_soon": night}}),
        ),
        Sample(
            "call_room-night_critical",
            "portal/chat_room.html",
            room("waiting", waiting=waiting(3), page={"by_phone": {**offer, "not_soon": night, "any_hour": True}}),
        ),
        Sample("call_room-offer", "portal/chat_room.html", room("waiting", waiting=waiting(3), page={"by_phone": offer})),
        Sample(
            "call_room-refused",
            "portal/chat_room.html",
            room("waiting", waiting=waiting(3), page={"by_phone": refused, "errors": errors(("number", "number.premium"))}),
        ),
        Sample(
            "call_room-longer",
            "portal/chat_room.html",
            room(
                "waiting",
                waiting=waiting(3, wait_low_s=600, wait_high_s=900, longer="fewer", longer_at=ago(minutes=1)),
                page={"by_phone": offer, "held": 91},
            ),
        ),
        Sample(
            "call_room-hours",
            "portal/chat_room.html",
            room("waiting", waiting=waiting(19, wait_low_s=3_000, wait_high_s=7_260), page={"by_phone": offer}),
        ),
        Sample("call_room-kept", "portal/chat_room.html", room("waiting", waiting=waiting(1), page={"by_phone": booked})),
        Sample("call_room-another", "portal/chat_room.html", room("active", page={"by_phone": elsewhere})),
        Sample(
            "call-nobody_there",
            page,
            call_page("due", position=1, representatives=0, served_from=datetime(2026, 11, 24, 8, 0, tzinfo=UTC), **_FREE),
        ),
        Sample("call-in_line", page, call_page("due", position=3, wait_low_s=120, wait_high_s=540, may_snooze=True, may_chat=True, **_FREE)),
        Sample("call-late", page, call_page("due", position=1, is_late=True, may_snooze=True, **_FREE)),
        Sample("call-slot", page, call_page("booked", slot_at=_TWICE, **_FREE)),
        Sample("call-by_link", page, call_page("booked", me=None, slot_at=_SLOT, telephone="+49 … 78", **_FREE)),
        Sample("call-refused", page, call_page("due", position=2, said=errors(("number", "number.region")), form=typed, **_FREE)),
        Sample("call-put_off", page, call_page("retry_wait", later=True, **_FREE)),
        Sample("call-number_needed", page, call_page("needs_number", **_FREE)),
        Sample("call-declined", page, call_page("asked", **_FREE)),
        Sample("call-dialing", page, call_page("dialing")),
        Sample("call-over", page, call_page("unreachable")),
        Sample("call-cancelled", page, call_page("cancelled", slot_at=_SLOT)),
        Sample("call-done", page, call_page("completed")),
    ]  # fmt: skip


# The representative ---------------------------------------------------------------------------------------------------


def _card(state: str, **changes: Any) -> dict[str, Any]:
    """The context of the card; changes of the call go by their names, those of the page by ``page``."""
    page = changes.pop("page", {})
    card = CallCard(
        conversation=ConversationId("cv_1"), reservation=ReservationId("cb_1"), state=State(state), ticket=TicketId("tk_1"),
        ticket_number=4812, subject="Approval mails arrive twice", description="Since this morning every approver gets two.",
        line="expense", customer="Ana Ruiz", company="Nordwind Logistics", zone="Europe/Berlin",
        telephone=numbers.read("+49302345678"), before=Dialled(0, None), earlier=(), adapter=None, since_at=None, rest_until=None,
        looked_at_since=ago(minutes=2) if state == "preview" else None, given_back_at=ago(minutes=-3) if state == "preview" else None,
    )._replace(**changes)  # fmt: skip
    past = {
        "number": 4630,
        "subject": "Hotel bookings without their project code",
        "state": "closed",
        "created_at": ago(days=38),
    }
    leads_to = {"declined": CALL_CONSEQUENCES["declined"], "invalid_number": CALL_CONSEQUENCES["number_invalid"]}
    sayable = ("answered", "no_answer", "busy", "voicemail", "declined", "invalid_number", "rep_hung_up")
    return {
        "me": SAM, "errors": [], "call": card, "state": state, "state_name": _word(CALL_STATES[state]),
        "line_name": _word("Expense"), "country": country_name("DE", reader()), "their_time": "14:05", "their_zone": _LONG_ZONE,
        "runs": state in ("dialing", "talking"), "by_hand": card.adapter in (None, "manual"), "resting": False, "past": [past],
        "outcomes": [(key, _word(CALL_OUTCOMES[key]), _word(leads_to[key]) if key in leads_to else "") for key in sayable],
        "earlier": [{"at": each.at, "outcome": _word(CALL_OUTCOMES[str(each.outcome)]), "talk_s": each.talk_s} for each in card.earlier],
    } | page  # fmt: skip


def call_row(state: str, **changes: Any) -> dict[str, Any]:
    """A call in the list of those who work here."""
    return {
        "line": "expense", "line_name": _word("Expense"), "state": state, "state_name": _word(CALL_STATES[state]), "slot_at": None,
        "not_before_at": None, "last_name": "",
        "customer": "Ana Ruiz", "company": "Nordwind Logistics", "telephone": "+49 … 78", "ticket_number": 4812, "conversation": None,
        "rep": None, "mine": False,
    } | changes  # fmt: skip


def _representatives() -> list[Sample]:
    card, calls = "console/call_card.html", "console/calls.html"
    earlier = (Earlier(ago(minutes=21), "no_answer", None), Earlier(ago(minutes=9), "busy", None))
    rest = {
        "rest_until": ago(minutes=-1),
        "earlier": (Earlier(ago(minutes=1), "unknown", None),),
        "page": {"resting": True},
    }
    rows = [
        call_row("preview", mine=True, conversation="cv_1"),
        call_row("booked", slot_at=_SLOT),
        call_row(
            "retry_wait", customer="Jonas Weber", not_before_at=ago(minutes=-9), last_name=_word(CALL_OUTCOMES["busy"])
        ),
    ]
    return [
        Sample("call_card-new_number", card, _card("preview", page={"past": []})),
        Sample("call_card-again", card, _card("preview", before=Dialled(2, ago(minutes=9)), earlier=earlier)),
        Sample("call_card-dialing", card, _card("dialing", adapter="manual", since_at=ago(seconds=12))),
        Sample("call_card-talking", card, _card("talking", adapter="manual", since_at=ago(minutes=3))),
        Sample("call_card-by_system", card, _card("dialing", adapter="sip", since_at=ago(seconds=4))),
        Sample("call_card-unclear", card, _card("unclear", **rest)),
        Sample("call_card-refused", card, _card("retry_wait", page={"errors": errors(("", "call.not_now"))})),
        Sample("call_card-over", card, _card("wrap_up")),
        Sample("calls", calls, {"me": SAM, "rows": rows, "is_over": False, "state": "a1"}),
        Sample("calls-over", calls, {"me": INES, "rows": rows, "is_over": True, "state": "a2"}),
        Sample("calls-empty", calls, {"me": SAM, "rows": [], "is_over": False, "state": "a0"}),
    ]


# The supervisor -------------------------------------------------------------------------------------------------------


def _staffing(**changes: Any) -> dict[str, Any]:
    day = day_name(_SLOT.date(), reader())
    shift = {
        "id": "sh_1",
        "name": "Sam Okafor",
        "line_names": [_word("Expense"), _word("Travel")],
        "day": day,
        "time": "08:00 – 16:00",
        "last_day": "",
    }
    late = {
        **shift,
        "id": "sh_2",
        "name": "Mei Lin",
        "time": "22:00 – 06:00",
        "last_day": short_day_name(_SLOT.date() + timedelta(days=1), reader()),
    }
    handling = [
        {"line": _word("Expense"), "minutes": 16, "calls": 84},
        {"line": _word("Travel"), "minutes": 11, "calls": 0},
    ]
    return {
        "me": INES, "form": {}, "errors": [], "people": [("pe_1", "Sam Okafor"), ("pe_2", "Mei Lin")], "lines": _lines(),
        "days": [{"name": day, "shifts": [shift, late]}], "over": [], "removed": None, "handling": handling, "enough": 30,
        "today": "2026-11-23",
    } | changes  # fmt: skip


def _numbers(**changes: Any) -> dict[str, Any]:
    allowed = {
        "company": "co_1", "company_name": "Nordwind Logistics", "region": "AT", "country": country_name("AT", reader()),
        "reason": "Two people work from Vienna", "by": "Inês Costa", "since_at": ago(days=3),
    }  # fmt: skip
    silent = {
        "reference": "ab12",
        "telephone": "+49 … 78",
        "reason": "Asked by mail not to be called",
        "by": "Inês Costa",
        "since_at": ago(days=9),
    }
    return {
        "me": INES, "errors": [], "form": {}, "companies": [("co_1", "Nordwind Logistics")], "countries": _countries(),
        "regions": [allowed, {**allowed, "reason": None, "by": None, "since_at": None}],
        "silenced": [silent, {**silent, "reference": "cd34", "reason": None, "by": None}],
    } | changes  # fmt: skip


def _supervisors() -> list[Sample]:
    over = {
        "line": _word("Expense"),
        "day": day_name(_SLOT.date(), _mine()),
        "time": slot_name(_slot(_SLOT), _mine()),
        "taken": 3,
        "capacity": 1,
    }
    typed = {"person": "pe_2", "day": "2026-12-01", "begins": "22:00", "ends": "22:00", "lines": ("expense",)}
    return [
        Sample("call_numbers", "console/call_numbers.html", _numbers()),
        Sample(
            "call_numbers-refused",
            "console/call_numbers.html",
            _numbers(
                regions=[],
                silenced=[],
                form={"number": "12"},
                errors=errors(("number", "number.too_short"), ("region_reason", "required")),
            ),
        ),
        Sample("staffing", "console/staffing.html", _staffing(over=[over])),
        Sample(
            "staffing-removed",
            "console/staffing.html",
            _staffing(
                removed={
                    "shift": "sh_3",
                    "form": {"person": "pe_1"},
                    "name": "Sam Okafor",
                    "day": day_name(_SLOT.date(), reader()),
                    "time": "22:00 – 06:00",
                    "last_day": "",
                }
            ),
        ),
        Sample("staffing-empty", "console/staffing.html", _staffing(days=[])),
        Sample(
            "staffing-refused",
            "console/staffing.html",
            _staffing(form=typed, errors=errors(("ends", "shift.length"), ("lines", "choose"))),
        ),
    ]


def call_samples() -> list[Sample]:
    """Return all of them, in words of the reader under way."""
    return [*_customers(), *_representatives(), *_supervisors()]
