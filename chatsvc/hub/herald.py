"""Tells the hubs of other processes what a process without sockets has committed: the worker's rounds, the telephone's."""

from collections.abc import Sequence

from chatsvc.db.uow import Bell
from chatsvc.hub.broker import Broker, as_news, as_told
from chatsvc.hub.rules import Rules
from chatsvc.tickets.logbook import Written


class Herald:
    """A hub's voice without its sockets."""

    def __init__(self, broker: Broker, rules: Rules | None = None) -> None:
        """Make a herald that is not yet started.

        Args:
            broker: the way to the hubs; started and closed by the herald.
            rules: limits; None for the defaults.
        """
        self._broker = broker
        self._rules = rules or Rules()

    async def start(self) -> None:
        """Begin to tell; returns at once, also while nobody can be reached."""
        await self._broker.start()

    def ring(self, bells: Sequence[Bell]) -> None:
        """Tell the bells of a unit of work that this process has committed: assign it to ``Database.publish``."""
        self._broker.publish(as_news(bells))

    def stored(self, written: Sequence[Written]) -> None:
        """Tell what this process has just committed: assign it to ``LogBook.on_stored``."""
        self._broker.publish(as_told(written, self._rules.most_told_bytes))

    async def close(self) -> None:
        """Tell what still waits, if that is quick, and stop."""
        await self._broker.close()
