"""A customer's hours and clock in one line, said to the customer or to somebody who works here. Nothing is decided here."""

from typing import Final
from zoneinfo import ZoneInfo

from chatsvc.conversations.urgency import Covered
from chatsvc.coverage.opening import hours_of
from web import coverage_words
from web.i18n import Reader, clock_time, reading
from web.site import Call


def N_(message: str) -> str:
    """Mark a text for extraction; it is translated where it is shown."""
    return message


_THEIRS: Final = N_("%(hours)s, %(city)s time; their time now %(time)s")
_THEIRS_CLOSED: Final = N_("Closed today, %(city)s time; their time now %(time)s")


def clock_of(call: Call, covered: Covered) -> str:
    """Return the hours of the customer's day and the customer's time, in the reader's language."""
    zone = ZoneInfo(covered.calendar.zone)
    with reading(Reader(call.reader.language, zone)):
        if not call.identity.is_staff:
            return coverage_words.clock_line(covered.calendar, covered.at)
        periods = hours_of(covered.calendar).plan(covered.at.astimezone(zone).date()).periods
        facts = {
            "hours": coverage_words.hours_words(periods),
            "city": coverage_words.city(covered.calendar.zone),
            "time": clock_time(covered.at),
        }
    return call.reader.texts.gettext(_THEIRS if periods else _THEIRS_CLOSED) % facts
