"""The form's fields by reason, product and environment (T3): who sees what, what must be filled in, what is left out."""

from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatsvc.catalog import policy
from chatsvc.catalog.model import load

CATALOG: Final = load()
TEXTS: Final = {"subject": "No receipts", "description": "They are gone."}
MALFUNCTION: Final = {"reason": "malfunction", "product": "expense", "environment": "test", **TEXTS}


def wrong(typed: dict[str, str], **more: object) -> list[tuple[str, str]]:
    """What is wrong with a form: field and key."""
    return [(each.field, each.key) for each in policy.check(CATALOG, typed, **more).wrong]  # type: ignore[arg-type]


def test_t3_the_five_reasons_come_first() -> None:
    assert [reason.key for reason in policy.reasons_for(CATALOG, ["audit"])] == [
        "access", "malfunction", "configuration", "subscription", "audit",
    ]  # fmt: skip
    assert wrong({}) == [("reason", "choose")]


def test_t3_audit_is_for_subscribed_companies_alone() -> None:
    typed = {"reason": "audit", "report": "R-17", **TEXTS}

    assert wrong(typed) == [("reason", "choose")]
    assert wrong(typed, services=["audit"]) == []


def test_t3_subscriptions_go_to_customer_success() -> None:
    [reason] = [reason for reason in CATALOG.reasons if reason.key == "subscription"]

    assert reason.team == "success"


@pytest.mark.parametrize(
    ("typed", "missing"),
    [
        ({"reason": "access"}, ["environment", "access_kind", "subject", "description"]),
        ({"reason": "access", "access_kind": "refused"}, ["environment", "person", "subject", "description"]),
        ({"reason": "malfunction"}, ["product", "environment", "subject", "description"]),
        ({"reason": "malfunction", "environment": "production"}, ["product", "steps", "subject", "description"]),
        ({"reason": "configuration", "environment": "production"}, ["product", "change", "approver", "subject", "description"]),
        ({"reason": "subscription"}, ["wish", "subject", "description"]),
        ({"reason": "subscription", "wish": "cancel"}, ["effective_on", "subject", "description"]),
    ],
    ids=["access", "access of somebody", "malfunction", "malfunction in production", "change in production", "subscription", "cancelling"],
)  # fmt: skip
def test_t3_what_must_be_filled_in_depends_on_the_answers(typed: dict[str, str], missing: list[str]) -> None:
    assert [field for field, _ in wrong(typed)] == missing


def test_what_was_typed_into_a_field_that_is_gone_is_left_out() -> None:
    typed = {**MALFUNCTION, "wish": "cancel", "effective_on": "nonsense", "booking": "AB1"}

    checked = policy.check(CATALOG, typed)

    assert checked.wrong == ()
    assert checked.answers == MALFUNCTION


@pytest.mark.parametrize(
    ("field", "text", "key"),
    [
        ("product", "payroll", "choose"),
        ("subject", "x" * 201, "too_long"),
        ("subject", "two\nlines", "field.value"),
        ("message", "bell\x07", "field.value"),
        ("description", " \n ", "required"),
    ],
)
def test_answers_that_cannot_be_taken_are_named(field: str, text: str, key: str) -> None:
    assert wrong({**MALFUNCTION, field: text}) == [(field, key)]


@pytest.mark.parametrize("day", ["2027-02-29", "1.3.2027", "2027-3-1", "20270301"])
def test_days_are_days(day: str) -> None:
    typed = {"reason": "subscription", "wish": "cancel", "effective_on": day, **TEXTS}

    assert wrong(typed) == [("effective_on", "date.invalid")]


_KEYS: Final = ["reason", *(field.key for field in CATALOG.fields), "other"]
_ANSWERS: Final = st.sampled_from(
    sorted(
        {item.key for field in CATALOG.fields for item in CATALOG.choices(field)}
        | {reason.key for reason in CATALOG.reasons}
        | {"", " ", "x", "2027-03-01"}
    )
)


@given(st.dictionaries(st.sampled_from(_KEYS), _ANSWERS))
def test_a_form_without_a_fault_checks_to_itself(typed: dict[str, str]) -> None:
    first = policy.check(CATALOG, typed, services=["audit"])

    again = policy.check(CATALOG, first.answers, services=["audit"])

    assert (again.answers, [each.field for each in again.wrong]) == (
        first.answers,
        [each.field for each in first.wrong],
    )
    assert set(first.answers) <= set(typed)
