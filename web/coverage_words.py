"""Coverage in words: what ``coverage_at`` answers, as sentences in the reader's language, for every page that shows it.

Hours are always told on the customer's own wall clock, with the city that it stands for. Nothing is decided here.
"""

from datetime import date, datetime, time, timedelta
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_time, get_timezone_location

from chatsvc.coverage.model import MINUTES_A_DAY, WHOLE_DAY, Calendar, Coverage, DayPlan, Period, Reason
from chatsvc.coverage.opening import hours_of, public_holidays
from chatsvc.kernel.languages import LANGUAGES
from web.i18n import number, reader
from web.texts import N_, Plural


class Words(NamedTuple):
    """An answer, told."""

    # Whether it is open, until when, and from when again.
    headline: str
    # Today's hours and the customer's time: "08:00–18:00, Paris time; your time now 19:42".
    clock: str
    # Why, one sentence each.
    reasons: tuple[str, ...]


# Reason -> the sentence that says it; the facts of each stand in docs/reference/coverage.md.
REASONS: Final = {
    "coverage.around_the_clock": N_("%(severity)s is served around the clock, on every day of the year."),
    "coverage.proposed_critical": N_("This may be critical: somebody is there around the clock to judge that."),
    "coverage.channel_always": N_("A request can be written at any time."),
    "coverage.business_hours": N_("%(severity)s is served in business hours, %(city)s time."),
    "coverage.calendar_always": N_("This company is served around the clock, on every day of the year."),
    "coverage.day_hours": N_("%(day)s: %(hours)s."),
    "coverage.day_closed": N_("%(day)s: closed."),
    "coverage.day_holiday": N_("%(day)s is a public holiday: %(name)s."),
    "coverage.day_own_hours": N_("%(day)s has hours of its own: %(hours)s."),
    "coverage.day_own_closed": N_("%(day)s is a day on which the company is closed."),
    "coverage.no_opening": N_("No opening is in sight in this calendar."),
    "coverage.english_only": N_("The talk is in English."),
    "coverage.languages": N_("It can be written in any of these languages: %(languages)s."),
}

# The same with the name that the company gave the day.
_NAMED: Final = {
    "coverage.day_own_hours": N_("%(day)s has hours of its own (%(name)s): %(hours)s."),
    "coverage.day_own_closed": N_("%(day)s is a day on which the company is closed: %(name)s."),
}
_FORWARD: Final = Plural(
    "The clock goes forward by %(n)s minute on this day.", "The clock goes forward by %(n)s minutes on this day."
)
_BACK: Final = Plural(
    "The clock goes back by %(n)s minute on this day.", "The clock goes back by %(n)s minutes on this day."
)

_ALWAYS: Final = N_("Open, around the clock.")
_NO_CLOSING: Final = N_("Open; no closing is in sight.")
_UNTIL: Final = N_("Open until %(time)s, %(city)s time.")
_UNTIL_DAY: Final = N_("Open until %(day)s, %(time)s, %(city)s time.")
_OPENS: Final = N_("Closed. Opens at %(time)s, %(city)s time.")
_OPENS_DAY: Final = N_("Closed. Opens on %(day)s at %(time)s, %(city)s time.")
_CLOSED: Final = N_("Closed; no opening is in sight.")
_CLOCK: Final = N_("%(hours)s, %(city)s time; your time now %(time)s")
_CLOCK_CLOSED: Final = N_("Closed today, %(city)s time; your time now %(time)s")
_CLOCK_THERE: Final = N_("%(hours)s, %(city)s time; it is %(time)s there now")
_CLOCK_THERE_CLOSED: Final = N_("Closed today, %(city)s time; it is %(time)s there now")
_ALL_DAY: Final = N_("all day")
_PERIOD: Final = N_("%(opens)s–%(closes)s")

# How ``holidays`` spells our languages.
_HOLIDAY_LANGUAGES: Final = {"en": "en_US", "zh_Hans": "zh_CN"}


def words(coverage: Coverage, calendar: Calendar, moment: datetime, *, own: bool = True) -> Words:
    """Return an answer in the reader's words.

    Args:
        coverage: what ``coverage_at`` answered for this moment.
        calendar: the customer's, as it was asked with.
        moment: aware.
        own: whether the reader is that customer; staff read of "there".
    """
    return Words(
        headline(coverage, calendar, moment),
        clock_line(calendar, moment, own=own),
        tuple(sentence for reason in coverage.reasons for sentence in reason_sentences(reason, calendar)),
    )


def headline(coverage: Coverage, calendar: Calendar, moment: datetime) -> str:
    """Return whether it is open, until when, and from when again, on the calendar's wall clock."""
    if coverage.is_open:
        if coverage.until is None:
            by_calendar = any(reason.key == "coverage.day_hours" for reason in coverage.reasons)
            return _say(_NO_CLOSING if by_calendar else _ALWAYS)
        return _at(_UNTIL, _UNTIL_DAY, coverage.until, calendar, moment)
    if coverage.opens_at is None:
        return _say(_CLOSED)
    return _at(_OPENS, _OPENS_DAY, coverage.opens_at, calendar, moment)


def clock_line(calendar: Calendar, moment: datetime, *, own: bool = True) -> str:
    """Return the hours of the calendar's day and its time at a moment: "08:00–18:00, Paris time; your time now 19:42"."""
    wall = moment.astimezone(ZoneInfo(calendar.zone))
    periods = hours_of(calendar).plan(wall.date()).periods
    facts = {"hours": hours_words(periods), "city": city(calendar.zone), "time": _time(wall.time())}
    if own:
        said = _say(_CLOCK if periods else _CLOCK_CLOSED, **facts)
    else:
        said = _say(_CLOCK_THERE if periods else _CLOCK_THERE_CLOSED, **facts)
    # It begins with the hours, which may be words.
    return said[:1].upper() + said[1:]


def reason_sentences(reason: Reason, calendar: Calendar) -> list[str]:
    """Return the sentences that say a reason: one, and another where the clock changes on that day."""
    facts: dict[str, Any] = {**reason.facts, "city": city(calendar.zone)}
    template = REASONS[reason.key]
    if "day" in facts:
        day = date.fromisoformat(facts["day"])
        if facts["name"]:
            template = _NAMED.get(reason.key, template)
        if reason.key == "coverage.day_holiday":
            facts["name"] = holiday_name(calendar, day) or facts["name"]
        facts["day"] = day_words(day)
        facts["hours"] = hours_words([Period(*period) for period in facts["periods"]])
    if "languages" in facts:
        names = {language.code: language.name for language in LANGUAGES}
        facts["languages"] = ", ".join(names.get(code, code) for code in facts["languages"])
    said = [_say(template, **facts)]
    return [*said, clock_change(facts["clock"])] if facts.get("clock") else said


def clock_change(minutes: int) -> str:
    """Return the sentence for a day on which the clock goes forward or, negative, back."""
    text = _FORWARD if minutes > 0 else _BACK
    return reader().texts.ngettext(text.one, text.other, abs(minutes)) % {"n": number(abs(minutes))}


def hours_words(periods: tuple[Period, ...] | list[Period]) -> str:
    """Return hours as the reader writes them: ``08:00–12:00, 13:00–18:00``; empty for none."""
    if tuple(periods) == (WHOLE_DAY,):
        return _say(_ALL_DAY)
    return ", ".join(_say(_PERIOD, opens=_minute(period.opens), closes=_minute(period.closes)) for period in periods)


def plan_words(plan: DayPlan, calendar: Calendar) -> str:
    """Return why a day has its hours, in a word or two: the holiday's or the day's name; empty for a usual day."""
    return (holiday_name(calendar, plan.day) or plan.name) if plan.kind.value == "holiday" else plan.name


def day_words(day: date) -> str:
    """Return a day with its weekday, as the reader writes it: ``Friday 27 November 2026``."""
    return str(format_date(day, "full", locale=reader().locale))


def city(zone: str) -> str:
    """Return what a zone's time is called after, as the reader knows it: ``Paris``, ``São Paulo``."""
    return str(get_timezone_location(ZoneInfo(zone), locale=reader().locale, return_city=True))


def holiday_name(calendar: Calendar, day: date) -> str:
    """Return the name of a public holiday in the reader's language if it is known there, else in the country's own; empty for none."""
    if calendar.country is None:
        return ""
    code = reader().language.code
    names = public_holidays(calendar.country, calendar.region, day.year, _HOLIDAY_LANGUAGES.get(code, code))
    return names.get(day, "")


def _at(same_day: str, other_day: str, when: datetime, calendar: Calendar, moment: datetime) -> str:
    zone = ZoneInfo(calendar.zone)
    wall, today = when.astimezone(zone), moment.astimezone(zone).date()
    # Closing at midnight ends the day that has been open, not the one that begins.
    is_same = wall.date() == today or (wall.time() == time() and wall.date() == today + timedelta(days=1))
    facts = {"day": day_words(wall.date()), "time": _time(wall.time()), "city": city(calendar.zone)}
    return _say(same_day if is_same and when > moment else other_day, **facts)


def _minute(minute: int) -> str:
    return _time(time(minute % MINUTES_A_DAY // 60, minute % 60))


def _time(wall: time) -> str:
    return str(format_time(wall.replace(tzinfo=None), "short", locale=reader().locale))


def _say(template: str, **facts: object) -> str:
    return reader().texts.gettext(template) % facts
