"""Things that are due together: one that fails keeps no other from being done, and is not hushed up."""

import pytest

from chatsvc.kernel.apart import Apart, do_apart
from chatsvc.kernel.errors import Unavailable


def test_the_others_are_done_and_what_failed_is_raised_in_the_end() -> None:
    done = []
    with pytest.raises(ExceptionGroup) as raised, Apart() as apart:
        for n in range(4):
            with apart.one(f"number {n}"):
                if n % 2:
                    raise ValueError(n)
                done.append(n)

    assert done == [0, 2]
    assert [(error.args, error.__notes__) for error in raised.value.exceptions] == [
        ((1,), ["number 1"]),
        ((3,), ["number 3"]),
    ]


def test_a_store_that_cannot_is_asked_for_nothing_more() -> None:
    with pytest.raises(Unavailable), Apart() as apart:
        with apart.one("first"):
            raise ValueError
        with apart.one("second"):
            raise Unavailable("store.busy")


async def test_duties_are_done_in_their_order() -> None:
    done = []

    async def first() -> None:
        done.append("first")
        raise ValueError

    async def second() -> None:
        done.append("second")

    with pytest.raises(ExceptionGroup):
        await do_apart(first, second)

    assert done == ["first", "second"]
