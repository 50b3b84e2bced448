"""Refusals and failures, translated once: into a page for people, into problem+json for programs.

What leaves the process is a stable code, a sentence in the reader's language, and the correlation id by which the log has the rest. The
text of an exception never does.
"""

import logging
from datetime import datetime
from typing import Any, Final

import msgspec
from starlette.responses import Response

from chatsvc.hub.codes import opens_at_of
from chatsvc.kernel.errors import Invalid, Refused, TooMany, Unavailable
from web.bodies import FieldError, FormInvalid
from web.codes import sentence_key_of
from web.i18n import Reader, file_size, reading, stamp
from web.texts import error_sentence

logger = logging.getLogger(__name__)

PROBLEM: Final = "application/problem+json"


class Failed(Refused):
    """Something broke on our side; the log has it."""

    status = 500


class MethodRefused(Refused):
    """The address exists, the method does not."""

    status = 405


class Misdirected(Refused):
    """The request asked for a host that is not ours."""

    status = 421


class Problem(msgspec.Struct, frozen=True):
    """A refusal, as programs get it (RFC 9457)."""

    # Where the code is explained.
    type: str
    # A sentence for people: what happened, and what to do next.
    title: str
    status: int
    # Stable; one of the published codes.
    code: str
    # Finds the request in the log.
    correlation: str
    # The part of the request that was wrong; null when it is the whole.
    field: str | None = None
    # Seconds after which trying again makes sense; null when it makes none.
    retry_after: float | None = None
    # With ``coverage.closed``: when this customer is served again; null when no opening is in sight.
    opens_at: datetime | None = None


def sentence_key(error: Refused) -> str:
    """Return the key of the sentence that says a refusal to people."""
    if error.key == "coverage.closed" and opens_at_of(error) is None:
        return "coverage.closed_for_now"
    return sentence_key_of(error.key, error.status)


def sentence(error: Refused, for_reader: Reader) -> str:
    """Return what to tell a person about a refusal, in their language."""
    with reading(for_reader):
        return error_sentence(sentence_key(error), **_facts(error))


def _facts(error: Refused) -> dict[str, Any]:
    """The facts that sentences may use, in the words that they use."""
    facts = dict(error.facts)
    if isinstance(error, TooMany):
        facts["seconds"] = _whole_seconds(error.retry_after)
    if "most_bytes" in facts:
        facts["limit"] = file_size(int(str(facts["most_bytes"])))
    opens_at = opens_at_of(error)
    if opens_at is not None:
        # In the reader's own zone and words.
        facts["opens_at"] = stamp(opens_at)
    if "most" in facts:
        facts.setdefault("limit", facts["most"])
    return facts


def _whole_seconds(seconds: float) -> int:
    return max(1, -int(-seconds // 1))


def as_problem(error: Refused, *, for_reader: Reader, base_url: str, correlation: str) -> Response:
    """Return a refusal for programs."""
    retry_after = _retry_after(error)
    problem = Problem(
        type=f"{base_url}/api#{error.key}",
        title=sentence(error, for_reader),
        status=error.status,
        code=error.key,
        correlation=correlation,
        field=error.field if isinstance(error, Invalid) else None,
        retry_after=retry_after,
        opens_at=opens_at_of(error),
    )
    return Response(msgspec.json.encode(problem), error.status, headers_of(error), PROBLEM)


def headers_of(error: Refused) -> dict[str, str]:
    """Return the headers that go with a refusal."""
    headers = {}
    retry_after = _retry_after(error)
    if retry_after is not None:
        headers["retry-after"] = str(_whole_seconds(retry_after))
    if isinstance(error, MethodRefused):
        headers["allow"] = str(error.facts["allow"])
    return headers


def _retry_after(error: Refused) -> float | None:
    if isinstance(error, TooMany):
        return error.retry_after
    return 1.0 if isinstance(error, Unavailable) else None


def of_form(invalid: FormInvalid, for_reader: Reader) -> list[dict[str, str]]:
    """Return a form's errors as templates take them: field and sentence, in the form's order."""
    with reading(for_reader):
        return [{"field": each.field, "text": _form_sentence(each)} for each in invalid.errors]


def _form_sentence(each: FieldError) -> str:
    return error_sentence(sentence_key_of(each.key, Invalid.status), **each.facts)


def within(text: str) -> str:
    """Return a sentence as it stands within another one that ends with the same mark, in any language."""
    return text.rstrip(".。")


def of_refusal(error: Refused, for_reader: Reader, *, field: str = "") -> list[dict[str, str]]:
    """Return a refusal as a form's only error, at the field it names, or at this one."""
    named = error.field if isinstance(error, Invalid) else None
    return [{"field": named or field, "text": sentence(error, for_reader)}]
