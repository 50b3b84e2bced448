"""The one function that decides who is served when, in which language, and why; and the business time beside it. Pure.

Every door asks ``coverage_at``; nobody else knows what a weekday is. Clocks that run in business hours ask ``add_working``,
``working_between`` and the business days. Coverage gates joining, not staying: what is under way when the hours end, goes on.
"""

from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Final

from chatsvc.coverage.model import (
    DEFAULT,
    Calendar,
    Channel,
    Coverage,
    Reason,
    Rules,
    Service,
    Window,
)
from chatsvc.coverage.opening import hours_of
from chatsvc.kernel.errors import Invalid
from chatsvc.kernel.languages import ENGLISH

_ENGLISH_ONLY: Final = Reason("coverage.english_only")
_TICKET_ALWAYS: Final = Reason("coverage.channel_always")
_PROPOSED: Final = Reason("coverage.proposed_critical")
_ENGLISH: Final = (ENGLISH.code,)
_NO_OPENING: Final = Reason("coverage.no_opening")


def coverage_at(
    moment: datetime,
    severity: str,
    channel: Channel,
    calendar: Calendar,
    rules: Rules = DEFAULT,
    *,
    proposed: bool = False,
) -> Coverage:
    """Return whether a customer is served at a moment, until when, from when again, in which languages, and why (V3, V4, V5).

    Args:
        moment: aware, UTC.
        severity: of the ticket; every ticket starts as P3 (V2).
        calendar: the customer's own.
        proposed: whether the customer's answers propose it as critical and no representative has judged it yet: then somebody is there
            around the clock to do so.

    Raises:
        Invalid: the severity is unknown.
    """
    service = rules.channels[channel]
    window = window_of(severity, rules, proposed=proposed)
    if service.window is Window.ALWAYS:
        return Coverage(True, None, None, service.languages, (_TICKET_ALWAYS, _language_reason(service)))
    if window is Window.ALWAYS:
        return Coverage(
            True, None, None, service.languages, (_always_reason(severity, rules), _language_reason(service))
        )
    state = hours_of(calendar).state(moment)
    day = () if calendar.always else (state.plan.reason,)
    sight = () if state.is_open or state.opens_at else (_NO_OPENING,)
    hours = _hours_reason(severity, calendar.zone, calendar.always)
    reasons = (hours, *day, *sight, _language_reason(service))
    return Coverage(state.is_open, state.until, state.opens_at, service.languages, reasons)


def window_of(severity: str, rules: Rules = DEFAULT, *, proposed: bool = False) -> Window:
    """Return the hours that count for a severity.

    Raises:
        Invalid: the severity is unknown.
    """
    window = rules.severities.get(severity)
    if window is None:
        raise Invalid("choice.unknown", field="severity", value=severity)
    return rules.proposed if proposed and window is not Window.ALWAYS else window


# Business time --------------------------------------------------------------------------------------------------------------------------


def add_working(
    calendar: Calendar, start: datetime, amount: timedelta, *, window: Window = Window.BUSINESS_HOURS
) -> datetime:
    """Return the first moment by which this much working time has passed since ``start``.

    Working time ends with the hours: eight hours from Friday 10:00 are Friday 18:00, and a minute more is Monday 08:01.

    Args:
        start: aware, UTC; a moment outside the hours counts as the next opening.
        amount: not negative.
        window: ``window_of(severity)``, where the priority decides.

    Raises:
        NeverOpen: the calendar has not that much within its horizon.
    """
    return start + amount if window is Window.ALWAYS else hours_of(calendar).add(start, amount)


def working_between(
    calendar: Calendar, start: datetime, end: datetime, *, window: Window = Window.BUSINESS_HOURS
) -> timedelta:
    """Return how much working time lies between two moments; nothing when ``end`` is not later."""
    if window is Window.ALWAYS:
        return max(end - start, timedelta())
    return hours_of(calendar).between(start, end)


def add_business_days(calendar: Calendar, start: datetime, days: int) -> datetime:
    """Return the same wall-clock time this many business days later, within that day's hours; see ``Hours.add_days``."""
    return hours_of(calendar).add_days(start, days)


def business_days_between(calendar: Calendar, first: date, last: date) -> int:
    """Return how many business days lie after ``first``, up to and with ``last``; days of the calendar's own zone."""
    return hours_of(calendar).days_between(first, last)


def is_business_day(calendar: Calendar, day: date) -> bool:
    """Whether anything opens on a day of the calendar's own zone."""
    return hours_of(calendar).is_business_day(day)


# Reasons --------------------------------------------------------------------------------------------------------------------------------


def _always_reason(severity: str, rules: Rules) -> Reason:
    if rules.severities[severity] is Window.ALWAYS:
        return Reason("coverage.around_the_clock", {"severity": severity})
    return _PROPOSED


def _language_reason(service: Service) -> Reason:
    if service.languages == _ENGLISH:
        return _ENGLISH_ONLY
    return Reason("coverage.languages", {"languages": service.languages})


@lru_cache(maxsize=64)
def _hours_reason(severity: str, zone: str, always: bool) -> Reason:
    return Reason(
        "coverage.calendar_always" if always else "coverage.business_hours", {"severity": severity, "zone": zone}
    )
