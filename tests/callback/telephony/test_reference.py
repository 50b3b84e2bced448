"""The page of the telephone says what the code does."""

import re
from pathlib import Path
from typing import Final

import pytest

from callback.numbers import Refusal
from callback.telephony import choice
from callback.telephony.manual import REPORTABLE
from callback.telephony.port import EndedBy, Outcome, Stage
from callback.telephony.sip import outcomes

PAGE: Final = (Path(__file__).parents[3] / "docs" / "reference" / "telephony.md").read_text(encoding="utf-8")
ROWS: Final = {cells[1].strip(" `"): cells for line in PAGE.splitlines() if len(cells := line.split("|")) > 4}


def test_every_word_of_the_port_stands_on_the_page() -> None:
    words = [*Outcome, *Stage, *EndedBy, *Refusal, *choice._SIP.__struct_fields__, *choice._Webhook.__struct_fields__]

    assert [word for word in words if f"`{word}`" not in PAGE] == []


@pytest.mark.parametrize("outcome", list(Outcome))
def test_what_can_be_reported_by_hand_is_what_the_page_says(outcome: Outcome) -> None:
    assert (ROWS[outcome.value][3].strip() == "yes") == (outcome in REPORTABLE)


def test_every_code_of_the_table_means_what_the_page_says() -> None:
    said = {
        int(code): Outcome(name)
        for name, cells in ROWS.items()
        if name in set(Outcome) and not name.startswith("rep_")
        for code in re.findall(r"\b[3-6][0-9]{2}\b", cells[2])
        if code not in ("401", "407", "487")
    }

    assert len(said) > 10
    assert {code: outcomes.of_customer(code)[0] for code in said} == said
