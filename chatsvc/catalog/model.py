"""The catalogue: lines, teams, reasons, questions and saved replies, as data that an operator changes without touching code.

Keys are stored with tickets; names are shown, through the portal's translations. It decides nothing: what a reason asks for stands here as
data, and ``chatsvc.catalog.policy`` goes by it.
"""

import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Literal, TypeVar

import msgspec

from chatsvc.kernel.errors import Invalid

DEFAULTS = Path(__file__).with_name("defaults.toml")
SEVERITIES = ("P1", "P2", "P3", "P4")


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
    # Forms insist on an answer: without it nothing can be proposed.
    required: bool = False
    # Forms insist on an answer as well when the others read like this, question -> answers; empty: they never do.
    needed_if: dict[str, tuple[str, ...]] = {}


class Proposal(Item, frozen=True, forbid_unknown_fields=True):
    """A rule of triage: answers that read like this propose this severity; the name is the reason that people read."""

    # ``P1`` or ``P2``: what is not critical is not proposed, every ticket starts as P3 (V2).
    severity: Literal["P1", "P2"]
    # Question -> the answers that count; all questions must be answered so.
    when: dict[str, tuple[str, ...]]


class Response(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Within what time something is promised (V1): hours, or business days of the customer's calendar; one of them."""

    hours: float | None = None
    days: float | None = None
    # True: the clock runs around the clock; False: in the customer's business hours only.
    always: bool = False

    def __post_init__(self) -> None:
        """Refuse a promise without an amount, or with two."""
        if (self.hours is None) == (self.days is None):
            raise ValueError("a response is given in hours or in days")
        if (self.hours or self.days or 0) <= 0:
            raise ValueError("a response takes some time")


class Responses(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is promised for one severity (V1)."""

    # The first word of a representative.
    initial: Response
    # From one word of a representative to the next.
    ongoing: Response
    # A solution, a workaround, or a plan.
    target: Response


class Plan(Item, frozen=True, forbid_unknown_fields=True):
    """What a company has been promised: severity -> responses. The first plan of the catalogue is everybody's unless another is set."""

    responses: dict[Literal["P1", "P2", "P3", "P4"], Responses]

    def __post_init__(self) -> None:
        """Refuse a plan that leaves a severity out."""
        if len(self.responses) != len(SEVERITIES):
            raise ValueError(f"the plan {self.key} lacks a severity")


class Reason(Item, frozen=True, forbid_unknown_fields=True):
    """What somebody can need help with: the first question of the form (T3)."""

    about: str = ""
    # Key of the team that such a ticket begins with (T1).
    team: str = "support"
    # Offered to companies that are subscribed to this service only; None: to all.
    service: str | None = None


# Field -> answers: holds when each of these fields has one of its answers. An empty one always holds.
Condition = dict[str, tuple[str, ...]]


class Field(Item, frozen=True, forbid_unknown_fields=True):
    """One field of the form; ``chatsvc.catalog.policy`` says when it is there and when it must be filled in."""

    kind: Literal["choice", "text", "prose", "date"]
    hint: str = ""
    # What can be chosen; or, with ``of``, what stands in that section of the catalogue.
    answers: tuple[Item, ...] = ()
    of: Literal["lines", "environments"] | None = None
    # Characters.
    longest: int = 200
    # Each a way in which it comes to be shown, or to be mandatory; ``shown`` empty: always, ``required`` empty: never.
    # Conditions may name the reason and fields that stand before this one.
    shown: tuple[Condition, ...] = ()
    required: tuple[Condition, ...] = ()


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
    reasons: tuple[Reason, ...]
    # Of the form, in its order.
    fields: tuple[Field, ...]
    environments: tuple[Item, ...]
    severities: tuple[Item, ...]
    away_reasons: tuple[Item, ...]
    decline_reasons: tuple[Item, ...]
    impact: tuple[Question, ...]
    # Looked at in order; the first that fits is proposed.
    proposals: tuple[Proposal, ...]
    # At least one.
    plans: Annotated[tuple[Plan, ...], msgspec.Meta(min_length=1)]
    replies: tuple[Reply, ...]

    def __post_init__(self) -> None:
        """Refuse rules of triage that ask what the interview does not: they would silently never apply."""
        for rule in self.proposals:
            _check_reading(rule.key, rule.when, self.impact)
        for question in self.impact:
            _check_reading(question.key, question.needed_if, self.impact)

    def line(self, key: str) -> Line:
        """Return a line.

        Raises:
            Invalid: there is none with this key.
        """
        return pick(self.lines, key, field="line")

    def choices(self, field: Field) -> tuple[Item, ...]:
        """Return what can be chosen in a field; empty for fields in which people write."""
        if field.of is None:
            return field.answers
        return self.lines if field.of == "lines" else self.environments

    def check_impact(self, answers: dict[str, str]) -> None:
        """Check the answers of an impact interview: known questions, known answers; questions may be left out.

        Raises:
            Invalid: the first question or answer that is not in the catalogue.
        """
        for question, answer in answers.items():
            pick(pick(self.impact, question, field="impact").answers, answer, field=f"impact.{question}")

    def missing_impact(self, answers: dict[str, str]) -> tuple[str, ...]:
        """Return the questions that a form must insist on, given the answers so far: those without which nothing can be decided."""
        return tuple(
            question.key for question in self.impact if question.key not in answers and _is_needed(question, answers)
        )

    def environment_of(self, answers: Mapping[str, str]) -> str | None:
        """Return the environment that the interview has asked for already; None when the answers name none of the catalogue's."""
        said = answers.get("environment")
        return said if any(environment.key == said for environment in self.environments) else None

    def plan(self, key: str | None) -> Plan:
        """Return a plan; the first for None and for a key that the catalogue no longer has, so that nobody is without promises."""
        return next((plan for plan in self.plans if plan.key == key), self.plans[0])

    def known_plan(self, key: str) -> Plan:
        """Return a plan; raises Invalid when there is none with this key."""
        return pick(self.plans, key, field="plan")

    def replies_for(self, line: str) -> tuple[Reply, ...]:
        """Return the saved replies offered in a line, in the catalogue's order."""
        return tuple(reply for reply in self.replies if not reply.lines or line in reply.lines)


def _check_reading(where: str, reading: dict[str, tuple[str, ...]], impact: Sequence[Question]) -> None:
    known = {question.key: {answer.key for answer in question.answers} for question in impact}
    for question, answers in reading.items():
        if not set(answers) <= known.get(question, set()):
            raise ValueError(f"{where} looks at answers to {question} that are not in the interview")


def _is_needed(question: Question, answers: dict[str, str]) -> bool:
    if question.required:
        return True
    return bool(question.needed_if) and all(answers.get(key) in wanted for key, wanted in question.needed_if.items())


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
        catalog = msgspec.convert(sections, Catalog)
        _refuse_later_fields(catalog)
    except ValueError as error:
        raise ValueError(f"the catalogue {own or DEFAULTS} cannot be used: {error}") from None
    return catalog


def _refuse_later_fields(catalog: Catalog) -> None:
    """Insist that conditions name what stands before them: the form is read from top to bottom, by people and by ``policy``."""
    known = {"reason"}
    for field in catalog.fields:
        named = {name for condition in (*field.shown, *field.required) for name in condition}
        if named - known:
            raise ValueError(
                f"the field {field.key} depends on {', '.join(sorted(named - known))}, which is not before it"
            )
        if field.key in known:
            raise ValueError(f"there are two fields {field.key}")
        known.add(field.key)


def names(catalog: Catalog) -> list[str]:
    """Return every name of the catalogue that people read and that is translated, each once, in order."""
    items: list[Item] = []
    for section in (
        catalog.lines, catalog.teams, catalog.reasons, catalog.environments, catalog.severities, catalog.away_reasons,
        catalog.decline_reasons, catalog.impact, *(question.answers for question in catalog.impact), catalog.proposals,
        catalog.plans, catalog.fields, *(field.answers for field in catalog.fields),
    ):  # fmt: skip
        items.extend(section)
    abouts = [line.about for line in catalog.lines] + [reason.about for reason in catalog.reasons]
    abouts += [field.hint for field in catalog.fields]
    return list(dict.fromkeys([item.name for item in items] + [about for about in abouts if about]))
