"""Whatever people do to a ticket, and however long the desk is down, its life is that of a plain model with the same clock (T7 to T9, R15).

The clock goes on, jumps over deadlines while nothing runs, and is set back by an hour; the desk sweeps now and then. The model knows the
rules as sentences, and nothing of tables.
"""

import asyncio
import os
import shutil
import tempfile
from collections.abc import Coroutine
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import select

from chatsvc.db.due import Agenda
from chatsvc.db.engine import Database
from chatsvc.db.outbox import outbox
from chatsvc.files.actions import Files
from chatsvc.kernel.clock import ManualClock
from chatsvc.kernel.errors import Refused
from chatsvc.tickets.actions import Tickets
from chatsvc.tickets.logbook import LogBook
from chatsvc.tickets.policy import TicketRules
from tests import stores
from tests.builders import a_contact, a_representative, a_ticket

T = TypeVar("T")

DAY = timedelta(days=1)
WEEK, MONTH = 7 * DAY, 30 * DAY
# How much is tried: 1 in every run, more by hand.
SCALE = int(os.environ.get("HOLDLINE_TEST_LIFE_SCALE", "1"))
# Small steps, whole days, exactly up to a deadline, just beyond one, and far over all of them.
STEPS = st.sampled_from(
    [timedelta(seconds=1), timedelta(hours=5), DAY, 3 * DAY, WEEK, WEEK + timedelta(microseconds=1), 13 * DAY, MONTH, 90 * DAY]
)  # fmt: skip


class Model:
    """A ticket's life, as the requirements tell it."""

    def __init__(self) -> None:
        self.state = "open"
        self.ended_at: datetime | None = None
        self.asked_at: datetime | None = None
        # When the next reminder is due; None when none is.
        self.remind_at: datetime | None = None
        self.sealed = False
        self.followed_up = False
        self.story: list[str] = []
        # Mails about reminders, and about what ended by itself.
        self.reminded = 0
        self.silenced = 0

    def is_over_for_good(self, now: datetime) -> bool:
        return self.ended_at is not None and now > self.ended_at + WEEK

    def takes_words(self, now: datetime) -> bool:
        return not self.sealed and not self.is_over_for_good(now)

    def wake(self) -> None:
        if self.state in ("solved", "closed"):
            self.story.append("reopened")
        self.open()

    def open(self) -> None:
        self.state, self.ended_at, self.asked_at, self.remind_at, self.sealed = "open", None, None, None, False

    def end(self, state: str, now: datetime) -> None:
        self.state, self.ended_at, self.asked_at, self.remind_at = state, now, None, None
        self.story.append(state)

    def ask(self, now: datetime) -> None:
        self.state, self.asked_at = "awaiting", now
        self.remind_at = now + WEEK
        self.story.append("asked")

    def sweep(self, now: datetime) -> None:
        if self.state == "awaiting" and self.asked_at is not None:
            if now >= self.asked_at + MONTH:
                self.end("closed", now)
                self.silenced += 1
            elif self.remind_at is not None and now >= self.remind_at:
                self.reminded += 1
                plan = [self.asked_at + wait for wait in (WEEK, 20 * DAY, 27 * DAY)]
                self.remind_at = next((at for at in plan if at > now), None)
        if self.ended_at is not None and now > self.ended_at + WEEK:
            self.sealed = True


class LifeMachine(RuleBasedStateMachine):
    """The real ticket beside the model."""

    # Set by the test: where a new store comes from.
    source: Path | stores.Cluster

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.folder = Path(tempfile.mkdtemp())
        self.clock = ManualClock()
        self.model = Model()
        self.key = 0

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.loop.run_until_complete(work)

    @initialize()
    def open(self) -> None:
        if isinstance(self.source, Path):
            shutil.copyfile(self.source, self.folder / "holdline.db")
            self.address = f"sqlite:///{self.folder / 'holdline.db'}"
        else:
            self.address = self.run(self.source.create())
        self.run(self._start())
        self.claire = self.run(a_contact(self.database))
        self.ravi = self.run(a_representative(self.database))
        self.ticket = self.run(a_ticket(self.database, self.claire))

    async def _start(self) -> None:
        self.database = Database(self.address, self.clock)
        self.logbook = LogBook(self.database)
        self.logbook.start()
        files = Files(self.database, self.folder / "files", most_bytes=1_000)
        self.act = Tickets(self.database, self.logbook, files, TicketRules())
        self.agenda = Agenda(self.database, self.act.handlers())

    async def _stop(self) -> None:
        await self.logbook.close()
        await self.database.close()

    def tries(self, work: Coroutine[Any, Any, Any], *, may: bool) -> bool:
        """Do something that the model allows, or does not; fails where the desk thinks otherwise. Returns whether it was done."""
        try:
            self.run(work)
        except Refused:
            assert not may
            return False
        assert may
        return True

    @property
    def now(self) -> datetime:
        return self.clock.now()

    # Time -----------------------------------------------------------------------------------------------------------------

    @rule(by=STEPS)
    def time_passes(self, by: timedelta) -> None:
        self.clock.advance(by)

    @rule()
    def clock_is_set_back(self) -> None:
        self.clock.advance(timedelta(hours=-1))

    @rule(sweepers=st.integers(1, 3))
    def desk_runs(self, sweepers: int) -> None:
        async def sweep() -> None:
            await asyncio.gather(*(self.agenda.sweep() for _ in range(sweepers)))
            await self.act.sweep()

        self.run(sweep())
        self.model.sweep(self.now)

    @rule()
    def desk_is_started_again(self) -> None:
        self.run(self._stop())
        self.run(self._start())

    # People ---------------------------------------------------------------------------------------------------------------

    @rule()
    def staff_ask(self) -> None:
        may = self.model.state in ("open", "awaiting")
        if self.tries(self.act.ask(self.ravi, self.ticket.id, needed="Which browser?"), may=may):
            self.model.ask(self.now)

    @rule(by_customer=st.booleans())
    def somebody_solves(self, by_customer: bool) -> None:
        may = self.model.state in ("open", "awaiting")
        who = self.claire if by_customer else self.ravi
        if self.tries(self.act.mark_solved(who, self.ticket.id), may=may):
            self.model.end("solved", self.now)

    @rule(by_customer=st.booleans())
    def somebody_closes(self, by_customer: bool) -> None:
        model = self.model
        may = model.state in ("open", "awaiting") or (model.state == "solved" and not model.is_over_for_good(self.now))
        who = self.claire if by_customer else self.ravi
        if self.tries(self.act.close(who, self.ticket.id), may=may):
            model.end("closed", self.now)
            if model.sealed:
                # Set back over the moment of the seal, it could be closed, and a sealed log says nothing about it.
                model.story.pop()

    @rule()
    def somebody_reopens(self) -> None:
        may = self.model.ended_at is not None and not self.model.is_over_for_good(self.now)
        if self.tries(self.act.reopen(self.claire, self.ticket.id), may=may):
            self.model.open()
            self.model.story.append("reopened")

    @rule(by_customer=st.booleans())
    def somebody_writes(self, by_customer: bool) -> None:
        self.key += 1
        who = self.claire if by_customer else self.ravi
        words = self.act.say(who, self.ticket.log, key=f"key-{self.key:05}", text="hello")
        if self.tries(words, may=self.model.takes_words(self.now)):
            self.model.story.append("message")
            if by_customer and self.model.state != "open":
                self.model.wake()

    @rule()
    def customer_follows_up(self) -> None:
        may = self.model.followed_up or self.model.is_over_for_good(self.now)
        if self.tries(self.act.follow_up(self.claire, self.ticket.id), may=may):
            self.model.followed_up = True

    # What must be so ------------------------------------------------------------------------------------------------------

    @precondition(lambda self: hasattr(self, "ticket"))
    @invariant()
    def ticket_is_what_the_model_says(self) -> None:
        view = self.run(self.act.view(self.claire, self.ticket.number))
        model = self.model
        closes_at = None if model.asked_at is None else model.asked_at + MONTH
        assert (view.state, view.ended_at, view.closes_at) == (model.state, model.ended_at, closes_at)
        assert view.may_reopen == (model.ended_at is not None and not model.is_over_for_good(self.now))
        assert (view.followed_up_by is not None) == model.followed_up
        story = [entry.kind for entry in self.run(self.logbook.since(self.ticket.log, 0))]
        assert story == model.story

    @precondition(lambda self: hasattr(self, "ticket"))
    @invariant()
    def mails_are_as_many_as_their_causes(self) -> None:
        async def rows() -> list[tuple[str, Any]]:
            async with self.database.read() as connection:
                found = await connection.execute(select(outbox.c.kind, outbox.c.payload))
                return [(row.kind.removeprefix("mail.ticket_"), row.payload) for row in found]

        found = self.run(rows())
        assert sum(kind in ("reminder", "closing_soon") for kind, _ in found) == self.model.reminded
        silenced = [payload for kind, payload in found if kind == "closed" and payload["why"] == "silence"]
        assert len(silenced) == self.model.silenced

    def teardown(self) -> None:
        if hasattr(self, "database"):
            self.run(self._stop())
            if isinstance(self.source, stores.Cluster):
                self.run(self.source.drop(self.address))
        self.loop.close()
        shutil.rmtree(self.folder)


def test_r15_life_of_a_ticket_is_always_what_a_plain_model_says(source: Path | stores.Cluster) -> None:
    examples = 8 if isinstance(source, Path) else 3

    class Machine(LifeMachine):
        pass

    Machine.source = source
    checks = settings(
        max_examples=examples * SCALE,
        stateful_step_count=40,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow],
        derandomize=True,
    )
    run_state_machine_as_test(Machine, settings=checks)  # type: ignore[no-untyped-call]
