"""The outbox rows of this room: mails with a link to set a password. What they look like is for ``notifications``.

A row names the person, the link's purpose and the password's epoch; the signed link itself is made when the mail is rendered, so that no
copy of the store holds one.
"""

from typing import Final

import msgspec

from chatsvc.accounts import store
from chatsvc.accounts.links import Purpose
from chatsvc.accounts.store import Account
from chatsvc.db.uow import UnitOfWork
from chatsvc.kernel import ids

# Kind of the rows: one mail in two wordings, by ``SetPassword.purpose``.
KIND: Final = "mail.reset_password"


class SetPassword(msgspec.Struct, frozen=True):
    """The payload."""

    purpose: Purpose
    # The password's epoch when the mail was asked for.
    epoch: int


async def reset_password(uow: UnitOfWork, account: Account) -> None:
    """Write the row for a forgotten password, or for a first one that was never set."""
    purpose = Purpose.RESET_PASSWORD if account.person.has_password else Purpose.FIRST_SIGN_IN
    await _record(uow, account, purpose, "reset")


async def first_sign_in(uow: UnitOfWork, account: Account) -> None:
    """Write the row that welcomes somebody new."""
    await _record(uow, account, Purpose.FIRST_SIGN_IN, "added")


async def forgotten_password(uow: UnitOfWork, account: Account | None) -> None:
    """Answer a forgotten-password form: ``reset_password`` for an account, and for None the same statements that leave nothing behind.

    A stranger must not hear from the time whether an account exists (T11).
    """
    if account is not None:
        await reset_password(uow, account)
        await store.forget_row(uow, None)
        return
    nothing = {"purpose": Purpose.RESET_PASSWORD.value, "epoch": 0}
    await store.forget_row(uow, await uow.record(KIND, cause=ids.new_id("reset"), recipient="nobody", payload=nothing))


async def _record(uow: UnitOfWork, account: Account, purpose: Purpose, why: str) -> None:
    person = account.person.id
    payload = msgspec.to_builtins(SetPassword(purpose, account.credential_epoch))
    await uow.record(KIND, cause=ids.new_id(why), recipient=person, payload=payload)
