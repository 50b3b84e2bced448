"""The transcript: numbers, both names, times in a named zone, and never an internal note (K4)."""

from collections.abc import Mapping
from typing import Any

import pytest

from chatsvc.conversations.transcript import Transcript, as_text, read_transcript
from chatsvc.kernel.errors import NotFound
from chatsvc.kernel.ids import ConversationId
from chatsvc.tickets.model import Append, Kind, Role, words
from tests.chatsvc.conversations.house import DONE, House


async def _read(house: House, conversation: ConversationId) -> Transcript:
    async with house.database.read() as connection:
        return await read_transcript(connection, conversation)


def _sentence(kind: str, facts: Mapping[str, Any]) -> str:
    return f"{kind} by {facts['name']}"


async def test_transcript_has_every_word_of_both_sides_and_no_note(house: House) -> None:
    contact, ravi = await house.contact("Claire Martin"), await house.ready("Ravi Patel")
    visit, conversation = await house.talking(contact, ravi)
    [mine] = (await house.see.desk(ravi)).conversations
    await house.says(contact, visit, "It is blank.")
    await house.says(ravi, visit, "Which browser?", mine.epoch)
    mia = await house.ready("Mia Chen")
    await house.act.hand_over(ravi, conversation, to_person=mia.person, note="internal secret")

    transcript = await _read(house, conversation)

    assert [line.kind for line in transcript.lines] == ["joined", "accepted", "message", "message", "handed_over"]
    assert [(line.name, line.text) for line in transcript.lines if line.text] == [
        ("Claire Martin", "It is blank."),
        ("Ravi Patel", "Which browser?"),
    ]
    assert (transcript.number, transcript.customer, transcript.zone) == (visit.number, "Claire Martin", "Europe/Berlin")
    assert transcript.representatives == ("Ravi Patel",)
    assert "internal secret" not in as_text(transcript, _sentence)


async def test_text_shows_numbers_and_the_customer_s_local_time_with_its_zone(house: House) -> None:
    contact, ravi = await house.contact("Claire Martin"), await house.ready()
    visit, conversation = await house.talking(contact, ravi)
    await house.says(contact, visit, "It is blank.")

    text = as_text(await _read(house, conversation), _sentence)

    assert "#3  2026-03-02 10:00:00 (Europe/Berlin)  Claire Martin\nIt is blank." in text
    assert "* joined by Claire Martin" in text


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

    assert [line.kind for line in transcript.lines][-2:] == ["wrapped_up", "solved"]


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

    assert [line.number for line in transcript.lines] == list(range(1, 1_103))


async def test_unknown_conversation_has_no_transcript(house: House) -> None:
    with pytest.raises(NotFound):
        await _read(house, ConversationId("cv_00000000000000000000"))
