"""Who somebody is, as everything else needs to know it. Values only."""

from datetime import datetime
from enum import StrEnum

import msgspec

from chatsvc.kernel.ids import CompanyId, PersonId, SessionId


class PersonRole(StrEnum):
    """What a person is here for."""

    CONTACT = "contact"
    REPRESENTATIVE = "representative"
    SUPERVISOR = "supervisor"
    ADMINISTRATOR = "administrator"


STAFF = frozenset({PersonRole.REPRESENTATIVE, PersonRole.SUPERVISOR, PersonRole.ADMINISTRATOR})


class Identity(msgspec.Struct, frozen=True):
    """A signed-in person, as read from their session; the only source of a company id (R20)."""

    person: PersonId
    session: SessionId
    role: PersonRole
    name: str
    # None for staff.
    company: CompanyId | None
    # A code of ``kernel.languages``.
    language: str
    # IANA name: the person's own zone if set, else the company's, else UTC.
    zone: str
    company_admin: bool = False

    @property
    def is_staff(self) -> bool:
        """Whether the person works here."""
        return self.role in STAFF


class Company(msgspec.Struct, frozen=True):
    """A customer's company, as an administrator sees it."""

    id: CompanyId
    name: str
    # IANA name: the company's local time (V4).
    zone: str
    # ISO 3166 country and, where it matters for holidays, region; None means nationwide days only.
    country: str
    region: str | None
    # Contacts who may sign in: P1 asks for 2 to 5.
    authorised: int
    # All contacts, also those who may not sign in.
    contacts: int


class Person(msgspec.Struct, frozen=True):
    """A person, as those who manage accounts see them; nothing secret in it."""

    id: PersonId
    # None for staff.
    company: CompanyId | None
    role: PersonRole
    name: str
    # As written, for mails.
    email: str
    # The authorised-contact permission (P1); staff: False.
    authorised: bool
    company_admin: bool
    # A code of ``kernel.languages``.
    language: str
    # IANA name: the person's own zone if set, else the company's, else UTC.
    zone: str
    # False until the first password is set through the link in a mail (P3).
    has_password: bool
    # None while the person may sign in.
    disabled_at: datetime | None

    @property
    def may_enter(self) -> bool:
        """Whether the person may sign in: nobody disabled, and of the contacts only the authorised ones (P1)."""
        return self.disabled_at is None and (self.role in STAFF or self.authorised)


class Session(msgspec.Struct, frozen=True):
    """One signed-in browser, for the person's own list of sessions."""

    id: SessionId
    created_at: datetime
    # At most a minute old while it is used.
    seen_at: datetime
    # What the browser called itself; empty when it did not.
    device: str
    # Whether it is the one that asks.
    current: bool
