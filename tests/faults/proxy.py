"""A line that can be cut: a TCP proxy between clients and one hub, for tests of what a bad network does."""

import asyncio
import random
from types import TracebackType
from typing import Self


class Line:
    """Both directions of one connection through the proxy."""

    def __init__(self, client: asyncio.StreamWriter, server: asyncio.StreamWriter) -> None:
        self._ends = (client, server)
        # Bytes that may still pass before the line breaks by itself; None: no limit.
        self.fuse: int | None = None

    def cut(self) -> None:
        """Break both directions at once, without a farewell."""
        for end in self._ends:
            end.transport.abort()


class Proxy:
    """Listens on a loopback port of its own and passes bytes on to another one.

    ``cut_all`` breaks every line there is; ``fuse`` makes each new line break after a random number of bytes, so that the cut falls
    before, inside or behind a frame, and between a commit and its acknowledgement.
    """

    def __init__(self, target: tuple[str, int], *, seed: int = 0) -> None:
        self.target = target
        self.lines: set[Line] = set()
        # How many lines were cut, by either way.
        self.cuts = 0
        # Lowest and highest number of bytes after which a new line breaks; None: never.
        self.fuse: tuple[int, int] | None = None
        # While True bytes are taken and not passed on: a line that is dead and does not say so.
        self.is_black_hole = False
        self._chance = random.Random(seed)
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        self.cut_all()
        await self._server.wait_closed()

    @property
    def port(self) -> int:
        """The port that clients connect to."""
        assert self._server is not None
        return int(self._server.sockets[0].getsockname()[1])

    def cut_all(self) -> None:
        """Break every line there is."""
        for line in tuple(self.lines):
            self._cut(line)

    def cut_some(self, share: float) -> None:
        """Break a share of the lines, chosen by chance."""
        for line in tuple(self.lines):
            if self._chance.random() < share:
                self._cut(line)

    def _cut(self, line: Line) -> None:
        if line in self.lines:
            self.lines.discard(line)
            self.cuts += 1
            line.cut()

    async def _serve(self, from_client: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
        try:
            from_server, to_server = await asyncio.open_connection(*self.target)
        except OSError:
            to_client.transport.abort()
            return
        line = Line(to_client, to_server)
        line.fuse = self._chance.randint(*self.fuse) if self.fuse is not None else None
        self.lines.add(line)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._pump(line, from_client, to_server))
            tasks.create_task(self._pump(line, from_server, to_client))
        self.lines.discard(line)

    async def _pump(self, line: Line, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(4096):
                if self.is_black_hole:
                    continue
                if line.fuse is not None:
                    data, line.fuse = data[: line.fuse], line.fuse - len(data)
                writer.write(data)
                await writer.drain()
                if line.fuse is not None and line.fuse <= 0:
                    self._cut(line)
                    return
        except OSError:
            pass
        line.cut()
