"""When somebody in line is told something else of their wait than they were told last (callback.md, section 6): pure.

What is told is two moments, so that it runs out by itself while nothing happens: about when it is their turn, and by when it is with
nine of ten. A word stands until the floor, played forward, says something else by far; then a shorter wait is told as it is, and a longer one with
the reason. What chance makes of one reading of the floor is told to nobody: several readings count together (``steadied``).
"""

import math
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from enum import Enum
from typing import Any, Final, NamedTuple

from chatsvc.routing.model import RoutingRules
from chatsvc.routing.policy import Told

_MINUTE: Final = timedelta(minutes=1)
# How much one reading of the floor counts beside those before. Fifty plays give a bound that is a fifth too long or too short now and then;
# of some twenty readings it is within a twentieth, and a wait that has doubled is noticed in three.
_WEIGHT: Final = 0.1
# The same while something has happened since the last word that must have changed the wait.
_WEIGHT_AFTER: Final = 0.5
# Talks take longer than usual when those under way, not over yet, have taken so much longer on average than all of such a talk used to.
_LONG: Final = 1.25


class Longer(Enum):
    """Why a wait is longer than was told: only what is true is said."""

    # Fewer representatives serve the line than when it was told.
    FEWER = "fewer"
    # Somebody more urgent came since then, and stands before.
    URGENT = "urgent"
    # The talks under way have taken longer already than such talks used to take.
    TALKS = "talks"
    # None of these.
    UNKNOWN = "unknown"


class Word(NamedTuple):
    """What somebody was told of their wait last; as columns of their place. Moments are aware, UTC."""

    # When it was told, and how many representatives served the line.
    at: datetime
    serving: int
    # About when it is their turn, and by when it is with nine of ten.
    about: datetime
    by: datetime
    # Why it takes longer than had been told before, and when that was said; None: it does not.
    longer: str | None = None
    longer_at: datetime | None = None

    def shown(self, at: datetime) -> tuple[int, int]:
        """Return what is left of it at a moment: about so long, and nine of ten at most so long; in seconds, whole minutes, rounded up.

        Who was told a time that has passed reads the shortest there is: a minute.
        """
        high = max(_minutes(self.by - at), 1)
        return 60 * min(max(_minutes(self.about - at), 0), high), 60 * high


class Likely(NamedTuple):
    """What is likely, as several readings of the floor have it. Moments are aware, UTC."""

    # About when it is somebody's turn, and by when it is with nine of ten.
    about: datetime
    by: datetime

    def told(self, at: datetime) -> Told:
        """Return what somebody would be told at a moment."""
        low_s, high = max(int((self.about - at).total_seconds()), 0), max(_minutes(self.by - at), 1)
        return Told(min(low_s, 60 * high), 60 * high, low_s)


def steadied(
    before: Likely | None, told: Word | None, reading: Told, at: datetime, *, has_happened: bool = False
) -> Likely:
    """Return what is likely with one more reading of the floor.

    Args:
        before: what was likely; None: this is the first reading.
        told: what they were told last, which stands for the readings before the first one as long as it has not passed; None: nothing.
        reading: what they would be told by this reading alone.
        at: when it was read.
        has_happened: whether something has happened since the last word, so that earlier readings say less (``has_happened``).
    """
    fresh = Likely(at + timedelta(seconds=reading.low_s), at + timedelta(seconds=reading.high_s))
    if before is None:
        if told is None or told.by <= at:
            return fresh
        before = Likely(told.about, told.by)
    weight = _WEIGHT_AFTER if has_happened else _WEIGHT
    about, by = (old + (new - old) * weight for old, new in zip(before, fresh, strict=True))
    return Likely(about, by)


class Change(Enum):
    """What becomes of what was told."""

    NOTHING = "nothing"
    # Another word in its place, without a further one about it.
    AFRESH = "afresh"
    # The usual time only: by when nine of ten are served stands.
    ABOUT = "about"
    # Another word, and that it takes longer.
    LONGER = "longer"
    # Nothing can be said any more.
    FORGOTTEN = "forgotten"


def word_of(likely: Told, serving: int, at: datetime) -> Word:
    """Return a word of what is likely now."""
    return Word(at, serving, at + timedelta(seconds=likely.low_s), at + timedelta(seconds=likely.high_s))


def change(told: Word | None, likely: Told | None, serving: int, at: datetime, rules: RoutingRules) -> Change:
    """Return what becomes of what somebody was told, when this is likely now.

    Args:
        told: what they were told last; None: nothing.
        likely: what they would be told now; None: nothing can be said.
        serving: representatives who are there. While nobody is, nothing is shown, and the word is kept to be compared with.
        at: now.
        rules: from how much on a wait counts as longer.
    """
    if likely is None:
        return Change.FORGOTTEN if told is not None and serving else Change.NOTHING
    if told is None:
        return Change.AFRESH
    left, now_by = told.by - at, timedelta(seconds=likely.high_s)
    if now_by - left >= rules.longer_at_least and now_by > left * (1 + rules.longer_by):
        return Change.LONGER
    if now_by <= left * (1 - rules.longer_by):
        return Change.AFRESH
    about_left, about = max(told.about - at, timedelta()), timedelta(seconds=likely.low_s)
    apart = abs(about - about_left)
    return Change.ABOUT if apart >= _MINUTE and apart > about_left * rules.longer_by else Change.NOTHING


def changed(
    told: Word | None, kind: Change, likely: Told | None, serving: int, at: datetime, why: Longer | None
) -> Word | None:
    """Return the word after a change; None: nothing is told.

    ``why`` is given where it is said that it takes longer; None: a longer wait is told without saying so, and the word stays the same one.
    """
    if likely is None or kind is Change.FORGOTTEN:
        return None
    fresh = word_of(likely, serving, at)
    if kind is Change.LONGER and why is not None:
        return fresh._replace(longer=why.value, longer_at=at)
    if kind is Change.LONGER and told is not None:
        return told._replace(about=fresh.about, by=fresh.by)
    if kind is Change.ABOUT and told is not None:
        return told._replace(about=min(fresh.about, told.by))
    return told if kind is Change.NOTHING else fresh


def columns(told: Word | None) -> Mapping[str, Any]:
    """Return a word as columns of a place."""
    at, serving, about, by, longer, longer_at = told or (None,) * 6
    return {
        "told_at": at,
        "told_serving": serving,
        "told_about": about,
        "told_by": by,
        "longer": longer,
        "longer_at": longer_at,
    }


def has_happened(told: Word, serving: int, last_ahead: datetime | None) -> bool:
    """Whether something has happened since a word that makes a wait longer; the rest as for ``reason``."""
    return reason(told, serving, last_ahead, talks_are_long=False) is not Longer.UNKNOWN


def is_said(told: Word, why: Longer, at: datetime, rules: RoutingRules) -> bool:
    """Whether it is said that it takes longer than a word.

    What was said a moment ago is corrected without saying so again; so is what was told a moment ago, unless something has happened.
    """
    if told.longer_at is not None:
        return at - told.longer_at > rules.settles_within
    return why in (Longer.FEWER, Longer.URGENT) or at - told.at > rules.settles_within


def reason(told: Word, serving: int, last_ahead: datetime | None, *, talks_are_long: bool) -> Longer:
    """Return why a wait is longer than was told.

    Args:
        told: what was told.
        serving: representatives who are there now.
        last_ahead: when the last of those came who stand before; None: nobody does.
        talks_are_long: whether the talks under way take longer than usual.
    """
    if serving < told.serving:
        return Longer.FEWER
    if last_ahead is not None and last_ahead > told.at:
        return Longer.URGENT
    return Longer.TALKS if talks_are_long else Longer.UNKNOWN


def are_long(spent_s: Sequence[float], handled_s: Sequence[float]) -> bool:
    """Whether talks under way, so long already, take longer than such talks took lately, from acceptance to the end of the wrap-up."""
    if not spent_s or not handled_s:
        return False
    return sum(spent_s) / len(spent_s) > _LONG * sum(handled_s) / len(handled_s)


def _minutes(length: timedelta) -> int:
    return math.ceil(length / _MINUTE)
