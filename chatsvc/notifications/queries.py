"""The trial's mailbox: what would have been mailed if there were a mail server."""

import logging

from chatsvc.db.engine import Database
from chatsvc.notifications import store
from chatsvc.notifications.clerk import Clerk, Undeliverable
from chatsvc.notifications.mailer import Mail

logger = logging.getLogger(__name__)


class Mailbox:
    """Kept mails, written anew from their rows each time: no text of a mail is stored."""

    def __init__(self, database: Database, clerk: Clerk) -> None:
        self._database = database
        self._clerk = clerk

    async def kept_letters(self, limit: int = 50) -> list[Mail]:
        """Return the newest kept mails, newest first. For the trial's page only: it shows everybody's links.

        Those that can no longer be written, because their receiver is gone, are left out.
        """
        async with self._database.read() as connection:
            rows = await store.kept(connection, most=limit)
        mails = []
        for row in rows:
            try:
                mails.append(await self._clerk.write(row))
            except Undeliverable as error:
                logger.info("kept_letter_left_out", extra={"outbox": row.id, "reason": str(error)})
        return mails
