"""Sends what the outbox holds (R14): takes a lease, writes the mail, hands it to the server, marks the row.

At least once: whoever dies between the server's 250 and the mark leaves a lease that runs out, and the same mail goes out again under the
same Message-ID. What fails is put off and given up visibly in the end. Nothing is scheduled here; whoever calls ``run_once`` decides when.
"""

import asyncio
import logging
from datetime import timedelta
from typing import Final

from chatsvc.db import outbox
from chatsvc.db.engine import Database
from chatsvc.db.outbox import BACKOFF, Letter
from chatsvc.kernel import failpoints
from chatsvc.kernel.errors import Unavailable
from chatsvc.notifications import store
from chatsvc.notifications.clerk import Clerk, Undeliverable
from chatsvc.notifications.mailer import Mailer, NotSent

logger = logging.getLogger(__name__)

# A dead worker's mails are taken over after this. Longer than a sending may take, so that no two work on one mail.
LEASE: Final = timedelta(seconds=30)
SENT_WITHIN_S: Final = 20.0
# How many are under way at once: few enough for a small mail server.
AT_ONCE: Final = 4


class OutboxSender:
    """Empties the outbox; any number of them may run."""

    def __init__(self, *, database: Database, clerk: Clerk, mailer: Mailer | None) -> None:
        """Prepare.

        Args:
            database: the store with the outbox.
            clerk: writes the mails.
            mailer: the way out; None when there is no mail server: rows are then kept for the trial's mailbox.
        """
        self._database = database
        self._clerk = clerk
        self._mailer = mailer

    async def run_once(self) -> int:
        """Deal with up to ``AT_ONCE`` due rows; return how many. 0 means that nothing is due, or that others are on it.

        Raises:
            Unavailable: the store cannot; rows that were sent meanwhile go out again.
        """
        async with self._database.read() as connection:
            if not await store.is_anything_due(connection, at=self._database.clock.now()):
                return 0
        async with self._database.begin() as uow:
            letters = await outbox.lease(uow.connection, at=uow.now, until=uow.now + LEASE, most=AT_ONCE)
        async with asyncio.TaskGroup() as group:
            for letter in letters:
                group.create_task(self._deal_with(letter))
        return len(letters)

    async def _deal_with(self, letter: Letter) -> None:
        try:
            async with asyncio.timeout(SENT_WITHIN_S):
                state = await self._send(letter)
        except Unavailable:
            # Nothing can be marked now either; the lease runs out by itself.
            logger.warning("mail_waits_for_store", extra={"outbox": letter.id, "kind": letter.kind})
        except Undeliverable as error:
            # As if all tries were used up: no later one can succeed.
            await self._postpone(letter._replace(attempts=len(BACKOFF)), str(error))
        except NotSent as error:
            await self._postpone(letter, str(error))
        except Exception as error:
            logger.exception("mail_failed", extra={"outbox": letter.id, "kind": letter.kind})
            await self._postpone(letter, type(error).__name__)
        else:
            failpoints.hit("mail.before_mark")
            await self._mark(letter, state)

    async def _send(self, letter: Letter) -> str:
        """Send, and return the row's new state."""
        if self._mailer is None:
            return "kept"
        await self._mailer.send(await self._clerk.write(letter))
        return "sent"

    async def _mark(self, letter: Letter, state: str) -> None:
        try:
            async with self._database.begin() as uow:
                await outbox.mark(uow.connection, letter.id, state=state, at=uow.now)
        except Unavailable:
            logger.warning("mail_not_marked", extra={"outbox": letter.id, "kind": letter.kind})
        else:
            logger.info("mail_" + state, extra={"outbox": letter.id, "kind": letter.kind})

    async def _postpone(self, letter: Letter, failure: str) -> None:
        logger.warning("mail_postponed", extra={"outbox": letter.id, "kind": letter.kind, "failure": failure})
        async with self._database.begin() as uow:
            await outbox.postpone(uow.connection, letter, failure=failure, at=uow.now)
