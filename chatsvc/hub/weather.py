"""Typing, looking and seen marks: told at once, never awaited, lost without harm (R7). Seen marks are stored in batches, the others never.

Who looks is told to those who work here alone: a customer need not know how many heads bend over their ticket. Nobody says that they have
stopped; whoever shows it forgets it by themselves.
"""

from collections.abc import Callable, Sequence
from typing import Final

from chatsvc.hub.broker import Looked, News, Saw, Typed
from chatsvc.hub.connection import Connection, encode
from chatsvc.hub.doors import Logs
from chatsvc.hub.following import Following, Topic
from chatsvc.hub.frames import LookingFrame, LookingMark, SeenFrame, SeenMark, TypingFrame, TypingMark
from chatsvc.kernel.errors import Refused
from chatsvc.kernel.ids import LogId, PersonId

# Marks that wait to be stored while the store cannot; beyond this the oldest are forgotten, they are only weather.
_MOST_UNSTORED: Final = 50_000


class Weather:
    """Who types, who looks, and who has seen what."""

    def __init__(self, logs: Logs, following: Following, publish: Callable[[Sequence[News]], None]) -> None:
        self._logs = logs
        self._following = following
        self._publish = publish
        self._unstored: dict[tuple[LogId, PersonId], int] = {}

    def typing(self, connection: Connection, frame: TypingFrame) -> None:
        """Tell everybody else who follows the log that somebody is typing."""
        log = LogId(frame.log)
        topic = self._following.topic(log)
        if topic is None or not self._has_read(connection, topic):
            return
        news = Typed(log, connection.identity.person, connection.identity.name)
        self._tell_typing(topic, news)
        self._publish((news,))

    def looking(self, connection: Connection, frame: LookingFrame) -> None:
        """Tell everybody else who works here and follows the log that a colleague has its ticket in front of them."""
        log = LogId(frame.log)
        topic = self._following.topic(log)
        if topic is None or not self._has_read(connection, topic):
            return
        news = Looked(log, connection.identity.person, connection.identity.name)
        self._tell_looking(topic, news)
        self._publish((news,))

    def seen(self, connection: Connection, frame: SeenFrame) -> None:
        """Note how far somebody has seen a log, never beyond what they were sent, and tell everybody who follows it."""
        log = LogId(frame.log)
        subscription = self._following.subscription(connection, log)
        topic = self._following.topic(log)
        if subscription is None or subscription.reach is None or topic is None:
            return
        news = Saw(log, connection.identity.person, min(frame.number, subscription.follow.sent))
        if self._tell_seen(topic, news):
            self._unstored[news.log, news.person] = news.number
            self._publish((news,))

    def heard(self, news: Typed | Looked | Saw) -> None:
        """Take the weather of another process in."""
        topic = self._following.topic(news.log)
        if topic is None:
            return
        if isinstance(news, Typed):
            self._tell_typing(topic, news)
        elif isinstance(news, Looked):
            self._tell_looking(topic, news)
        else:
            self._tell_seen(topic, news)

    async def store_marks(self) -> None:
        """Store the seen marks of the last second; they wait for the next round when the store cannot take them.

        Raises:
            Unavailable: it cannot.
        """
        marks, self._unstored = self._unstored, {}
        if not marks:
            return
        try:
            await self._logs.mark_seen(marks)
        except Refused:
            if len(self._unstored) + len(marks) <= _MOST_UNSTORED:
                self._unstored = marks | self._unstored
            raise

    def _has_read(self, connection: Connection, topic: Topic) -> bool:
        subscription = topic.subscriptions.get(connection)
        return subscription is not None and subscription.reach is not None

    def _tell_typing(self, topic: Topic, news: Typed) -> None:
        data = encode(TypingMark(news.log, news.person, news.name))
        for connection, subscription in tuple(topic.subscriptions.items()):
            if subscription.reach is not None and connection.identity.person != news.person:
                connection.push_latest(("typing", news.log, news.person), data, weather=True)

    def _tell_looking(self, topic: Topic, news: Looked) -> None:
        data = encode(LookingMark(news.log, news.person, news.name))
        for connection, subscription in tuple(topic.subscriptions.items()):
            identity = connection.identity
            if subscription.reach is not None and identity.is_staff and identity.person != news.person:
                connection.push_latest(("looking", news.log, news.person), data, weather=True)

    def _tell_seen(self, topic: Topic, news: Saw) -> bool:
        """Return whether the mark was news."""
        if news.number <= topic.seen.get(news.person, 0):
            return False
        topic.seen[news.person] = news.number
        data = encode(SeenMark(news.log, news.person, news.number))
        for connection, subscription in tuple(topic.subscriptions.items()):
            if subscription.reach is not None:
                connection.push_latest(("seen", news.log, news.person), data, weather=True)
        return True
