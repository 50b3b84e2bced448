"""Mails about what happens to a ticket: what stands in them, for whom, how they hang together (T5, T8, T9, T13, T14, R14)."""

import ast
import re
from collections.abc import AsyncIterator
from datetime import timedelta
from email.message import EmailMessage
from pathlib import Path

import pytest

from chatsvc.accounts.model import Identity
from chatsvc.db.due import Agenda
from chatsvc.db.engine import Database
from chatsvc.files.actions import Files
from chatsvc.kernel.clock import ManualClock
from chatsvc.kernel.ids import TicketId
from chatsvc.notifications import clerk
from chatsvc.notifications.mailer import message_of
from chatsvc.notifications.mailer_memory import MemoryMailer
from chatsvc.notifications.mailer_smtp import SMTPMailer
from chatsvc.notifications.quiet import Wish
from chatsvc.notifications.sender import LEASE
from chatsvc.tickets.actions import Tickets
from chatsvc.tickets.clock_keeping import Clocks
from chatsvc.tickets.logbook import LogBook
from chatsvc.tickets.policy import TicketRules
from chatsvc.tickets.store import Opened
from chatsvc.tickets.telling import News
from tests.builders import a_contact, a_representative, a_supervisor, a_ticket
from tests.chatsvc.conversations.house import CATALOG, OneCalendar
from tests.chatsvc.notifications.post import BASE_URL, QUIET, PostOffice, Sink
from tests.forging import forged

DAY = timedelta(days=1)


class Desk:
    """A ticket of Claire's that Jan follows, Ravi who works on it, and everybody's mail."""

    def __init__(self, database: Database, logbook: LogBook, folder: Path) -> None:
        self.database = database
        self.tickets = Tickets(database, logbook, Files(database, folder, most_bytes=1_000), TicketRules())
        self.agenda = Agenda(database, self.tickets.handlers())
        self.clocks = Clocks(database, logbook, CATALOG, OneCalendar(), TicketRules())
        self.post = PostOffice(database)
        self.mailer = MemoryMailer()

    async def open(self) -> None:
        self.claire: Identity = await a_contact(self.database, name="Claire", email="claire@acme.example")
        self.jan = await a_contact(self.database, self.claire.company, name="Jan", email="jan@acme.example")
        self.ravi = await a_representative(self.database, name="Ravi")
        self.ticket: Opened = await a_ticket(self.database, self.claire, subject="Report is blank")
        await self.tickets.follow(self.claire, self.ticket.id, self.jan.person)

    async def mails(self) -> list[tuple[str, str]]:
        """Send what is due; return whom it went to and its subject, in order, since the last time."""
        before = len(self.mailer.sent)
        while await self.post.sender(self.mailer).run_once():
            pass
        found = self.mailer.sent[before:]
        return sorted((mail.to_name, mail.subject.replace(str(self.ticket.number), "N")) for mail in found)

    @property
    def last(self) -> str:
        return self.mailer.sent[-1].text


@pytest.fixture
async def desk(database: Database, tmp_path: Path) -> AsyncIterator[Desk]:
    logbook = LogBook(database)
    logbook.start()
    desk = Desk(database, logbook, tmp_path)
    await desk.open()
    yield desk
    await logbook.close()


async def test_t5_t8_t9_story_of_a_ticket_told_by_its_mails(desk: Desk, clock: ManualClock) -> None:
    """Each of the mails, to those whom it concerns, in the order of the story."""
    told = [await desk.mails()]
    await desk.tickets.ask(desk.ravi, desk.ticket.id, needed="The report's <number>, please.")
    told.append(await desk.mails())
    asked = desk.last
    for days in (7, 13, 7):
        clock.advance(days * DAY)
        await desk.agenda.sweep()
        told.append(await desk.mails())
    clock.advance(3 * DAY)
    await desk.agenda.sweep()
    told.append(await desk.mails())
    closed = desk.last
    await desk.tickets.reopen(desk.claire, desk.ticket.id)
    told.append(await desk.mails())
    await desk.tickets.mark_solved(desk.ravi, desk.ticket.id, solution="Clear the cache.")
    told.append(await desk.mails())

    both = lambda subject: [("Claire", f"{subject}: Report is blank"), ("Jan", f"{subject}: Report is blank")]  # noqa: E731
    assert told == [
        [("Jan", "You are in copy of ticket N: Report is blank")],
        both("Ticket N needs your answer"),
        both("Ticket N still needs your answer"),
        both("Ticket N still needs your answer"),
        both("Ticket N closes on 1 April 2026"),
        both("Ticket N is closed"),
        [("Jan", "Ticket N is open again: Report is blank")],
        both("Ticket N is solved"),
    ]
    assert "The report's <number>, please." in asked
    assert "closes on 1 April 2026" in asked
    assert "heard nothing" in closed
    assert "Until 8 April 2026" in closed
    assert "Clear the cache." in desk.last


async def test_whose_ticket_was_a_duplicate_is_told_where_it_goes_on(desk: Desk) -> None:
    other = await a_ticket(desk.database, desk.claire, subject="Report stays blank")
    await desk.mails()

    await desk.tickets.merge(desk.ravi, desk.ticket.id, into=other.number)
    told = await desk.mails()

    assert told == [(name, "Ticket N is closed: Report is blank") for name in ("Claire", "Jan")]
    assert f"goes on in ticket {other.number}, and you read along there." in desk.last
    assert f"/requests/{other.number}\n" in desk.last
    assert "opened again" not in desk.last


async def test_t13_t14_mails_send_people_to_the_page_of_the_ticket_because_nobody_reads_answers(desk: Desk) -> None:
    await desk.tickets.ask(desk.ravi, desk.ticket.id, needed="A file.")
    await desk.tickets.mark_solved(desk.ravi, desk.ticket.id, solution="Clear the cache.")
    await desk.tickets.reopen(desk.claire, desk.ticket.id)
    await desk.tickets.close(desk.claire, desk.ticket.id)
    await desk.mails()

    sent = desk.mailer.sent
    assert len(sent) > 5
    assert [mail.subject for mail in sent if f"{BASE_URL}/requests/{desk.ticket.number}" not in mail.text] == []
    assert [mail.subject for mail in sent if "Answers by mail are not read" not in mail.text] == []
    # Robots are told not to answer either, and no other address is offered for it.
    assert {message_of(mail)["Auto-Submitted"] for mail in sent} == {"auto-generated"}
    assert {message_of(mail)["Reply-To"] for mail in sent} == {None}


async def test_promise_is_written_to_whoever_works_on_the_ticket_before_and_when_it_is_broken(
    desk: Desk, clock: ManualClock
) -> None:
    await a_supervisor(desk.database, name="Ines")
    await desk.tickets.assign(desk.ravi, desk.ticket.id, desk.ravi.person)
    await desk.mails()

    told = []
    for hours in (12, 11, 2, 1):
        clock.advance(timedelta(hours=hours))
        await desk.clocks.sweep()
        told.append(await desk.mails())
    await desk.clocks.sweep()

    assert told == [
        [],
        [("Ravi", "Ticket N: the first answer is due on Tuesday, 3 March 2026, 09:00 UTC")],
        [("Ravi", "Ticket N: the first answer was due on Tuesday, 3 March 2026, 09:00 UTC")],
        [],
    ]
    assert await desk.mails() == []
    assert f"{BASE_URL}/desk/tickets/{desk.ticket.number}" in desk.last
    assert "“Report is blank”" in desk.last
    assert "because you work on this ticket" in desk.last


async def test_broken_promise_of_a_ticket_that_nobody_has_is_written_to_the_supervisors(
    desk: Desk, clock: ManualClock
) -> None:
    await a_supervisor(desk.database, name="Ines")
    await desk.mails()

    clock.advance(timedelta(hours=23))
    await desk.clocks.sweep()
    warned = await desk.mails()
    clock.advance(timedelta(hours=2))
    await desk.clocks.sweep()

    assert warned == []
    assert await desk.mails() == [("Ines", "Ticket N: the first answer was due on Tuesday, 3 March 2026, 09:00 UTC")]
    assert "because nobody works on this ticket yet" in desk.last


def test_t13_no_part_of_the_desk_takes_mails_in() -> None:
    root = Path(__file__).parents[3]
    sources = [path for room in ("chatsvc", "callback", "web") for path in (root / room).rglob("*.py")]
    imported = {
        (path.name, name.partition(".")[0])
        for path in sources
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        for name in _imported(node)
    }

    assert ("mailer_smtp.py", "aiosmtplib") in imported  # the search itself finds something
    assert {each for each in imported if each[1] in ("aiosmtpd", "imaplib", "mailbox", "poplib", "smtpd")} == set()


def _imported(node: ast.AST) -> list[str]:
    """The modules that an import statement names."""
    if isinstance(node, ast.ImportFrom):
        return [node.module or ""]
    return [alias.name for alias in node.names] if isinstance(node, ast.Import) else []


async def test_comments_of_a_minute_make_one_mail_to_those_who_have_not_seen_them(
    desk: Desk, clock: ManualClock
) -> None:
    await desk.mails()
    for number, text in enumerate(("Try this.", "And <this>.")):
        await desk.tickets.say(desk.ravi, desk.ticket.log, key=f"key-0000{number}", text=text)
        clock.advance(20)
    await desk.tickets.logbook.mark_seen({(desk.ticket.log, desk.jan.person): 3})
    await desk.agenda.sweep()
    early = await desk.mails()
    clock.advance(40)
    await desk.agenda.sweep()
    await desk.agenda.sweep()

    assert early == []
    assert await desk.mails() == [("Claire", "Ticket N, new comment: Report is blank")]
    assert "Try this." in desk.last
    assert "And <this>." in desk.last


async def test_comment_after_the_mail_makes_the_next_one_with_what_is_new_only(desk: Desk, clock: ManualClock) -> None:
    await desk.tickets.say(desk.claire, desk.ticket.log, key="key-00001", text="one")
    clock.advance(60)
    await desk.agenda.sweep()
    await desk.mails()
    await desk.tickets.say(desk.claire, desk.ticket.log, key="key-00002", text="two")
    clock.advance(60)
    await desk.agenda.sweep()

    assert await desk.mails() == [("Jan", "Ticket N, new comment: Report is blank")]
    assert "\none\n" not in desk.last
    assert "\ntwo\n" in desk.last


async def test_mails_of_a_ticket_hang_together_and_can_be_ended_with_one_click(desk: Desk, server: Sink) -> None:
    """RFC 5322 threading, RFC 8058: what people must get has no such link."""
    await desk.tickets.ask(desk.ravi, desk.ticket.id, needed="A file.")
    sender = desk.post.sender(SMTPMailer(server.url))
    while await sender.run_once():
        pass

    by_receiver: dict[str, EmailMessage] = {str(mail["To"]).partition(" <")[0]: mail for mail in server.taken}
    assert {mail["References"] for mail in server.taken} == {f"<{desk.ticket.id}@holdline.example>"}
    assert {mail["In-Reply-To"] for mail in server.taken} == {f"<{desk.ticket.id}@holdline.example>"}
    assert by_receiver["Claire"]["List-Unsubscribe"] is None
    token = str(by_receiver["Jan"]["List-Unsubscribe"]).rpartition("/")[2].rstrip(">")
    assert by_receiver["Jan"]["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert QUIET.read(token) == Wish(desk.jan.person, TicketId(desk.ticket.id))
    assert QUIET.read(forged(token)) is None


async def test_whoever_asked_for_quiet_gets_only_what_they_must_know(desk: Desk, clock: ManualClock) -> None:
    await desk.mails()
    for person in (desk.claire, desk.jan):
        await desk.tickets.mute(desk.ticket.id, person.person)
    await desk.tickets.say(desk.ravi, desk.ticket.log, key="key-00001", text="hello")
    clock.advance(60)
    await desk.agenda.sweep()
    await desk.tickets.ask(desk.ravi, desk.ticket.id, needed="A file.")

    assert await desk.mails() == [("Claire", "Ticket N needs your answer: Report is blank")]


async def test_nothing_reaches_who_no_longer_follows(desk: Desk) -> None:
    await desk.mails()
    await desk.tickets.ask(desk.ravi, desk.ticket.id, needed="A file.")
    await desk.tickets.unfollow(desk.jan, desk.ticket.id)

    assert await desk.mails() == [("Claire", "Ticket N needs your answer: Report is blank")]
    assert {row.failure for row in await desk.post.rows() if row.state == "given_up"} == {
        "what it is about does not exist: ticket.not_found"
    }


async def test_death_between_250_and_the_mark_makes_one_more_copy_with_the_same_id(
    desk: Desk, server: Sink, clock: ManualClock
) -> None:
    """R14, over a real mail server: the process is stopped at that very point, as an exception that nobody catches."""
    await desk.mails()
    await desk.tickets.ask(desk.ravi, desk.ticket.id, needed="A file.")
    await desk.tickets.unfollow(desk.jan, desk.ticket.id)
    sender = desk.post.sender(_DiesAfterwards(SMTPMailer(server.url)))
    with pytest.raises(BaseExceptionGroup):
        await sender.run_once()

    again = desk.post.sender(SMTPMailer(server.url))
    too_early = await again.run_once()
    clock.advance(LEASE)
    while await again.run_once():
        pass

    assert too_early == 0
    assert len(server.taken) == 2
    assert len({mail["Message-ID"] for mail in server.taken}) == 1
    assert len({bytes(mail) for mail in server.taken}) == 1


class _Killed(BaseException):
    """What a kill would be, as far as this process can survive it."""


class _DiesAfterwards:
    def __init__(self, mailer: SMTPMailer) -> None:
        self.mailer = mailer

    async def send(self, mail: object) -> None:
        await self.mailer.send(mail)  # type: ignore[arg-type]
        raise _Killed


def test_reference_names_every_mail_about_tickets() -> None:
    page = (Path(__file__).parents[3] / "docs" / "reference" / "mails.md").read_text(encoding="utf-8")

    assert [news for news in News if f"`{news.value}`" not in page] == []
    assert {news.value for news in News} == clerk.NEWS


async def test_words_keep_their_lines_in_text_and_html_and_a_long_link_is_short_to_the_eye(desk: Desk) -> None:
    await desk.tickets.ask(desk.ravi, desk.ticket.id, needed="Which report?\nWhich browser?")
    await desk.mails()
    asked = next(mail for mail in desk.mailer.sent if "needs your answer" in mail.subject)
    await desk.tickets.mark_solved(desk.ravi, desk.ticket.id, solution="It was locked.\nIt is not now.")
    await desk.mails()
    solved = desk.mailer.sent[-1]

    for mail, words in ((asked, "Which report?\nWhich browser?"), (solved, "It was locked.\nIt is not now.")):
        assert words in mail.text
        assert f'white-space:pre-wrap">{words}</blockquote>' in mail.html
    [shown] = re.findall(r'/mails/quiet/[^"]*"[^>]*>([^<]*)</a>', solved.html) or [""]
    assert len(shown) <= 48
