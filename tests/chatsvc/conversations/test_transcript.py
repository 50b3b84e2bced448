"""The transcript: every word of both sides in order, nothing said later, and never an internal note (K4)."""

import msgspec
import pytest

from chatsvc.conversations.transcript import Transcript, Transcripts
from chatsvc.kernel.errors import NotFound
from chatsvc.kernel.ids import ConversationId
from chatsvc.tickets.model import Append, Kind, Role, words
from tests.chatsvc.conversations.house import DONE, House


async def _read(house: House, conversation: ConversationId) -> Transcript:
    return await Transcripts(house.database).read(conversation)


async def test_transcript_has_every_word_of_both_sides_and_no_note(house: House) -> None:
    contact, ravi = await house.contact("Claire Martin"), await house.ready("Ravi Patel")
    visit, conversation = await house.talking(contact, ravi)
    [mine] = (await house.see.desk(ravi)).conversations
    await house.says(contact, visit, "It is blank.")
    await house.says(ravi, visit, "Which browser?", mine.epoch)
    mia = await house.ready("Mia Chen")
    await house.act.hand_over(ravi, conversation, to_person=mia.person, note="internal secret")

    transcript = await _read(house, conversation)

    assert [entry.kind for entry in transcript.entries] == ["joined", "accepted", "message", "message", "handed_over"]
    assert [entry.name for entry in transcript.entries[2:4]] == ["Claire Martin", "Ravi Patel"]
    assert transcript.number == visit.number
    assert b"internal secret" not in msgspec.json.encode(transcript)


async def test_comment_after_the_close_is_not_in_the_transcript(house: House) -> None:
    contact, ravi = await house.contact(), await house.ready()
    visit, conversation = await house.talking(contact, ravi)
    await house.act.end(ravi, conversation)
    house.clock.advance(house.rules.undo_for)
    await house.act.sweep_deadlines()
    await house.act.wrap_up(ravi, conversation, DONE)
    house.clock.advance(1)
    await house.says(contact, visit, "One more thing.")

    transcript = await _read(house, conversation)

    assert [entry.kind for entry in transcript.entries][-2:] == ["wrapped_up", "solved"]


async def test_long_conversation_is_read_whole(house: House) -> None:
    contact, ravi = await house.contact(), await house.ready()
    visit, conversation = await house.talking(contact, ravi)
    async with house.database.begin() as uow:
        for n in range(1_100):
            append = Append(
                visit.log, contact.person, contact.name, Role.CUSTOMER, f"key-{n:05}", Kind.MESSAGE, words(str(n))
            )
            await house.logbook.append_in(uow, append)

    transcript = await _read(house, conversation)

    assert [entry.number for entry in transcript.entries] == list(range(1, 1_103))


async def test_unknown_conversation_has_no_transcript(house: House) -> None:
    with pytest.raises(NotFound):
        await _read(house, ConversationId("cv_00000000000000000000"))
