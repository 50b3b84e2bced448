"""The link in a mail that leads to one reservation, without signing in: signed, for this purpose only, nothing secret in it.

Whoever has the mail may see, move and cancel that call, and nothing else. Whether it is still good is the reservation's state.
"""

import hashlib
from typing import Final

from itsdangerous import BadData, URLSafeSerializer

from callback.model import ReservationId

# Longest token that is looked at.
_LONGEST: Final = 300
# Where the link leads; ``web`` serves it, and a test there insists.
PATH: Final = "/calls/{token}"


class CallLinks:
    """Makes and reads them, with the desk's secret key."""

    def __init__(self, secret_key: str) -> None:
        self._serializer = URLSafeSerializer(
            secret_key,
            salt="holdline.link.callback",
            signer_kwargs={"key_derivation": "hmac", "digest_method": hashlib.sha256},
        )

    def make(self, reservation: ReservationId) -> str:
        """Return a reservation's token; always the same."""
        return str(self._serializer.dumps(reservation))

    def read(self, token: str) -> ReservationId | None:
        """Return the reservation that a token names; None when it is not one of ours."""
        try:
            said = self._serializer.loads(token[:_LONGEST])
        except (BadData, ValueError):
            return None
        return ReservationId(said) if isinstance(said, str) else None
