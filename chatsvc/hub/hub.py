"""Who is here, in this process: takes sockets in, knows every connection, and sees everybody out.

What it deliberately does not do: decide what a person may see or do (that is asked of ``doors``), and speak to other processes (``broker``).
"""

from collections.abc import Sequence

from starlette.websockets import WebSocket

from chatsvc.db.uow import Bell
from chatsvc.hub.broker import Broker
from chatsvc.hub.doors import Doors
from chatsvc.hub.handshake import Gate
from chatsvc.hub.rules import Rules
from chatsvc.kernel.clock import Clock
from chatsvc.tickets.logbook import Written


class Hub:
    """The sockets of one process."""

    def __init__(
        self, doors: Doors, broker: Broker, *, store: str, clock: Clock, gate: Gate, rules: Rules | None = None
    ) -> None:
        """Make a hub that is not yet started.

        Args:
            doors: the rooms below.
            broker: the way to other processes; started and closed by the hub.
            store: the store's epoch (``db.store_facts.epoch``).
            clock: for the moment in ``welcome``.
            gate: which handshakes are taken.
            rules: limits and rhythms; None for the defaults.
        """
        self.doors = doors
        self.broker = broker
        self.store = store
        self.clock = clock
        self.gate = gate
        self.rules = rules or Rules()

    @property
    def ready(self) -> bool:
        """Whether new connections are welcome: False before ``start`` and from ``drain`` on."""
        raise NotImplementedError

    async def start(self) -> None:
        """Begin to beat, to renew presence and to listen for news."""
        raise NotImplementedError

    def ring(self, bells: Sequence[Bell]) -> None:
        """Hear the bells of a unit of work that this process has committed: assign it to ``Database.publish``."""
        raise NotImplementedError

    def stored(self, written: Sequence[Written]) -> None:
        """Deliver what this process has just committed: assign it to ``LogBook.on_stored``."""
        raise NotImplementedError

    async def endpoint(self, websocket: WebSocket) -> None:
        """Serve one socket: ``WebSocketRoute("/ws", hub.endpoint)``."""
        raise NotImplementedError

    async def drain(self) -> None:
        """See everybody out: not ready, finish commits, close with 1012 and a spread hint; done within 10 seconds (R19)."""
        raise NotImplementedError

    async def close(self) -> None:
        """Drain if that has not happened, then stop everything that ``start`` began."""
        raise NotImplementedError
