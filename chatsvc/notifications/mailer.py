"""The way out for mails: one port, and what a mail is.

What stands in a mail is for ``compose``; when it goes out, and what happens when it does not, is for ``sender``.
"""

from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import parseaddr
from typing import Protocol

from chatsvc.kernel.ids import OutboxId


class NotSent(Exception):
    """The server did not take the mail. The text is for the operator: names and codes, no address and no word of the mail."""


@dataclass(frozen=True, kw_only=True)
class Mail:
    """One mail to one person, ready to be put into an envelope."""

    # The outbox row that it comes from.
    id: OutboxId
    # ``<ob_…@host>``: the same however often it is sent, so that a second copy can be told from a second mail (R14).
    message_id: str
    # As in the settings, with or without a name.
    sender: str
    # Empty where the name was not given by somebody we know.
    to_name: str
    to_address: str
    # One line.
    subject: str
    text: str
    html: str
    # When its cause happened; the mail's date.
    at: datetime
    # ``<tk_…@host>``, which all mails about a ticket hang on, so that they are read as one thread; None for others.
    thread: str | None = None
    # Where one click ends mails of this kind (RFC 8058); None for those that people must get.
    unsubscribe: str | None = None
    # An invitation for the receiver's calendar, RFC 5545, with its method; None for most mails.
    calendar: str | None = None


class Mailer(Protocol):
    """Hands mails to a mail server."""

    async def send(self, mail: Mail) -> None:
        """Return when the server has taken the mail.

        Raises:
            NotSent: it has not, or nobody can tell.
        """
        ...


def message_of(mail: Mail) -> EmailMessage:
    """Return the mail as it goes over the wire: plain text first, HTML beside it."""
    message = EmailMessage(policy=SMTP)
    name, address = parseaddr(mail.sender)
    message["From"] = Address(name, addr_spec=address)
    message["To"] = Address(mail.to_name, addr_spec=mail.to_address)
    message["Subject"] = mail.subject
    message["Date"] = mail.at
    message["Message-ID"] = mail.message_id
    if mail.thread is not None:
        message["In-Reply-To"] = mail.thread
        message["References"] = mail.thread
    if mail.unsubscribe is not None:
        message["List-Unsubscribe"] = f"<{mail.unsubscribe}>"
        message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    # Out-of-office robots must not answer (RFC 3834).
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(mail.text, cte="quoted-printable")
    message.add_alternative(mail.html, subtype="html", cte="quoted-printable")
    if mail.calendar is not None:
        method = "CANCEL" if "\nMETHOD:CANCEL" in mail.calendar.replace("\r\n", "\n") else "REQUEST"
        message.add_alternative(mail.calendar, subtype="calendar", cte="quoted-printable", params={"method": method})
    # Not a random one: the same mail sent twice is the same to the last byte.
    message.set_boundary(f"=_{mail.id}")
    return message
