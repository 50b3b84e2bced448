"""How told waits have held: what counts become, and how places are counted on both kinds of store."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import insert

from chatsvc.db.engine import Database
from chatsvc.kernel import ids
from chatsvc.kernel.clock import ManualClock
from chatsvc.routing import accuracy, queries
from chatsvc.routing.accuracy import Counts, Verdict, figures, published
from chatsvc.routing.tables import places
from tests import builders

MINUTE = timedelta(minutes=1)
MINUTE_US = 60_000_000
BERLIN = ZoneInfo("Europe/Berlin")


# What counts come to --------------------------------------------------------------------------------------------------------------------


def test_nobody_served_makes_no_figures() -> None:
    assert figures(Counts(left=3, untold=2))[1:] == (None, None, None, None, Verdict.FEW)


def test_figures_are_shares_and_means_of_the_served_alone() -> None:
    found = figures(Counts(served=4, held=3, shocks=1, missed_us=8 * MINUTE_US, longer_us=-4 * MINUTE_US, left=96))

    assert found[1:5] == (0.75, 2 * MINUTE, -MINUTE, 0.25)


@pytest.mark.parametrize(
    ("served", "held", "verdict"),
    [
        (49, 49, Verdict.FEW),
        (50, 45, Verdict.HOLDS),
        (1_000, 880, Verdict.HOLDS),
        (1_000, 879, Verdict.SHORT),
        (1_000, 920, Verdict.HOLDS),
        (1_000, 921, Verdict.LONG),
    ],
)
def test_verdict_allows_for_chance_and_needs_enough_waits(served: int, held: int, verdict: Verdict) -> None:
    assert figures(Counts(served=served, held=held)).verdict is verdict


@pytest.mark.parametrize(
    ("served", "held", "told"), [(199, 199, None), (200, 181, 90), (200, 120, 60), (1_000, 1_000, 100)]
)
def test_customers_are_told_of_enough_waits_only_rounded_down_and_also_when_it_is_bad(
    served: int, held: int, told: int | None
) -> None:
    assert published(Counts(served=served, held=held)) == told


def test_days_are_those_of_the_calendar_over_a_change_of_the_clocks() -> None:
    days = accuracy.days_until(datetime(2026, 3, 29, 22, 30, tzinfo=UTC), 3, BERLIN)

    assert days == [date(2026, 3, 28), date(2026, 3, 29), date(2026, 3, 30)]
    assert accuracy.beginnings(days, BERLIN) == [
        datetime(2026, 3, 27, 23, tzinfo=UTC),
        datetime(2026, 3, 28, 23, tzinfo=UTC),
        datetime(2026, 3, 29, 22, tzinfo=UTC),
        datetime(2026, 3, 30, 22, tzinfo=UTC),
    ]


def test_lines_and_days_are_put_together_the_newest_day_first() -> None:
    days = [date(2026, 3, 1), date(2026, 3, 2)]

    held = accuracy.accuracy([("travel", 0, Counts(served=1)), ("expense", 1, Counts(served=2, held=2))], days)

    assert held.together.counts == Counts(served=3, held=2)
    assert list(held.lines) == ["expense", "travel"]
    assert [(day, found.counts.served) for day, found in held.days] == [(days[1], 2), (days[0], 1)]


# How places are counted -----------------------------------------------------------------------------------------------------------------


class Past:
    """Places that were, straight in the store."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.seq = 0

    async def a_place(self, admitted_at: datetime, line: str = "expense", **values: Any) -> None:
        """Add somebody who came at a moment; what is not named did not happen."""
        contact = await builders.a_contact(self.database)
        ticket = await builders.a_ticket(self.database, contact)
        self.seq += 1
        row = {
            "id": ids.place_id(), "seq": self.seq, "line": line, "ticket_id": ticket.id, "company_id": contact.company,
            "contact_id": contact.person, "waiting_for": "chat", "state": "gone", "rank": 0, "epoch": 0, "round": 1,
            "admitted_at": admitted_at, "seen_at": admitted_at,
        }  # fmt: skip
        async with self.database.begin() as uow:
            await uow.execute(insert(places).values(row | values))

    async def counted(self, *beginnings: datetime) -> dict[tuple[str, int], Counts]:
        """What is found in the parts between moments."""
        async with self.database.read() as connection:
            found = await queries.told_waits(connection, beginnings)
        return {(line, part): counts for line, part, counts in found}


@pytest.fixture
def past(database: Database) -> Past:
    """An empty past."""
    return Past(database)


TOLD = {"quoted_low_s": 120, "quoted_high_s": 300}


async def test_every_place_is_counted_as_what_it_was(past: Past, clock: ManualClock) -> None:
    came = clock.now()
    # Waited a minute less than told; just as long as the bound, which is a shock; and longer than the bound.
    for waited in (1, 5, 6):
        await past.a_place(came, **TOLD, taken_at=came + waited * MINUTE, gone_at=came + 60 * MINUTE)
    # Just as bad as is no shock yet.
    await past.a_place(came, **TOLD, taken_at=came + 4 * MINUTE)
    await past.a_place(came, **TOLD, gone_at=came + 5 * MINUTE)
    await past.a_place(came, **TOLD, gone_at=came + 5 * MINUTE + timedelta(seconds=1))
    await past.a_place(came, **TOLD, state="waiting")
    await past.a_place(came, taken_at=came + MINUTE)
    await past.a_place(came, gone_at=came + MINUTE)
    await past.a_place(came, **TOLD, taken_at=came + 90 * MINUTE, not_before_at=came + 80 * MINUTE)

    found = await past.counted(came - MINUTE, came, came + MINUTE)

    assert found == {
        ("expense", 1): Counts(
            served=4, held=3, shocks=2, missed_us=10 * MINUTE_US, longer_us=8 * MINUTE_US, left=2, left_late=1,
            waiting=1, untold=2, put_off=1,
        )
    }  # fmt: skip


async def test_places_fall_into_the_part_in_which_they_came(past: Past, clock: ManualClock) -> None:
    begin = clock.now()
    for minutes in (-1, 0, 9, 10, 29, 30):
        await past.a_place(begin + minutes * MINUTE, "travel" if minutes == 29 else "expense")

    found = await past.counted(*(begin + minutes * MINUTE for minutes in (0, 10, 20, 30)))

    assert {key: counts.untold for key, counts in found.items()} == {
        ("expense", 0): 2,
        ("expense", 1): 1,
        ("travel", 2): 1,
    }


async def test_nobody_makes_nothing(past: Past, clock: ManualClock) -> None:
    assert await past.counted(*(clock.now() + n * MINUTE for n in range(91))) == {}
