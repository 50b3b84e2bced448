"""What a representative reports is told like anything measured, and nothing else can be reported."""

from datetime import timedelta

import pytest

from callback.telephony.manual import REPORTABLE, Manual, link
from callback.telephony.port import AttemptId, Call, Ended, EndedBy, Outcome
from chatsvc.kernel.clock import ManualClock
from chatsvc.kernel.errors import Invalid
from tests.callback.telephony.notebook import Notebook

ATTEMPT = AttemptId("ca_1")
CALL = Call(attempt=ATTEMPT, representative="by hand", customer="+4930123456")


async def test_a_talk_by_hand_is_told_from_the_link_to_the_outcome(clock: ManualClock) -> None:
    notebook = Notebook()
    telephone = Manual(ledger=notebook, clock=clock)

    await telephone.dial(CALL)
    await telephone.connected(ATTEMPT)
    clock.advance(90)
    await telephone.ended(ATTEMPT, Outcome.ANSWERED, talked=timedelta(seconds=90), by=EndedBy.CUSTOMER)

    assert notebook.stages == ["rep_up", "talking"]
    ended = await notebook.ended(ATTEMPT)
    assert (ended.outcome, ended.facts.talk_s, ended.facts.ended_by) == (Outcome.ANSWERED, 90, EndedBy.CUSTOMER)
    assert ended.at == clock.now()


@pytest.mark.parametrize("outcome", list(Outcome))
async def test_only_what_a_person_can_know_is_taken(outcome: Outcome, clock: ManualClock) -> None:
    notebook = Notebook()
    telephone = Manual(ledger=notebook, clock=clock)

    if outcome in REPORTABLE:
        await telephone.ended(ATTEMPT, outcome)
    else:
        with pytest.raises(Invalid):
            await telephone.ended(ATTEMPT, outcome)

    assert notebook.outcomes == ([outcome.value] if outcome in REPORTABLE else [])


async def test_no_talk_is_taken_without_an_answer(clock: ManualClock) -> None:
    with pytest.raises(Invalid):
        await Manual(ledger=Notebook(), clock=clock).ended(ATTEMPT, Outcome.BUSY, talked=timedelta(seconds=1))


async def test_giving_up_closes_the_row_and_recovering_knows_nothing(clock: ManualClock) -> None:
    notebook = Notebook()
    telephone = Manual(ledger=notebook, clock=clock)

    recovered = await telephone.recover(ATTEMPT, None)
    await telephone.hang_up(ATTEMPT)
    await telephone.close()

    assert isinstance(recovered, Ended)
    assert (recovered.outcome, notebook.outcomes) == (Outcome.UNKNOWN, ["rep_hung_up"])


def test_the_link_dials_the_number() -> None:
    assert link("+4930123456") == "tel:+4930123456"
