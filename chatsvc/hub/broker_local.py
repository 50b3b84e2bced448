"""News between hubs of one process: for one process without Redis, and for tests with several hubs."""

import asyncio
from collections.abc import Callable, Sequence

from chatsvc.hub.broker import News, joined


class LocalExchange:
    """Where local brokers meet."""

    def __init__(self) -> None:
        self.brokers: list[LocalBroker] = []


class LocalBroker:
    """A broker without a line: what one publishes the others hear in the next turn of the loop."""

    def __init__(self, exchange: LocalExchange | None = None) -> None:
        self.on_news: Callable[[Sequence[News]], None] = lambda news: None
        self.on_back: Callable[[], None] = lambda: None
        self._exchange = exchange or LocalExchange()
        self._waiting: list[News] = []

    def publish(self, news: Sequence[News]) -> None:
        """Tell the others in the next turn of the loop, everything of this turn together."""
        if not news or self not in self._exchange.brokers:
            return
        if not self._waiting:
            asyncio.get_running_loop().call_soon(self._flush)
        self._waiting.extend(news)

    async def start(self) -> None:
        """Join the exchange."""
        self._exchange.brokers.append(self)

    async def close(self) -> None:
        """Leave the exchange."""
        if self in self._exchange.brokers:
            self._exchange.brokers.remove(self)

    def _flush(self) -> None:
        parcel, self._waiting = joined(self._waiting), []
        for other in self._exchange.brokers:
            if other is not self:
                other.on_news(parcel)
