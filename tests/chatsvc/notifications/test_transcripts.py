"""From two people talking to the mail with everything they said (K4)."""

from pathlib import Path

import pytest

from chatsvc.accounts.queries import AccountQueries
from chatsvc.conversations.transcript import Transcripts
from chatsvc.db.engine import Database
from chatsvc.kernel.clock import ManualClock
from chatsvc.kernel.errors import NotFound
from chatsvc.kernel.ids import ConversationId
from chatsvc.notifications.clerk import Clerk
from chatsvc.notifications.mailer_memory import MemoryMailer
from chatsvc.notifications.sender import OutboxSender
from chatsvc.tickets.letters import TicketLetters
from chatsvc.tickets.policy import TicketRules
from tests.chatsvc.conversations.house import DONE, open_house
from tests.chatsvc.notifications.post import composer


async def test_customer_is_mailed_all_that_was_said_and_no_note(
    database: Database, clock: ManualClock, tmp_path: Path
) -> None:
    async with open_house(database, clock, tmp_path) as house:
        claire, ravi = await house.contact(), await house.ready()
        visit, conversation = await house.talking(claire, ravi)
        mei = await house.ready("Mei Lin")
        await house.says(claire, visit, "Since this morning.")
        await house.act.hand_over(ravi, conversation, note="she is angry", to_person=mei.person)
        card = await house.offer_to(mei)
        await house.act.accept(mei, card.id, card.epoch)
        await house.act.end(claire, conversation)
        clock.advance(house.rules.undo_for)
        await house.act.sweep()
        await house.act.wrap_up(mei, conversation, DONE)
    mailer = MemoryMailer()
    clerk = Clerk(
        composer=composer(),
        accounts=AccountQueries(database),
        read_transcript=Transcripts(database).read,
        read_ticket=TicketLetters(database, TicketRules()).read,
    )

    await OutboxSender(database=database, clerk=clerk, mailer=mailer).run_once()

    confirmation, transcript = sorted(mailer.sent, key=lambda mail: mail.at)
    assert confirmation.subject == f"Your ticket has the number {visit.number}"
    said = [
        "Claire Martin joined the line for Expense",
        "Ravi Patel joined the conversation",
        "Since this morning.",
        "handed the conversation over",
        "Mei Lin joined the conversation",
        "Claire Martin ended the conversation",
        "Mei Lin completed the ticket",
    ]
    places = [transcript.text.index(sentence) for sentence in said]
    assert places == sorted(places)
    assert "angry" not in transcript.text + transcript.html


async def test_long_log_is_read_to_its_end(database: Database, clock: ManualClock, tmp_path: Path) -> None:
    async with open_house(database, clock, tmp_path) as house:
        claire, ravi = await house.contact(), await house.ready()
        visit, conversation = await house.talking(claire, ravi)
        for number in range(510):
            await house.says(claire, visit, f"line {number}")

        transcript = await Transcripts(database).read(conversation)

    assert [entry.number for entry in transcript.entries] == list(range(1, 513))


async def test_there_is_no_transcript_of_nothing(database: Database) -> None:
    with pytest.raises(NotFound):
        await Transcripts(database).read(ConversationId("cv_none"))
