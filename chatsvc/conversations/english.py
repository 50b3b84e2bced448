"""Notices when somebody writes another language into a talk that is in English (V3, V4), and says so once, gently.

It never holds anything up and never hides a word: the hint is an entry of the log, read in each reader's own language. Guessing is done
offline; the library weighs 125 MB, so that only the worker imports this module.
"""

import logging
from typing import Final

import msgspec
from py3langid.langid import MODEL_FILE, LanguageIdentifier  # type: ignore[import-untyped]  # it has no types
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from chatsvc.accounts.tables import people
from chatsvc.conversations.model import State
from chatsvc.conversations.tables import conversations
from chatsvc.db.engine import Database
from chatsvc.kernel.errors import Refused
from chatsvc.kernel.ids import SYSTEM, LogId
from chatsvc.kernel.languages import ENGLISH, LANGUAGES
from chatsvc.tickets.logbook import LogBook
from chatsvc.tickets.model import Append, Audience, Kind, Role, Words, facts
from chatsvc.tickets.tables import entries, logs

logger = logging.getLogger(__name__)

_words = msgspec.json.Decoder(Words)

# Below this a guess is no reason to say anything: short words and names look like many languages.
SURE: Final = 0.8
# Shorter texts are not guessed at: letters, and words where the script has spaces.
LEAST_LETTERS: Final = 12
# One entry per log, whoever looks, however often.
HINT_KEY: Final = "english_hint"
# Of so many entries of a talk, the newest, the customer's words are looked at: more than people write between two rounds.
_LATEST: Final = 6
# Conversations whose place in their log is remembered; beyond, all are read again, which changes nothing.
_REMEMBERED: Final = 10_000

# How the library spells our languages.
_CODES: Final = {language.code.partition("_")[0]: language.code for language in LANGUAGES}


def load_guesser() -> LanguageIdentifier:
    """Return what guesses among the languages of the portal; takes a moment and much memory."""
    guesser = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    guesser.set_languages(list(_CODES))
    return guesser


def foreign_language(text: str, guesser: LanguageIdentifier) -> str | None:
    """Return the language of a text that is surely another one than English, as a code of ``kernel.languages``; None otherwise."""
    letters = sum(character.isalpha() * (3 if ord(character) > 0x2E80 else 1) for character in text)
    if letters < LEAST_LETTERS:
        return None
    code, probability = guesser.classify(text)
    return _CODES[code] if _CODES[code] != ENGLISH.code and float(probability) >= SURE else None


class EnglishHints:
    """Reads along in live talks, behind everybody else."""

    def __init__(self, database: Database, logbook: LogBook) -> None:
        self._database = database
        self._logbook = logbook
        self._guesser: LanguageIdentifier | None = None
        # How far each log was read. Only a memory: what is forgotten is read again, and hinted at once all the same.
        self._read: dict[LogId, int] = {}

    async def sweep(self) -> int:
        """Look at the latest that customers have written since the last time; return how many hints were given."""
        if len(self._read) > _REMEMBERED:
            self._read.clear()
        foreign: dict[LogId, str] = {}
        for log, number, body in await self._database.look(_latest_words):
            if number <= self._read.get(log, 0):
                continue
            self._read[log] = number
            language = self._language_of(body)
            if language is not None:
                foreign.setdefault(log, language)
        return sum([await self._hint(log, language) for log, language in foreign.items()])

    def _language_of(self, body: str) -> str | None:
        if self._guesser is None:
            self._guesser = load_guesser()
        return foreign_language(_words.decode(body).text, self._guesser)

    async def _hint(self, log: LogId, language: str) -> bool:
        append = Append(log, SYSTEM, "", Role.SYSTEM, HINT_KEY, Kind.ENGLISH_HINT, facts(language=language))
        try:
            async with self._database.begin() as uow:
                stored = await self._logbook.append_in(uow, append)
        except Refused as refused:
            # The same hint was given with another language, or the log is sealed: either way nothing is owed.
            logger.info("hint_not_given", extra={"log": log, "key": refused.key})
            return False
        return not stored.repeated


async def _latest_words(connection: AsyncConnection) -> list[tuple[LogId, int, str]]:
    """Return the customers' words among the newest entries of each live talk that had no hint yet, in order."""
    said = entries.alias()
    hinted = select(said.c.number).where(
        said.c.log_id == logs.c.id, said.c.sender == SYSTEM, said.c.client_key == HINT_KEY
    )
    statement = (
        select(logs.c.id, entries.c.number, entries.c.body)
        .select_from(
            conversations.join(logs, logs.c.ticket_id == conversations.c.ticket_id)
            .join(entries, entries.c.log_id == logs.c.id)
            .join(people, people.c.id == entries.c.sender)
        )
        .where(conversations.c.state == State.ACTIVE, logs.c.audience == Audience.SHARED, ~hinted.exists())
        .where(entries.c.number > logs.c.head - _LATEST, entries.c.kind == Kind.MESSAGE, people.c.role == "contact")
        .order_by(logs.c.id, entries.c.number)
    )
    return [(LogId(log), number, body) for log, number, body in await connection.execute(statement)]
