"""How urgent a ticket is: what the customer's answers propose, and what a representative may decide (V1, V2). Pure.

A proposal is never a severity. Every ticket is P3 until somebody who works here says otherwise; *proposed critical* only opens the place
in which they do so, around the clock.
"""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Final

import msgspec

from chatsvc.catalog.model import SEVERITIES, Proposal
from chatsvc.kernel.errors import Conflict, Invalid, NotAllowed
from chatsvc.kernel.machine import Machine

# V2.
FIRST: Final = "P3"
# V3: covered around the clock.
CRITICAL: Final = frozenset({"P1", "P2"})
LONGEST_REASON: Final = 1_000
LONGEST_CONTACT: Final = 200


class Claim(StrEnum):
    """Where the question how urgent a ticket is stands between customer and representative."""

    # The answers did not propose anything critical, and nobody has judged.
    NONE = "none"
    # Proposed critical; a representative has to judge.
    PROPOSED = "proposed"
    JUDGED = "judged"
    # The customer has asked for a second look; a representative has to judge again.
    APPEALED = "appealed"
    # Judged after the appeal: that is the last word on the customer's side.
    FINAL = "final"


class Step(StrEnum):
    """What moves it."""

    JUDGED = "judged"
    APPEALED = "appealed"


CLAIMS: Final[Machine[Claim, Step]] = Machine(
    {
        Claim.NONE: {Step.JUDGED: Claim.JUDGED},
        Claim.PROPOSED: {Step.JUDGED: Claim.JUDGED},
        Claim.JUDGED: {Step.JUDGED: Claim.JUDGED, Step.APPEALED: Claim.APPEALED},
        Claim.APPEALED: {Step.JUDGED: Claim.FINAL},
        Claim.FINAL: {Step.JUDGED: Claim.FINAL},
    }
)
# A representative has to look.
TO_JUDGE: Final = (Claim.PROPOSED, Claim.APPEALED)


class Proposed(msgspec.Struct, frozen=True):
    """What answers propose."""

    # ``P1`` or ``P2``, or P3 when they propose nothing critical.
    severity: str
    # Keys of the catalogue's rules that apply; empty when none does.
    reasons: tuple[str, ...]

    @property
    def is_critical(self) -> bool:
        """Whether it opens a triage place."""
        return self.severity in CRITICAL


class CriticalContact(msgspec.Struct, frozen=True):
    """Somebody who can be reached about a critical request, in English (V3)."""

    name: str
    # As written by the customer; it is read by people and never dialled by itself.
    phone: str


def propose(answers: Mapping[str, str], rules: Sequence[Proposal]) -> Proposed:
    """Return what the answers of an impact interview propose: the severity of the first rule that fits, and every rule of that severity that does.

    Answers that are missing fit no rule, so that nothing critical is proposed by saying nothing.
    """
    fitting = [rule for rule in rules if all(answers.get(key) in wanted for key, wanted in rule.when.items())]
    if not fitting:
        return Proposed(FIRST, ())
    worst = min(rule.severity for rule in fitting)
    return Proposed(worst, tuple(rule.key for rule in fitting if rule.severity == worst))


def check_contact(name: str, phone: str, speaks_english: bool) -> CriticalContact:
    """Return whom to reach about a critical request.

    Raises:
        Invalid: a name or number is missing or too long, or nobody says that the person speaks English (V3).
    """
    name, phone = " ".join(name.split()), " ".join(phone.split())
    for field, text in (("contact_name", name), ("contact_phone", phone)):
        if not text:
            raise Invalid("severity.contact_needed", field=field)
        if len(text) > LONGEST_CONTACT:
            raise Invalid("too_long", field=field, limit=LONGEST_CONTACT)
    if not any(character.isdigit() for character in phone):
        raise Invalid("severity.contact_needed", field="contact_phone")
    if not speaks_english:
        raise Invalid("severity.english_needed", field="speaks_english")
    return CriticalContact(name, phone)


def covered_as(severity: str, claim: str) -> tuple[str, bool]:
    """Return by which severity a ticket is covered, and whether as proposed critical: a claim that waits for judgement counts (V3)."""
    return severity, claim in TO_JUDGE and severity not in CRITICAL


def is_lowered(before: str, after: str, *, proposed: str = FIRST) -> bool:
    """Whether this is a downgrade: below what the ticket had, or below what was proposed and is now turned down."""
    return after > before or (after not in CRITICAL and proposed in CRITICAL)


def check_judgement(before: str, after: str, proposed: str, reason: str) -> str:
    """Return the reason for a severity, without the space around it.

    Raises:
        Invalid: the severity is unknown, or it is a downgrade without a reason that the customer can read.
    """
    if after not in SEVERITIES:
        raise Invalid("choice.unknown", field="severity", value=after)
    reason = reason.strip()
    if len(reason) > LONGEST_REASON:
        raise Invalid("too_long", field="reason", limit=LONGEST_REASON)
    if not reason and is_lowered(before, after, proposed=proposed):
        raise Invalid("severity.reason_needed", field="reason")
    return reason


def check_completion(claim: Claim, before: str, after: str, words: str) -> None:
    """Check whether a ticket can be completed with a severity, and with these words for its customer.

    A claim that waits is answered by a severity that grants it, or by words. Without one, only lowering a critical ticket needs them (V2).

    Raises:
        Invalid: ``severity.judgement_needed``: a claim waits; ``severity.reason_needed``: a downgrade. Words are missing.
    """
    if words:
        return
    is_granted = after < before if claim is Claim.APPEALED else after in CRITICAL
    if claim in TO_JUDGE and not is_granted:
        raise Invalid("severity.judgement_needed", field="judgement")
    if before in CRITICAL and is_lowered(before, after):
        raise Invalid("severity.reason_needed", field="judgement")


def check_appeal(claim: str, reason: str) -> str:
    """Return the customer's words for a second look.

    Raises:
        NotAllowed: ``severity.appealed_already``: there is one appeal.
        Conflict: ``severity.not_judged``: nobody has judged yet, so there is nothing to appeal against.
        Invalid: nothing was said, or too much.
    """
    if claim in (Claim.APPEALED, Claim.FINAL):
        raise NotAllowed("severity.appealed_already")
    if not CLAIMS.allows(Claim(claim), Step.APPEALED):
        raise Conflict("severity.not_judged")
    reason = reason.strip()
    if not reason:
        raise Invalid("required", field="reason")
    if len(reason) > LONGEST_REASON:
        raise Invalid("too_long", field="reason", limit=LONGEST_REASON)
    return reason
