"""The published codes of refusals: what each answers with, and which sentence says it to people.

A code is stable: programs and scripts decide by it. A test compares the table with every refusal in the code, so that none goes out
unpublished. The sentences themselves stand in ``web.texts``.
"""

from collections.abc import Mapping
from typing import Final

from web.texts import ERRORS

# Code -> HTTP status.
CODES: Final[Mapping[str, int]] = {
    "body.not_json": 400,
    "choice.unknown": 422,
    "choose": 422,
    "company.name_taken": 409,
    "conflict": 409,
    "contact.not_authorised": 403,
    "contacts.too_few": 409,
    "contacts.too_many": 409,
    "conversation.changed": 409,
    "conversation.closed": 409,
    "conversation.not_active": 409,
    "conversation.not_ended": 409,
    "conversation.not_found": 404,
    "conversation.not_wrapping_up": 409,
    "conversation.undo_over": 409,
    "desk.capacity": 422,
    "desk.not_found": 404,
    "email.invalid": 422,
    "email.taken": 409,
    "entry.key_reused": 409,
    "entry.stale_epoch": 409,
    "field.missing": 422,
    "field.type": 422,
    "field.unknown": 422,
    "field.value": 422,
    "file.active_refused": 422,
    "file.empty": 422,
    "file.kind_refused": 422,
    "file.missing": 422,
    "file.not_found": 404,
    "file.too_big": 422,
    "file.too_many": 422,
    "hand_over.line_taken": 409,
    "hand_over.not_free": 409,
    "hand_over.one_target": 422,
    "hand_over.to_oneself": 422,
    "host_refused": 421,
    "internal": 500,
    "key.differs": 409,
    "key.malformed": 422,
    "key.missing": 422,
    "line.not_found": 404,
    "link.invalid": 422,
    "log.not_found": 404,
    "log.sealed": 403,
    "log.wrong_kind": 422,
    "message.empty": 422,
    "message.too_long": 422,
    "method_refused": 405,
    "not_allowed": 403,
    "not_found": 404,
    "offer.not_found": 404,
    "offer.over": 409,
    "offer.taken": 409,
    "origin_refused": 403,
    "password.common": 422,
    "password.short": 422,
    "password.wrong": 422,
    "person.disabled": 409,
    "person.not_found": 404,
    "person.yourself": 403,
    "rating.over": 409,
    "required": 422,
    "session.over": 401,
    "sign_in.refused": 401,
    "sign_in.too_many": 429,
    "staff.only": 403,
    "store.busy": 503,
    "store.unavailable": 503,
    "ticket.changed": 409,
    "ticket.not_found": 404,
    "ticket.reopen_window_over": 403,
    "too_large": 413,
    "too_long": 422,
    "too_many": 429,
    "too_slow": 408,
    "transition.illegal": 409,
    "unreadable": 400,
    "visit.already_open": 409,
    "visit.not_waiting": 409,
    "wrap_up.unknown_field": 422,
}

# Code -> key of its sentence, where no sentence has the code's own name and the status alone would say too little.
SENTENCES: Final[Mapping[str, str]] = {
    "choice.unknown": "choose",
    "conversation.closed": "chat.over",
    "conversation.not_active": "chat.over",
    "conversation.not_ended": "conflict",
    "conversation.undo_over": "chat.undo_over",
    "entry.key_reused": "message.conflict",
    "entry.stale_epoch": "conversation.moved",
    "field.missing": "required",
    "file.active_refused": "file.type",
    "file.empty": "file.type",
    "file.kind_refused": "file.type",
    "file.not_found": "file.missing",
    "log.sealed": "ticket.sealed",
    "message.too_long": "too_long",
    "visit.already_open": "chat.open_already",
}

_BY_STATUS: Final[Mapping[int, str]] = {
    400: "unreadable",
    401: "session.over",
    403: "not_allowed",
    404: "not_found",
    405: "not_found",
    408: "unreadable",
    409: "conflict",
    413: "too_large",
    421: "not_found",
    422: "unreadable",
    429: "too_many",
    503: "unavailable",
}


def sentence_key_of(code: str, status: int) -> str:
    """Return the key of the sentence that says a code to people: its own, its table's, or that of its status."""
    if code in ERRORS:
        return code
    return SENTENCES.get(code) or _BY_STATUS.get(status, "unknown")
