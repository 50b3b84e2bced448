"""Signatures of posts between Holdline and another system, in both directions: the scheme of Standard Webhooks.

``webhook-id``, ``webhook-timestamp`` and ``webhook-signature`` stand in the headers; what is signed is ``id.timestamp.body`` with
HMAC-SHA256, written ``v1,<base64>``. A secret is ``whsec_`` and base64. Several secrets may be valid while one is being changed.
Signatures with public keys (``v1a``) are not understood. What a post says is for others.
"""

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from chatsvc.kernel.errors import NotAllowed

# How far a post's own time may lie from ours, either way: an old one was kept by somebody and is played again.
TOLERANCE: Final = timedelta(minutes=5)
MOST_BYTES: Final = 65_536
_MOST_SIGNATURES: Final = 10
_SHORTEST_SECRET_BYTES: Final = 24
_PREFIX: Final = "whsec_"


class Forged(NotAllowed):
    """The post is not signed by somebody who knows a secret of ours, or it is too old to believe. One key for all of it (T11)."""

    status = 401

    def __init__(self) -> None:
        super().__init__("webhook.forged")


@dataclass(frozen=True, slots=True)
class Secret:
    """A shared secret."""

    key: bytes = field(repr=False)

    @classmethod
    def parse(cls, text: str) -> "Secret":
        """Return the secret in ``whsec_…``.

        Raises:
            ValueError: it is none, or shorter than 24 bytes.
        """
        try:
            key = base64.b64decode(text.removeprefix(_PREFIX), validate=True)
        except binascii.Error:
            raise ValueError("a secret is whsec_ and base64") from None
        if not text.startswith(_PREFIX) or len(key) < _SHORTEST_SECRET_BYTES:
            raise ValueError("a secret is whsec_ and base64 of at least 24 bytes")
        return cls(key)

    def signature(self, post: str, at: datetime, body: bytes) -> str:
        """Return ``v1,…`` over a post's id, its time in whole seconds, and its body."""
        signed = f"{post}.{int(at.timestamp())}.".encode() + body
        return "v1," + base64.b64encode(hmac.new(self.key, signed, hashlib.sha256).digest()).decode()


def headers_of(post: str, at: datetime, body: bytes, secret: Secret) -> dict[str, str]:
    """Return the three headers of a post of ours; ``post`` is its id, the same however often it is sent."""
    return {
        "webhook-id": post,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": secret.signature(post, at, body),
    }


def verify(headers: Mapping[str, str], body: bytes, *, secrets: Sequence[Secret], now: datetime) -> str:
    """Return the id of a post that is genuine.

    Args:
        headers: of the request; names in any case.
        body: its bytes as they came, before anything has decoded them.
        secrets: ours, the newest first; without any, nothing is genuine.
        now: the moment.

    Raises:
        Forged: it is not.
    """
    found = {name.lower(): value for name, value in headers.items()}
    post, stamp, given = (found.get(f"webhook-{name}", "") for name in ("id", "timestamp", "signature"))
    if not re.fullmatch(r"[\x21-\x2d\x2f-\x7e]{1,128}", post) or not re.fullmatch(r"[0-9]{1,11}", stamp):
        raise Forged
    if len(body) > MOST_BYTES or abs(now.timestamp() - int(stamp)) > TOLERANCE.total_seconds():
        raise Forged
    at = datetime.fromtimestamp(int(stamp), now.tzinfo)
    wanted = [secret.signature(post, at, body).encode() for secret in secrets]
    offered = [each.encode() for each in given.split(" ")[:_MOST_SIGNATURES]]
    if not any(hmac.compare_digest(ours, theirs) for ours in wanted for theirs in offered):
        raise Forged
    return post
