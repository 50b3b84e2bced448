"""Which fields the form has for what was answered so far, which of them must be filled in, and whether what came is right (T3).

One reading of the catalogue's data for everybody: the page takes its attributes from here, the server its verdict, and a script gets the
same conditions to show and hide at once. Pure functions; what an answer is called in a language is the page's business.
"""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import NamedTuple

from chatsvc.catalog.model import Catalog, Condition, Field, Reason

REASON = "reason"


class Wrong(NamedTuple):
    """A field that cannot be taken, and why: a key of the error sentences with what fills it."""

    field: str
    key: str
    # Characters; for ``too_long``.
    limit: int | None = None


class Checked(NamedTuple):
    """What came of a form: its answers, those of fields that are not there left out, and everything that is wrong, in the form's order."""

    answers: dict[str, str]
    wrong: tuple[Wrong, ...]


def reasons_for(catalog: Catalog, services: Iterable[str]) -> tuple[Reason, ...]:
    """Return the reasons that a company may choose, given the services it is subscribed to."""
    subscribed = frozenset(services)
    return tuple(reason for reason in catalog.reasons if reason.service is None or reason.service in subscribed)


def holds(condition: Condition, answers: Mapping[str, str]) -> bool:
    """Whether each field of the condition has one of its answers."""
    return all(answers.get(field) in wanted for field, wanted in condition.items())


def is_shown(field: Field, answers: Mapping[str, str]) -> bool:
    """Whether a field is there, given the answers of those before it."""
    return not field.shown or any(holds(condition, answers) for condition in field.shown)


def is_required(field: Field, answers: Mapping[str, str]) -> bool:
    """Whether a field that is there must be filled in."""
    return any(holds(condition, answers) for condition in field.required)


def shown_answers(catalog: Catalog, typed: Mapping[str, str]) -> dict[str, str]:
    """Return the reason and the answers of fields that are there; what was typed into others does not count, nor does an empty text."""
    answers = {REASON: typed[REASON]} if typed.get(REASON) else {}
    for field in catalog.fields:
        text = typed.get(field.key, "").strip()
        if text and is_shown(field, answers):
            answers[field.key] = text
    return answers


def check(catalog: Catalog, typed: Mapping[str, str], *, services: Iterable[str] = ()) -> Checked:
    """Check a whole form.

    Args:
        catalog: has the fields.
        typed: field -> text, with the reason under ``reason``; fields that are not there for it are left out in silence.
        services: what the company is subscribed to.
    """
    reason = typed.get(REASON, "")
    if reason not in {each.key for each in reasons_for(catalog, services)}:
        return Checked({}, (Wrong(REASON, "choose"),))
    answers = shown_answers(catalog, typed)
    fields = [field for field in catalog.fields if is_shown(field, answers)]
    wrong = [found for field in fields if (found := _verdict(catalog, field, answers)) is not None]
    return Checked(answers, tuple(wrong))


def _verdict(catalog: Catalog, field: Field, answers: Mapping[str, str]) -> Wrong | None:
    text = answers.get(field.key)
    if text is None:
        key = "choose" if field.kind == "choice" else "required"
        return Wrong(field.key, key) if is_required(field, answers) else None
    if field.kind == "choice":
        known = {item.key for item in catalog.choices(field)}
        return None if text in known else Wrong(field.key, "choose")
    if len(text) > field.longest:
        return Wrong(field.key, "too_long", field.longest)
    if field.kind == "text" and not text.isprintable():
        return Wrong(field.key, "field.value")
    if field.kind == "date" and not _is_day(text):
        return Wrong(field.key, "date.invalid")
    return None


def _is_day(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False
