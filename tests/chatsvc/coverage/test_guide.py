"""The guide, read aloud: who is served when, all over the world (V1, V3, V4, V5).

Each line: severity | how | where | when | what the day is | answer | why. Severity "P3?" is a P3 that its answers propose as critical. Times are
those on the customer's wall. "until" names the next such weekday, or a date. Whys are the keys of reasons that must be among those given.
"""

from datetime import datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

import pytest

from chatsvc.coverage.model import Channel
from chatsvc.coverage.policy import coverage_at
from chatsvc.kernel.errors import Invalid
from chatsvc.kernel.languages import CODES
from tests.chatsvc.coverage.places import PLACES, WEEKDAYS, ZONES, moment_of, next_moment

GUIDE = """
# Monday to Friday, 08:00 to 18:00, wherever the customer is
P3 | chat  | São Paulo        | 2026-11-27 17:59 | | open until Friday 18:00    | day_hours
P3 | chat  | São Paulo        | 2026-11-27 18:00 | | closed until Monday 08:00  | day_hours
P3 | chat  | São Paulo        | 2026-11-27 18:01 | | closed until Monday 08:00  | day_hours
P3 | chat  | São Paulo        | 2026-11-30 07:59 | | closed until Monday 08:00  | day_hours
P3 | chat  | São Paulo        | 2026-11-30 08:00 | | open until Monday 18:00    | day_hours
P4 | chat  | São Paulo        | 2026-11-27 17:59 | | open until Friday 18:00    | day_hours
P4 | phone | São Paulo        | 2026-11-27 18:00 | | closed until Monday 08:00  | day_hours
P3 | chat  | Paris            | 2026-11-23 08:00 | | open until Monday 18:00    | day_hours
P3 | chat  | Paris            | 2026-11-23 12:00 | | open until Monday 18:00    | day_hours
P3 | phone | Paris            | 2026-11-23 17:59 | | open until Monday 18:00    | day_hours
P3 | phone | Paris            | 2026-11-23 19:42 | | closed until Tuesday 08:00 | day_hours
P4 | chat  | Paris            | 2026-11-22 12:00 | | closed until Monday 08:00  | day_closed
P3 | chat  | Berlin           | 2026-11-22 10:00 | a German P3 on Sunday | closed until Monday 08:00 | day_closed
P3 | chat  | Berlin           | 2026-11-21 09:00 | | closed until Monday 08:00  | day_closed
P3 | chat  | Berlin           | 2026-11-24 03:00 | | closed until Tuesday 08:00 | day_hours
P3 | chat  | London           | 2026-11-25 08:00 | | open until Wednesday 18:00 | day_hours
P3 | chat  | London           | 2026-11-25 07:59 | | closed until Wednesday 08:00 | day_hours
P4 | phone | Lisbon           | 2026-11-25 17:30 | | open until Wednesday 18:00 | day_hours
P3 | chat  | New York         | 2026-11-25 08:00 | | open until Wednesday 18:00 | day_hours
P3 | chat  | New York         | 2026-11-25 13:00Z | five hours behind UTC | open until Wednesday 18:00 | day_hours
P3 | chat  | New York         | 2026-11-25 12:59Z | | closed until Wednesday 08:00 | day_hours
P4 | chat  | Los Angeles      | 2026-11-25 07:30 | | closed until Wednesday 08:00 | day_hours
P4 | chat  | Los Angeles      | 2026-11-24 17:45 | | open until Tuesday 18:00   | day_hours
P3 | chat  | Los Angeles      | 2026-11-21 02:00Z | still Friday there, already Saturday in UTC | closed until Monday 08:00 | day_hours
P3 | chat  | Los Angeles      | 2026-11-25 01:30Z | still Tuesday there | open until Tuesday 18:00 | day_hours
P3 | chat  | St. John's       | 2026-11-25 11:30Z | half an hour beside the others | open until Wednesday 18:00 | day_hours
P3 | chat  | St. John's       | 2026-11-25 11:29Z | | closed until Wednesday 08:00 | day_hours
P3 | chat  | Santiago         | 2026-11-25 17:59 | | open until Wednesday 18:00 | day_hours
P3 | chat  | Tokyo            | 2026-11-24 23:00Z | already Wednesday there | open until Wednesday 18:00 | day_hours
P3 | chat  | Tokyo            | 2026-11-24 22:59Z | | closed until Wednesday 08:00 | day_hours
P3 | phone | Tokyo            | 2026-11-27 18:00 | | closed until Monday 08:00 | day_hours
P3 | chat  | Seoul            | 2026-11-25 09:00 | | open until Wednesday 18:00 | day_hours
P4 | chat  | Shanghai         | 2026-11-25 09:00 | | open until Wednesday 18:00 | day_hours
P3 | chat  | Mumbai           | 2026-11-25 02:30Z | | open until Wednesday 18:00 | day_hours
P3 | chat  | Mumbai           | 2026-11-25 02:29Z | | closed until Wednesday 08:00 | day_hours
P3 | chat  | Kathmandu        | 2026-11-25 02:15Z | a quarter beside the others | open until Wednesday 18:00 | day_hours
P3 | chat  | Kathmandu        | 2026-11-25 02:14Z | | closed until Wednesday 08:00 | day_hours
P3 | chat  | Sydney           | 2026-11-22 21:00Z | Monday there, Sunday in UTC | open until Monday 18:00 | day_hours
P3 | chat  | Auckland         | 2026-11-22 19:00Z | Monday there, Sunday in UTC | open until Monday 18:00 | day_hours
P3 | chat  | Auckland         | 2026-11-27 05:00Z | | closed until Monday 08:00 | day_hours
P3 | chat  | Kiritimati       | 2026-11-22 18:00Z | the first place on earth where it is Monday | open until Monday 18:00 | day_hours
P3 | chat  | Kiritimati       | 2026-11-27 04:00Z | | closed until Monday 08:00 | day_hours

# P1 and P2: around the clock, in English only
P1 | chat  | Berlin           | 2026-12-25 02:00 | Christmas night, page in German | open, English only | around_the_clock
P1 | phone | Berlin           | 2026-11-22 10:00 | Sunday | open, English only | around_the_clock
P2 | chat  | Berlin           | 2026-11-22 03:00 | Sunday night | open, English only | around_the_clock
P2 | phone | São Paulo        | 2026-01-01 00:00 | New Year | open, English only | around_the_clock
P1 | chat  | Tokyo            | 2026-01-01 12:00 | New Year's Day | open, English only | around_the_clock
P1 | chat  | Munich           | 2026-10-25 02:30 again | the hour that comes twice | open, English only | around_the_clock
P2 | chat  | New York         | 2026-07-04 23:00 | Independence Day | open, English only | around_the_clock
P1 | chat  | a place that is never open | 2026-07-04 23:00 | | open, English only | around_the_clock
P2 | chat  | Shanghai         | 2026-02-17 04:00 | Chinese New Year | open, English only | around_the_clock
P1 | phone | Cairo            | 2026-04-24 00:30Z | | open, English only | around_the_clock

# Proposed as critical: somebody is there to judge it
P3? | chat | Berlin           | 2026-11-22 10:00 | Sunday | open, English only | proposed_critical
P4? | phone | Tokyo           | 2026-01-01 03:00 | New Year's night | open, English only | proposed_critical
P3? | chat | Paris            | 2026-11-23 10:00 | in business hours too | open, English only | proposed_critical
P1? | chat | Paris            | 2026-11-22 10:00 | judged as critical before | open, English only | around_the_clock
P3  | chat | Berlin           | 2026-11-22 10:01 | proposed, judged as P3 | closed until Monday 08:00 | day_closed

# The form of the portal: at any time, in eight languages
P3 | ticket | Berlin          | 2026-11-22 10:00 | Sunday, page in German | open, eight languages | channel_always
P4 | ticket | Tokyo           | 2026-01-01 03:00 | New Year's night | open, eight languages | channel_always
P1 | ticket | São Paulo       | 2026-12-25 03:00 | Christmas night | open, eight languages | channel_always
P2 | ticket | Seoul           | 2026-02-17 03:00 | Seollal | open, eight languages | channel_always
P3 | ticket | a place that is never open | 2026-07-04 23:00 | | open, eight languages | channel_always
P3? | ticket | Paris          | 2026-11-22 10:00 | proposed as critical | open, eight languages | channel_always

# Public holidays
P3 | chat  | Berlin           | 2026-12-25 10:00 | Christmas | closed until Monday 08:00 | day_holiday
P3 | chat  | Berlin           | 2026-12-24 18:00 | Christmas Eve | closed until 2026-12-28 08:00 | day_hours
P3 | chat  | Berlin           | 2026-12-24 17:59 | Christmas Eve, no holiday | open until Thursday 18:00 | day_hours
P3 | chat  | Paris            | 2026-12-26 10:00 | a Saturday, no holiday in France | closed until Monday 08:00 | day_closed
P3 | chat  | Paris            | 2026-07-14 10:00 | Bastille Day | closed until Wednesday 08:00 | day_holiday
P3 | chat  | Paris            | 2026-04-03 10:00 | Good Friday, a working day in Paris | open until Friday 18:00 | day_hours
P3 | chat  | Strasbourg       | 2026-04-03 10:00 | Good Friday, a holiday in Alsace-Moselle | closed until Tuesday 08:00 | day_holiday
P3 | chat  | Berlin           | 2026-04-02 18:00 | before Easter | closed until 2026-04-07 08:00 | day_hours
P4 | phone | Munich           | 2026-01-06 10:00 | Epiphany, a holiday in Bavaria | closed until Wednesday 08:00 | day_holiday
P4 | phone | Berlin           | 2026-01-06 10:00 | Epiphany, none nationwide | open until Tuesday 18:00 | day_hours
P3 | chat  | Munich           | 2026-06-04 10:00 | Corpus Christi in Bavaria | closed until Friday 08:00 | day_holiday
P3 | chat  | London           | 2026-04-06 10:00 | Easter Monday in England | closed until Tuesday 08:00 | day_holiday
P3 | chat  | Edinburgh        | 2026-04-06 10:00 | Easter Monday, none in Scotland | open until Monday 18:00 | day_hours
P3 | chat  | Edinburgh        | 2026-11-30 10:00 | St Andrew's Day in Scotland | closed until Tuesday 08:00 | day_holiday
P3 | chat  | London           | 2026-11-30 10:00 | St Andrew's Day, none in England | open until Monday 18:00 | day_hours
P3 | chat  | London           | 2026-12-28 10:00 | Boxing Day, observed on Monday | closed until Tuesday 08:00 | day_holiday
P3 | chat  | New York         | 2026-11-26 10:00 | Thanksgiving | closed until Friday 08:00 | day_holiday
P3 | chat  | New York         | 2026-11-27 10:00 | the day after Thanksgiving | open until Friday 18:00 | day_hours
P3 | chat  | New York         | 2026-07-03 10:00 | Independence Day, observed on Friday | closed until Monday 08:00 | day_holiday
P3 | chat  | Los Angeles      | 2026-11-27 10:00 | the day after Thanksgiving in California | closed until Monday 08:00 | day_holiday
P4 | chat  | São Paulo        | 2026-09-07 10:00 | Independence Day | closed until Tuesday 08:00 | day_holiday
P4 | chat  | São Paulo        | 2026-07-09 10:00 | Constitutionalist Revolution, in São Paulo | closed until Friday 08:00 | day_holiday
P3 | chat  | Tokyo            | 2026-05-05 10:00 | Golden Week | closed until Thursday 08:00 | day_holiday
P3 | chat  | Tokyo            | 2026-05-06 10:00 | the substitute at the end of Golden Week | closed until Thursday 08:00 | day_holiday
P3 | chat  | Tokyo            | 2026-09-22 10:00 | the day between two holidays | closed until 2026-09-24 08:00 | day_holiday
P3 | chat  | Seoul            | 2026-02-16 10:00 | Seollal | closed until Thursday 08:00 | day_holiday
P3 | chat  | Seoul            | 2026-08-17 10:00 | Liberation Day, moved to Monday | closed until Tuesday 08:00 | day_holiday
P3 | chat  | Shanghai         | 2026-10-01 10:00 | National Day | closed until 2026-10-08 08:00 | day_holiday
P3 | chat  | Mumbai           | 2026-01-26 10:00 | Republic Day | closed until Tuesday 08:00 | day_holiday
P3 | chat  | Sydney           | 2026-01-26 10:00 | Australia Day | closed until Tuesday 08:00 | day_holiday
P3 | chat  | Sydney           | 2026-06-08 10:00 | King's Birthday in New South Wales | closed until Tuesday 08:00 | day_holiday
P3 | chat  | Auckland         | 2026-02-06 10:00 | Waitangi Day | closed until Monday 08:00 | day_holiday
P3 | chat  | Santiago         | 2026-09-18 10:00 | Fiestas Patrias | closed until Monday 08:00 | day_holiday
P3 | chat  | Kiritimati       | 2026-12-25 10:00 | Christmas, but nobody knows its holidays | open until Friday 18:00 | day_hours
P3 | chat  | Lisbon           | 2026-06-10 10:00 | Portugal Day | closed until Thursday 08:00 | day_holiday

# The night on which the clock changes, and the Monday after it
P3 | chat  | Berlin           | 2026-03-27 07:00Z | the last Friday of winter time | open until Friday 18:00 | day_hours
P3 | chat  | Berlin           | 2026-03-27 06:59Z | | closed until Friday 08:00 | day_hours
P3 | chat  | Berlin           | 2026-03-30 06:00Z | the first Monday of summer time | open until Monday 18:00 | day_hours
P3 | chat  | Berlin           | 2026-03-30 05:59Z | | closed until Monday 08:00 | day_hours
P3 | chat  | Berlin           | 2026-10-26 07:00Z | the first Monday of winter time | open until Monday 18:00 | day_hours
P3 | chat  | New York         | 2026-03-09 12:00Z | the first Monday of summer time, three weeks before Europe | open until Monday 18:00 | day_hours
P3 | chat  | New York         | 2026-03-09 11:59Z | | closed until Monday 08:00 | day_hours
P3 | chat  | Santiago         | 2026-04-06 12:00Z | the first Monday of winter time in the south | open until Monday 18:00 | day_hours
P3 | chat  | Sydney           | 2026-10-05 02:00Z | Labour Day, after the clock went forward | closed until Tuesday 08:00 | day_holiday
P3 | chat  | Lord Howe Island | 2026-04-06 21:30Z | after half an hour back, Easter over | open until Tuesday 18:00 | day_hours
P3 | chat  | the Berlin night shift | 2026-03-29 01:30Z | after the hour that was skipped | open until Sunday 06:00 | day_hours
P3 | chat  | the Berlin night shift | 2026-03-29 04:00Z | summer time | closed until Sunday 22:00 | day_hours
P3 | chat  | the Berlin night shift | 2026-03-29 03:59Z | | open until Sunday 06:00 | day_hours
P3 | chat  | the Berlin night shift | 2026-10-25 02:30 | the first time | open until Sunday 06:00 | day_hours
P3 | chat  | the Berlin night shift | 2026-10-25 02:30 again | the second time | open until Sunday 06:00 | day_hours
P3 | chat  | the Berlin bakery | 2026-03-29 00:59Z | the minute before the clock goes forward, over the hour that is skipped | open until 2026-03-29 01:00Z | day_hours
P3 | chat  | the Berlin bakery | 2026-03-29 01:00Z | 03:00, half past two has not been | closed until Monday 01:00 | day_hours
P3 | chat  | the Berlin bakery | 2026-10-25 02:29 | the first time | open until Sunday 02:30 again | day_hours
P3 | chat  | the Berlin bakery | 2026-10-25 02:29 again | the second time | open until Sunday 02:30 again | day_hours
P3 | chat  | the Berlin bakery | 2026-10-25 02:30 again | the second time | closed until Monday 01:00 | day_hours
P3 | chat  | Casablanca       | 2026-02-16 08:00Z | Ramadan, an hour later than before | open until Monday 18:00 | day_hours
P3 | chat  | Casablanca       | 2026-02-13 07:00Z | before Ramadan | open until Friday 18:00 | day_hours
P3 | chat  | the Cairo hotel  | 2026-04-23 21:59Z | the minute before a midnight that is skipped | open until 2026-04-25 00:00 | day_hours

# Leap days
P3 | chat  | Berlin           | 2028-02-29 10:00 | a leap day | open until Tuesday 18:00 | day_hours
P3 | chat  | São Paulo        | 2032-02-29 10:00 | a leap day on a Sunday | closed until Monday 08:00 | day_closed
P3 | chat  | Tokyo            | 2024-02-28 18:00 | the evening before a leap day | closed until Thursday 08:00 | day_hours
P3 | chat  | Tokyo            | 2026-02-27 18:00 | the end of a February without one | closed until Monday 08:00 | day_hours
P3 | chat  | the Berlin factory | 2028-02-29 10:30 | a leap day of its own | open until Tuesday 11:00 | day_own_hours
P3 | chat  | the Berlin factory | 2028-02-29 11:00 | a leap day of its own | closed until Wednesday 08:00 | day_own_hours

# A company with its own calendar: half days, closed days, working Saturdays
P3 | chat  | the Berlin factory | 2026-12-24 11:59 | a half day | open until Thursday 12:00 | day_own_hours
P3 | chat  | the Berlin factory | 2026-12-24 12:00 | a half day, Christmas and stocktaking behind it | closed until 2026-12-29 08:00 | day_own_hours
P3 | chat  | the Berlin factory | 2026-12-28 10:00 | a closed day | closed until Tuesday 08:00 | day_own_closed
P1 | chat  | the Berlin factory | 2026-12-28 10:00 | a closed day | open, English only | around_the_clock
P3 | chat  | the Berlin factory | 2026-11-28 08:59 | a working Saturday | closed until Saturday 09:00 | day_own_hours
P3 | chat  | the Berlin factory | 2026-11-28 12:59 | a working Saturday | open until Saturday 13:00 | day_own_hours
P3 | chat  | the Berlin factory | 2026-11-27 18:00 | before a working Saturday | closed until Saturday 09:00 | day_hours
P3 | chat  | the Berlin factory | 2026-05-01 10:00 | open on Labour Day | open until Friday 18:00 | day_own_hours
P3 | chat  | Berlin           | 2026-05-01 10:00 | Labour Day | closed until Monday 08:00 | day_holiday

# Several periods a day, nights, and no end
P3 | chat  | the Madrid office | 2026-11-25 13:59 | | open until Wednesday 14:00 | day_hours
P3 | chat  | the Madrid office | 2026-11-25 14:00 | the break | closed until Wednesday 16:00 | day_hours
P3 | chat  | the Madrid office | 2026-11-25 18:30 | | open until Wednesday 19:00 | day_hours
P3 | chat  | the Madrid office | 2026-11-25 19:00 | | closed until Thursday 09:00 | day_hours
P3 | chat  | the Berlin night shift | 2026-11-25 23:00 | | open until Thursday 06:00 | day_hours
P3 | chat  | the Berlin night shift | 2026-11-26 05:59 | the night of the day before | open until Thursday 06:00 | day_hours
P3 | chat  | the Berlin night shift | 2026-11-26 06:00 | | closed until Thursday 22:00 | day_hours
P3 | chat  | the New York night shift | 2026-11-28 03:59 | Friday's night, on Saturday | open until Saturday 04:00 | day_hours
P3 | chat  | the New York night shift | 2026-11-28 04:00 | | closed until Monday 20:00 | day_closed
P3 | chat  | the Dubai office | 2026-11-27 12:00 | a short Friday | closed until Monday 08:00 | day_hours
P3 | chat  | the Tokyo data centre | 2026-01-01 03:00 | New Year's night | open, English only | calendar_always
P4 | phone | the Tokyo data centre | 2026-05-05 03:00 | Golden Week | open, English only | calendar_always
P3 | chat  | the Cairo hotel  | 2026-01-06 12:00 | open all week, but for holidays | open until 2026-01-07 00:00 | day_hours
P3 | chat  | the Cairo hotel  | 2026-01-07 12:00 | Coptic Christmas | closed until Thursday 00:00 | day_holiday
P3 | chat  | a place that is never open | 2026-07-04 12:00 | | closed, no opening in sight | no_opening
"""


class Line(NamedTuple):
    """One line of the guide."""

    severity: str
    channel: str
    place: str
    when: str
    occasion: str
    answer: str
    why: str

    @property
    def moment(self) -> datetime:
        """When it is asked."""
        return moment_of(self.when, PLACES[self.place].zone)

    def __str__(self) -> str:
        """The line as a sentence."""
        wall = self.moment.astimezone(ZoneInfo(PLACES[self.place].zone))
        occasion = f" ({self.occasion})" if self.occasion else ""
        proposed = self.severity.replace("?", " proposed as critical")
        at = f"{WEEKDAYS[wall.weekday()]} {wall:%d.%m.%Y %H:%M}"
        return f"{proposed} by {self.channel}, {at} in {self.place}{occasion}: {self.answer}"


LINES = [Line(*(part.strip() for part in row.split("|"))) for row in GUIDE.splitlines() if "|" in row]


@pytest.mark.parametrize("line", LINES, ids=str)
def test_the_guide(line: Line) -> None:
    calendar = PLACES[line.place]

    coverage = coverage_at(
        line.moment, line.severity[:2], Channel(line.channel), calendar, proposed=line.severity.endswith("?")
    )

    state, _, moment = line.answer.partition(" until ")
    expected = next_moment(moment, line.moment, calendar.zone) if moment else None
    assert coverage.is_open == state.startswith("open")
    assert (coverage.until, coverage.opens_at) == ((expected, None) if coverage.is_open else (None, expected))
    assert f"coverage.{line.why}" in [reason.key for reason in coverage.reasons]
    assert set(coverage.languages) == (CODES if "eight languages" in state else {"en"})


def test_the_guide_is_long_enough_and_reaches_around_the_world() -> None:
    assert len({str(line) for line in LINES}) == len(LINES) >= 120
    assert len({PLACES[line.place].zone for line in LINES}) >= 12
    assert {PLACES[line.place].zone for line in LINES} == set(ZONES)


def test_a_severity_that_does_not_exist_is_refused_rather_than_guessed() -> None:
    for forged in ("P0", "P5", "p1", "", "critical"):
        with pytest.raises(Invalid, match=r"choice\.unknown"):
            coverage_at(LINES[0].moment, forged, Channel.CHAT, PLACES["Paris"])
        with pytest.raises(Invalid, match=r"choice\.unknown"):
            coverage_at(LINES[0].moment, forged, Channel.CHAT, PLACES["Paris"], proposed=True)
