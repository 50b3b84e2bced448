"""The link in a mail that asks for no more of its kind (RFC 8058): signed for one person and one ticket, good for ever, undone on the page.

It says who and what, and opens nothing else: whoever has it can only keep mails away.
"""

import hashlib
from typing import NamedTuple

from itsdangerous import BadData, URLSafeSerializer

from chatsvc.kernel.ids import PersonId, TicketId


class Wish(NamedTuple):
    """Who wants quiet about what."""

    person: PersonId
    ticket: TicketId


class QuietLinks:
    """Makes and reads such links, with the desk's secret key."""

    def __init__(self, secret_key: str) -> None:
        options = {"key_derivation": "hmac", "digest_method": hashlib.sha256}
        self._serializer = URLSafeSerializer(secret_key, salt="holdline.mail.quiet", signer_kwargs=options)

    def make(self, wish: Wish) -> str:
        """Return a link's token; the same wish gives the same token, so that a mail sent twice is one mail."""
        return str(self._serializer.dumps(list(wish)))

    def read(self, token: str) -> Wish | None:
        """Return what a token says; None when it is forged."""
        try:
            said = self._serializer.loads(token[:1_000])
        except BadData:
            return None
        match said:
            case [str(person), str(ticket)]:
                return Wish(PersonId(person), TicketId(ticket))
        return None
