"""What is allowed with accounts, and for how long things last. Pure: values and a moment in, an answer out.

No storage, no clock, no hashing. Refusals are raised here as message keys; doors turn them into sentences.
"""

import unicodedata
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import available_timezones

from email_validator import EmailNotValidError, validate_email

from chatsvc.accounts.model import STAFF, Identity, Person, PersonRole
from chatsvc.kernel import ids
from chatsvc.kernel.errors import Conflict, Invalid, NotAllowed, NotFound
from chatsvc.kernel.ids import CompanyId, PersonId, SessionId
from chatsvc.kernel.languages import CODES, ENGLISH


@dataclass(frozen=True, kw_only=True)
class AccountRules:
    """Numbers that an operator may change."""

    contact_idle: timedelta = timedelta(hours=12)
    contact_session: timedelta = timedelta(days=30)
    staff_idle: timedelta = timedelta(hours=10)
    staff_session: timedelta = timedelta(hours=16)
    # ``seen_at`` is written at most so often.
    seen_every: timedelta = timedelta(minutes=1)
    # How long links in mails are good for.
    reset_within: timedelta = timedelta(hours=1)
    first_sign_in_within: timedelta = timedelta(days=7)
    known_device_for: timedelta = timedelta(days=400)
    password_shortest: int = 10
    password_longest: int = 200
    # Authorised contacts of a company (P1).
    fewest_contacts: int = 2
    most_contacts: int = 5

    def idle(self, role: PersonRole) -> timedelta:
        """Return after how long without use a session of this role is over."""
        return self.staff_idle if role in STAFF else self.contact_idle

    def lifetime(self, role: PersonRole) -> timedelta:
        """Return after how long a session of this role is over in any case."""
        return self.staff_session if role in STAFF else self.contact_session


# Whoever runs commands on the machine itself: the command line and the demonstration act in this name, no door ever does.
OPERATOR = Identity(
    person=ids.SYSTEM,
    session=SessionId(""),
    role=PersonRole.ADMINISTRATOR,
    name="",
    company=None,
    language=ENGLISH.code,
    zone="UTC",
)


# --- sessions ---------------------------------------------------------------------------------------------------------


def session_is_over(
    role: PersonRole, *, seen_at: datetime, expires_at: datetime, at: datetime, rules: AccountRules
) -> bool:
    """Whether a session that nobody revoked is over at that moment: at its end, or unused for too long (T7)."""
    return at >= expires_at or at - seen_at >= rules.idle(role)


# --- who may do what --------------------------------------------------------------------------------------------------


def require_administrator(who: Identity) -> None:
    """Let only an administrator pass.

    Raises:
        NotAllowed: anybody else.
    """
    if who.role is not PersonRole.ADMINISTRATOR:
        raise NotAllowed("not_allowed", person=who.person)


def may_manage_contacts(who: Identity, company: CompanyId) -> bool:
    """Whether somebody may add, authorise and disable contacts of a company: an administrator, and its own administrator (P2)."""
    is_own = who.role is PersonRole.CONTACT and who.company_admin and who.company == company
    return who.role is PersonRole.ADMINISTRATOR or is_own


def require_contact_management(who: Identity, company: CompanyId) -> None:
    """Let only those pass who may manage this company's contacts.

    Raises:
        NotFound: it is somebody else's company; that it exists is not said (R20).
        NotAllowed: it is the person's own company, and they are not its administrator.
    """
    if may_manage_contacts(who, company):
        return
    if who.is_staff or who.company == company:
        raise NotAllowed("not_allowed", person=who.person)
    raise NotFound("not_found")


def require_management_of(who: Identity, person: Person) -> None:
    """Let only those pass who may change this person's account.

    Raises:
        NotFound, NotAllowed: as for the person's company; staff are changed by administrators alone.
    """
    if person.company is None:
        if not who.is_staff:
            raise NotFound("not_found")
        require_administrator(who)
    else:
        require_contact_management(who, person.company)


def refuse_self(who: Identity, person: PersonId) -> None:
    """Nobody takes away their own access: the last one who could give it back would be gone.

    Raises:
        NotAllowed: they are the same person.
    """
    if who.person == person:
        raise NotAllowed("person.yourself", person=person)


# --- the two to five authorised contacts (P1) -------------------------------------------------------------------------


def require_room_for_contact(authorised: int, rules: AccountRules) -> None:
    """Refuse one contact too many.

    Raises:
        Conflict: the company has as many as it may have.
    """
    if authorised >= rules.most_contacts:
        raise Conflict("contacts.too_many", limit=rules.most_contacts)


def require_enough_contacts_left(authorised: int, rules: AccountRules) -> None:
    """Refuse to go below the fewest that a company may have. ``authorised`` counts the one who is about to go.

    Raises:
        Conflict: too few would be left.
    """
    if authorised <= rules.fewest_contacts:
        raise Conflict("contacts.too_few", limit=rules.fewest_contacts)


# --- what people type -------------------------------------------------------------------------------------------------


def email_key(email: str) -> str:
    """Return what is compared of a mail address: composed, lower case, without anything that cannot be seen. Takes any text."""
    composed = unicodedata.normalize("NFC", email.strip().lower())
    return "".join(character for character in composed if character.isprintable())[:320]


def checked_email(email: str) -> str:
    """Return a mail address as it will be written.

    Raises:
        Invalid: nobody could be reached there. Whether somebody can is shown by the first mail, not by a look-up.
    """
    try:
        checked = validate_email(email.strip(), check_deliverability=False, allow_smtputf8=False)
    except EmailNotValidError:
        raise Invalid("email.invalid", field="email") from None
    return checked.normalized


def check_new_password(password: str, email: str, rules: AccountRules, *, field: str = "password") -> None:
    """Refuse a password that is too short, too long, or the person's own mail address. No other rules: they make passwords worse.

    Raises:
        Invalid: with the reason, and the limit where there is one.
    """
    if len(password) < rules.password_shortest:
        raise Invalid("password.short", field=field, limit=rules.password_shortest)
    if len(password) > rules.password_longest:
        raise Invalid("too_long", field=field, limit=rules.password_longest)
    if email_key(password) == email_key(email):
        raise Invalid("password.common", field=field)


def checked_line(text: str, *, field: str, longest: int = 200) -> str:
    """Return one line of text without what cannot be seen and without double spaces: names of people and companies.

    Raises:
        Invalid: nothing is left, or it is too long.
    """
    line = " ".join("".join(c if c.isprintable() else " " for c in unicodedata.normalize("NFC", text)).split())
    if not line:
        raise Invalid("required", field=field)
    if len(line) > longest:
        raise Invalid("too_long", field=field, limit=longest)
    return line


def checked_language(code: str) -> str:
    """Return the code of a language of the portal (V5).

    Raises:
        Invalid: there is no such language.
    """
    if code not in CODES:
        raise Invalid("choose", field="language")
    return code


def checked_zone(name: str) -> str:
    """Return the IANA name of a time zone.

    Raises:
        Invalid: there is no such zone.
    """
    if name not in available_timezones():
        raise Invalid("choose", field="zone")
    return name


def checked_country(code: str) -> str:
    """Return an ISO 3166 country code in capitals. Which countries have a holiday calendar is for the coverage to say.

    Raises:
        Invalid: it is not two letters.
    """
    if not (len(code) == 2 and code.isascii() and code.isalpha()):
        raise Invalid("choose", field="country")
    return code.upper()
