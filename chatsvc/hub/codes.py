"""Every code that leaves the hub: close codes, and the codes of refusals. The published tables are drawn from here.

Ranges tell a client what to do: 1012, 1013 and 4000 to 4499 mean come back, after a while; 4500 to 4999 mean do not, something has to
change first. A refusal carries a code and a correlation id and nothing else: what went wrong inside stands in the log, under that id (T1).
"""

import secrets
from datetime import datetime
from typing import Final, NamedTuple

from chatsvc.kernel.errors import Conflict, Invalid, NotAllowed, NotFound, NotSignedIn, Refused, TooMany, Unavailable


class CloseCode(NamedTuple):
    """Why a socket is closed."""

    code: int
    # Sent as the reason; a word for logs, never a sentence.
    name: str
    # For the published table.
    about: str


GOODBYE: Final = CloseCode(1000, "goodbye", "The client said goodbye.")
RESTART: Final = CloseCode(
    1012,
    "restart",
    "This process restarts. The reason is `retry_after=<seconds>`: come back after that time, nothing is lost.",
)
TRY_LATER: Final = CloseCode(
    1013,
    "try_later",
    "Too many connections, of this person or in all. The reason is `retry_after=<seconds>`.",
)
SLOW_READER: Final = CloseCode(
    4000,
    "slow_reader",
    "The client did not read; what waited for it was thrown away. Come back and open from the last number.",
)
BEAT_MISSED: Final = CloseCode(4001, "beat_missed", "The client answered none of the last heartbeats.")
TOO_FAST: Final = CloseCode(4002, "too_fast", "Far too many frames, and refusals did not help. Come back more slowly.")
CHANGED: Final = CloseCode(
    4003, "changed", "The person's role or rights have changed. Come back to be let in under the new ones."
)
UNWELL: Final = CloseCode(4004, "unwell", "Something inside failed on this connection alone; it stands in the log.")
SIGNED_OUT: Final = CloseCode(
    4500, "signed_out", "There is no session, or it is over: signed out, expired, disabled, password changed."
)
BAD_FRAME: Final = CloseCode(
    4502,
    "bad_frame",
    "The client does not speak this protocol: not JSON, not text, too large, too deep, or wrong again and again.",
)

CLOSE_CODES: Final = (
    GOODBYE,
    RESTART,
    TRY_LATER,
    SLOW_READER,
    BEAT_MISSED,
    TOO_FAST,
    CHANGED,
    UNWELL,
    SIGNED_OUT,
    BAD_FRAME,
)


def may_return(code: int) -> bool:
    """Whether a client that was closed with this code comes back by itself; 1006 and the like are cut lines."""
    return code != GOODBYE.code and not 4500 <= code <= 4999


# What the hub itself refuses.
FRAME_ERRORS: Final = {
    "frame.unreadable": "The frame is not one JSON object in UTF-8 text. The socket is closed with 4502.",
    "frame.too_large": "The frame has more bytes than are read. The socket is closed with 4502.",
    "frame.too_deep": "The frame nests deeper than any frame of the protocol. The socket is closed with 4502.",
    "frame.unknown_kind": "There is no frame with this `t`.",
    "frame.invalid": "A field is missing, unknown, named twice, or not of its type or size.",
    "frame.not_allowed": "A person of this role does not send this frame.",
    "frame.too_fast": "Too many frames or entries in a short time; `retry_after` says when there is room again.",
    "frame.too_many_open": "This connection already follows as many logs or pictures as one may.",
    "frame.too_many_waiting": "This connection waits for too many answers already.",
    "message.empty": "An entry needs words or a file.",
    "log.wrong_kind": "Notes belong into the notes' log, messages into the shared one.",
    "internal": "Something inside failed. The correlation id finds it in the log.",
}

# What is refused when a room below gives a key that is in no table: the kind of refusal alone.
FALLBACKS: Final[tuple[tuple[type[Refused], str, str], ...]] = (
    (Invalid, "invalid", "A value cannot be accepted as it is."),
    (NotSignedIn, "not_signed_in", "Nobody is signed in, or no longer."),
    (NotAllowed, "not_allowed", "This may not be done, or not now."),
    (NotFound, "not_found", "There is no such thing, or not for this person."),
    (Conflict, "conflict", "Somebody else was quicker, or it has changed since it was read."),
    (TooMany, "too_many", "Asked too often; `retry_after` says when there is room again."),
    (Unavailable, "unavailable", "The store cannot take it now; nothing was stored. Try again after `retry_after`."),
)

# What the rooms below refuse and a client may see, by key.
ROOM_ERRORS: Final = {
    "choice.unknown": "There is no such choice in the catalogue, or not here.",
    "coverage.closed": "Nobody serves this customer now; `opens_at` says from when on somebody does.",
    "conversation.by_telephone": "This is a telephone call; it is answered and ended where it is rung.",
    "conversation.changed": "The conversation has changed since it was read; the desk shows how it stands.",
    "conversation.not_active": "The conversation is not live.",
    "conversation.not_found": "There is no such conversation, or not for this person.",
    "desk.not_found": "This person has no desk.",
    "entry.key_reused": "This key was used before, for something else.",
    "entry.stale_epoch": "The conversation has been given to somebody else since; the desk shows how it stands.",
    "file.not_found": "There is no such file, or not for this person and this ticket.",
    "log.not_found": "There is no such log, or not for this person.",
    "log.sealed": "Nothing can be added to this log any more; a follow-up ticket can be opened.",
    "offer.over": "The offer is over: taken by somebody else, missed, or withdrawn.",
    "staff.only": "Only staff do this.",
    "store.busy": "More is waiting to be stored than the store keeps up with. Try again.",
    "store.unavailable": "The store cannot take it now; nothing was stored. Try again.",
    "ticket.not_found": "There is no such ticket, or not for this person.",
}

ERRORS: Final = FRAME_ERRORS | ROOM_ERRORS | {code: about for _, code, about in FALLBACKS}


def code_of(error: Refused) -> str:
    """Return the published code of a refusal: its key when that is in the table, else the code of its kind."""
    if error.key in ERRORS:
        return error.key
    return next((code for kind, code, _ in FALLBACKS if isinstance(error, kind)), "internal")


def retry_after_of(error: Refused, default_s: float) -> float | None:
    """Return after how many seconds trying again makes sense; None when it does not."""
    if isinstance(error, TooMany):
        return error.retry_after
    return default_s if isinstance(error, Unavailable) else None


def opens_at_of(error: Refused) -> datetime | None:
    """Return when a door that is closed opens again; None when the refusal is another, or no opening is in sight."""
    opens_at = error.facts.get("opens_at")
    return opens_at if isinstance(opens_at, datetime) else None


def correlation() -> str:
    """Return a new correlation id: 10 characters, to be read over the telephone."""
    return secrets.token_hex(5)
