"""Killed at every named point between the wish and the outcome: what was confirmed is stored, and nobody is dialled twice (20, 24, 26)."""

import pytest

from callback import store
from callback.dialer import LEASE, Dialer
from callback.tables import reservations
from callback.telephony.port import Ended, Facts, Outcome
from tests.callback.contenders import Recorder, killed_at
from tests.callback.house import RULES, CallHouse, a_number


@pytest.fixture
def dialect() -> str:
    """One kind of store: a commit is a commit on both."""
    return "sqlite"


@pytest.mark.faults
async def test_a_kill_at_any_point_loses_no_confirmed_call_and_dials_nobody_twice(
    house: CallHouse, database_address: str
) -> None:
    claire, ravi = await house.contact(), await house.ready()
    house.calls.adapter = "sip"
    async with house.database.begin() as uow:
        await store.set_telephone(uow, ravi.person, "sip:ravi@127.0.0.1")

    killed_at(database_address, "reserve.before_commit", "reserve", claire, "form-0001", a_number(), None)
    assert await house.rows(reservations) == []
    reservation = await house.books(claire, key="form-0001")
    assert await house.books(claire, key="form-0001") == reservation

    conversation = await house.previews(ravi)
    killed_at(database_address, "dial.before_commit", "dial", ravi, conversation)
    assert (await house.attempt_rows(), await house.state(reservation)) == ([], "preview")
    killed_at(database_address, "dial.after_commit", "dial", ravi, conversation)
    [attempt] = await house.attempt_rows()
    assert (await house.calls.dial(ravi, conversation)).attempt == attempt.id

    killed_at(database_address, "take_over.after_commit", "take_over")
    dialer = Dialer(house.calls, Recorder)
    telephony = dialer.telephony
    assert isinstance(telephony, Recorder)
    await dialer.round()
    assert await house.state(reservation) == "dialing"
    house.clock.advance(LEASE)
    await house.stay(ravi)
    await dialer.round()
    assert (telephony.rung, telephony.released) == ([], [attempt.id])
    assert await house.state(reservation) == "unclear"

    # A person dials again; the process that hears how it ended dies before that is stored, and another one hears it twice.
    house.clock.advance(RULES.unclear_rest)
    await house.stay(ravi)
    begun = await house.calls.dial(ravi, conversation)
    assert begun.attempt is not None
    await dialer.round()
    assert [call.attempt for call in telephony.rung] == [begun.attempt]

    killed_at(database_address, "outcome.before_commit", "tell", begun.attempt, Outcome.BUSY)
    assert await house.state(reservation) == "dialing"
    for _ in range(2):
        await dialer.happened(Ended(attempt=begun.attempt, outcome=Outcome.BUSY, facts=Facts(), at=house.clock.now()))

    assert await house.state(reservation) == "retry_wait"
    assert [(row.outcome, row.counted) for row in await house.attempt_rows()] == [("unknown", False), ("busy", True)]
