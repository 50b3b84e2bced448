"""Work for a crowd leaves the loop to others in between, is done in order, and is shared fairly."""

import asyncio
from collections.abc import Callable

import pytest

from chatsvc.hub.turns import Turns
from tests.chatsvc.hub.cast import Time


@pytest.fixture
def time() -> Time:
    """A clock that only work moves."""
    return Time()


def taking(time: Time, seconds: float, then: Callable[[int], None]) -> Callable[[int], None]:
    """Return work that takes so long for each."""

    def work(item: int) -> None:
        time.advance(seconds)
        then(item)

    return work


async def test_others_have_their_turns_between_the_parts_of_long_work(time: Time) -> None:
    turns, done, seen_by_others = Turns(now=time), list[int](), list[int]()
    work = asyncio.create_task(turns.each(range(100), taking(time, 0.001, done.append)))

    while not work.done():
        await asyncio.sleep(0)
        seen_by_others.append(len(done))

    assert done == list(range(100))
    steps = [later - earlier for earlier, later in zip([0, *seen_by_others], seen_by_others, strict=False)]
    assert max(steps) <= 8


async def test_short_work_is_done_in_one_turn(time: Time) -> None:
    turns, done = Turns(now=time), list[int]()

    for number in range(50):
        turns.soon(lambda number=number: done.append(number))  # type: ignore[misc]
    await asyncio.sleep(0)
    await asyncio.sleep(0)

    assert done == list(range(50))


async def test_two_long_pieces_of_work_go_on_side_by_side(time: Time) -> None:
    turns, done = Turns(now=time), list[str]()
    first = turns.each(range(40), taking(time, 0.001, lambda _: done.append("first")))
    second = turns.each(range(40), taking(time, 0.001, lambda _: done.append("second")))

    await asyncio.gather(first, second)

    assert done.index("second") == 8
    assert len(done) == 80


async def test_failure_ends_the_work_it_is_in_and_no_other(time: Time) -> None:
    turns, done = Turns(now=time), list[int]()

    def breaks(item: int) -> None:
        if item == 3:
            raise ValueError("third")

    with pytest.raises(ValueError, match="third"):
        await turns.each(range(10), breaks)
    await turns.each(range(10), done.append)

    assert done == list(range(10))
