"""The trial's mailbox: what would have been mailed, where no mail server is set.

It shows links that set passwords, so it is for administrators. In a demonstration it is open to staff and to visitors as well, because
the first person to try "forgot your password" has to get at the link; to them it shows only mails to addresses below ``.example``, the
domain that is reserved for examples and that no real person can have (RFC 2606).
"""

import re
from typing import Any, Final

from starlette.responses import Response

from chatsvc.accounts.model import PersonRole
from chatsvc.kernel.errors import NotFound
from chatsvc.notifications.mailer import Mail
from web.pages.sign_in import shows_mail
from web.site import Call

_LINK: Final = re.compile(r"https?://\S+")


async def show(call: Call) -> Response:
    """Show what would have been mailed."""
    is_administrator = call.visitor is not None and call.visitor.role is PersonRole.ADMINISTRATOR
    if call.services.mailbox is None or not (is_administrator or shows_mail(call)):
        raise NotFound("not_found")
    letters = await call.services.mailbox.kept_letters()
    return await call.page(
        "trial/mailbox.html",
        mails=[_row(mail) for mail in letters if is_administrator or is_example(mail.to_address)],
    )


def is_example(address: str) -> bool:
    """Whether a mail address is one of the demonstration's, which nobody can really have."""
    return address.lower().endswith(".example")


def _row(mail: Mail) -> dict[str, Any]:
    return {
        "id": mail.id,
        "to": mail.to_address,
        "subject": mail.subject,
        "text": mail.text,
        "at": mail.at,
        "links": _LINK.findall(mail.text),
        "cause": "",
    }
