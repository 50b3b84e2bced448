"""Any sequence of appends, repeats, grants, seals and process restarts leaves the log that a plain list would be (R1, R2, R3, R9)."""

import asyncio
import shutil
import tempfile
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, TypeVar

import msgspec
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
from sqlalchemy import update

from chatsvc.accounts.model import Identity
from chatsvc.db.engine import Database
from chatsvc.kernel.clock import ManualClock
from chatsvc.kernel.errors import Conflict, NotAllowed, Refused
from chatsvc.tickets import store
from chatsvc.tickets.logbook import LogBook
from chatsvc.tickets.model import Append, Kind, Role, Stored, Words, words
from chatsvc.tickets.tables import logs
from tests import stores
from tests.builders import a_contact, a_representative, a_ticket

T = TypeVar("T")

KEYS = st.sampled_from([f"key-{n:05}" for n in range(6)])
TEXTS = st.sampled_from(["yes", "no"])
EPOCHS = st.sampled_from([None, 0, 1, 2, 3])


class LogMachine(RuleBasedStateMachine):
    """The real log book beside a list of what must be in it."""

    # Set by the test: where a new store comes from.
    source: Path | stores.Cluster

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.folder = Path(tempfile.mkdtemp())
        self.clock = ManualClock()
        # What was stored: (sender, key, text), in order.
        self.model: list[tuple[str, str, str]] = []
        self.epoch = 0
        self.owner: str | None = None
        self.sealed = False

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
        self.contact: Identity = self.run(a_contact(self.database))
        self.reps = [self.run(a_representative(self.database, lines=())) for _ in range(2)]
        self.ticket = self.run(a_ticket(self.database, self.contact))

    async def _start(self) -> None:
        self.database = Database(self.address, self.clock)
        self.logbook = LogBook(self.database)
        self.logbook.start()

    async def _stop(self) -> None:
        await self.logbook.close()
        await self.database.close()

    def _append(self, who: Identity, key: str, text: str, epoch: int | None) -> Append:
        role = Role.STAFF if who.is_staff else Role.CUSTOMER
        return Append(self.ticket.log, who.person, who.name, role, key, Kind.MESSAGE, words(text), who.company, epoch)

    def _expected(self, append: Append, text: str) -> int | type[Refused]:
        """The number that must come back, or the refusal."""
        for number, (sender, key, said) in enumerate(self.model, 1):
            if (sender, key) == (append.sender, append.key):
                return number if said == text else Conflict
        if self.sealed:
            return NotAllowed
        if append.epoch is not None and append.epoch != self.epoch:
            return Conflict
        is_owner = self.owner == append.sender and append.epoch is not None
        if append.role is Role.STAFF and self.owner is not None and not is_owner:
            return Conflict
        self.model.append((append.sender, append.key, text))
        return len(self.model)

    async def _say(self, appends: list[Append]) -> list[Stored | BaseException]:
        return await asyncio.gather(*(self.logbook.append(append) for append in appends), return_exceptions=True)

    def _check(self, answer: Stored | BaseException, expected: int | type[Refused]) -> None:
        if isinstance(expected, int):
            assert isinstance(answer, Stored), answer
            assert answer.number == expected
        else:
            assert type(answer) is expected

    @rule(key=KEYS, text=TEXTS)
    def customer_says(self, key: str, text: str) -> None:
        append = self._append(self.contact, key, text, None)
        [answer] = self.run(self._say([append]))
        self._check(answer, self._expected(append, text))

    @rule(who=st.sampled_from([0, 1]), key=KEYS, text=TEXTS, epoch=EPOCHS)
    def representative_says(self, who: int, key: str, text: str, epoch: int | None) -> None:
        append = self._append(self.reps[who], key, text, epoch)
        [answer] = self.run(self._say([append]))
        self._check(answer, self._expected(append, text))

    @rule(said=st.lists(st.tuples(KEYS, TEXTS), min_size=2, max_size=6))
    def customer_says_much_at_once(self, said: list[tuple[str, str]]) -> None:
        appends = [self._append(self.contact, key, text, None) for key, text in said]
        answers = self.run(self._say(appends))
        for append, (_, text), answer in zip(appends, said, answers, strict=True):
            self._check(answer, self._expected(append, text))

    @rule(who=st.sampled_from([None, 0, 1]))
    def grant(self, who: int | None) -> None:
        person = None if who is None else self.reps[who].person
        self.epoch, self.owner = self.epoch + 1, person

        async def work() -> None:
            async with self.database.begin() as uow:
                await store.grant_owner(uow, self.ticket.id, person=person, epoch=self.epoch)

        self.run(work())

    @rule(sealed=st.booleans())
    def seal(self, sealed: bool) -> None:
        async def work() -> None:
            async with self.database.begin() as uow:
                await uow.execute(update(logs).where(logs.c.id == self.ticket.log).values(sealed=sealed))

        self.sealed = sealed
        self.run(work())

    @precondition(lambda self: hasattr(self, "database"))
    @rule()
    def restart(self) -> None:
        self.run(self._stop())
        self.run(self._start())

    @invariant()
    def log_is_the_list(self) -> None:
        if not hasattr(self, "ticket"):
            return
        entries = self.run(self.logbook.since(self.ticket.log, 0))
        assert [entry.number for entry in entries] == list(range(1, len(self.model) + 1))
        read = [(entry.sender, entry.key, msgspec.json.decode(entry.body, type=Words).text) for entry in entries]
        assert read == self.model

    def teardown(self) -> None:
        if hasattr(self, "database"):
            self.run(self._stop())
            if isinstance(self.source, stores.Cluster):
                self.run(self.source.drop(self.address))
        self.loop.close()
        shutil.rmtree(self.folder)


def test_log_is_always_what_a_list_would_be(source: Path | stores.Cluster) -> None:
    examples = 20 if isinstance(source, Path) else 8

    class Machine(LogMachine):
        pass

    Machine.source = source
    checks = settings(
        max_examples=examples,
        stateful_step_count=25,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow],
        derandomize=True,
    )
    run_state_machine_as_test(Machine, settings=checks)  # type: ignore[no-untyped-call]
