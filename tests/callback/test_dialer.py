"""The dialler over a telephone system that does what the story says: taken over once, released when its process dies, never twice."""

from datetime import timedelta

import pytest

from callback import store
from callback.dialer import Dialer
from callback.telephony.port import (
    AllLinesBusy,
    AttemptId,
    Call,
    Ended,
    EndedBy,
    Facts,
    Ledger,
    Outcome,
    Progress,
    Stage,
)
from chatsvc.kernel.ids import ConversationId, PersonId
from tests.callback.house import RULES, CallHouse, a_number
from tests.callback.test_dialling import Scene, a_preview


class Exchange:
    """A telephone system that two telephones hang on; it outlives processes, and remembers what was asked of it."""

    def __init__(self) -> None:
        self.rung: list[Call] = []
        self.released: list[tuple[AttemptId, str | None]] = []
        self.busy = False


class Line:
    """One process's end of it."""

    name = "sip"
    holds_calls = True

    def __init__(self, exchange: Exchange, ledger: Ledger, house: CallHouse) -> None:
        self.exchange, self.ledger, self.house = exchange, ledger, house
        self.up: set[AttemptId] = set()

    async def dial(self, call: Call) -> None:
        if self.exchange.busy:
            raise AllLinesBusy("telephony.all_lines_busy")
        await self.ledger.keep(call.attempt, '{"legs": 1}')
        self.exchange.rung.append(call)
        self.up.add(call.attempt)

    async def hang_up(self, attempt: AttemptId) -> None:
        await self.tells(attempt, Outcome.REP_HUNG_UP)

    def is_up(self, attempt: AttemptId) -> bool:
        return attempt in self.up

    async def recover(self, attempt: AttemptId, trace: str | None) -> Ended:
        self.exchange.released.append((attempt, trace))
        return Ended(attempt=attempt, outcome=Outcome.UNKNOWN, facts=Facts(ended_by=EndedBy.HOLDLINE), at=self.now)

    async def close(self) -> None:
        """Nothing is open."""

    @property
    def now(self):  # type: ignore[no-untyped-def]
        return self.house.clock.now()

    async def tells(self, attempt: AttemptId, outcome: Outcome, **facts: float) -> None:
        await self.ledger.happened(Ended(attempt=attempt, outcome=outcome, facts=Facts(**facts), at=self.now))  # type: ignore[arg-type]

    async def comes_to(self, attempt: AttemptId, stage: Stage) -> None:
        await self.ledger.happened(Progress(attempt=attempt, stage=stage, at=self.now))


class Shop:
    """A desk whose telephone is driven by processes that can be opened and killed."""

    def __init__(self, house: CallHouse) -> None:
        self.house = house
        self.exchange = Exchange()
        house.calls.adapter = "sip"

    def opens(self) -> tuple[Dialer, Line]:
        dialer = Dialer(self.house.calls, lambda ledger: Line(self.exchange, ledger, self.house))
        assert isinstance(dialer.telephony, Line)
        return dialer, dialer.telephony


@pytest.fixture
def shop(house: CallHouse) -> Shop:
    """A shop with an exchange."""
    return Shop(house)


async def dialled(shop: Shop) -> tuple[Scene, AttemptId]:
    scene = await a_preview(shop.house)
    async with shop.house.database.begin() as uow:
        await store.set_telephone(uow, PersonId(scene.ravi.person), "sip:ravi@127.0.0.1")
    begun = await shop.house.calls.dial(scene.ravi, ConversationId(scene.conversation))
    assert begun.attempt is not None
    return scene, begun.attempt


async def test_an_attempt_is_taken_over_once_however_many_dial(shop: Shop) -> None:
    _, attempt = await dialled(shop)
    (one, _), (two, _) = shop.opens(), shop.opens()

    for dialer in (one, two, one, two):
        await dialer.round()

    [call] = shop.exchange.rung
    assert (call.attempt, call.customer, call.representative) == (attempt, a_number(), "sip:ravi@127.0.0.1")


async def test_what_the_exchange_tells_moves_the_call_to_its_wrap_up(shop: Shop) -> None:
    scene, attempt = await dialled(shop)
    dialer, line = shop.opens()
    await dialer.round()

    for stage in (Stage.REP_UP, Stage.CUSTOMER_RINGING, Stage.TALKING, Stage.CUSTOMER_RINGING):
        await line.comes_to(attempt, stage)
    assert await shop.house.state(scene.reservation) == "talking"
    await line.tells(attempt, Outcome.ANSWERED, talk_s=12.0)
    await line.tells(attempt, Outcome.BUSY)

    assert await shop.house.state(scene.reservation) == "wrap_up"
    [row] = await shop.house.attempt_rows()
    assert (row.outcome, row.talk_s, row.trace, row.leased_until) == ("answered", 12.0, None, None)


async def test_a_dead_process_is_noticed_its_legs_released_and_nobody_rung_twice(shop: Shop) -> None:
    scene, attempt = await dialled(shop)
    dead, _ = shop.opens()
    await dead.round()
    alive, _ = shop.opens()
    await alive.round()
    assert shop.exchange.released == []

    shop.house.clock.advance(timedelta(seconds=21))
    await shop.house.stay(scene.ravi)
    await alive.round()
    await alive.round()

    assert shop.exchange.released == [(attempt, '{"legs": 1}')]
    assert await shop.house.state(scene.reservation) == "unclear"
    assert len(shop.exchange.rung) == 1


async def test_a_living_process_keeps_its_call_however_long(shop: Shop) -> None:
    scene, attempt = await dialled(shop)
    (dialer, line), (other, _) = shop.opens(), shop.opens()
    await dialer.round()
    await line.comes_to(attempt, Stage.TALKING)

    for _ in range(20):
        shop.house.clock.advance(timedelta(seconds=15))
        await dialer.round()
        await other.round()
        await shop.house.calls.sweep()

    assert shop.exchange.released == []
    assert await shop.house.state(scene.reservation) == "talking"


async def test_a_call_that_crashes_in_a_living_process_is_released_and_asked_about(shop: Shop) -> None:
    scene, attempt = await dialled(shop)
    dialer, line = shop.opens()
    await dialer.round()

    line.up.clear()
    for _ in range(3):
        await dialer.round()
        shop.house.clock.advance(timedelta(seconds=11))
        await shop.house.stay(scene.ravi)
    await dialer.round()

    assert shop.exchange.released == [(attempt, '{"legs": 1}')]
    assert await shop.house.state(scene.reservation) == "unclear"
    assert len(shop.exchange.rung) == 1


async def test_what_nobody_takes_over_was_not_dialled_and_does_not_count(shop: Shop) -> None:
    scene, _ = await dialled(shop)

    shop.house.clock.advance(RULES.taken_over_within)
    await shop.house.calls.sweep()
    await shop.opens()[0].round()

    assert shop.exchange.rung == []
    [row] = await shop.house.attempt_rows()
    assert (row.outcome, row.counted) == ("trunk", False)
    assert await shop.house.state(scene.reservation) == "retry_wait"


async def test_of_what_was_heard_nobody_says_that_it_was_not_dialled(shop: Shop) -> None:
    scene, attempt = await dialled(shop)
    _, line = shop.opens()
    await line.comes_to(attempt, Stage.TALKING)

    shop.house.clock.advance(RULES.taken_over_within)
    await shop.house.calls.sweep()
    assert await shop.house.state(scene.reservation) == "talking"

    shop.house.clock.advance(RULES.longest_call * 2)
    await shop.house.calls.sweep()
    [row] = await shop.house.attempt_rows()
    assert row.outcome == "answered"


@pytest.mark.parametrize("said", [Outcome.BLOCKED, Outcome.BUSY, Outcome.TRUNK, Outcome.MEDIA, Outcome.UNKNOWN])
async def test_whoever_has_talked_was_reached_whatever_is_said_of_the_end(shop: Shop, said: Outcome) -> None:
    scene, attempt = await dialled(shop)
    dialer, line = shop.opens()
    await dialer.round()
    await line.comes_to(attempt, Stage.TALKING)

    await line.tells(attempt, said)

    [row] = await shop.house.attempt_rows()
    assert (row.outcome, row.counted) == ("answered", False)
    assert await shop.house.state(scene.reservation) == "wrap_up"


async def test_full_lines_count_against_nobody(shop: Shop) -> None:
    _, _ = await dialled(shop)
    shop.exchange.busy = True
    await shop.opens()[0].round()

    assert [(row.outcome, row.counted) for row in await shop.house.attempt_rows()] == [("trunk", False)]


async def test_a_representative_hangs_up_through_the_exchange(shop: Shop) -> None:
    scene, _ = await dialled(shop)
    dialer, _ = shop.opens()
    await dialer.round()

    await shop.house.calls.hang_up(scene.ravi, scene.conversation)
    await dialer.round()

    assert [row.outcome for row in await shop.house.attempt_rows()] == ["rep_hung_up"]
    assert await shop.house.state(scene.reservation) == "due"


async def test_late_news_of_an_unknown_call_still_counts(shop: Shop) -> None:
    scene, attempt = await dialled(shop)
    dialer, line = shop.opens()
    await dialer.round()
    await line.tells(attempt, Outcome.UNKNOWN)
    assert await shop.house.state(scene.reservation) == "unclear"

    await line.tells(attempt, Outcome.BUSY)

    assert await shop.house.state(scene.reservation) == "retry_wait"
    assert [(row.outcome, row.counted) for row in await shop.house.attempt_rows()] == [("busy", True)]
