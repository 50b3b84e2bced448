"""Whether a stranger can tell from the time which mail addresses have an account (T11)."""

import os
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import timedelta
from statistics import median

from chatsvc.accounts.limits import LimitRules, Rate
from chatsvc.db.engine import Database
from chatsvc.kernel.errors import NotSignedIn
from tests.chatsvc.accounts.house import HOME, House

# Passwords are cheap here, so that what is left is the difference itself and not the noise of a dear hash.
TRIES = int(os.environ.get("HOLDLINE_TEST_TIMING_TRIES", "150"))
LARGEST_DIFFERENCE_S = 0.005

_WIDE = Rate(1_000_000, timedelta(hours=1))
UNLIMITED = LimitRules(*[_WIDE] * len(LimitRules._fields))


async def _difference(ask: Callable[[str], Awaitable[object]]) -> float:
    """How much longer a known account takes than an unknown one, in seconds: medians of many tries that take turns."""
    known: list[float] = []
    unknown: list[float] = []
    for number in range(TRIES):
        for email, durations in (("anna@acme.example", known), (f"nobody{number % 10}@acme.example", unknown)):
            began = time.perf_counter()
            await ask(email)
            durations.append(time.perf_counter() - began)
    return median(known) - median(unknown)


async def _house(database: Database) -> House:
    house = House(database, UNLIMITED)
    await house.contact(await house.company(), "anna@acme.example")
    return house


async def test_failed_sign_in_takes_as_long_for_nobody(database: Database) -> None:
    house = await _house(database)

    async def ask(email: str) -> None:
        with suppress(NotSignedIn):
            await house.sign_in(email, "wrong wrong wrong")

    assert abs(await _difference(ask)) < LARGEST_DIFFERENCE_S


async def test_forgotten_password_takes_as_long_for_nobody(database: Database) -> None:
    house = await _house(database)

    async def ask(email: str) -> None:
        await house.accounts.request_reset(email, address=HOME)

    assert abs(await _difference(ask)) < LARGEST_DIFFERENCE_S
