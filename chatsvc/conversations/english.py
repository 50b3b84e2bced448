"""Notices when somebody writes another language into a talk that is in English (V3, V4), and says so once, gently.

It never holds anything up and never hides a word: the hint is an entry of the log, read in each reader's own language. Guessing is done
offline; the library weighs 125 MB, so that only the worker imports this module.
"""

import logging
from typing import Final

import msgspec
from py3langid.langid import MODEL_FILE, LanguageIdentifier  # type: ignore[import-untyped]  # it has no types
from sqlalchemy import select

from chatsvc.conversations.model import State
from chatsvc.conversations.tables import conversations
from chatsvc.db.engine import Database
from chatsvc.kernel.errors import Refused
from chatsvc.kernel.ids import SYSTEM, LogId
from chatsvc.kernel.languages import ENGLISH, LANGUAGES
from chatsvc.tickets import log_store
from chatsvc.tickets.logbook import LogBook
from chatsvc.tickets.model import Append, Audience, Entry, Kind, Role, Words, facts
from chatsvc.tickets.tables import logs

logger = logging.getLogger(__name__)

_words = msgspec.json.Decoder(Words)

# Below this a guess is no reason to say anything: short words and names look like many languages.
SURE: Final = 0.8
# Shorter texts are not guessed at: letters, and words where the script has spaces.
LEAST_LETTERS: Final = 12
# One entry per log, whoever looks, however often.
HINT_KEY: Final = "english_hint"
_ENTRIES: Final = 200
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
        """Look at what customers have written since the last time; return how many hints were given."""
        live = (
            select(logs.c.id, logs.c.head)
            .select_from(conversations.join(logs, logs.c.ticket_id == conversations.c.ticket_id))
            .where(conversations.c.state == State.ACTIVE, logs.c.audience == Audience.SHARED)
        )
        async with self._database.read() as connection:
            found = [(LogId(log), head) for log, head in (await connection.execute(live)).all()]
        if len(self._read) > _REMEMBERED:
            self._read.clear()
        return sum([await self._read_on(log) for log, head in found if head > self._read.get(log, 0)])

    async def _read_on(self, log: LogId) -> bool:
        async with self._database.read() as connection:
            entries = await log_store.entries_after(connection, log, self._read.get(log, 0), _ENTRIES)
        if not entries:
            return False
        self._read[log] = entries[-1].number
        if any(entry.key == HINT_KEY for entry in entries):
            return False
        language = next((code for entry in entries if (code := self._language_of(entry)) is not None), None)
        return language is not None and await self._hint(log, language)

    def _language_of(self, entry: Entry) -> str | None:
        if entry.kind != Kind.MESSAGE or entry.role is not Role.CUSTOMER:
            return None
        if self._guesser is None:
            self._guesser = load_guesser()
        return foreign_language(_words.decode(entry.body).text, self._guesser)

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
