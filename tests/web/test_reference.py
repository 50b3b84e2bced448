"""The reference page has every route and code as they are."""

from pathlib import Path

import pytest

from web import reference

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "http.md"


@pytest.mark.parametrize("table", [reference.rest_table, reference.page_table, reference.code_table])
def test_the_page_has_the_table_of_now(table: object) -> None:
    assert callable(table)
    assert table() in PAGE.read_text("utf-8")
