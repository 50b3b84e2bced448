"""Signed texts that leave the house and come back: links in mails, and the cookie of a known browser.

Each has a purpose of its own and is worthless for any other. A link carries the person and the epoch of their password; every change of
the password raises the epoch, so that a link works once and older ones not at all. Nothing is stored; nothing in them is secret.
"""

import hashlib
import secrets
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, NamedTuple

from itsdangerous import BadData, TimestampSigner, URLSafeTimedSerializer

from chatsvc.kernel.ids import PersonId


class Purpose(StrEnum):
    """What a link in a mail is for."""

    RESET_PASSWORD = "reset_password"
    # The first password of a new account; good for longer (P3).
    FIRST_SIGN_IN = "first_sign_in"


class Claim(NamedTuple):
    """What a link says: this person, as long as their password is still that of this epoch."""

    person: PersonId
    epoch: int


class _SignerAt(TimestampSigner):
    """A signer that takes the moment from its caller instead of the machine, so that leases, links and tests share one time."""

    def __init__(self, *arguments: Any, at: datetime, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._at = int(at.timestamp())

    def get_timestamp(self) -> int:
        """Return the caller's moment in whole seconds."""
        return self._at


class Links:
    """Makes and reads them, with the desk's secret key."""

    def __init__(self, secret_key: str) -> None:
        self._secret_key = secret_key

    def make(self, purpose: Purpose, claim: Claim, *, at: datetime) -> str:
        """Return a link's token. The same claim at the same second gives the same token: a mail sent twice is one mail."""
        return self._sign(f"link.{purpose.value}", list(claim), at)

    def read(self, purpose: Purpose, token: str, *, at: datetime, within: timedelta) -> Claim | None:
        """Return what a token says; None when it is forged, for another purpose, or too old. Whether it was used the epoch tells."""
        said = self._check(f"link.{purpose.value}", token, at, within)
        match said:
            case [str(person), int(epoch)]:
                return Claim(PersonId(person), epoch)
        return None

    def make_known_device(self, account: str, *, at: datetime) -> str:
        """Return the cookie that tells a browser from which somebody signed in to this account before. ``account`` is a digest."""
        return self._sign("known_device", [account, secrets.token_hex(8)], at)

    def read_known_device(self, account: str, cookie: str, *, at: datetime, within: timedelta) -> str | None:
        """Return the name of the known browser; None when the cookie is forged, too old, or of another account."""
        said = self._check("known_device", cookie, at, within)
        match said:
            case [str(whose), str(device)] if whose == account:
                return device
        return None

    def _sign(self, salt: str, said: list[Any], at: datetime) -> str:
        return str(self._serializer(salt, at).dumps(said))

    def _check(self, salt: str, text: str, at: datetime, within: timedelta) -> Any:
        try:
            return self._serializer(salt, at).loads(text[:1_000], max_age=int(within.total_seconds()))
        except (BadData, ValueError):
            return None

    def _serializer(self, salt: str, at: datetime) -> URLSafeTimedSerializer:
        return URLSafeTimedSerializer(
            self._secret_key,
            salt=f"holdline.{salt}",
            signer=_SignerAt,
            signer_kwargs={"at": at, "key_derivation": "hmac", "digest_method": hashlib.sha256},
        )
