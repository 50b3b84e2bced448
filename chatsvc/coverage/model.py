"""Calendars, rules and answers: the values that decide who is served when (V1, V3, V4, V5).

Hours are always meant as the wall clock of the customer's zone shows them. What is not here: moments. Turning wall-clock hours into
moments, holidays and clock changes included, is ``opening``; deciding is ``policy``.
"""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from enum import StrEnum
from functools import cached_property
from types import MappingProxyType
from typing import Any, Final

import msgspec

from chatsvc.kernel.languages import ENGLISH, LANGUAGES

MINUTES_A_DAY: Final = 24 * 60


class Channel(StrEnum):
    """How somebody wants to be served."""

    CHAT = "chat"
    PHONE = "phone"
    # The form of the portal: written, read later (C5).
    TICKET = "ticket"


class Window(StrEnum):
    """Which hours count."""

    # Every minute of every day.
    ALWAYS = "always"
    # The hours of the customer's calendar.
    BUSINESS_HOURS = "business_hours"


class Period(msgspec.Struct, frozen=True, order=True):
    """Opening hours within a day, in minutes since midnight on the wall clock: open from ``opens``, closed again at ``closes``.

    ``closes`` is later than ``opens``. Past 1440 it lies on the next day: 22:00 to 06:00 is ``Period(1320, 1800)``, and belongs to the day
    on which it begins. The whole day is ``Period(0, 1440)``.
    """

    opens: int
    closes: int

    @property
    def length(self) -> timedelta:
        """How long it is on a day on which no clock changes."""
        return timedelta(minutes=self.closes - self.opens)


WHOLE_DAY: Final = Period(0, MINUTES_A_DAY)

# Seven days, Monday first; a day's periods in order, without overlap; an empty day is closed.
Week = tuple[tuple[Period, ...], ...]

_EIGHT_TO_SIX: Final = (Period(8 * 60, 18 * 60),)
# V4: Monday to Friday, 08:00 to 18:00.
DEFAULT_WEEK: Final[Week] = (_EIGHT_TO_SIX,) * 5 + ((),) * 2


class OwnDay(msgspec.Struct, frozen=True, order=True):
    """A day that a company has made different: it decides alone, over the week and over public holidays."""

    day: date
    # Empty: closed. A half day and a working Saturday are given by their hours.
    periods: tuple[Period, ...] = ()
    # What people call it, for example ``Company outing``; may be empty.
    name: str = ""

    @property
    def is_closed(self) -> bool:
        """Whether nothing is open on it."""
        return not self.periods


class Calendar(msgspec.Struct, frozen=True, dict=True):
    """When a customer is served in business hours: everything that ``coverage_at`` must know about them."""

    # IANA name, for example ``Europe/Paris``.
    zone: str
    # ISO 3166 country, for the public holidays; None, or one that nobody knows holidays of: none are observed.
    country: str | None = None
    # Subdivision, as ``holidays`` names it: ``BY`` for Bavaria; None, or an unknown one: nationwide days only.
    region: str | None = None
    week: Week = DEFAULT_WEEK
    # True: open at every moment, whatever ``week``, holidays and own days say.
    always: bool = False
    # By day, each day once.
    own_days: tuple[OwnDay, ...] = ()

    @cached_property
    def _hash(self) -> int:
        return hash((self.zone, self.country, self.region, self.week, self.always, self.own_days))

    def __hash__(self) -> int:
        """Return the hash, counted once: calendars are keys of caches that every decision asks."""
        return self._hash


class DayKind(StrEnum):
    """Why a day has the hours that it has."""

    # The week says so.
    WEEK = "week"
    HOLIDAY = "holiday"
    OWN = "own"


_DAY_KEYS: Final = {
    (DayKind.WEEK, True): "coverage.day_hours",
    (DayKind.WEEK, False): "coverage.day_closed",
    (DayKind.HOLIDAY, False): "coverage.day_holiday",
    (DayKind.OWN, True): "coverage.day_own_hours",
    (DayKind.OWN, False): "coverage.day_own_closed",
}


class Reason(msgspec.Struct, frozen=True):
    """Why the answer is what it is: a key that the reader's language has a sentence for, and the facts in it.

    The keys and their facts are listed in ``docs/reference/coverage.md``; facts are JSON values.
    """

    key: str
    facts: Mapping[str, Any] = MappingProxyType({})


class DayPlan(msgspec.Struct, frozen=True, dict=True):
    """The hours of one day."""

    day: date
    kind: DayKind
    periods: tuple[Period, ...]
    # Of the holiday, in the country's own language, or of the own day; empty when there is none.
    name: str = ""
    # By how many minutes the clock goes forward (or, negative, back) in the course of the day.
    clock: int = 0

    @cached_property
    def reason(self) -> Reason:
        """What there is to say about the day."""
        periods = tuple((period.opens, period.closes) for period in self.periods)
        return Reason(
            _DAY_KEYS[self.kind, bool(periods)],
            {"day": self.day.isoformat(), "periods": periods, "name": self.name, "clock": self.clock},
        )


class Coverage(msgspec.Struct, frozen=True):
    """Whether somebody is served at a moment, and why. Moments are aware and in UTC."""

    is_open: bool
    # The first moment at which it is closed; None when closed now, or when no closing is in sight.
    until: datetime | None
    # The first moment at which it is open again; None when open now, or when no opening is in sight.
    opens_at: datetime | None
    # Codes of ``kernel.languages`` in which people are served.
    languages: tuple[str, ...]
    # The rule first, then the day, then the languages.
    reasons: tuple[Reason, ...]


class Service(msgspec.Struct, frozen=True):
    """How a channel is served."""

    languages: tuple[str, ...]
    # Hours that hold for every severity; None: the hours of the severity.
    window: Window | None = None


_ENGLISH_ONLY: Final = Service((ENGLISH.code,))


class Rules(msgspec.Struct, frozen=True):
    """Who is served when, as data."""

    # Severity to hours (V3, V4).
    severities: Mapping[str, Window] = MappingProxyType(
        {
            "P1": Window.ALWAYS,
            "P2": Window.ALWAYS,
            "P3": Window.BUSINESS_HOURS,
            "P4": Window.BUSINESS_HOURS,
        }
    )
    # A request that its own answers propose as critical, until a representative has judged it: somebody must be there to do so (V3).
    proposed: Window = Window.ALWAYS
    # Chat and telephone are in English; what is written in the portal is in eight languages (V3, V4, V5).
    channels: Mapping[Channel, Service] = MappingProxyType(
        {
            Channel.CHAT: _ENGLISH_ONLY,
            Channel.PHONE: _ENGLISH_ONLY,
            Channel.TICKET: Service(tuple(language.code for language in LANGUAGES), window=Window.ALWAYS),
        }
    )


DEFAULT: Final = Rules()
