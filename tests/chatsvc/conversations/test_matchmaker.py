"""The task that keeps lines moving: woken by bells at once, by time each second (R10)."""

from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest

from chatsvc.conversations.matchmaker import Matchmaker
from chatsvc.db.uow import Bell
from tests.chatsvc.conversations.house import House

NEVER = timedelta(hours=1)


async def _until(happened: Callable[[], Awaitable[object]]) -> None:
    """Let the loop run until something has happened; the test's own time limit ends what never does."""
    while not await happened():
        pass


def _listen(house: House, matchmaker: Matchmaker) -> None:
    house.database.publish = matchmaker.hear


async def test_joining_is_offered_by_the_bell_alone(house: House) -> None:
    ravi = await house.ready()
    matchmaker = Matchmaker(house.act, rhythm=NEVER)
    _listen(house, matchmaker)
    matchmaker.start()

    await house.joins(await house.contact())

    await _until(lambda: _has_offer(house, ravi))
    await matchmaker.close()


async def test_becoming_ready_is_offered_by_the_bell_alone(house: House) -> None:
    await house.joins(await house.contact())
    matchmaker = Matchmaker(house.act, rhythm=NEVER)
    _listen(house, matchmaker)
    matchmaker.start()

    ravi = await house.ready()

    await _until(lambda: _has_offer(house, ravi))
    await matchmaker.close()


async def test_lost_bell_is_healed_by_the_rhythm(house: House) -> None:
    ravi = await house.ready()
    await house.joins(await house.contact())
    matchmaker = Matchmaker(house.act, rhythm=timedelta(milliseconds=1))
    matchmaker.start()

    await _until(lambda: _has_offer(house, ravi))
    await matchmaker.close()


async def test_deadlines_are_kept_by_the_rhythm(house: House) -> None:
    contact, ravi = await house.contact(), await house.ready()
    visit, conversation = await house.talking(contact, ravi)
    await house.act.end(contact, conversation)
    matchmaker = Matchmaker(house.act, rhythm=timedelta(milliseconds=1))
    matchmaker.start()

    house.clock.advance(house.rules.undo_for)

    async def wrapping_up() -> bool:
        return bool((await house.see.visit(contact, visit.ticket)).state == "wrap_up")

    await _until(wrapping_up)
    await matchmaker.close()


async def test_several_matchmakers_on_one_store_make_one_offer(house: House) -> None:
    ravi = await house.ready()
    matchmakers = [Matchmaker(house.act, rhythm=timedelta(milliseconds=1)) for _ in range(4)]
    for each in matchmakers:
        each.start()

    await house.joins(await house.contact())

    await _until(lambda: _has_offer(house, ravi))
    for each in matchmakers:
        await each.close()
    assert [offer.state for offer in await house.offer_rows()] == ["open"]


async def test_bells_of_logs_wake_nobody(house: House) -> None:
    matchmaker = Matchmaker(house.act, rhythm=NEVER)

    matchmaker.hear([Bell("log:lg_1", 7), Bell("visit:tk_1"), Bell("person:pe_1")])

    assert not matchmaker.is_woken


async def _has_offer(house: House, ravi) -> bool:  # type: ignore[no-untyped-def]
    return bool((await house.see.desk(ravi)).offers)


async def test_what_cannot_be_swept_keeps_nobody_in_line(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    ravi = await house.ready()
    await house.joins(await house.contact())

    async def sweep(**_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(house.act, "sweep", sweep)
    matchmaker = Matchmaker(house.act, rhythm=timedelta(milliseconds=1))
    matchmaker.start()

    await _until(lambda: _has_offer(house, ravi))
    await matchmaker.close()
