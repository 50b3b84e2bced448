"""A small house of accounts for tests: real store, cheap passwords, one company, and the words of the trade."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from sqlalchemy import select

from chatsvc.accounts.actions import Accounts, SignedIn
from chatsvc.accounts.administration import Administration
from chatsvc.accounts.limits import LimitRules, Limits
from chatsvc.accounts.links import Claim, Links, Purpose
from chatsvc.accounts.model import Identity, PersonRole
from chatsvc.accounts.passwords import CHEAP, Passwords
from chatsvc.accounts.policy import OPERATOR
from chatsvc.accounts.queries import AccountQueries
from chatsvc.db.engine import Database
from chatsvc.db.outbox import outbox
from chatsvc.db.uow import Bell
from chatsvc.kernel.ids import CompanyId, PersonId
from chatsvc.keyspace.counters import LocalCounters

PASSWORD = "Correct horse battery"
HOME = "192.0.2.1"
ELSEWHERE = "198.51.100.7"


class CountedPasswords(Passwords):
    """Real ones that also count their work, and let something happen right after it."""

    def __init__(self) -> None:
        super().__init__(CHEAP)
        self.verified = 0
        self.after_verifying: Callable[[], Awaitable[None]] | None = None

    async def verify(self, stored: str | None, password: str) -> bool:
        self.verified += 1
        fits = await super().verify(stored, password)
        if self.after_verifying is not None:
            await self.after_verifying()
        return fits


class House:
    """All of accounts, wired."""

    def __init__(self, database: Database, limit_rules: LimitRules | None = None) -> None:
        self.database = database
        self.clock = database.clock
        self.bells: list[Bell] = []
        database.publish = self._heard
        self.passwords = CountedPasswords()
        self.links = Links("a secret of the tests, long enough for all of them")
        limits = Limits(LocalCounters(database.clock), database.clock, limit_rules)
        self.accounts = Accounts(database=database, passwords=self.passwords, links=self.links, limits=limits)
        self.administration = Administration(database=database, passwords=self.passwords, limits=limits)
        self.queries = AccountQueries(database)

    def _heard(self, bells: Sequence[Bell]) -> None:
        self.bells += bells

    async def company(self, name: str = "Acme") -> CompanyId:
        return await self.administration.create_company(OPERATOR, name=name, zone="Europe/Berlin", country="DE")

    async def contact(
        self, company: CompanyId, email: str, *, password: str | None = PASSWORD, **details: Any
    ) -> PersonId:
        details = {"authorised": True, **details}
        person = await self.administration.add_contact(
            OPERATOR, company, name=email.partition("@")[0], email=email, **details
        )
        if password is not None:
            await self.administration.give_password(OPERATOR, person, password)
        return person

    async def staff(self, email: str, role: PersonRole = PersonRole.REPRESENTATIVE) -> PersonId:
        person = await self.administration.add_staff(OPERATOR, role=role, name=email.partition("@")[0], email=email)
        await self.administration.give_password(OPERATOR, person, PASSWORD)
        return person

    async def sign_in(
        self, email: str, password: str = PASSWORD, *, address: str = HOME, known_device: str | None = None
    ) -> SignedIn:
        return await self.accounts.sign_in(
            email, password, address=address, device="Firefox on Linux", known_device=known_device
        )

    async def identity(self, email: str) -> Identity:
        return (await self.sign_in(email)).identity

    async def mails(self) -> list[Any]:
        """All outbox rows, oldest first."""
        async with self.database.read() as connection:
            return list((await connection.execute(select(outbox).order_by(outbox.c.created_at, outbox.c.id))).all())

    async def newest_link(self, person: PersonId) -> str:
        """The link of the newest mail to this person, as the mail will carry it; of two at the same moment the one with the later epoch."""
        rows = sorted(
            (row for row in await self.mails() if row.recipient == person),
            key=lambda row: (row.created_at, row.payload["epoch"]),
        )
        said = rows[-1].payload
        claim = Claim(person, said["epoch"])
        return self.links.make(Purpose(said["purpose"]), claim, at=rows[-1].created_at)

    def rang(self, person: PersonId) -> bool:
        return any(bell.topic == f"person:{person}" for bell in self.bells)
