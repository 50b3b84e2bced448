"""The process of calls as it runs in earnest: heard by the doorbell, killed without warning, caught up by the next one within 30 seconds."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
from sqlalchemy import update

from callback.model import ReservationId
from callback.tables import reservations
from chatsvc.db.engine import Database
from chatsvc.kernel.clock import SystemClock
from tests.builders import a_zone_at_noon
from tests.callback.house import CallHouse

pytestmark = [pytest.mark.redis, pytest.mark.faults]

CAUGHT_UP_WITHIN_S = 30 * float(os.environ.get("HOLDLINE_TEST_PATIENCE", "1"))


@contextmanager
def a_worker(address: str, redis: str, folder: Path, **settings: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run the process of calls, with further settings by their variables."""
    environ = {
        **os.environ,
        "HOLDLINE_DATABASE_URL": address,
        "HOLDLINE_REDIS_URL": redis,
        "HOLDLINE_DATA_DIR": str(folder),
        "HOLDLINE_SECRET_KEY": "x" * 48,
        **settings,
    }
    command = [sys.executable, "-m", "arq", "callback.worker.Settings"]
    with (folder / "worker.log").open("ab") as log:
        process = subprocess.Popen(command, env=environ, stdout=log, stderr=log, cwd=Path(__file__).parents[2])
    try:
        yield process
    finally:
        process.kill()
        process.wait()


async def _is(house: CallHouse, reservation: ReservationId, state: str) -> float:
    """Wait until a reservation is in a state; return after how many seconds it was."""
    began = time.monotonic()
    while await house.state(reservation) != state:
        assert time.monotonic() - began < CAUGHT_UP_WITHIN_S, await house.state(reservation)
        await asyncio.sleep(0.05)
    return time.monotonic() - began


@pytest.mark.parametrize("dialect", ["sqlite"])
async def test_a_slot_that_begins_is_found_also_after_a_kill(
    database_address: str, redis_address: str, tmp_path: Path
) -> None:
    database = Database(database_address, SystemClock())
    house = CallHouse(database, SystemClock(), tmp_path)  # type: ignore[arg-type]
    try:
        zone = a_zone_at_noon()
        contacts = [
            msgspec.structs.replace(await house.contact(f"Contact {n}", zone=zone), zone=zone) for n in range(2)
        ]
        bookings = [await house.books(each, number=f"+4930200000{n}") for n, each in enumerate(contacts)]
        for reservation in bookings:
            await house.calls.snooze(None, reservation)

        async def comes_due(reservation: ReservationId) -> None:
            past = database.clock.now() - timedelta(seconds=1)
            async with database.begin() as uow:
                row = update(reservations).where(reservations.c.id == reservation)
                await uow.execute(row.values(wake_at=past, not_before_at=past))

        with a_worker(database_address, redis_address, tmp_path) as first:
            await comes_due(bookings[0])
            await _is(house, bookings[0], "due")
            os.kill(first.pid, signal.SIGKILL)
            first.wait()
            await comes_due(bookings[1])
        with a_worker(database_address, redis_address, tmp_path):
            await _is(house, bookings[1], "due")
    finally:
        await database.close()
