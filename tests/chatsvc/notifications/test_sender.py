"""Emptying the outbox: what is promised about mails (R14)."""

import asyncio
import os
import signal
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from chatsvc.accounts.policy import OPERATOR
from chatsvc.db.outbox import BACKOFF
from chatsvc.kernel.clock import ManualClock
from chatsvc.notifications import clerk
from chatsvc.notifications.mailer_memory import MemoryMailer
from chatsvc.notifications.mailer_smtp import SMTPMailer
from chatsvc.notifications.queries import Mailbox
from chatsvc.notifications.sender import AT_ONCE, LEASE
from tests.chatsvc.notifications.post import Conversation, PostOffice, Sink


async def test_mail_of_every_kind_goes_out_once(post: PostOffice) -> None:
    anna, mailer = await post.anna(), MemoryMailer()
    post.conversations["cv_1"] = Conversation()
    await post.record("mail.ticket_confirmation", anna, ticket="tk_1", number=4812)
    await post.record("mail.transcript", anna, ticket="tk_1", number=4812, conversation="cv_1")
    sender = post.sender(mailer)

    assert await sender.run_once() == 3
    assert await sender.run_once() == 0

    assert sorted(mail.subject for mail in mailer.sent) == [
        "Set your password for Holdline",
        "Your conversation, ticket 4812: Receipt is upside down",
        "Your ticket has the number 4812",
    ]
    assert {mail.to_address for mail in mailer.sent} == {"anna@acme.example"}
    assert {row.state for row in await post.rows()} == {"sent"}


async def test_same_cause_is_mailed_once(post: PostOffice) -> None:
    anna, mailer = await post.anna(), MemoryMailer()
    for _ in range(3):
        await post.record("mail.ticket_confirmation", anna, cause="ticket:tk_1:opened", number=4812)

    await post.sender(mailer).run_once()

    assert [mail.subject for mail in mailer.sent].count("Your ticket has the number 4812") == 1


async def test_several_senders_share_the_work(post: PostOffice) -> None:
    anna, mailer = await post.anna(), MemoryMailer()
    for number in range(3 * AT_ONCE):
        await post.record("mail.ticket_confirmation", anna, cause=f"c{number}", number=number)

    async def empty() -> None:
        sender = post.sender(mailer)
        while await sender.run_once():
            pass

    await asyncio.gather(*(empty() for _ in range(4)))

    assert len(mailer.sent) == len({mail.message_id for mail in mailer.sent}) == 3 * AT_ONCE + 1


async def test_failure_is_tried_again_later_and_later_and_then_given_up(post: PostOffice, clock: ManualClock) -> None:
    await post.anna()
    mailer = MemoryMailer()
    mailer.is_away = True
    sender = post.sender(mailer)
    tried = []
    for wait in BACKOFF:
        tried.append(await sender.run_once())
        assert await sender.run_once() == 0
        clock.advance(wait)
    before = (await post.rows())[0]
    await sender.run_once()
    clock.advance(timedelta(days=30))

    assert tried == [1] * len(BACKOFF)
    assert (before.state, before.failure) == ("due", "away")
    assert (await post.rows())[0].state == "given_up"
    assert await sender.run_once() == 0


async def test_server_that_comes_back_gets_the_mail(post: PostOffice, clock: ManualClock) -> None:
    await post.anna()
    mailer = MemoryMailer()
    mailer.is_away = True
    sender = post.sender(mailer)
    await sender.run_once()
    mailer.is_away = False

    clock.advance(BACKOFF[0])
    await sender.run_once()

    assert len(mailer.sent) == 1


async def test_one_failure_keeps_no_other_mail_back(post: PostOffice) -> None:
    anna, mailer = await post.anna(), MemoryMailer()
    await post.record("mail.unheard_of", anna)
    await post.record("mail.transcript", anna, conversation="cv_none")
    await post.record("mail.ticket_confirmation", anna, number="not a number")
    await post.record("mail.ticket_confirmation", "pe_nobody", number=1)

    while await post.sender(mailer).run_once():
        pass

    assert len(mailer.sent) == 1
    assert {row.recipient[:6]: row.failure for row in await post.rows() if row.kind != "mail.reset_password"}
    assert sorted(row.failure for row in await post.rows() if row.state == "given_up") == [
        "no mail is known for mail.unheard_of",
        "the payload cannot be read",
        "the receiver does not exist",
        "what it is about does not exist: conversation.not_found",
    ]


async def test_nothing_is_mailed_to_who_may_not_enter_any_more(post: PostOffice) -> None:
    anna, mailer = await post.anna(), MemoryMailer()
    await post.record("mail.ticket_confirmation", anna, number=4812)
    await post.administration.disable(OPERATOR, anna)

    await post.sender(mailer).run_once()

    assert mailer.sent == []
    assert {row.failure for row in await post.rows()} == {"the receiver is disabled", "the receiver may not enter"}


async def test_without_a_mail_server_mails_are_kept_for_the_trial(post: PostOffice, clock: ManualClock) -> None:
    anna = await post.anna()
    clock.advance(60)
    await post.record("mail.ticket_confirmation", anna, number=4812)
    await post.sender(None).run_once()
    mailbox = Mailbox(post.database, post.clerk)

    mails = await mailbox.kept_letters()

    assert {row.state for row in await post.rows()} == {"kept"}
    assert [mail.subject for mail in mails] == ["Your ticket has the number 4812", "Set your password for Holdline"]
    assert await mailbox.kept_letters() == mails
    assert len(await mailbox.kept_letters(1)) == 1
    await post.administration.disable(OPERATOR, anna)
    assert await mailbox.kept_letters() == []


_DIES_BEFORE_THE_MARK = """
import asyncio, sys
from datetime import datetime
from chatsvc.db.engine import Database
from chatsvc.kernel import failpoints
from chatsvc.kernel.clock import ManualClock
from chatsvc.notifications.mailer_smtp import SMTPMailer
from tests.chatsvc.notifications.post import PostOffice

address, url, moment = sys.argv[1:]
failpoints.arm("mail.before_mark")

async def main():
    database = Database(address, ManualClock(datetime.fromisoformat(moment)))
    await PostOffice(database).sender(SMTPMailer(url)).run_once()

asyncio.run(main())
"""


@pytest.mark.faults
async def test_crash_between_250_and_the_mark_sends_the_same_mail_again(
    post: PostOffice, database_address: str, server: Sink, clock: ManualClock
) -> None:
    await post.anna()
    dying = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        _DIES_BEFORE_THE_MARK,
        database_address,
        server.url,
        clock.now().isoformat(),
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )
    assert await dying.wait() == -signal.SIGKILL
    sender = post.sender(SMTPMailer(server.url))

    too_early = await sender.run_once()
    clock.advance(LEASE)
    taken_over = await sender.run_once()
    afterwards = await sender.run_once()

    assert (too_early, taken_over, afterwards) == (0, 1, 0)
    first, second = server.taken
    assert first["Message-ID"] == second["Message-ID"]
    assert bytes(first) == bytes(second)
    assert [row.state for row in await post.rows()] == ["sent"]


async def test_temporary_refusal_of_a_real_server_costs_one_wait(
    post: PostOffice, server: Sink, clock: ManualClock
) -> None:
    await post.anna()
    server.answers.append("451 greylisted")
    sender = post.sender(SMTPMailer(server.url))

    await sender.run_once()
    [waiting] = await post.rows()
    clock.advance(BACKOFF[0])
    await sender.run_once()

    assert (waiting.state, waiting.failure) == ("due", "SMTPDataError 451")
    assert len(server.taken) == 1


def test_reference_names_every_mail_and_every_wait() -> None:
    page = (Path(__file__).parents[3] / "docs" / "reference" / "mails.md").read_text(encoding="utf-8")

    for kind in (clerk.SET_PASSWORD, clerk.TICKET_CONFIRMATION, clerk.TRANSCRIPT):
        assert f"`{kind}`" in page
    assert [str(wait) for wait in BACKOFF] == ["0:00:05", "0:00:30", "0:02:00", "0:10:00", "1:00:00", "4:00:00"]
    assert "5 s, 30 s, 2 min, 10 min, 1 h and 4 h" in page
