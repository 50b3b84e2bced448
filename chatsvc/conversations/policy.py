"""What may be done to a conversation, and what its wrap-up says. Pure."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import msgspec

from chatsvc.catalog.model import Catalog, pick
from chatsvc.conversations.model import ConversationRules, WrapUp
from chatsvc.kernel.errors import Invalid
from chatsvc.tickets.masking import mask_secrets
from chatsvc.tickets.severity import LONGEST_REASON

LONGEST_SUBJECT = 200
# While nobody knows how long a wait is: so shortly before closing it may well be too long.
SOON = timedelta(minutes=15)
FIELDS = frozenset(WrapUp.__struct_fields__)


def wrap_up_of(ticket: Any, conversation: Any) -> WrapUp:
    """Return the wrap-up as it stands: what the ticket knows, the line as product, overlaid with what the representative touched.

    What nobody touched leaves the ticket as it is; above all it stays open unless somebody said that it is solved.
    """
    known = WrapUp(
        subject=ticket.subject,
        reason=ticket.reason,
        product=conversation.line,
        environment=ticket.environment,
        severity=ticket.severity,
        team=ticket.team,
        solved=ticket.state in ("solved", "closed"),
    )
    return msgspec.structs.replace(known, **draft_of(conversation.wrap_up))


def draft_of(stored: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields that the representative has touched so far."""
    return {field: value for field, value in stored.items() if field in FIELDS}


def check_fields(fields: Mapping[str, object], catalog: Catalog) -> dict[str, Any]:
    """Check fields of a wrap-up, all of them or some.

    Raises:
        Invalid: the first field that is unknown, of the wrong type, too long or not in the catalogue.
    """
    unknown = set(fields) - FIELDS
    if unknown:
        raise Invalid("wrap_up.unknown_field", field=min(unknown))
    checked = dict(fields)
    choices = {
        "reason": catalog.reasons,
        "product": catalog.lines,
        "environment": catalog.environments,
        "severity": catalog.severities,
        "team": catalog.teams,
    }
    for field, items in choices.items():
        value = checked.get(field)
        if value is not None:
            pick(items, str(value), field=field)
        elif field in checked and field not in ("reason", "environment"):
            raise Invalid("required", field=field)
    if "subject" in checked:
        checked["subject"] = _subject(checked["subject"])
    if not isinstance(checked.get("solved", False), bool):
        raise Invalid("choose", field="solved")
    if "judgement" in checked:
        checked["judgement"] = _judgement(checked["judgement"])
    return checked


def _subject(value: object) -> str:
    subject = value.strip() if isinstance(value, str) else ""
    if not subject:
        raise Invalid("required", field="subject")
    if len(subject) > LONGEST_SUBJECT:
        raise Invalid("too_long", field="subject", limit=LONGEST_SUBJECT)
    return subject


def _judgement(value: object) -> str:
    words = mask_secrets(value.strip()) if isinstance(value, str) else ""
    if len(words) > LONGEST_REASON:
        raise Invalid("too_long", field="judgement", limit=LONGEST_REASON)
    return words


def extended_until(due_at: datetime, ended_at: datetime, at: datetime, rules: ConversationRules) -> datetime:
    """Return until when a wrap-up lasts after an extension: as much again, within the hour after the end; never less than before."""
    wished = max(due_at, at) + rules.wrap_up_for
    return max(due_at, min(wished, ended_at + rules.wrap_up_at_most))


def passes_closing(closes_at: datetime | None, wait_high_s: int | None, at: datetime) -> bool:
    """Whether a wait is likely to last beyond the hours: by its range where there is one, else when little of the hours is left."""
    if closes_at is None:
        return False
    return at + (timedelta(seconds=wait_high_s) if wait_high_s is not None else SOON) > closes_at


def may_rate(rated_at: datetime | None, at: datetime, rules: ConversationRules) -> bool:
    """Whether a rating can be given, or changed, at this moment: once, and changed within a day."""
    return rated_at is None or at - rated_at <= rules.rating_open_for
