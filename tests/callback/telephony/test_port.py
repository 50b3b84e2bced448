"""What may pass the port, and what is news."""

from datetime import UTC, datetime, timedelta

import pytest

from callback.telephony.port import AttemptId, Call, Ended, Event, Facts, Outcome, Progress, Stage, is_news
from chatsvc.kernel.errors import Invalid

AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def came_to(stage: Stage) -> Event:
    return Progress(attempt=AttemptId("ca_1"), stage=stage, at=AT)


def ended(outcome: Outcome) -> Event:
    return Ended(attempt=AttemptId("ca_1"), outcome=outcome, facts=Facts(), at=AT)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"customer": "030123456"}, "customer"),
        ({"customer": "+49\u0663\u0660"}, "customer"),
        ({"customer": "+4930123456;x=1"}, "customer"),
        ({"customer": "+4930\r\nVia: x"}, "customer"),
        ({"customer": "+" + "1" * 16}, "customer"),
        ({"representative": ""}, "representative"),
        ({"representative": "sip:a@b\r\nVia: x"}, "representative"),
        ({"representative": "x" * 256}, "representative"),
        ({"ring_limit": timedelta(0)}, "ring_limit"),
        ({"ring_limit": timedelta(hours=1)}, "ring_limit"),
        ({"max_length": timedelta(0)}, "max_length"),
        ({"max_length": timedelta(days=1)}, "max_length"),
    ],
)
def test_a_call_that_no_adapter_may_dial_cannot_be_made(changes: dict[str, object], field: str) -> None:
    given: dict[str, object] = {"attempt": AttemptId("ca_1"), "representative": "sip:a@b", "customer": "+4930123456"}

    with pytest.raises(Invalid) as refused:
        Call(**{**given, **changes})  # type: ignore[arg-type]

    assert refused.value.field == field


@pytest.mark.parametrize("known", [None, *Stage])
@pytest.mark.parametrize("told", list(Stage))
def test_a_later_stage_is_news_and_no_other(told: Stage, known: Stage | None) -> None:
    order = [None, *Stage]

    assert is_news(came_to(told), stage=known, outcome=None) == (order.index(told) > order.index(known))


@pytest.mark.parametrize("outcome", list(Outcome))
def test_after_the_end_nothing_is_news_but_the_truth_about_an_unknown_one(outcome: Outcome) -> None:
    assert is_news(ended(outcome), stage=Stage.TALKING, outcome=None)
    assert not is_news(ended(outcome), stage=None, outcome=Outcome.BUSY)
    assert is_news(ended(outcome), stage=None, outcome=Outcome.UNKNOWN) == (outcome is not Outcome.UNKNOWN)
    assert not is_news(came_to(Stage.TALKING), stage=None, outcome=outcome)
