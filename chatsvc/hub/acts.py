"""Carries out what a peer lets through: follows, appends, watches, desks. The rooms below decide; here is only the way to them and back.

Nothing here awaits a socket. What must wait for the database runs beside the connection and answers by ``ref``; entries of one connection
keep their order all the same.
"""

from collections.abc import Callable, Coroutine, Sequence
from functools import partial
from typing import Any, Final

from chatsvc.files.model import Attached
from chatsvc.hub import metrics
from chatsvc.hub.connection import Connection, Gone
from chatsvc.hub.doors import Doors
from chatsvc.hub.following import Following
from chatsvc.hub.frames import (
    Accept,
    AppendFrame,
    CaughtUp,
    Close,
    Decline,
    Done,
    FromClient,
    LookingFrame,
    Open,
    Reset,
    SeenFrame,
    SetDesk,
    StoredFrame,
    TypingFrame,
    Unwatch,
    Watch,
)
from chatsvc.hub.pictures import Pictures, key_of
from chatsvc.hub.presence import Presence
from chatsvc.hub.rules import Rules
from chatsvc.hub.weather import Weather
from chatsvc.kernel.errors import Invalid, Refused
from chatsvc.kernel.ids import FileId, LogId, OfferId, TicketId
from chatsvc.tickets.model import Append, Audience, Kind, Role, Stored, words
from chatsvc.tickets.queries import LogReach

_KIND_OF: Final = {Audience.SHARED: Kind.MESSAGE.value, Audience.STAFF: Kind.NOTE.value}
_WORDS: Final = {kind.value: kind for kind in (Kind.MESSAGE, Kind.NOTE)}


class Acts:
    """What frames do."""

    def __init__(
        self,
        doors: Doors,
        following: Following,
        pictures: Pictures,
        presence: Presence,
        weather: Weather,
        *,
        store: str,
        rules: Rules,
    ) -> None:
        self._doors = doors
        self._following = following
        self._pictures = pictures
        self._presence = presence
        self._weather = weather
        self._store = store
        self._rules = rules
        # Appends that wait for their commit, for a quiet end (R19).
        self.uncommitted = 0
        self._by_kind: dict[type[FromClient], Callable[[Connection, Any], None]] = {
            Open: self._open,
            Close: self._close,
            AppendFrame: self._append,
            SeenFrame: weather.seen,
            TypingFrame: weather.typing,
            LookingFrame: weather.looking,
            Watch: self._watch,
            Unwatch: self._unwatch,
            SetDesk: self._set_desk,
            Accept: self._accept,
            Decline: self._decline,
        }

    def perform(self, connection: Connection, frame: FromClient) -> None:
        """Carry a frame out, or begin to."""
        self._by_kind[type(frame)](connection, frame)

    # Logs.

    def _open(self, connection: Connection, frame: Open) -> None:
        if len(connection.logs) >= self._rules.most_logs and frame.log not in connection.logs:
            connection.refuse_with(frame.ref, "frame.too_many_open")
            return
        connection.ask(frame.ref, self._open_now(connection, frame))

    async def _open_now(self, connection: Connection, frame: Open) -> None:
        log = LogId(frame.log)
        if not connection.is_open:
            raise Gone
        # Followed before it is read how far the log is: what is committed between the two is heard, not missed.
        subscription = self._following.join(connection, log, frame.after)
        try:
            opening = await self._doors.reading.opening(connection.identity, log, frame.after)
            if frame.after > opening.reach.head or (frame.after > 0 and frame.store != self._store):
                metrics.resets.inc()
                self._following.end(subscription, log)
                connection.send(Reset(frame.ref, log, self._store))
                return
            seen = await self._following.open(subscription, opening)
        except Refused:
            self._following.end(subscription, log)
            raise
        connection.send(
            CaughtUp(frame.ref, log, subscription.follow.sent, {str(who): number for who, number in seen.items()})
        )

    def _close(self, connection: Connection, frame: Close) -> None:
        self._following.leave(connection, LogId(frame.log))

    # Entries.

    def _append(self, connection: Connection, frame: AppendFrame) -> None:
        subscription = self._following.subscription(connection, LogId(frame.log))
        reach = subscription.reach if subscription else None
        if reach is not None and not frame.files and not connection.unsent_entries:
            self._submit(connection, frame, reach, ())
            return
        if len(connection.unsent_entries) >= self._rules.most_waiting:
            connection.refuse_with(frame.ref, "frame.too_many_waiting", retry_after=self._rules.retry_s)
            return
        connection.unsent_entries.append(frame)
        if len(connection.unsent_entries) == 1:
            connection.ask(None, self._append_in_turn(connection))

    async def _append_in_turn(self, connection: Connection) -> None:
        """Append what has to ask another room first, and whatever came after it, in the order in which it was said."""
        waiting = connection.unsent_entries
        while waiting:
            frame = waiting[0]
            try:
                reach = await self._doors.reading.reach(connection.identity, LogId(frame.log))
                files = await self._attached(connection, frame, reach)
                self._submit(connection, frame, reach, files)
            except Refused as error:
                connection.refuse(frame.ref, error)
            except Exception:
                connection.fail(frame.ref)
            if waiting and waiting[0] is frame:
                waiting.pop(0)

    async def _attached(self, connection: Connection, frame: AppendFrame, reach: LogReach) -> tuple[Attached, ...]:
        if not frame.files:
            return ()
        return await self._doors.reading.attached(connection.identity, [FileId(file) for file in frame.files], reach)

    def _submit(self, connection: Connection, frame: AppendFrame, reach: LogReach, files: Sequence[Attached]) -> None:
        if frame.kind != _KIND_OF[reach.audience]:
            connection.refuse(frame.ref, Invalid("log.wrong_kind"))
            return
        identity = connection.identity
        append = Append(
            log=reach.log,
            sender=identity.person,
            name=identity.name,
            role=Role.STAFF if identity.is_staff else Role.CUSTOMER,
            key=frame.key,
            kind=_WORDS[frame.kind],
            # Stripped as everywhere: the same key over REST must be the same words (R2).
            body=words(frame.text.strip(), tuple(files)),
            company=identity.company,
            epoch=frame.epoch if reach.audience is Audience.SHARED else None,
        )
        self.uncommitted += 1
        self._doors.logs.submit(append, partial(self._answer, connection, frame))

    def _answer(self, connection: Connection, frame: AppendFrame, result: Stored | Refused) -> None:
        self.uncommitted -= 1
        if isinstance(result, Refused):
            if result.key == "entry.stale_epoch":
                metrics.stale_refused.inc()
            connection.refuse(frame.ref, result)
            return
        if result.repeated:
            metrics.repeats.inc()
        connection.send(StoredFrame(frame.ref, LogId(frame.log), frame.key, result.number, result.at))

    # Pictures.

    def _watch(self, connection: Connection, frame: Watch) -> None:
        if self._pictures.count(connection) >= self._rules.most_pictures:
            connection.refuse_with(frame.ref, "frame.too_many_open")
            return
        connection.ask(frame.ref, self._watch_now(connection, frame))

    async def _watch_now(self, connection: Connection, frame: Watch) -> None:
        await self._pictures.watch(connection, frame)
        if frame.ticket is None:
            self._presence.desk_came(connection.identity.person)
        else:
            self._presence.customer_came(TicketId(frame.ticket))

    def _unwatch(self, connection: Connection, frame: Unwatch) -> None:
        self._pictures.unwatch(connection, key_of(connection.identity, frame.view, frame.ticket))

    # Desks.

    def _set_desk(self, connection: Connection, frame: SetDesk) -> None:
        wish = partial(self._doors.deeds.set_desk, connection.identity, frame.state, frame.reason)
        connection.ask(frame.ref, self._done(connection, frame.ref, wish))

    def _accept(self, connection: Connection, frame: Accept) -> None:
        wish = partial(self._doors.deeds.accept, connection.identity, OfferId(frame.offer), frame.epoch)
        connection.ask(frame.ref, self._done(connection, frame.ref, wish))

    def _decline(self, connection: Connection, frame: Decline) -> None:
        wish = partial(self._doors.deeds.decline, connection.identity, OfferId(frame.offer), frame.epoch, frame.reason)
        connection.ask(frame.ref, self._done(connection, frame.ref, wish))

    async def _done(self, connection: Connection, ref: int, wish: Callable[[], Coroutine[Any, Any, object]]) -> None:
        await wish()
        connection.send(Done(ref))
