"""Things that are due together and must not keep each other from being done."""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Self

from chatsvc.kernel.errors import Unavailable


class Apart:
    """Does each thing whatever becomes of the others; what failed is raised when all are done, as one ``ExceptionGroup``.

    ::

        with Apart() as apart:
            for each in found:
                with apart.one(f"conversation {each.id}"):
                    await act(each)

    Raises:
        ExceptionGroup: of what failed, in its order.
        Unavailable: at once, since the store will do nothing for the others either; what failed before it stays due.
    """

    def __init__(self) -> None:
        self._failures: list[Exception] = []

    def __enter__(self) -> Self:
        return self

    @contextmanager
    def one(self, name: str) -> Iterator[None]:
        """Do one of them; its name stands in the traceback when it fails."""
        try:
            yield
        except Unavailable:
            raise
        except Exception as failure:
            failure.add_note(name)
            self._failures.append(failure)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._failures and error is None:
            raise ExceptionGroup("not everything that is due was done", self._failures)


async def do_apart(*duties: Callable[[], Awaitable[object]]) -> None:
    """Do one duty after the other, each whatever becomes of the others.

    Raises:
        ExceptionGroup: of what failed.
        Unavailable: the store cannot.
    """
    with Apart() as apart:
        for duty in duties:
            with apart.one(repr(duty)):
                await duty()
