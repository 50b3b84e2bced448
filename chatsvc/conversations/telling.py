"""What those in line are told of their wait, as it changes: the floor is played forward, and who was told something that is off by far is told anew.

It stands with the place, so that every page, every tab and every process shows the same. Whether and what is pure (``routing.telling``).
"""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy.ext.asyncio import AsyncConnection

from chatsvc.catalog.model import Catalog
from chatsvc.conversations.model import ConversationRules
from chatsvc.conversations.outlook import PLAYED, Prospect
from chatsvc.conversations.phase import Phase
from chatsvc.db.engine import Database
from chatsvc.files.actions import Files
from chatsvc.kernel.ids import PlaceId
from chatsvc.routing import queries as lines
from chatsvc.routing import store as places
from chatsvc.routing import telling
from chatsvc.routing.policy import Told
from chatsvc.routing.queries import Standing
from chatsvc.routing.telling import Change, Likely, Word, steadied
from chatsvc.tickets.clock_keeping import Clocks
from chatsvc.tickets.logbook import LogBook

# Before everybody: ranks are of moments since 1970, less some minutes.
_START = (-(2**62), 0)
# Of a line that is longer than what is played, so many more are looked at in one round, and those behind them in the next.
_FURTHER = 1_000


class _Reading(NamedTuple):
    """Somebody in line, and what this reading of the floor would tell them."""

    who: Standing
    # When the last of those came who stand before; None: nobody does.
    last_ahead: datetime | None
    told: Told | None


class Telling(Phase):
    """Words about waits."""

    def __init__(
        self,
        database: Database,
        logbook: LogBook,
        catalog: Catalog,
        rules: ConversationRules,
        files: Files,
        clocks: Clocks,
    ) -> None:
        super().__init__(database, logbook, catalog, rules, files, clocks)
        # Line -> how far behind those that are played the last round has come: rank and admission number.
        self._further: dict[str, tuple[int, int]] = {}
        # Line -> place -> what is likely by the readings so far, of those that are played.
        self._likely: dict[str, dict[PlaceId, Likely]] = {}

    async def tell_waits(self) -> None:
        """Tell everybody in line anew whose wait has become another by far; twice and in several processes at once, they are told once."""
        for line in self.catalog.lines:
            await self._tell_line(line.key)

    async def _tell_line(self, line: str) -> None:
        now = self.database.clock.now()
        found = await self.database.look(lambda connection: self._changed_words(connection, line, now))
        if found:
            async with self.database.begin() as uow:
                await places.tell(uow, found)
                uow.ring(f"line:{line}")

    async def _changed_words(
        self, connection: AsyncConnection, line: str, now: datetime
    ) -> list[tuple[PlaceId, Word | None, Word | None]]:
        """Return who is to be told something else: place, what it was told, what it is told now."""
        first = await lines.standing(connection, line, now, after=_START, limit=PLAYED)
        if not first:
            self._likely.pop(line, None)
            return []
        prospect = await self.queries.outlook.of(connection, line, len(first), now)
        readings = self._steady(line, now, _readings(first, 1, None, prospect), prospect.staffed.serving)
        if len(first) == PLAYED:
            readings += await self._further_behind(connection, line, now, (first[-1].rank, first[-1].seq), prospect)
        return [
            (reading.who.place, reading.who.told, word)
            for reading in readings
            if (word := await self._next_word(connection, line, now, reading, prospect.staffed.serving))
            != reading.who.told
        ]

    def _steady(self, line: str, now: datetime, readings: Sequence[_Reading], serving: int) -> list[_Reading]:
        """Take those who are played by several readings together; whoever stands further back waits for so many talks that one will do."""
        before, likely = self._likely.get(line, {}), {}
        steady = []
        for reading in readings:
            who, word = reading.who, reading.who.told
            if reading.told is not None:
                has_happened = word is not None and telling.has_happened(word, serving, reading.last_ahead)
                found = steadied(before.get(who.place), word, reading.told, now, has_happened=has_happened)
                likely[who.place] = found
                reading = reading._replace(told=found.told(now))
            steady.append(reading)
        self._likely[line] = likely
        return steady

    async def _further_behind(
        self, connection: AsyncConnection, line: str, now: datetime, played: tuple[int, int], prospect: Prospect
    ) -> list[_Reading]:
        """Look at some of those who stand behind the ones that are played, where the last round has stopped."""
        after = max(self._further.get(line, played), played)
        further = await lines.standing(connection, line, now, after=after, limit=_FURTHER)
        self._further[line] = (further[-1].rank, further[-1].seq) if len(further) == _FURTHER else played
        if not further:
            return []
        rank, seq = further[0].rank, further[0].seq
        position = await lines.position(connection, line, rank, seq)
        return _readings(further, position, await lines.last_ahead(connection, line, rank, seq), prospect)

    async def _next_word(
        self, connection: AsyncConnection, line: str, now: datetime, reading: _Reading, serving: int
    ) -> Word | None:
        """Return what somebody is told from now on; the same as before when nothing changes."""
        word, rules = reading.who.told, self.rules.routing
        kind = telling.change(word, reading.told, serving, now, rules)
        if reading.who.offered or kind is Change.NOTHING:
            return word
        why = None
        if kind is Change.LONGER and word is not None:
            long = await self.queries.outlook.talks_are_long(connection, line, now)
            why = telling.reason(word, serving, reading.last_ahead, talks_are_long=long)
            # Who is put off asked for later themselves.
            if reading.who.is_put_off or not telling.is_said(word, why, now, rules):
                why = None
        return telling.changed(word, kind, reading.told, serving, now, why)


def _readings(
    standing: Sequence[Standing], position: int, last_ahead: datetime | None, prospect: Prospect
) -> list[_Reading]:
    """Return what this reading tells some who stand one behind the other, the first of them at a position."""
    readings = []
    for n, who in enumerate(standing, position):
        readings.append(_Reading(who, last_ahead, prospect.told(n, who.closes_at)))
        last_ahead = who.admitted_at if last_ahead is None else max(last_ahead, who.admitted_at)
    return readings
