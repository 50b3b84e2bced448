"""Every requirement of the ticket desk has a test that bears its number, and a number in a test's name means a requirement."""

import ast
import re
from pathlib import Path
from typing import Final

TESTS: Final = Path(__file__).parents[1]
# The ticket desk: teams, form, files, mails, lists, life, reports, links; promises by priority, the priority itself; who may ask.
REQUIREMENTS: Final = (*(f"t{number}" for number in range(1, 15)), "v1", "v2", "p2")


def _numbers(name: str) -> set[str]:
    """The numbers at the beginning of a test's name: ``test_t8_t9_dates_…`` is about T8 and T9."""
    found = re.match(r"test((?:_[tvp]\d+)+)_", name)
    return set(found[1].split("_")[1:]) if found else set()


def test_every_requirement_of_the_ticket_desk_has_a_test_of_its_name() -> None:
    named = {
        number
        for path in TESTS.rglob("test_*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        for number in _numbers(node.name)
    }

    assert [number for number in REQUIREMENTS if number not in named] == []
