"""What stands in a mail."""

import re
from datetime import UTC, datetime
from email import message_from_bytes, policy
from gettext import NullTranslations
from html.parser import HTMLParser
from pathlib import Path

import pytest

from chatsvc.accounts.letters import SetPassword
from chatsvc.accounts.links import Claim, Purpose
from chatsvc.accounts.model import Person, PersonRole
from chatsvc.kernel.clock import ManualClock
from chatsvc.kernel.ids import CompanyId, OutboxId, PersonId
from chatsvc.notifications.compose import TEMPLATES, Composer, Envelope, ReportReady, TicketOpened
from chatsvc.notifications.mailer import Mail, message_of
from chatsvc.tickets.model import Entry, Kind
from tests.chatsvc.notifications.post import BASE_URL, LINKS, Conversation, composer, entry, picture

MORNING = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
CLOCK = ManualClock(MORNING)
ENVELOPE = Envelope(OutboxId("ob_1"), MORNING)
HOSTILE = "<script>alert(1)</script>\"'&amp;{{ 7*7 }}\r\nBcc: x@evil.example"


def person(**details: object) -> Person:
    values = {
        "id": PersonId("pe_anna"),
        "company": CompanyId("co_acme"),
        "role": PersonRole.CONTACT,
        "name": "Anna",
        "email": "anna@acme.example",
        "authorised": True,
        "company_admin": False,
        "language": "en",
        "zone": "Europe/Berlin",
        "has_password": True,
        "disabled_at": None,
        **details,
    }
    return Person(**values)  # type: ignore[arg-type]


def conversation(*entries: Entry, subject: str = "Receipt is upside down") -> Conversation:
    return Conversation(subject=subject, entries=entries)


def whole_conversation(text: str = "Hello & welcome <b>") -> Conversation:
    return conversation(
        entry(1, Kind.JOINED, "Anna", clock=CLOCK, line="expense"),
        entry(2, Kind.ACCEPTED, "Ravi", clock=CLOCK),
        entry(3, Kind.MESSAGE, "Ravi", clock=CLOCK, text=text),
        entry(4, Kind.MESSAGE, "Anna", clock=CLOCK, text="See", files=(picture("a <b>.png"),)),
        entry(5, Kind.HANDED_OVER, "Ravi", clock=CLOCK, to_name="Mei"),
        entry(6, Kind.HANDED_OVER, "Mei", clock=CLOCK, to_line="expense"),
        entry(7, Kind.RETURNED, clock=CLOCK),
        entry(8, Kind.LEFT_LINE, "Anna", clock=CLOCK, why="lost"),
        entry(9, Kind.ENDED, "Anna", clock=CLOCK),
        entry(10, Kind.WRAPPED_UP, clock=CLOCK, by_itself=True),
        entry(11, Kind.RATED, "Anna", clock=CLOCK, rating=5),
    )


def all_mails(written_by: Composer, to: Person, text: str = "Hello", subject: str = "Receipt") -> dict[str, Mail]:
    return {
        "first": written_by.set_password(ENVELOPE, to, SetPassword(Purpose.FIRST_SIGN_IN, 0)),
        "reset": written_by.set_password(ENVELOPE, to, SetPassword(Purpose.RESET_PASSWORD, 3)),
        "report": written_by.report_ready(ENVELOPE, to, ReportReady("rp_1")),
        "confirmation": written_by.ticket_confirmation(ENVELOPE, to, TicketOpened(4812)),
        "transcript": written_by.transcript(
            ENVELOPE, to, Conversation(subject=subject, entries=whole_conversation(text).entries)
        ),
    }


def test_reset_mail_carries_a_link_that_opens() -> None:
    mail = composer().set_password(ENVELOPE, person(), SetPassword(Purpose.RESET_PASSWORD, 3))

    [link] = set(re.findall(rf"{BASE_URL}/reset/(\S+)", mail.text))
    assert mail.subject == "Choose a new password for Holdline"
    assert "Hello Anna," in mail.text
    assert "The link works once, for 1 hour." in mail.text
    assert f'href="{BASE_URL}/reset/{link}"' in mail.html
    claim = LINKS.read(Purpose.RESET_PASSWORD, link, at=MORNING, within=MORNING - MORNING)
    assert claim == Claim(PersonId("pe_anna"), 3)


def test_first_mail_carries_no_word_that_somebody_else_chose() -> None:
    mail = composer().set_password(
        ENVELOPE, person(name="Buy now at evil.example"), SetPassword(Purpose.FIRST_SIGN_IN, 0)
    )

    assert mail.subject == "Set your password for Holdline"
    assert "The link works once, for 7 days." in mail.text
    assert "evil" not in mail.text + mail.html + str(message_of(mail))


def test_confirmation_has_number_and_link() -> None:
    mail = composer().ticket_confirmation(ENVELOPE, person(), TicketOpened(4812))

    assert mail.subject == "Your ticket has the number 4812"
    assert f"Open the ticket:\n{BASE_URL}/requests/4812\n" in mail.text
    assert f'href="{BASE_URL}/requests/4812"' in mail.html


def test_transcript_tells_everything_in_order_and_in_the_readers_time() -> None:
    mail = composer().transcript(ENVELOPE, person(), whole_conversation())

    assert mail.subject == "Your conversation, ticket 4812: Receipt is upside down"
    expected = [
        "Anna joined the line for Expense",
        "Ravi joined the conversation",
        "Ravi, 2 Mar 2026, 10:00:00\nHello & welcome <b>",
        "Anna, 2 Mar 2026, 10:00:00\nSee\nFiles: a <b>.png",
        "Ravi handed the conversation over to Mei",
        "Mei handed the conversation over to the Expense team",
        "The connection to the representative was lost. You are back at the front of the line.",
        "Anna was away for too long and left the line",
        "Anna ended the conversation",
        "The ticket was completed",
        "Anna gave 5 stars",
        "Times are in your zone, Central European Time.",
    ]
    places = [mail.text.index(sentence) for sentence in expected]
    assert places == sorted(places)
    assert "Hello &amp; welcome &lt;b&gt;" in mail.html


_NOBODY_DID_IT = (Kind.RETURNED, Kind.CALL_OFF, Kind.PROPOSED, Kind.DUE, Kind.ENGLISH_HINT)


def test_every_kind_of_entry_has_a_sentence() -> None:
    for kind in Kind:
        if kind in (Kind.MESSAGE, Kind.NOTE):
            continue
        mail = composer().transcript(
            ENVELOPE, person(), conversation(entry(1, kind, "Anna", clock=CLOCK, line="x", to_line="x", rating=1))
        )
        told = mail.text.partition("-" * 62)[2]
        assert kind.value.replace("_", " ") not in told.splitlines()
        assert "Anna" in told or kind in _NOBODY_DID_IT


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()
        self.hrefs: set[str] = set()
        self.texts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.add(tag)
        self.hrefs |= {value or "" for name, value in attrs if name in ("href", "src")}

    def handle_data(self, data: str) -> None:
        self.texts.append(data.strip())


@pytest.mark.parametrize("kind", ["reset", "confirmation", "report", "transcript"])
def test_hostile_words_stay_words(kind: str) -> None:
    mail = all_mails(composer(), person(name=HOSTILE), text=HOSTILE, subject=HOSTILE)[kind]

    tags = _Tags()
    tags.feed(mail.html)
    assert "script" not in tags.names
    assert all(href.startswith(BASE_URL) for href in tags.hrefs)
    assert "<script>alert(1)</script>\"'&amp;{{ 7*7 }} Bcc: x@evil.example" in mail.text
    arrived = message_from_bytes(bytes(message_of(mail)), policy=policy.default)
    assert "Bcc" not in arrived
    assert len(arrived["To"].addresses) == 1


@pytest.mark.parametrize("kind", ["first", "reset", "confirmation", "report", "transcript"])
def test_every_link_begins_with_the_configured_address(kind: str) -> None:
    mail = all_mails(composer(), person())[kind]

    assert all(link.startswith(BASE_URL + "/") for link in re.findall(r"https?://\S+", mail.text))


def test_mail_written_again_is_the_same_mail() -> None:
    once, again = all_mails(composer(), person()), all_mails(composer(), person())

    assert once == again
    assert once["reset"].message_id == "<ob_1@holdline.example>"


class _Bracketed(NullTranslations):
    def gettext(self, message: str) -> str:
        return f"⟦{message}⟧"

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        return f"⟦{msgid1 if n == 1 else msgid2}⟧"


@pytest.mark.parametrize("kind", ["first", "reset", "confirmation", "report", "transcript"])
def test_no_text_is_left_out_of_gettext(kind: str) -> None:
    to = person(name="0")
    written_by = composer(catalogue=lambda code: _Bracketed(), lines={"expense": "0"})
    mail = all_mails(written_by, to, text="0", subject="0")[kind]

    tags = _Tags()
    tags.feed(mail.html)
    bare = re.compile(r"https?://\S+|Holdline|Central European Time|Anna|Ravi|Mei|See|2 Mar 2026|a <b>\.png")
    for text in [*tags.texts, mail.subject]:
        left = bare.sub("", text)
        while "⟦" in left:  # a sentence may hold a translated word
            left = re.sub(r"⟦[^⟦⟧]*⟧", "", left)
        assert not re.search(r"[A-Za-z]", left), text


def test_dates_follow_the_readers_language() -> None:
    mail = composer().transcript(ENVELOPE, person(language="de", zone="Asia/Tokyo"), whole_conversation())

    assert "02.03.2026, 18:00:00" in mail.text
    assert '<html lang="de">' in mail.html


def test_a_mail_has_a_plain_and_an_html_side_and_no_robot_answers_it() -> None:
    message = message_of(composer().ticket_confirmation(ENVELOPE, person(name="Änne 安娜"), TicketOpened(4812)))

    assert [part.get_content_type() for part in message.iter_parts()] == ["text/plain", "text/html"]
    assert message["To"] == "Änne 安娜 <anna@acme.example>"
    assert message["From"] == "Holdline <support@holdline.example>"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Date"].datetime == MORNING


def test_templates_say_what_they_need() -> None:
    for path in Path(TEMPLATES).iterdir():
        assert path.read_text(encoding="utf-8").startswith("{#"), path.name
