"""Questions that share a read: what is asked while one is answered goes into the next one, as appends share commits.

An idle system answers at once, a busy one gathers by itself; no timer is involved. Whoever asks is answered from a moment after they asked.
"""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from typing import Generic, TypeVar

Asked = TypeVar("Asked", bound=Hashable)
Answer = TypeVar("Answer")


class Gathered(Generic[Asked, Answer]):
    """One kind of question."""

    def __init__(self, answer: Callable[[Sequence[Asked]], Awaitable[Mapping[Asked, Answer]]], *, most: int) -> None:
        """Gather questions.

        Args:
            answer: answers some of them in one read; what it leaves out has no answer.
            most: questions in one read.
        """
        self._answer = answer
        self._most = most
        self._waiting: dict[Asked, asyncio.Future[Answer | None]] = {}
        self._running: asyncio.Task[None] | None = None

    async def ask(self, asked: Asked) -> Answer | None:
        """Return the answer; None when there is none. Raises what the read raises."""
        future = self._waiting.get(asked)
        if future is None:
            future = self._waiting[asked] = asyncio.get_running_loop().create_future()
        if self._running is None:
            self._running = asyncio.create_task(self._answer_all())
        # Shielded: others may wait for the same answer.
        return await asyncio.shield(future)

    async def _answer_all(self) -> None:
        while self._waiting:
            asked = list(self._waiting)[: self._most]
            futures = [self._waiting.pop(each) for each in asked]
            try:
                answers = await self._answer(asked)
            except Exception as error:
                for future in futures:
                    future.set_exception(error)
                    future.exception()  # whoever asked may be gone
            else:
                for each, future in zip(asked, futures, strict=True):
                    future.set_result(answers.get(each))
        self._running = None

    async def close(self) -> None:
        """Let a running read end."""
        if self._running is not None:
            await self._running
