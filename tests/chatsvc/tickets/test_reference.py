"""The page about the life of a ticket shows the tables of now."""

from collections.abc import Callable
from pathlib import Path

import pytest

from chatsvc.tickets import reference
from chatsvc.tickets.model import LIFE, State

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "life-cycle.md"


@pytest.mark.parametrize("part", [reference.diagram, reference.table, reference.moments])
def test_the_page_shows_the_tables_of_now(part: Callable[[], str]) -> None:
    assert part() in PAGE.read_text("utf-8")


def test_every_state_can_be_reached_and_left() -> None:
    reached = {to for events in LIFE.table.values() for to in events.values()}

    assert reached == set(LIFE.table) == set(State)
    assert all(LIFE.table.values())
