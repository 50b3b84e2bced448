"""Identifiers: typed in code, prefixed in text, random, safe in addresses and never guessable."""

import secrets
from typing import NewType

CompanyId = NewType("CompanyId", str)
PersonId = NewType("PersonId", str)
SessionId = NewType("SessionId", str)
TicketId = NewType("TicketId", str)
LogId = NewType("LogId", str)
PlaceId = NewType("PlaceId", str)
OfferId = NewType("OfferId", str)
ConversationId = NewType("ConversationId", str)
FileId = NewType("FileId", str)
OutboxId = NewType("OutboxId", str)

# The sender of entries that no person wrote.
SYSTEM = PersonId("system")

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's: no i, l, o, u, so that nobody misreads one aloud.
_LENGTH = 20  # 100 random bits: no collisions, and no guessing.


def new_id(prefix: str) -> str:
    """Return a new identifier such as ``tk_7m2q…``: the prefix, an underscore, 20 characters of 5 random bits."""
    bits = secrets.randbits(5 * _LENGTH)
    return prefix + "_" + "".join(_ALPHABET[(bits >> shift) & 31] for shift in range(0, 5 * _LENGTH, 5))


def company_id() -> CompanyId:
    """Return a new company id (``co_…``)."""
    return CompanyId(new_id("co"))


def person_id() -> PersonId:
    """Return a new person id (``pe_…``)."""
    return PersonId(new_id("pe"))


def session_id() -> SessionId:
    """Return a new session id (``se_…``): names a session in lists and logs; it is not the token."""
    return SessionId(new_id("se"))


def ticket_id() -> TicketId:
    """Return a new ticket id (``tk_…``)."""
    return TicketId(new_id("tk"))


def log_id() -> LogId:
    """Return a new log id (``lg_…``)."""
    return LogId(new_id("lg"))


def place_id() -> PlaceId:
    """Return a new place id (``pl_…``)."""
    return PlaceId(new_id("pl"))


def offer_id() -> OfferId:
    """Return a new offer id (``of_…``)."""
    return OfferId(new_id("of"))


def conversation_id() -> ConversationId:
    """Return a new conversation id (``cv_…``)."""
    return ConversationId(new_id("cv"))


def file_id() -> FileId:
    """Return a new file id (``fi_…``)."""
    return FileId(new_id("fi"))


def outbox_id() -> OutboxId:
    """Return a new outbox id (``ob_…``)."""
    return OutboxId(new_id("ob"))
