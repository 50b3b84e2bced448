"""What is done to other people's accounts: companies, their authorised contacts, and staff.

Every action takes who asks and refuses what ``policy`` does not allow. The first administrator of a new store is added by whoever runs
commands on the machine (``policy.OPERATOR``); there is no default account (T38).

What this module does not do: a page never sets a password for somebody without ending their sessions, and nobody takes away their own
access.
"""

import logging
from typing import NamedTuple

from chatsvc.accounts import letters, policy, store
from chatsvc.accounts.limits import Limits
from chatsvc.accounts.model import STAFF, Identity, Person, PersonRole
from chatsvc.accounts.passwords import Passwords
from chatsvc.accounts.policy import AccountRules
from chatsvc.db.engine import Database
from chatsvc.db.uow import UnitOfWork
from chatsvc.kernel import ids
from chatsvc.kernel.errors import Conflict, Invalid, NotFound
from chatsvc.kernel.ids import CompanyId, PersonId
from chatsvc.kernel.languages import ENGLISH

logger = logging.getLogger(__name__)


class Disabled(NamedTuple):
    """What disabling somebody left behind."""

    # ``contacts.too_few`` when the company now has fewer authorised contacts than it should; None when all is well.
    warning: str | None


class Administration:
    """Actions on companies and people."""

    def __init__(
        self,
        *,
        database: Database,
        passwords: Passwords,
        limits: Limits,
        rules: AccountRules | None = None,
    ) -> None:
        self._database = database
        self._passwords = passwords
        self._limits = limits
        self.rules = rules or AccountRules()

    async def create_company(
        self, who: Identity, *, name: str, zone: str, country: str, region: str | None = None
    ) -> CompanyId:
        """Add a customer's company; for administrators.

        Args:
            name: unique.
            zone: IANA name, for example ``Europe/Berlin``: the company's local time (V4).
            country, region: ISO 3166, for the holidays; region None means nationwide days only.

        Raises:
            NotAllowed, Invalid: who asks, or a field.
            Conflict: ``company.name_taken``.
        """
        policy.require_administrator(who)
        company = ids.company_id()
        checked_name = policy.checked_line(name, field="name")
        async with self._database.begin() as uow:
            await store.add_company(
                uow,
                company,
                name=checked_name,
                zone=policy.checked_zone(zone),
                country=policy.checked_country(country),
                region=policy.checked_line(region, field="region", longest=8) if region else None,
            )
        logger.info("company_added", extra={"company": company, "by": who.person})
        return company

    async def add_contact(
        self,
        who: Identity,
        company: CompanyId,
        *,
        name: str,
        email: str,
        authorised: bool = False,
        company_admin: bool = False,
        language: str = ENGLISH.code,
        zone: str | None = None,
    ) -> PersonId:
        """Add a contact to a company and mail them the link for a first sign-in; for administrators and the company's own (P2).

        Args:
            authorised: whether they may enter at once; they count towards the most that a company may have (P1).
            company_admin: whether they may manage the company's contacts; only an administrator may say so.
            zone: their own time zone; None for the company's.

        Raises:
            NotFound, NotAllowed: ``who`` may not manage this company's contacts.
            Invalid: a field.
            Conflict: ``email.taken`` or ``contacts.too_many``.
            TooMany: too many first mails in one hour.
        """
        policy.require_contact_management(who, company)
        if company_admin:
            policy.require_administrator(who)
        person = _new_person(
            PersonRole.CONTACT, company=company, name=name, email=email, language=language, zone=zone
        )._replace(authorised=authorised, company_admin=company_admin)
        await self._limit_mails(who)
        async with self._database.begin() as uow:
            count = await store.authorised_contacts(uow, company)
            if count is None:
                raise NotFound("not_found")
            if authorised:
                policy.require_room_for_contact(count, self.rules)
            await self._add(uow, person)
        logger.info("contact_added", extra={"person": person.id, "company": company, "by": who.person})
        return person.id

    async def add_staff(
        self,
        who: Identity,
        *,
        role: PersonRole,
        name: str,
        email: str,
        language: str = ENGLISH.code,
        zone: str | None = None,
    ) -> PersonId:
        """Add somebody who works here and mail them the link for a first sign-in; for administrators.

        Raises:
            NotAllowed, Invalid, TooMany: as for contacts.
            Conflict: ``email.taken``.
        """
        policy.require_administrator(who)
        if role not in STAFF:
            raise Invalid("choose", field="role")
        person = _new_person(role, company=None, name=name, email=email, language=language, zone=zone)
        await self._limit_mails(who)
        async with self._database.begin() as uow:
            await self._add(uow, person)
        logger.info("staff_added", extra={"person": person.id, "role": role.value, "by": who.person})
        return person.id

    async def mail_link(self, who: Identity, person: PersonId) -> None:
        """Mail somebody a new link to set their password: the first one got lost, or they ask on the telephone.

        Raises:
            NotFound, NotAllowed: ``who`` may not change this account.
            Conflict: the account is disabled.
            TooMany: too many mails in one hour.
        """
        await self._limit_mails(who)
        async with self._database.begin() as uow:
            account = await self._to_change(uow, who, person)
            if account.person.disabled_at is not None:
                raise Conflict("person.disabled")
            await letters.reset_password(uow, account)

    async def give_password(self, who: Identity, person: PersonId, password: str) -> None:
        """Set somebody's password (P3: "given by the administrator"); their sessions end, and links mailed before are void.

        Raises:
            NotFound, NotAllowed: ``who`` is no administrator, or there is no such person.
            Invalid: the password is not accepted.
        """
        policy.require_administrator(who)
        hashed = await self._passwords.hash(password)
        async with self._database.begin() as uow:
            account = await self._to_change(uow, who, person)
            policy.check_new_password(password, account.person.email, self.rules)
            await store.set_password(uow, person, hashed, epoch=account.credential_epoch)
            await store.sign_out(uow, person)
        logger.info("password_given", extra={"person": person, "by": who.person})

    async def grant_authorised(self, who: Identity, person: PersonId) -> None:
        """Let a contact enter (P1, P2); nothing happens when they may already.

        Raises:
            NotFound, NotAllowed: ``who`` may not change this account, or it is not a contact's.
            Conflict: ``contacts.too_many``, or the account is disabled.
        """
        async with self._database.begin() as uow:
            contact, count = await self._contact_to_change(uow, who, person)
            if contact.disabled_at is not None:
                raise Conflict("person.disabled")
            if contact.authorised:
                return
            policy.require_room_for_contact(count, self.rules)
            await store.change_person(uow, person, {"authorised": True})
            uow.ring(f"person:{person}")
        logger.info("authorised", extra={"person": person, "by": who.person})

    async def withdraw_authorised(self, who: Identity, person: PersonId) -> None:
        """Take that permission away; the contact's sessions end. Nothing happens when they do not have it.

        Raises:
            NotFound, NotAllowed: ``who`` may not change this account, it is not a contact's, or it is their own.
            Conflict: ``contacts.too_few``. To shut somebody out at once whatever is left, disable them.
        """
        policy.refuse_self(who, person)
        async with self._database.begin() as uow:
            contact, count = await self._contact_to_change(uow, who, person)
            if not contact.authorised:
                return
            policy.require_enough_contacts_left(count, self.rules)
            await store.change_person(uow, person, {"authorised": False})
            await store.sign_out(uow, person)
        logger.info("authorisation_withdrawn", extra={"person": person, "by": who.person})

    async def disable(self, who: Identity, person: PersonId) -> Disabled:
        """Shut somebody out: sessions end, mailed links are void, and a contact's permission is withdrawn whatever is left (R21).

        Raises:
            NotFound, NotAllowed: ``who`` may not change this account, or it is their own.
        """
        policy.refuse_self(who, person)
        async with self._database.begin() as uow:
            account = await self._to_change(uow, who, person)
            await store.change_person(uow, person, {"disabled_at": uow.now, "authorised": False})
            await store.sign_out(uow, person)
            warning = None
            if account.person.company is not None and account.person.authorised:
                left = await store.authorised_contacts(uow, account.person.company) or 0
                warning = "contacts.too_few" if left < self.rules.fewest_contacts else None
        logger.info("disabled", extra={"person": person, "by": who.person})
        return Disabled(warning)

    async def enable(self, who: Identity, person: PersonId) -> None:
        """Take a disabling back. A contact's permission is granted again separately, because it has to be counted.

        Raises:
            NotFound, NotAllowed: ``who`` may not change this account.
        """
        async with self._database.begin() as uow:
            await self._to_change(uow, who, person)
            await store.change_person(uow, person, {"disabled_at": None})
        logger.info("enabled", extra={"person": person, "by": who.person})

    async def _limit_mails(self, who: Identity) -> None:
        if who.person != policy.OPERATOR.person:
            await self._limits.invited(who.person)

    async def _add(self, uow: UnitOfWork, person: store.NewPerson) -> None:
        await store.add_person(uow, person)
        account = await store.account(uow.connection, person.id)
        assert account is not None
        await letters.first_sign_in(uow, account)

    async def _to_change(self, uow: UnitOfWork, who: Identity, person: PersonId) -> store.Account:
        account = await store.account_to_change(uow, person)
        if account is None:
            raise NotFound("not_found")
        policy.require_management_of(who, account.person)
        return account

    async def _contact_to_change(self, uow: UnitOfWork, who: Identity, person: PersonId) -> tuple[Person, int]:
        """A contact, and how many of their company may enter."""
        contact = (await self._to_change(uow, who, person)).person
        if contact.company is None:
            raise NotFound("not_found")
        return contact, await store.authorised_contacts(uow, contact.company) or 0


def _new_person(
    role: PersonRole, *, company: CompanyId | None, name: str, email: str, language: str, zone: str | None
) -> store.NewPerson:
    checked = policy.checked_email(email)
    return store.NewPerson(
        id=ids.person_id(),
        company=company,
        role=role,
        name=policy.checked_line(name, field="name"),
        email=checked,
        email_key=policy.email_key(checked),
        language=policy.checked_language(language),
        zone=policy.checked_zone(zone) if zone else None,
    )
