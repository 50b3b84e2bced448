"""Which numbers may be rung: countries of a company besides its own, and numbers that asked not to be called (callback.md, section 8.5).

Each entry says who made it and why. Nothing here looks at calls that are booked: a number is asked about again whenever it is dialled.
"""

from typing import Final

from sqlalchemy.exc import IntegrityError

from callback import numbers, store
from callback.ground import Ground
from chatsvc.accounts.model import Identity, PersonRole
from chatsvc.conversations.joining import required
from chatsvc.kernel.errors import Invalid, NotAllowed, NotFound
from chatsvc.kernel.ids import CompanyId

LONGEST_REASON: Final = 200
_KEEPERS: Final = frozenset({PersonRole.SUPERVISOR, PersonRole.ADMINISTRATOR})


class Permitting(Ground):
    """Countries and silenced numbers, as supervisors and administrators keep them."""

    async def allow_region(self, identity: Identity, company: CompanyId, region: str, reason: str) -> None:
        """Let a company's people be rung in a further country (ISO 3166); one that is allowed already stays as it is.

        Raises:
            NotAllowed: ``supervisors.only``.
            Invalid: no such company or country, or no reason.
        """
        self._insist_on_keeper(identity)
        if region not in numbers.REGIONS:
            raise Invalid("choice.unknown", field="region")
        why = required(reason, "reason", LONGEST_REASON)
        try:
            async with self.database.begin() as uow:
                if not await store.is_company(uow.connection, company):
                    raise Invalid("choice.unknown", field="company")
                if region not in await store.regions_of(uow.connection, company):
                    await store.allow_region(uow, company, region, by=identity.person, reason=why)
        except IntegrityError:
            return  # somebody else has allowed it at the same instant

    async def forbid_region(self, identity: Identity, company: CompanyId, region: str) -> None:
        """Take a further country away again; the company's own stays.

        Raises:
            NotAllowed: ``supervisors.only``.
            NotFound: it was not allowed.
        """
        self._insist_on_keeper(identity)
        async with self.database.begin() as uow:
            if not await store.forbid_region(uow, company, region):
                raise NotFound("not_found")

    async def silence(self, identity: Identity, number: str, region: str | None, reason: str) -> None:
        """Never ring a number again, for whichever company; one that is silenced already stays as it is.

        Raises:
            NotAllowed: ``supervisors.only``.
            Invalid: it cannot be read (``number.…``), or there is no reason.
        """
        self._insist_on_keeper(identity)
        read, why = numbers.read(number, region=region), required(reason, "reason", LONGEST_REASON)
        try:
            async with self.database.begin() as uow:
                if not await store.is_silenced(uow.connection, read.e164):
                    await store.silence(uow, read.e164, by=identity.person, reason=why)
        except IntegrityError:
            return  # somebody else has silenced it at the same instant

    async def let_ring(self, identity: Identity, reference: str) -> None:
        """Let a silenced number be rung again; lists name it by ``numbers.reference``.

        Raises:
            NotAllowed: ``supervisors.only``.
            NotFound: no silenced number has this reference.
        """
        self._insist_on_keeper(identity)
        async with self.database.begin() as uow:
            found = [
                row.number
                for row in await store.silenced_numbers(uow.connection)
                if numbers.reference(row.number) == reference
            ]
            if not found:
                raise NotFound("not_found")
            await store.let_ring(uow, found[0])

    def _insist_on_keeper(self, identity: Identity) -> None:
        if identity.role not in _KEEPERS:
            raise NotAllowed("supervisors.only")
