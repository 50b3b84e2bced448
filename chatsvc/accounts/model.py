"""Who somebody is, as everything else needs to know it. Values only."""

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
