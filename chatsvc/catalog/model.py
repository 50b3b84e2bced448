"""The catalogue: lines, teams, reasons, questions and saved replies, as data that an operator changes without touching code.

Keys are stored with tickets; names are shown, through the portal's translations. It knows no rule: what a reason requires comes with the form.
"""

import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

import msgspec

from chatsvc.kernel.errors import Invalid

DEFAULTS = Path(__file__).with_name("defaults.toml")


class Item(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Something to choose: a stored key and the name people read."""

    key: str
    name: str


class Line(Item, frozen=True, forbid_unknown_fields=True):
    """A product and its line (C1)."""

    about: str = ""


class Question(Item, frozen=True, forbid_unknown_fields=True):
    """One question of the impact interview."""

    answers: tuple[Item, ...] = ()


class Reply(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A saved reply of the console."""

    key: str
    title: str
    # ``{customer}``, ``{number}`` and ``{representative}`` are filled in by plain replacement; nothing else is (threat T17).
    text: str
    # Keys of the lines it is offered in; empty means all.
    lines: tuple[str, ...] = ()


class Catalog(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Everything that can be chosen."""

    lines: tuple[Line, ...]
    teams: tuple[Item, ...]
    reasons: tuple[Item, ...]
    environments: tuple[Item, ...]
    severities: tuple[Item, ...]
    away_reasons: tuple[Item, ...]
    decline_reasons: tuple[Item, ...]
    impact: tuple[Question, ...]
    replies: tuple[Reply, ...]

    def line(self, key: str) -> Line:
        """Return a line.

        Raises:
            Invalid: there is none with this key.
        """
        return pick(self.lines, key, field="line")

    def check_impact(self, answers: dict[str, str]) -> None:
        """Check the answers of an impact interview: known questions, known answers; questions may be left out.

        Raises:
            Invalid: the first question or answer that is not in the catalogue.
        """
        for question, answer in answers.items():
            pick(pick(self.impact, question, field="impact").answers, answer, field=f"impact.{question}")

    def replies_for(self, line: str) -> tuple[Reply, ...]:
        """Return the saved replies offered in a line, in the catalogue's order."""
        return tuple(reply for reply in self.replies if not reply.lines or line in reply.lines)


I = TypeVar("I", bound=Item)  # noqa: E741  # the usual letter of a type parameter, not a number


def pick(items: Sequence[I], key: str, *, field: str) -> I:
    """Return the item with this key.

    Raises:
        Invalid: there is none; ``field`` names where it was asked for.
    """
    for item in items:
        if item.key == key:
            return item
    raise Invalid("choice.unknown", field=field, value=key)


def load(own: Path | None = None) -> Catalog:
    """Read the shipped catalogue; whole sections of an operator's own file take the place of the shipped ones.

    Raises:
        ValueError: the file is not TOML, or an entry lacks something; the text names it.
    """
    sections = tomllib.loads(DEFAULTS.read_text())
    if own is not None:
        try:
            sections |= tomllib.loads(own.read_text())
        except tomllib.TOMLDecodeError as error:
            raise ValueError(f"the catalogue {own} is not TOML: {error}") from None
    try:
        return msgspec.convert(sections, Catalog)
    except msgspec.ValidationError as error:
        raise ValueError(f"the catalogue {own or DEFAULTS} cannot be used: {error}") from None


def names(catalog: Catalog) -> list[str]:
    """Return every name of the catalogue that people read and that is translated, each once, in order."""
    items: list[Item] = []
    for section in (
        catalog.lines, catalog.teams, catalog.reasons, catalog.environments, catalog.severities, catalog.away_reasons,
        catalog.decline_reasons, catalog.impact, *(question.answers for question in catalog.impact),
    ):  # fmt: skip
        items.extend(section)
    abouts = [line.about for line in catalog.lines if line.about]
    return list(dict.fromkeys([item.name for item in items] + abouts))
