"""What answers propose, what a representative may decide, and what a customer may say to it (V1 to V3)."""

import pytest

from chatsvc.catalog.model import load
from chatsvc.kernel.errors import Conflict, Invalid, NotAllowed
from chatsvc.tickets.severity import (
    CLAIMS,
    Claim,
    Step,
    check_appeal,
    check_contact,
    check_judgement,
    covered_as,
    is_lowered,
    propose,
)

RULES = load().proposals
DOWN = {"environment": "production", "stopped": "stopped", "workaround": "none", "people": "company"}


@pytest.mark.parametrize(
    ("answers", "severity", "reasons"),
    [
        ({}, "P3", ()),
        (DOWN, "P1", ("stopped_for_many",)),
        (DOWN | {"people": "department", "workaround": "poor"}, "P1", ("stopped_for_many",)),
        (DOWN | {"environment": "test"}, "P3", ()),
        (DOWN | {"workaround": "good"}, "P3", ()),
        (DOWN | {"people": "some"}, "P2", ("stopped_without_way",)),
        (DOWN | {"people": "one"}, "P3", ()),
        (DOWN | {"people": "one", "process": "closing", "deadline": "today"}, "P1", ("closing_stopped",)),
        (DOWN | {"people": "one", "process": "travelling"}, "P2", ("traveller_stranded",)),
        (DOWN | {"people": "one", "deadline": "today"}, "P2", ("stopped_before_deadline",)),
        (DOWN | {"stopped": "hindered"}, "P2", ("hindered_for_many",)),
        (DOWN | {"stopped": "no_effect", "deadline": "today"}, "P3", ()),
        ({"stopped": "stopped", "workaround": "none", "people": "company"}, "P3", ()),
    ],
    ids=[
        "nothing said: nothing critical",
        "production down for the company, no way around: P1",
        "production down for a department, a poor way around: P1",
        "a test system down: never critical",
        "a good way around: not critical",
        "production down for some, no way around: P2",
        "production down for one: not critical",
        "payroll down before its deadline: P1, even for one",
        "a traveller stranded: P2",
        "down for one before a deadline: P2",
        "everybody hindered, no way around: P2",
        "no effect, however near the deadline: not critical",
        "nobody said that it is production: not critical",
    ],
)
def test_answers_propose(answers: dict[str, str], severity: str, reasons: tuple[str, ...]) -> None:
    proposed = propose(answers, RULES)

    assert (proposed.severity, proposed.reasons) == (severity, reasons)
    assert proposed.is_critical is (severity in ("P1", "P2"))


def test_every_reason_of_the_worst_severity_is_given() -> None:
    proposed = propose(DOWN | {"process": "closing", "deadline": "today"}, RULES)

    assert proposed.reasons == ("stopped_for_many", "closing_stopped")


@pytest.mark.parametrize(
    ("contact", "field"),
    [(("", "+49 30 1", True), "contact_name"), (("Jo", "", True), "contact_phone"), (("Jo", "ask me", True), "contact_phone"),
     (("Jo", "+49 30 1", False), "speaks_english"), (("J" * 201, "1", True), "contact_name")],
    ids=["nobody named", "no number", "no digit in the number", "no English", "too long a name"],
)  # fmt: skip
def test_critical_request_needs_a_reachable_contact_who_speaks_english(
    contact: tuple[str, str, bool], field: str
) -> None:
    with pytest.raises(Invalid) as refused:
        check_contact(*contact)

    assert refused.value.field == field


def test_contact_is_kept_as_written() -> None:
    assert check_contact(" Jo  Weber ", "+49 30 1234567", True).name == "Jo Weber"


def test_proposed_critical_counts_as_covered_only_while_it_waits_for_judgement() -> None:
    assert covered_as("P3", Claim.PROPOSED) == ("P3", True)
    assert covered_as("P3", Claim.APPEALED) == ("P3", True)
    assert covered_as("P3", Claim.JUDGED) == ("P3", False)
    assert covered_as("P1", Claim.JUDGED) == ("P1", False)


@pytest.mark.parametrize(
    ("before", "after", "proposed", "lowered"),
    [("P1", "P2", "P1", True), ("P3", "P1", "P1", False), ("P3", "P3", "P1", True), ("P3", "P4", "P3", True),
     ("P3", "P2", "P1", False), ("P3", "P3", "P3", False)],
    ids=["P1 to P2", "claim confirmed", "claim turned down", "P3 to P4", "claim confirmed as P2", "nothing changes"],
)  # fmt: skip
def test_lowering_needs_a_reason(before: str, after: str, proposed: str, lowered: bool) -> None:
    assert is_lowered(before, after, proposed=proposed) is lowered
    if lowered:
        with pytest.raises(Invalid, match=r"severity\.reason_needed"):
            check_judgement(before, after, proposed, "  ")
    assert check_judgement(before, after, proposed, " There is a way around. ") == "There is a way around."


def test_unknown_severity_is_refused() -> None:
    with pytest.raises(Invalid, match=r"choice\.unknown"):
        check_judgement("P3", "P0", "P3", "because")


def test_customer_appeals_once() -> None:
    assert check_appeal(Claim.JUDGED, "It is payroll day.") == "It is payroll day."
    for claim in (Claim.APPEALED, Claim.FINAL):
        with pytest.raises(NotAllowed, match=r"severity\.appealed_already"):
            check_appeal(claim, "Again.")


@pytest.mark.parametrize("claim", [Claim.NONE, Claim.PROPOSED])
def test_nothing_to_appeal_against_before_a_judgement(claim: Claim) -> None:
    with pytest.raises(Conflict, match=r"severity\.not_judged"):
        check_appeal(claim, "Please.")


def test_appeal_needs_words() -> None:
    with pytest.raises(Invalid):
        check_appeal(Claim.JUDGED, " ")


def test_representatives_may_always_judge_and_after_an_appeal_it_is_final() -> None:
    assert all(CLAIMS.allows(claim, Step.JUDGED) for claim in Claim)
    assert CLAIMS.next(Claim.APPEALED, Step.JUDGED) is Claim.FINAL
    assert not CLAIMS.allows(Claim.FINAL, Step.APPEALED)
