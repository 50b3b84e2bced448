"""Who may come through a door: the words in which every route says so.

``Who`` is checked by the door itself, before anything is read. ``Rule`` names what the object in the address must be to the person;
it is kept by the action or query that the endpoint calls with the person's identity, answers ``not found`` to everybody else, and is
what the generated matrix in the tests goes by. A route without a policy stops the start.
"""

from dataclasses import dataclass
from enum import Enum
from typing import Final

from chatsvc.accounts.model import STAFF, PersonRole


class Who(Enum):
    """The people that a route is for."""

    ANYONE = "anybody"
    SIGNED_IN = "whoever is signed in"
    CONTACT = "authorised contacts"
    STAFF = "representatives, supervisors, administrators"
    # Those who have a desk and talk to customers.
    DESK = "representatives, supervisors"
    SUPERVISOR = "supervisors, administrators"
    ADMINISTRATOR = "administrators"


class Rule(Enum):
    """What the object in the address must be to the person; a foreign one does not exist for them."""

    TICKET = "contacts: opened or followed by them, in their own company; staff: any"
    VISIT = "the contact whose visit it is"
    CONVERSATION = "the contact, or the representative, whose conversation it is"
    OWN_CONVERSATION = "the representative whose conversation it is"
    LOG = "as for its ticket; the log of internal notes exists for staff only"
    OFFER = "the representative to whom it was made"
    FILE = "as for its ticket; files of internal notes exist for staff only, files not sent yet for their uploader"
    SESSION = "the person's own"
    DRAFT = "the contact for whom the form was made"
    REPORT = "whoever asked for it"
    REPLY = "their own; supervisors and administrators: also those of everybody"
    # There is nothing behind the address that belongs to somebody: a catalogue's key.
    CATALOG = "in the catalogue"
    # A shift of the staffing plan, which supervisors keep.
    PLAN = "any shift"
    # The address carries the permission itself: a signed link from a mail.
    LINK = "a valid link from a mail"
    # The address of somebody's calendar: it carries the permission itself, until they take it back.
    FEED = "an address that its person made"
    # The body carries the permission itself: signed by the telephone system, not long ago.
    SIGNATURE = "a fresh signature of the telephone system"
    # Companies and people, managed by administrators, who may manage all of them.
    ACCOUNT = "any company and person"
    # The trial's mailbox: everything for administrators; for visitors and staff in a demonstration, what has no real receiver.
    MAILBOX = "administrators: all kept mails; in a demonstration visitors and staff: those to .example addresses"
    # Only this machine may ask.
    LOOPBACK = "requests from this machine"


_ROLES: Final[dict[Who, frozenset[PersonRole]]] = {
    Who.ANYONE: frozenset(PersonRole),
    Who.SIGNED_IN: frozenset(PersonRole),
    Who.CONTACT: frozenset({PersonRole.CONTACT}),
    Who.STAFF: STAFF,
    Who.DESK: frozenset({PersonRole.REPRESENTATIVE, PersonRole.SUPERVISOR}),
    Who.SUPERVISOR: frozenset({PersonRole.SUPERVISOR, PersonRole.ADMINISTRATOR}),
    Who.ADMINISTRATOR: frozenset({PersonRole.ADMINISTRATOR}),
}


@dataclass(frozen=True)
class Policy:
    """Who may use a route, and what the object in its address must be to them; ``rule`` None: the address names no object."""

    who: Who
    rule: Rule | None = None

    def admits(self, role: PersonRole | None) -> bool:
        """Whether somebody of this role may use the route; None is a visitor who is not signed in."""
        return self.who is Who.ANYONE if role is None else role in _ROLES[self.who]
