"""What stands in a mail: kind and facts in, subject, plain text and HTML out, in the receiver's language and time zone.

Each mail is one template that is rendered twice, with parts that know how HTML and how plain text look. Escaping is on for both; the plain
one is unescaped as a whole, which is exact because it has no tags of its own. Links begin with the configured address and with nothing
that a request said (T26). Nothing is read here from a store.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from email.utils import parseaddr
from gettext import NullTranslations
from html import unescape
from pathlib import Path
from typing import Any, Final, NamedTuple, Protocol
from urllib.parse import quote

import msgspec
from icalendar import Calendar, vCalAddress
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from chatsvc.accounts.letters import SetPassword
from chatsvc.accounts.links import Claim, Links, Purpose
from chatsvc.accounts.model import Person
from chatsvc.accounts.policy import AccountRules
from chatsvc.kernel.ids import ConversationId, OutboxId, TicketId
from chatsvc.kernel.languages import LANGUAGES
from chatsvc.notifications import texts
from chatsvc.notifications.mailer import Mail
from chatsvc.notifications.quiet import QuietLinks, Wish
from chatsvc.notifications.texts import N_
from chatsvc.reports.model import ReportRules
from chatsvc.tickets.letters import Matter
from chatsvc.tickets.model import Entry, Kind, Role, Words
from chatsvc.tickets.telling import News

TEMPLATES: Final = Path(__file__).parent / "templates"
# Where links lead; ``web`` serves these paths, and a test there insists.
RESET_PATH: Final = "/reset/{token}"
CALL_PATH: Final = "/calls/{token}"
TICKET_PATH: Final = "/requests/{number}"
DESK_PATH: Final = "/desk/tickets/{number}"
QUIET_PATH: Final = "/mails/quiet/{token}"
REPORT_PATH: Final = "/reports/{report}"
STAFFING_PATH: Final = "/desk/staffing"

_TAGS: Final = {language.code: language.tag for language in LANGUAGES}

# What a line of the log says when nobody wrote it. ``%(name)s`` is who did it.
_EVENTS: Final = {
    Kind.JOINED: N_("%(name)s joined the line for %(line)s"),
    Kind.ACCEPTED: N_("%(name)s joined the conversation"),
    Kind.RETURNED: N_("The connection to the representative was lost. You are back at the front of the line."),
    Kind.ENDED: N_("%(name)s ended the conversation"),
    Kind.END_UNDONE: N_("%(name)s continued the conversation"),
    Kind.WRAPPED_UP: N_("%(name)s completed the ticket"),
    Kind.SOLVED: N_("%(name)s marked the request as solved"),
    Kind.REOPENED: N_("%(name)s opened the request again"),
    Kind.CALL_WANTED: N_("%(name)s asked to be called"),
    Kind.CHAT_WANTED: N_("%(name)s chose to chat instead of a call"),
    Kind.CALLED: N_("%(name)s called"),
    Kind.CALL_OFF: N_("The call is off."),
    Kind.PROPOSED: N_("The answers say that this may be critical. A representative decides."),
    Kind.JUDGED: N_("%(name)s set the priority to %(after)s"),
    Kind.APPEALED: N_("%(name)s asked for a second look at the priority"),
    Kind.ENGLISH_HINT: N_("This talk is in English."),
    Kind.DUE: N_("A promise comes due."),
    Kind.ASKED: N_("%(name)s needs something from you: %(needed)s"),
    Kind.CLOSED: N_("%(name)s closed the request"),
    Kind.TEAM: N_("%(name)s handed the request over to another team"),
    Kind.OWNER: N_("%(name)s said who works on it"),
    Kind.FOLLOWED: N_("%(name)s put %(who)s in copy"),
    Kind.UNFOLLOWED: N_("%(name)s took %(who)s out of copy"),
    Kind.MERGED: N_("%(name)s let this go on in request %(number)s"),
    Kind.MERGED_IN: N_("%(name)s let request %(number)s go on here"),
    Kind.CONTINUES: N_("%(name)s goes on here from request %(number)s"),
    Kind.INCIDENT: N_("%(name)s linked this to an incident"),
    Kind.TAKEN_BACK: N_("%(name)s took the last change back"),
}
_HANDED_TO_NAME: Final = N_("%(name)s handed the conversation over to %(to_name)s")
_HANDED_TO_LINE: Final = N_("%(name)s handed the conversation over to the %(to_line)s team")
_LEFT: Final = N_("%(name)s left the line")
_LOST: Final = N_("%(name)s was away for too long and left the line")
_CLOSED_BY_SILENCE: Final = N_("The request was closed because there was no answer")
_COMPLETED_BY_ITSELF: Final = N_("The ticket was completed")


class Envelope(NamedTuple):
    """What is known of a mail before it is written."""

    id: OutboxId
    # When its cause happened.
    at: datetime


class TicketOpened(msgspec.Struct, frozen=True):
    """Payload of ``mail.ticket_confirmation`` (T5)."""

    number: int
    # None in rows that were written before mails of a ticket hung together.
    ticket: TicketId | None = None


class ReportReady(msgspec.Struct, frozen=True):
    """Payload of ``mail.report_ready`` (T12)."""

    report: str


class TicketNews(msgspec.Struct, frozen=True):
    """Payload of the mails about what happens to a ticket."""

    ticket: TicketId
    number: int
    # Whether the receiver opened it; otherwise they follow it.
    requester: bool
    # Whether they get it also when they asked for quiet.
    essential: bool
    # Entries of the shared log that it is about; 0: none.
    first: int = 0
    last: int = 0
    # The same where it is one.
    entry: int = 0
    # Of a closing: ``person``, ``silence``, ``merged``.
    why: str = ""
    # The number of the ticket in which a merged one goes on; 0: it is not merged.
    into: int = 0


class PromiseDue(msgspec.Struct, frozen=True):
    """Payload of ``mail.promise_due`` (V1)."""

    ticket: TicketId
    number: int
    # ``initial``, ``ongoing``, ``target``.
    promise: str
    # ``warned`` or ``breached``.
    what: str
    due_at: datetime


class OverSlot(msgspec.Struct, frozen=True):
    """A time for calls that is promised more often than the staffing plan carries."""

    line: str
    begins_at: datetime
    taken: int
    capacity: int


class StaffingOver(msgspec.Struct, frozen=True):
    """Payload of ``mail.staffing_over``."""

    # Who changed the plan; empty: nobody did.
    by: str
    slots: tuple[OverSlot, ...]
    # Who is planned and can no longer sign in; empty, and nobody changed the plan: calls take longer than before.
    gone: str = ""


class CallNews(msgspec.Struct, frozen=True):
    """Payload of ``mail.callback``: everything that the mail says, as it was when it happened (C3, C4)."""

    # ``booked``, ``moved``, ``renumbered``, ``put_off``, ``reminder``, ``next``, ``apology``, ``number``, ``declined``, or how it ended.
    what: str
    ticket: TicketId
    number: int
    line: str
    # Masked.
    telephone: str
    code: str
    # None: as soon as it is their turn.
    slot_at: datetime | None
    # IANA name: in which zone the time is meant.
    zone: str
    # Of the page of the call.
    token: str
    calendar: str | None = None
    # Before which nobody calls; None: nothing was put off.
    not_before_at: datetime | None = None


class ConversationClosed(msgspec.Struct, frozen=True):
    """Payload of ``mail.transcript`` (K4)."""

    conversation: ConversationId


class Transcript(Protocol):
    """A conversation's ticket with its whole shared log, as the room of conversations reads it when the mail goes out."""

    @property
    def number(self) -> int:
        """The ticket's number."""
        ...

    @property
    def subject(self) -> str:
        """The ticket's subject."""
        ...

    @property
    def entries(self) -> Iterable[Entry]:
        """The shared log, by number."""
        ...


class Composer:
    """Writes mails."""

    def __init__(
        self,
        *,
        base_url: str,
        mail_from: str,
        links: Links,
        rules: AccountRules | None = None,
        lines: Mapping[str, str] | None = None,
        quiet: QuietLinks | None = None,
        catalogue: Callable[[str], NullTranslations] = texts.catalogue,
    ) -> None:
        """Prepare.

        Args:
            base_url: under which people reach the pages, without a slash at its end.
            mail_from: the sender of every mail.
            links: makes the links that set a password.
            rules: for how long those are good.
            lines: a line's key -> its name; an unknown key is shown as it is.
            quiet: makes the links that ask for no more mails about a ticket; None: mails carry none.
            catalogue: a language's code -> its texts.
        """
        self._base_url = base_url
        self._mail_from = mail_from
        self._host = parseaddr(mail_from)[1].rpartition("@")[2]
        self._links = links
        self._rules = rules or AccountRules()
        self._lines = lines or {}
        self._quiet = quiet
        self._catalogue = catalogue
        self._environment = _environment()

    def set_password(self, envelope: Envelope, to: Person, facts: SetPassword) -> Mail:
        """Write the mail with a link to set a password, the first or a new one (P3).

        The first mail to somebody new does not say their name: whoever added them wrote it, and the address may be a stranger's (T28).
        """
        is_first = facts.purpose is Purpose.FIRST_SIGN_IN
        token = self._links.make(facts.purpose, Claim(to.id, facts.epoch), at=envelope.at)
        within = self._rules.first_sign_in_within if is_first else self._rules.reset_within
        href = self._link(RESET_PATH, token=token)
        facts_shown = {"first": is_first, "href": href, "days": within.days, "hours": within // timedelta(hours=1)}
        return self._write("set_password.html", envelope, to, name="" if is_first else to.name, **facts_shown)

    def ticket_confirmation(self, envelope: Envelope, to: Person, facts: TicketOpened) -> Mail:
        """Write the mail that says that a ticket exists, its number and where it is (T5)."""
        href = self._link(TICKET_PATH, number=facts.number)
        mail = self._write("ticket_confirmation.html", envelope, to, name=to.name, number=facts.number, href=href)
        return mail if facts.ticket is None else replace(mail, thread=self._thread(facts.ticket))

    def ticket_news(self, envelope: Envelope, to: Person, news: News, facts: TicketNews, matter: Matter) -> Mail:
        """Write a mail about what happened to a ticket (T5, T8, T9): it says that answers belong on the ticket's page (T13)."""
        unsubscribe = None
        if self._quiet is not None and not facts.essential:
            unsubscribe = self._link(QUIET_PATH, token=self._quiet.make(Wish(to.id, matter.id)))
        mail = self._write(
            f"{news.removeprefix('mail.')}.html",
            envelope,
            to,
            name=to.name,
            number=matter.number,
            subject=_one_line(matter.subject),
            href=self._link(TICKET_PATH, number=facts.into or matter.number),
            quiet_href=unsubscribe or "",
            requester=facts.requester,
            why=facts.why,
            into=facts.into,
            closes=self._day(matter.closes_at, to),
            reopens="" if facts.into else self._day(matter.reopen_until, to),
            entries=[self._line(entry, to) for entry in matter.entries if entry.kind == Kind.MESSAGE],
            **self._said(matter, facts),
        )
        return replace(mail, thread=self._thread(matter.id), unsubscribe=unsubscribe)

    def promise_due(self, envelope: Envelope, to: Person, facts: PromiseDue, matter: Matter) -> Mail:
        """Write the mail that tells staff of a promise that comes due or is broken (V1)."""
        mail = self._write(
            "promise_due.html",
            envelope,
            to,
            name=to.name,
            number=facts.number,
            subject=_one_line(matter.subject),
            promise=facts.promise,
            broken=facts.what == "breached",
            owner=matter.owner == to.id,
            when=texts.appointment(facts.due_at, language=to.language, zone=to.zone),
            zone=texts.zone_name(to.zone, language=to.language),
            href=self._link(DESK_PATH, number=facts.number),
        )
        return replace(mail, thread=self._thread(facts.ticket))

    def staffing_over(self, envelope: Envelope, to: Person, facts: StaffingOver) -> Mail:
        """Write the mail that tells supervisors of times for calls that are promised more often than the plan carries."""
        words = self._catalogue(to.language)
        slots = [
            {
                "line": words.gettext(self._lines.get(slot.line, slot.line)),
                "when": texts.appointment(slot.begins_at, language=to.language, zone=to.zone),
                "taken": slot.taken,
                "capacity": slot.capacity,
            }
            for slot in facts.slots
        ]
        return self._write(
            "staffing_over.html",
            envelope,
            to,
            name=to.name,
            by=facts.by,
            gone=facts.gone,
            slots=slots,
            zone=texts.zone_name(to.zone, language=to.language),
            href=self._link(STAFFING_PATH),
        )

    def _said(self, matter: Matter, facts: TicketNews) -> dict[str, str]:
        """What the entry that a mail is about says: what is needed, or the solution; else what the ticket says now."""
        said = next((entry for entry in matter.entries if entry.number == facts.entry), None)
        body = {} if said is None else msgspec.json.decode(said.body, type=dict)
        needed = body.get("needed") or matter.needed
        return {"needed": needed, "solution": body.get("solution", ""), "who": "" if said is None else said.name}

    def _day(self, moment: datetime | None, to: Person) -> str:
        return "" if moment is None else texts.day(moment, language=to.language, zone=to.zone)

    def _thread(self, ticket: TicketId) -> str:
        return f"<{ticket}@{self._host}>"

    def call_news(self, envelope: Envelope, to: Person, facts: CallNews) -> Mail:
        """Write a mail about what has become of a call; an invitation goes with it, or takes itself back (C3, C4)."""
        at = facts.not_before_at if facts.what == "put_off" else facts.slot_at
        when = "" if at is None else texts.appointment(at, language=to.language, zone=facts.zone)
        words = self._catalogue(to.language)
        mail = self._write(
            "callback.html",
            envelope,
            to,
            name=to.name,
            what=facts.what,
            number=facts.number,
            line=words.gettext(self._lines.get(facts.line, facts.line)),
            telephone=facts.telephone,
            code=facts.code,
            when=when,
            zone=texts.zone_name(facts.zone, language=to.language),
            href=self._link(CALL_PATH, token=facts.token),
        )
        calendar = None if facts.calendar is None else _addressed(facts.calendar, parseaddr(mail.sender)[1], to.email)
        return replace(mail, thread=self._thread(facts.ticket), calendar=calendar)

    def report_ready(self, envelope: Envelope, to: Person, facts: ReportReady) -> Mail:
        """Write the mail that says that a report can be downloaded (T12)."""
        href = self._link(REPORT_PATH, report=facts.report)
        days = ReportRules().kept_for.days
        return self._write("report_ready.html", envelope, to, name=to.name, href=href, days=days)

    def transcript(self, envelope: Envelope, to: Person, facts: Transcript) -> Mail:
        """Write the mail with everything that was said (K4)."""
        return self._write(
            "transcript.html",
            envelope,
            to,
            name=to.name,
            number=facts.number,
            subject=_one_line(facts.subject),
            href=self._link(TICKET_PATH, number=facts.number),
            zone=texts.zone_name(to.zone, language=to.language),
            entries=[self._line(entry, to) for entry in facts.entries],
        )

    def _write(self, template: str, envelope: Envelope, to: Person, *, name: str, **facts: Any) -> Mail:
        words, name = self._catalogue(to.language), _one_line(name)
        environment = self._environment.overlay()
        environment.install_gettext_translations(words, newstyle=True)  # type: ignore[attr-defined]
        source = environment.get_template(template)

        def rendered(form: str) -> str:
            return source.render(form=form, lang=_TAGS.get(to.language, "en"), name=name, **facts)

        subject, _, text = unescape(rendered("txt")).strip().partition("\n")
        return Mail(
            id=envelope.id,
            message_id=f"<{envelope.id}@{self._host}>",
            sender=self._mail_from,
            to_name=name,
            to_address=to.email,
            subject=_one_line(subject),
            text=_without_wide_gaps(text),
            html=rendered("html"),
            at=envelope.at,
        )

    def _link(self, path: str, **parts: object) -> str:
        return self._base_url + path.format_map({key: quote(str(part), safe="") for key, part in parts.items()})

    def _line(self, entry: Entry, to: Person) -> dict[str, Any]:
        """An entry as the template shows it: who (empty for events), when, what, and the names of files."""
        at = texts.stamp(entry.at, language=to.language, zone=to.zone)
        if entry.kind == Kind.MESSAGE:
            said = msgspec.json.decode(entry.body, type=Words)
            return {"who": entry.name, "at": at, "text": said.text, "files": [file.name for file in said.files]}
        return {"who": "", "at": at, "text": self._event(entry, self._catalogue(to.language)), "files": []}

    def _event(self, entry: Entry, words: NullTranslations) -> str:
        facts: dict[str, Any] = defaultdict(str, name=entry.name, **msgspec.json.decode(entry.body, type=dict))
        for key in ("line", "to_line"):
            facts[key] = words.gettext(self._lines.get(str(facts.get(key)), str(facts.get(key))))
        match entry.kind:
            case Kind.HANDED_OVER:
                sentence = _HANDED_TO_NAME if facts.get("to_name") else _HANDED_TO_LINE
            case Kind.LEFT_LINE:
                sentence = _LOST if facts.get("why") == "lost" else _LEFT
            case Kind.RATED:
                stars = int(facts.get("rating", 0))
                return words.ngettext("%(name)s gave %(n)s star", "%(name)s gave %(n)s stars", stars) % {
                    **facts,
                    "n": stars,
                }
            case Kind.CLOSED if facts.get("why") == "silence":
                sentence = _CLOSED_BY_SILENCE
            case Kind.WRAPPED_UP if entry.role is Role.SYSTEM:
                sentence = _COMPLETED_BY_ITSELF
            case known if known in _EVENTS:
                sentence = _EVENTS[Kind(known)]
            case unknown:
                return unknown.replace("_", " ")
        return words.gettext(sentence) % facts


def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
    )


def _addressed(invitation: str, organizer: str, attendee: str) -> str:
    """Return an invitation with who sends it and who gets it: without both, calendars do not take it for one (RFC 5546, 3.2.2)."""
    calendar = Calendar.from_ical(invitation)
    for event in calendar.walk("VEVENT"):
        event.add("organizer", vCalAddress(f"mailto:{organizer}"))
        # They have asked for it themselves, so nothing is left to be answered.
        asked = {"PARTSTAT": "ACCEPTED", "RSVP": "FALSE"}
        event.add("attendee", vCalAddress(f"mailto:{attendee}"), parameters=asked)
    return str(calendar.to_ical(), "utf-8")


def _one_line(text: str) -> str:
    """The text without line breaks: in a header they would begin another one."""
    return " ".join(text.split())


def _without_wide_gaps(text: str) -> str:
    lines = "\n".join(line.rstrip() for line in text.strip().splitlines())
    return re.sub(r"\n{3,}", "\n\n", lines) + "\n"
