"""Sends mails over SMTP, each over a connection of its own.

No queue and no second try: both are the outbox's. With a password in the address the line must be encrypted, except on this machine.
"""

from typing import Any, Final
from urllib.parse import unquote, urlsplit

import aiosmtplib

from chatsvc.notifications.mailer import Mail, NotSent, message_of

# For each answer of the server; a whole mail takes no longer than the sender's own limit.
ANSWER_WITHIN_S: Final = 10.0
_LOOPBACK: Final = ("localhost", "127.0.0.1", "::1")


class SMTPMailer:
    """A mail server by its address."""

    def __init__(self, url: str) -> None:
        """Take ``smtp://user:password@host:port`` (STARTTLS when offered) or ``smtps://…`` (TLS from the start)."""
        self._options = options_of(url)

    async def send(self, mail: Mail) -> None:
        """Return when the server has said 250.

        Raises:
            NotSent: refused, out of reach, or not answered in time.
        """
        try:
            await aiosmtplib.send(message_of(mail), **self._options)
        except (aiosmtplib.SMTPException, OSError, ValueError) as error:
            raise NotSent(_in_words(error)) from error


def options_of(url: str) -> dict[str, Any]:
    """Return what ``aiosmtplib.send`` needs to know of an address."""
    parts = urlsplit(url)
    is_tls = parts.scheme == "smtps"
    must_encrypt = parts.password is not None and parts.hostname not in _LOOPBACK
    return {
        "hostname": parts.hostname,
        "port": parts.port or (465 if is_tls else 587 if parts.username else 25),
        "username": unquote(parts.username) if parts.username else None,
        "password": unquote(parts.password) if parts.password else None,
        "use_tls": is_tls,
        # None takes it when it is offered; True fails without it, so that nobody on the way can talk a password out of us.
        "start_tls": False if is_tls else True if must_encrypt else None,
        "timeout": ANSWER_WITHIN_S,
    }


def _in_words(error: Exception) -> str:
    """What went wrong, by name and code. Servers repeat addresses and more in their texts, so those stay out."""
    refusals = getattr(error, "recipients", None) or [error]
    codes = sorted({str(each.code) for each in refusals if getattr(each, "code", None)})
    return " ".join([type(error).__name__, *codes])
