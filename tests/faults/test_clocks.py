"""Hosts whose clocks are an hour off, on one store: every process lives by the store's clock, so that no outcome changes (invariant 15)."""

import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace

import msgspec
import pytest
from sqlalchemy import update

from callback import store
from callback.actions import Callbacks
from callback.bootstrap import callbacks
from callback.model import ReservationId
from callback.tables import reservations
from chatsvc import bootstrap
from chatsvc.accounts.model import Identity
from chatsvc.bootstrap import Services
from chatsvc.config import Settings
from chatsvc.db import store_clock
from chatsvc.kernel.clock import offset_of_machine
from chatsvc.kernel.ids import new_id
from tests import builders

HOUR = timedelta(hours=1)


@pytest.fixture
def dialect() -> str:
    """The store that has a clock of its own; on SQLite all processes live on the store's machine."""
    return "postgresql"


@contextmanager
def clock_is(ahead: timedelta) -> Iterator[None]:
    """Let this machine's clock be ahead of what it is, or behind."""
    with pytest.MonkeyPatch.context() as patched:
        clock = SimpleNamespace(time=lambda: time.time() + ahead.total_seconds(), monotonic=time.monotonic)
        patched.setattr("chatsvc.kernel.clock.time", clock)
        yield


@asynccontextmanager
async def a_host(settings: Settings, ahead: timedelta) -> AsyncIterator[tuple[Services, Callbacks]]:
    """Start a process on a host whose clock is ahead of the store's, or behind."""
    with clock_is(ahead):
        services = await bootstrap.start(settings, sockets=False)
    try:
        yield services, callbacks(services)
    finally:
        await services.close()


async def books(calls: Callbacks, contact: Identity, **more: object) -> ReservationId:
    """Book a call as soon as possible."""
    form = {"number": "+4930123456", "region": None, "key": new_id("ky"), "subject": "s", "description": "d"}
    contact = msgspec.structs.replace(contact, zone=builders.a_zone_at_noon())
    return await calls.reserve(contact, line="expense", slot_at=None, **(form | more))  # type: ignore[arg-type]


@pytest.mark.postgres
@pytest.mark.redis
@pytest.mark.parametrize("ahead", [HOUR, -HOUR], ids=["an hour ahead", "an hour behind"])
async def test_an_offer_a_lease_and_a_call_are_due_by_the_stores_clock(settings: Settings, ahead: timedelta) -> None:
    async with a_host(settings, timedelta()) as (right, calls), a_host(settings, ahead) as (wrong, calls_there):
        stored = await store_clock.now(right.database)
        assert stored is not None
        assert abs(wrong.clock.now() - stored) < timedelta(seconds=5)

        contact = await builders.a_contact(right.database)
        ravi = await builders.a_representative(right.database)
        await right.conversations.set_desk(ravi, "ready")
        reservation = await books(calls, contact)
        await right.conversations.match()
        # Ahead it would let the offer pass and the representative go; behind it would see neither.
        await wrong.conversations.sweep()
        [card] = (await wrong.queries.desk(ravi)).offers
        conversation = await wrong.conversations.accept(ravi, card.id, card.epoch)
        await calls_there.sweep()
        await calls_there.release(ravi, conversation)
        await wrong.conversations.set_desk(ravi, "away")

        # What is due in a quarter of an hour is not due there yet; what was due a second ago is.
        await calls.snooze(None, reservation)
        await calls_there.sweep()
        assert await state_of(right, reservation) == "retry_wait"
        await comes_due(right, reservation)
        await calls_there.sweep()
        assert await state_of(right, reservation) == "due"


@pytest.mark.redis
@pytest.mark.parametrize("dialect", ["sqlite"])
async def test_processes_of_one_machine_agree_whatever_became_of_its_clock_between_their_starts(
    settings: Settings,
) -> None:
    """On SQLite the machine is the store: ``holdline up`` gives its own time to every process that it starts, and starts again."""
    together = replace(settings, clock_offset=offset_of_machine())
    async with a_host(together, timedelta()) as (first, _), a_host(together, HOUR) as (later, _):
        assert abs(later.clock.now() - first.clock.now()) < timedelta(seconds=1)


async def comes_due(services: Services, reservation: ReservationId) -> None:
    """Let the moment of a call that was put off be a second ago, by the clock of a host that is right."""
    moment = services.clock.now() - timedelta(seconds=1)
    async with services.database.begin() as uow:
        row = update(reservations).where(reservations.c.id == reservation)
        await uow.execute(row.values(wake_at=moment, not_before_at=moment))


async def state_of(services: Services, reservation: ReservationId) -> str:
    """Return where a reservation is."""
    async with services.database.read() as connection:
        return str((await store.by_id(connection, reservation)).state)
