"""The catalogue: shipped defaults, an operator's own sections, and clear words about a bad file."""

from pathlib import Path

import pytest

from chatsvc.catalog.model import load, names
from chatsvc.kernel.errors import Invalid


def test_shipped_catalogue_has_the_four_lines_and_teams_of_the_requirements() -> None:
    catalog = load()

    assert [line.name for line in catalog.lines] == ["Expense", "Travel", "Invoice", "Request"]  # C1, K1
    teams = [team.name for team in catalog.teams]
    assert teams == ["Support", "Configuration", "Engineering", "Implementation", "Customer success"]  # T1, T3


def test_own_file_replaces_whole_sections_and_leaves_the_others(tmp_path: Path) -> None:
    own = tmp_path / "catalogue.toml"
    own.write_text('[[lines]]\nkey = "payroll"\nname = "Payroll"\n')

    catalog = load(own)

    assert [line.key for line in catalog.lines] == ["payroll"]
    assert catalog.teams == load().teams


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[[lines]\n", "not TOML"),
        ('[[lines]]\nkey = "payroll"\n', "name"),
        ('[[line]]\nkey = "x"\n', "line"),
        ('[[fields]]\nkey = "a"\nname = "A"\nkind = "text"\nshown = [{ b = ["c"] }]\n', "depends on b"),
    ],
    ids=["not TOML", "a name is missing", "an unknown section", "a field that depends on a later one"],
)
def test_bad_file_is_refused_with_what_is_wrong(tmp_path: Path, text: str, says: str) -> None:
    own = tmp_path / "catalogue.toml"
    own.write_text(text)

    with pytest.raises(ValueError, match=says):
        load(own)


def test_unknown_line_is_refused_by_its_field() -> None:
    with pytest.raises(Invalid) as refused:
        load().line("payroll")

    assert (refused.value.key, refused.value.field) == ("choice.unknown", "line")


@pytest.mark.parametrize("answers", [{"mood": "bad"}, {"people": "many"}], ids=["unknown question", "unknown answer"])
def test_impact_outside_the_interview_is_refused(answers: dict[str, str]) -> None:
    with pytest.raises(Invalid):
        load().check_impact(answers)


def test_replies_are_offered_in_their_lines_only() -> None:
    catalog = load()

    assert "receipt" in [reply.key for reply in catalog.replies_for("expense")]
    assert "receipt" not in [reply.key for reply in catalog.replies_for("travel")]


def test_names_to_translate_are_each_listed_once() -> None:
    listed = names(load())

    assert "Only me" in listed
    assert len(listed) == len(set(listed))
