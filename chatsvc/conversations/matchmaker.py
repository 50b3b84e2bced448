"""Keeps lines moving in every process: woken by bells, and every second for what only time brings."""

from collections.abc import Sequence

from chatsvc.conversations.actions import Conversations
from chatsvc.db.uow import Bell


class Matchmaker:
    """One task per process; any number of them may run on one store."""

    def __init__(self, conversations: Conversations) -> None:
        raise NotImplementedError

    def start(self) -> None:
        """Begin, on the running loop."""
        raise NotImplementedError

    async def close(self) -> None:
        """Stop after what is under way."""
        raise NotImplementedError

    def hear(self, bells: Sequence[Bell]) -> None:
        """Take note of bells (``line:*``, ``desk:*``; others are ignored); never blocks."""
        raise NotImplementedError
