"""What people do with their own account: sign in and out, see and end sessions, set passwords, choose a language.

Every action that takes something away rings ``person:<id>``; hubs then ask ``still_in`` again for that person's sockets (R21). Mails are
outbox rows in the same transaction (R14).

What this module does not do: it reads no cookie and no header, and sends nothing. What is done to other people's accounts stands in
``administration``.
"""

import logging
from collections.abc import Collection, Container, Mapping
from datetime import datetime
from typing import Final, NamedTuple

from chatsvc.accounts import letters, policy, store, tokens
from chatsvc.accounts.limits import Limits, digest_of
from chatsvc.accounts.links import Claim, Links, Purpose
from chatsvc.accounts.model import Identity, Person, Session
from chatsvc.accounts.passwords import Passwords
from chatsvc.accounts.policy import AccountRules
from chatsvc.db.engine import Database
from chatsvc.kernel import ids
from chatsvc.kernel.errors import Conflict, Invalid, NotFound, NotSignedIn, Unavailable
from chatsvc.kernel.ids import PersonId, SessionId

logger = logging.getLogger(__name__)

_DEVICE_CHARACTERS: Final = 120


class SignedIn(NamedTuple):
    """A new session."""

    identity: Identity
    # For the session cookie; stored nowhere.
    token: str
    # The session ends then in any case: the cookie's end.
    expires_at: datetime
    # For the known-device cookie, to be kept ``rules.known_device_for``; it outlives the session.
    known_device: str


class PasswordSet(NamedTuple):
    """A password that was set through a link."""

    person: PersonId
    # For the known-device cookie: who reads the account's mail is no stranger.
    known_device: str


class Accounts:
    """Actions of accounts."""

    def __init__(
        self,
        *,
        database: Database,
        passwords: Passwords,
        links: Links,
        limits: Limits,
        rules: AccountRules | None = None,
    ) -> None:
        self._database = database
        self._passwords = passwords
        self._links = links
        self._limits = limits
        self.rules = rules or AccountRules()

    # --- signing in and out -------------------------------------------------------------------------------------------

    async def sign_in(
        self, email: str, password: str, *, address: str, device: str, known_device: str | None
    ) -> SignedIn:
        """Begin a session (P3).

        Args:
            email: as typed.
            password: as typed; its case counts.
            address: the client's, from a trusted source.
            device: what the browser calls itself.
            known_device: the known-device cookie; None when there is none.

        Raises:
            NotSignedIn: ``sign_in.refused``, after the same work and with the same words whatever was wrong (T11): unknown, wrong password,
                no password yet, disabled, or a contact without the permission (P1).
            TooMany: ``sign_in.too_many``.
        """
        key = policy.email_key(email)
        whose, now = digest_of(key), self._database.clock.now()
        known = known_device and self._links.read_known_device(
            whose, known_device, at=now, within=self.rules.known_device_for
        )
        attempt = await self._limits.sign_in(whose, address=address, device=known or None)
        async with self._database.read() as connection:
            account = await store.account_by_email(connection, key)
        fits = await self._passwords.verify(account.password_hash if account else None, password)
        if account is None or not fits or not account.person.may_enter:
            raise NotSignedIn("sign_in.refused")
        signed_in = await self._begin_session(account, password, device, whose)
        await self._limits.succeeded(attempt)
        return signed_in

    async def _begin_session(self, account: store.Account, password: str, device: str, whose: str) -> SignedIn:
        renewed = None
        if account.password_hash and self._passwords.is_outdated(account.password_hash):
            renewed = await self._passwords.hash(password)
        token, session = tokens.new_token(), ids.session_id()
        async with self._database.begin() as uow:
            current = await store.account_to_change(uow, account.person.id)
            if current is None or current.credential_epoch != account.credential_epoch or not current.person.may_enter:
                raise NotSignedIn("sign_in.refused")
            person = current.person
            expires_at = uow.now + self.rules.lifetime(person.role)
            await store.add_session(
                uow,
                session,
                person=person.id,
                token_hash=tokens.digest(token),
                expires_at=expires_at,
                device="".join(c for c in device if c.isprintable())[:_DEVICE_CHARACTERS],
            )
            if renewed is not None:
                await store.renew_hash(uow, person.id, renewed, epoch=current.credential_epoch)
        logger.info("signed_in", extra={"person": person.id, "session": session})
        known_device = self._links.make_known_device(whose, at=uow.now)
        return SignedIn(store.identity_of(person, session), token, expires_at, known_device)

    async def identify(self, token: str) -> Identity | None:
        """Return who holds this token; None when the session is unknown, revoked or over, or the person may no longer enter.

        Counts as use of the session; that is written at most once a minute.
        """
        return (await self.identify_all((token,))).get(token)

    async def identify_all(self, held: Collection[str]) -> dict[str, Identity]:
        """Return who holds each of these tokens, as ``identify`` does, in one read; whose is nobody's is missing."""
        digests = {tokens.digest(token): token for token in held}
        rows = await self._database.look(lambda connection: store.sessions_by_tokens(connection, digests))
        admitted = await self._admitted(rows, in_use=rows)
        return {digests[digest]: identity for digest, identity in admitted.items()}

    async def still_in(self, identity: Identity, *, in_use: bool) -> Identity | None:
        """Return a signed-in person as they are now, or None when they are out: after a bell, and while a socket is open (T7).

        Args:
            identity: who they were.
            in_use: whether the person did something since the last time; an open page alone does not keep a session.
        """
        return (await self.still_in_all({identity.session: in_use})).get(identity.session)

    async def still_in_all(self, wanted: Mapping[SessionId, bool]) -> dict[str, Identity]:
        """Return who is still signed in, as ``still_in`` does, in one read: session -> the person; whoever is out is missing.

        Args:
            wanted: session -> whether it is in use.
        """
        rows = await self._database.look(lambda connection: store.sessions_by_ids(connection, wanted))
        return await self._admitted(rows, in_use={session for session, in_use in wanted.items() if in_use})

    async def _admitted(self, rows: Mapping[str, store.SessionRow], *, in_use: Container[str]) -> dict[str, Identity]:
        now = self._database.clock.now()
        admitted: dict[str, Identity] = {}
        used: list[SessionId] = []
        for name, row in rows.items():
            role = row.identity.role
            if row.revoked_at is not None or not row.may_enter:
                continue
            if policy.session_is_over(role, seen_at=row.seen_at, expires_at=row.expires_at, at=now, rules=self.rules):
                continue
            admitted[name] = row.identity
            if name in in_use and now - row.seen_at >= self.rules.seen_every:
                used.append(row.identity.session)
        if used:
            await self._note_use(used)
        return admitted

    async def _note_use(self, used: Collection[SessionId]) -> None:
        try:
            async with self._database.begin() as uow:
                await store.seen(uow, used)
        except Unavailable:
            # Reading goes on while nothing can be written (R17); the next request tries again.
            logger.warning("session_use_not_noted", extra={"sessions": len(used)})

    async def sign_out(self, identity: Identity) -> None:
        """End the person's present session."""
        await self.revoke_session(identity, identity.session)

    async def revoke_session(self, identity: Identity, session: SessionId) -> None:
        """End one of the person's own sessions; one that is over already stays so.

        Raises:
            NotFound: it is not theirs, or there is none.
        """
        async with self._database.begin() as uow:
            row = await store.session_by_id(uow.connection, session)
            if row is None or row.identity.person != identity.person:
                raise NotFound("not_found")
            await store.sign_out(uow, identity.person, only=session)

    async def sessions_of(self, identity: Identity) -> list[Session]:
        """Return the person's own sessions that are not over, last used first."""
        now, rules = self._database.clock.now(), self.rules
        async with self._database.read() as connection:
            return await store.open_sessions(
                connection,
                identity.person,
                asking=identity.session,
                seen_after=now - rules.idle(identity.role),
                at=now,
            )

    # --- passwords ----------------------------------------------------------------------------------------------------

    async def change_password(self, identity: Identity, old: str, new: str) -> None:
        """Set another password; every other session of the person ends, this one stays.

        Raises:
            Invalid: ``password.wrong`` (field ``old``), or the new one is not accepted (field ``new``).
            TooMany: the old one was typed wrong too often.
            Conflict: it was changed elsewhere at the same time.
        """
        async with self._database.read() as connection:
            account = await store.account(connection, identity.person)
        if account is None:
            raise NotFound("not_found")
        policy.check_new_password(new, account.person.email, self.rules, field="new")
        await self._limits.old_password_typed(identity.person)
        if not await self._passwords.verify(account.password_hash, old):
            raise Invalid("password.wrong", field="old")
        hashed = await self._passwords.hash(new)
        async with self._database.begin() as uow:
            if not await store.set_password(uow, identity.person, hashed, epoch=account.credential_epoch):
                raise Conflict("conflict")
            await store.sign_out(uow, identity.person, but=identity.session)
        logger.info("password_changed", extra={"person": identity.person})

    async def request_reset(self, email: str, *, address: str) -> None:
        """Ask for a mail with a link to set a new password; also for a first sign-in (P3).

        Says nothing and costs the same whether or not there is such an account; the mail does the rest (T11). No more than three mails
        go to one account in an hour, whoever asks (T28).

        Raises:
            TooMany: from this address, whatever it asked for.
        """
        await self._limits.reset_asked(address)
        key = policy.email_key(email)
        may_mail = await self._limits.may_mail_reset(digest_of(key))
        async with self._database.begin() as uow:
            account = await store.account_by_email(uow.connection, key)
            may_have = account is not None and account.person.may_enter and may_mail
            await letters.forgotten_password(uow, account if may_have else None)

    async def reset(self, link: str, new_password: str) -> PasswordSet:
        """Set the password through a link in a mail, the first as well as a later one; every session of the person ends.

        Raises:
            Invalid: ``link.invalid`` (forged, too old, used, overtaken by another change, or the account is disabled), or the password is not
                accepted.
        """
        claim = self._claim(link)
        async with self._database.read() as connection:
            account = None if claim is None else await store.account(connection, claim.person)
        if account is None or not _is_good(account, claim):
            raise Invalid("link.invalid")
        policy.check_new_password(new_password, account.person.email, self.rules)
        hashed = await self._passwords.hash(new_password)
        person = account.person
        async with self._database.begin() as uow:
            current = await store.account_to_change(uow, person.id)
            if current is None or not _is_good(current, claim):
                raise Invalid("link.invalid")
            await store.set_password(uow, person.id, hashed, epoch=current.credential_epoch)
            await store.sign_out(uow, person.id)
        logger.info("password_reset", extra={"person": person.id})
        known_device = self._links.make_known_device(digest_of(policy.email_key(person.email)), at=uow.now)
        return PasswordSet(person.id, known_device)

    async def is_link_good(self, link: str) -> bool:
        """Whether ``reset`` would take this link now."""
        return await self.whose_link(link) is not None

    async def whose_link(self, link: str) -> Person | None:
        """Return whose password ``reset`` would set by this link now, for the page that shows the form; None when it is not good."""
        claim = self._claim(link)
        if claim is None:
            return None
        async with self._database.read() as connection:
            account = await store.account(connection, claim.person)
        return account.person if account is not None and _is_good(account, claim) else None

    def _claim(self, link: str) -> Claim | None:
        now = self._database.clock.now()
        return self._links.read(
            Purpose.RESET_PASSWORD, link, at=now, within=self.rules.reset_within
        ) or self._links.read(Purpose.FIRST_SIGN_IN, link, at=now, within=self.rules.first_sign_in_within)

    # --- profile ------------------------------------------------------------------------------------------------------

    async def update_profile(self, identity: Identity, *, language: str) -> None:
        """Choose the language of pages and mails (P6).

        Raises:
            Invalid: there is no such language.
        """
        checked = policy.checked_language(language)
        async with self._database.begin() as uow:
            await store.change_person(uow, identity.person, {"language": checked})
            uow.ring(f"person:{identity.person}")


def _is_good(account: store.Account, claim: Claim | None) -> bool:
    return claim is not None and account.person.disabled_at is None and account.credential_epoch == claim.epoch
