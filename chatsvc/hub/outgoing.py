"""What waits to be sent on one connection: bounded, and newer pictures take the place of older ones (R18).

Holds bytes, sends nothing. Weather (typing, looking, seen marks) is dropped when there is no room; for anything else no room means that the
reader is too slow, and the caller closes the connection.
"""

from collections import deque
from collections.abc import Hashable
from enum import Enum


class Put(Enum):
    """What became of a frame."""

    QUEUED = "queued"
    DROPPED = "dropped"
    OVERFLOWED = "overflowed"


class _Slot:
    """A frame that a newer one may replace while it waits."""

    __slots__ = ("data", "key")

    def __init__(self, key: Hashable, data: bytes) -> None:
        self.key = key
        self.data = data


class Outgoing:
    """A queue of frames, bounded by bytes."""

    __slots__ = ("_frames", "_slots", "most_bytes", "waiting_bytes")

    def __init__(self, most_bytes: int) -> None:
        self.most_bytes = most_bytes
        # Bytes that wait at present.
        self.waiting_bytes = 0
        # None while nothing waits, which is nearly always: an empty deque is larger than all else here.
        self._frames: deque[bytes | _Slot] | None = None
        self._slots: dict[Hashable, _Slot] = {}

    def __len__(self) -> int:
        """Return how many frames wait."""
        return len(self._frames) if self._frames else 0

    def put(self, data: bytes) -> Put:
        """Queue a frame that must arrive."""
        if self.waiting_bytes + len(data) > self.most_bytes:
            return Put.OVERFLOWED
        self._append(data)
        self.waiting_bytes += len(data)
        return Put.QUEUED

    def _append(self, frame: bytes | _Slot) -> None:
        if self._frames is None:
            self._frames = deque((frame,))
        else:
            self._frames.append(frame)

    def put_latest(self, key: Hashable, data: bytes, *, weather: bool) -> Put:
        """Queue a frame in the place of the older one of the same key, if that still waits."""
        slot = self._slots.get(key)
        grows_by = len(data) - (len(slot.data) if slot else 0)
        if self.waiting_bytes + grows_by > self.most_bytes:
            return Put.DROPPED if weather else Put.OVERFLOWED
        self.waiting_bytes += grows_by
        if slot is not None:
            slot.data = data
        else:
            slot = self._slots[key] = _Slot(key, data)
            self._append(slot)
        return Put.QUEUED

    def pop(self) -> bytes | None:
        """Take the next frame out; None when nothing waits."""
        if self._frames is None:
            return None
        frame = self._frames.popleft()
        if not self._frames:
            self._frames = None
        if isinstance(frame, _Slot):
            del self._slots[frame.key]
            frame = frame.data
        self.waiting_bytes -= len(frame)
        return frame

    def pop_all(self) -> list[bytes]:
        """Take all frames out, in order."""
        frames = [frame.data if isinstance(frame, _Slot) else frame for frame in self._frames or ()]
        self.clear()
        return frames

    def clear(self) -> None:
        """Throw away what waits."""
        self._frames = None
        self._slots.clear()
        self.waiting_bytes = 0
