"""A booked call as a calendar invitation (RFC 5545, RFC 5546): asked for, changed, taken back. Words are in English, as the call will be.

It says no telephone number and no word of the customer's: calendars are shared, and forwarded.
"""

from datetime import datetime, timedelta
from typing import Final

from icalendar import Alarm, Calendar, Event

_PRODUCT: Final = "-//Holdline//Callback//EN"


def write(
    *,
    uid: str,
    sequence: int,
    begins_at: datetime,
    length: timedelta,
    number: int,
    at: datetime,
    cancelled: bool = False,
) -> str:
    """Return the text of the invitation.

    Args:
        uid: of the event; the same for all its versions.
        sequence: rises with every change; a calendar takes the highest.
        begins_at: aware; written in UTC, so that every calendar shows its owner's own time.
        length: of the slot.
        number: of the ticket.
        at: when it is written.
        cancelled: takes the event back.
    """
    event = Event()
    event.add("uid", uid)
    event.add("sequence", sequence)
    event.add("dtstamp", at)
    event.add("dtstart", begins_at)
    event.add("dtend", begins_at + length)
    event.add("summary", f"Support calls you (ticket {number})")
    event.add("status", "CANCELLED" if cancelled else "CONFIRMED")
    if not cancelled:
        alarm = Alarm()
        alarm.add("action", "DISPLAY")
        alarm.add("description", f"Support calls you (ticket {number})")
        alarm.add("trigger", timedelta(minutes=-15))
        event.add_component(alarm)
    calendar = Calendar()
    calendar.add("prodid", _PRODUCT)
    calendar.add("version", "2.0")
    calendar.add("method", "CANCEL" if cancelled else "REQUEST")
    calendar.add_component(event)
    return str(calendar.to_ical(), "utf-8")
