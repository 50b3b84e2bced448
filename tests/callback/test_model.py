"""The life of a reservation is one table: every state can be left or is an end, and the page shows the table of now."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callback import reference
from callback.model import ENDS, LIFE, LIVE, Event, State
from chatsvc.kernel.machine import IllegalTransition

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "callback.md"


@pytest.mark.parametrize("part", [reference.states, reference.outcomes, reference.live_states])
def test_the_page_shows_the_tables_of_now(part: object) -> None:
    assert callable(part)
    assert part() in PAGE.read_text("utf-8")


def test_every_state_has_its_row_and_leads_to_an_end() -> None:
    reaches = set(ENDS)
    for _ in State:
        reaches |= {state for state, events in LIFE.table.items() if reaches & set(events.values())}

    assert set(LIFE.table) == set(State) == reaches


@given(st.sampled_from(sorted(ENDS)), st.sampled_from(Event))
def test_nothing_revives_an_end(end: State, event: Event) -> None:
    with pytest.raises(IllegalTransition):
        LIFE.next(end, event)


def test_nobody_is_dialled_without_a_preview_or_a_person_who_was_asked() -> None:
    assert set(LIFE.sources(Event.DIALLED)) == {State.PREVIEW, State.UNCLEAR}


def test_the_customer_can_step_back_until_somebody_dials() -> None:
    may = set(LIFE.sources(Event.CANCELLED))

    assert may == set(LIVE) - {State.DIALING, State.TALKING, State.UNCLEAR}
