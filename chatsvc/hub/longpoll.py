"""The REST twin's way to wait for entries, for networks that kill sockets: same logs, same numbers, same shared reads.

Whether the caller may read the log is asked before; it is asked again for every poll.
"""

from chatsvc.hub.following import Following
from chatsvc.hub.rules import Rules
from chatsvc.kernel.errors import TooMany
from chatsvc.kernel.ids import LogId
from chatsvc.tickets.model import Entry


class LongPoll:
    """Waits for entries."""

    def __init__(self, following: Following, rules: Rules) -> None:
        self._following = following
        self._rules = rules
        self._waiting = 0

    async def wait_for(self, log: LogId, after: int, timeout_s: float) -> tuple[Entry, ...]:
        """Return the entries after a number as soon as there are any.

        Args:
            log: a log that the caller may read.
            after: the last number that the caller has; 0 for none.
            timeout_s: how long to wait, at most ``rules.poll_s``; 0 or less looks once.

        Returns:
            Consecutive entries in order, at most 500; none when the time is over or this process is about to end.

        Raises:
            TooMany: as many polls are waiting as this process takes.
            Unavailable: the store cannot be read now.
        """
        if self._waiting >= self._rules.most_connections:
            raise TooMany("too_many", retry_after=self._rules.retry_s)
        self._waiting += 1
        try:
            return await self._following.wait_for(log, after, min(timeout_s, self._rules.poll_s))
        finally:
            self._waiting -= 1
