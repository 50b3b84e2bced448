"""What the forms of the pages carry, as types. Their fields have the names of the inputs in the templates."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from chatsvc.hub.frames import Code, Id, Key
from web.api.bodies import Line, Note, Prose

Email = Annotated[str, Meta(min_length=1, max_length=320)]
Password = Annotated[str, Meta(min_length=1, max_length=200)]
Path = Annotated[str, Meta(max_length=2_000)]
YesNo = Literal["yes", "no"]


class Form(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a form carries."""


class Nothing(Form, frozen=True):
    """A form with a button and nothing else."""


class SignInForm(Form, frozen=True):
    """Sign in."""

    email: Email
    password: Password
    next: Path = ""


class SignInQuery(Form, frozen=True):
    """Where to go on to after signing in."""

    next: Path = ""


class ForgotForm(Form, frozen=True):
    """Ask for a link."""

    email: Email


class ResetForm(Form, frozen=True):
    """Set a password by a link."""

    password: Password
    again: Password


class LanguageForm(Form, frozen=True):
    """Choose a language without an account."""

    language: Code | Literal["zh_Hans", "pt_BR"]
    next: Path = ""


class ChatForm(Form, frozen=True):
    """Stand in line. The answers of the impact interview stand beside these fields; their names are the catalogue's."""

    key: Key
    subject: Line
    description: Prose
    # Whom to reach about a critical request (V3).
    contact_name: Annotated[str, Meta(max_length=200)] = ""
    contact_phone: Annotated[str, Meta(max_length=200)] = ""
    speaks_english: YesNo = "no"


class SayForm(Form, frozen=True):
    """Say something, in a chat or on a ticket."""

    key: Key
    text: Annotated[str, Meta(max_length=8_000)] = ""
    # Sent by the console's composer, which has both; the address decides.
    mode: Literal["message", "note"] = "message"


class NoteForm(Form, frozen=True):
    """An internal note."""

    key: Key
    note: Annotated[str, Meta(min_length=1, max_length=8_000)]


class RateForm(Form, frozen=True):
    """Rate a conversation."""

    rating: Annotated[int, Meta(ge=1, le=5)]
    comment: Annotated[str, Meta(max_length=1_000)] = ""


class QuietForm(Form, frozen=True):
    """No more mails about a ticket: pressed on the page, or sent by a mail program, which says so (RFC 8058)."""

    one_click: Literal["", "One-Click"] = msgspec.field(name="List-Unsubscribe", default="")


class NewRequestQuery(Form, frozen=True):
    """With what the form begins: an unfinished one, or what a link knows already."""

    draft: Key | None = None
    reason: Code | None = None
    product: Code | None = None
    subject: Annotated[str, Meta(max_length=200)] = ""


class DraftKeyForm(Form, frozen=True):
    """Which unfinished form."""

    key: Key


class FollowForm(Form, frozen=True):
    """Who reads along; nobody named: the reader."""

    person: Id | None = None


class AskForm(Form, frozen=True):
    """What is needed of the customer (T8)."""

    needed: Annotated[str, Meta(min_length=1, max_length=8_000)]


class SolveForm(Form, frozen=True):
    """How it was solved (T1)."""

    solution: Annotated[str, Meta(max_length=8_000)] = ""


class HandOverForm(Form, frozen=True):
    """To which team, and what it should know."""

    team: Code
    note: Annotated[str, Meta(max_length=2_000)] = ""


class OwnerForm(Form, frozen=True):
    """Who works on it."""

    owner: Literal["me", "nobody"]


class IncidentForm(Form, frozen=True):
    """To which incident it belongs; empty: to none."""

    incident: Annotated[str, Meta(max_length=40)] = ""


class MergeForm(Form, frozen=True):
    """In which ticket a duplicate goes on."""

    into: Annotated[int, Meta(ge=1, le=2**53)]


class TicketsQuery(Form, frozen=True):
    """Which list of tickets, and which part of it."""

    view: Literal["mine", "my_team", "unassigned", "due", "breached", "open"] = "mine"
    after: Annotated[str, Meta(max_length=200)] | None = None
    text: Annotated[str, Meta(max_length=200)] = ""
    product: Code | None = None
    severity: Literal["P1", "P2", "P3", "P4"] | None = None
    team: Code | None = None
    # What was done to many just now, and can be taken back.
    undo: Id | None = None


class BulkForm(Form, frozen=True):
    """What is done to many tickets at once."""

    change: Literal["take", "nobody", "team", "solved", "closed", "incident"]
    tickets: tuple[Annotated[str, Meta(max_length=15, pattern="^[0-9]+$")], ...] = ()
    team: Code | None = None
    incident: Annotated[str, Meta(max_length=40)] = ""


class UndoForm(Form, frozen=True):
    """Take back what was done to many."""

    bulk: Id


class WaitsQuery(Form, frozen=True):
    """Of how many days, that of today and those before."""

    days: Literal["7", "28", "90"] = "28"


class RepliesPageQuery(Form, frozen=True):
    """Which saved reply is open."""

    reply: Id | None = None


class ReplyForm(Form, frozen=True):
    """A saved reply."""

    title: Annotated[str, Meta(min_length=1, max_length=100)]
    text: Annotated[str, Meta(min_length=1, max_length=4_000)]
    line: Code | None = None
    whose: Literal["mine", "all"] = "mine"


class ReplyChangeForm(Form, frozen=True):
    """A saved reply, changed."""

    title: Annotated[str, Meta(min_length=1, max_length=100)]
    text: Annotated[str, Meta(min_length=1, max_length=4_000)]
    version: int
    line: Code | None = None


class ReportForm(Form, frozen=True):
    """Which report, and of what."""

    report: Code
    # Days such as ``2027-03-01``; empty: from the first, to the last.
    since: Annotated[str, Meta(max_length=10)] = ""
    until: Annotated[str, Meta(max_length=10)] = ""
    # Empty: all.
    states: tuple[Literal["open", "awaiting", "solved", "closed"], ...] = ()
    products: tuple[Code, ...] = ()
    # For staff: one company only.
    company: Id | None = None


class RequestsQuery(Form, frozen=True):
    """Which part of my requests."""

    show: Literal["current", "open", "awaiting", "ended", "all"] = "current"
    text: Annotated[str, Meta(max_length=200)] = ""
    product: Code | None = None
    whose: Literal["all", "own", "followed"] = "all"
    before: Annotated[int, Meta(ge=1, le=2**53)] | None = None


class TranscriptQuery(Form, frozen=True):
    """In which form."""

    form: Literal["text", "html"] = "text"


class ProfileForm(Form, frozen=True):
    """Language and appearance."""

    language: str
    theme: Literal["auto", "light", "dark"]


class PasswordForm(Form, frozen=True):
    """Change the password."""

    current: Password
    password: Password
    again: Password
    # Tells password managers whose it is; not looked at.
    username: Annotated[str, Meta(max_length=320)] = ""


class TicketFieldsForm(Form, frozen=True):
    """The fields of a ticket, as staff change them."""

    version: int
    subject: Line
    state: Literal["open", "awaiting", "solved", "closed"]
    team: Code
    # None: it concerns none of them.
    product: Code | None = None
    # None: as it is. It is judged, which a downgrade without a reason is not (V2).
    severity: Literal["P1", "P2", "P3", "P4"] | None = None
    reason: Code | None = None
    environment: Code | None = None


class JudgeForm(Form, frozen=True):
    """How urgent a ticket is, and the reason that the customer reads."""

    version: int
    severity: Literal["P1", "P2", "P3", "P4"]
    # The reason; its input has another name than the reason among the fields beside it.
    why: Annotated[str, Meta(max_length=1_000)] = ""


class AppealForm(Form, frozen=True):
    """Why somebody should look again."""

    reason: Annotated[str, Meta(min_length=1, max_length=1_000)]


class PeopleQuery(Form, frozen=True):
    """Which company is open."""

    company: Id | None = None


class CompanyForm(Form, frozen=True, rename=lambda name: f"company-{name}"):
    """Add a company."""

    name: Line
    zone: Line
    country: Annotated[str, Meta(min_length=2, max_length=2)]


class ServicesForm(Form, frozen=True):
    """What a company is subscribed to; whatever is not named it does not have."""

    services: tuple[Code, ...] = ()


class ContactForm(Form, frozen=True, rename=lambda name: f"contact-{name}"):
    """Add a contact."""

    name: Line
    email: Email
    language: str = "en"
    authorised: YesNo = "no"


class StaffForm(Form, frozen=True, rename=lambda name: f"staff-{name}"):
    """Add a colleague."""

    name: Line
    email: Email
    role: Literal["representative", "supervisor", "administrator"]
    lines: tuple[Code, ...] = ()


class TeamsForm(Form, frozen=True):
    """In which teams somebody works; in those that are not named they do not."""

    teams: tuple[Code, ...] = ()


class ColleaguesForm(Form, frozen=True):
    """Whether the contacts of a company read all its tickets (T6)."""

    colleagues: YesNo = "no"


class AuthoriseForm(Form, frozen=True):
    """Grant or withdraw the permission to contact Support (P1)."""

    authorised: YesNo


class DisableForm(Form, frozen=True):
    """Shut somebody out, or let them in again."""

    disabled: YesNo


__all__ = [name for name in dir() if name.endswith(("Form", "Query"))] + ["Note", "Nothing"]
