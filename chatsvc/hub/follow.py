"""One follower's place in one log: what was handed on, what is known to exist. Never skips, never repeats (R3, R4).

Pure: bells may be lost, doubled and out of order, entries may come in any pieces; what is handed on is 1, 2, 3 … all the same.
"""

from collections.abc import Sequence

from chatsvc.tickets.model import Entry


class Follow:
    """A place in a log."""

    __slots__ = ("head", "sent")

    def __init__(self, sent: int, head: int) -> None:
        # The last number that was handed on.
        self.sent = sent
        # The highest number heard of.
        self.head = max(sent, head)

    @property
    def behind(self) -> bool:
        """Whether entries are known to exist that were not handed on."""
        return self.sent < self.head

    def hear(self, head: int) -> bool:
        """Note a bell; return whether something is missing now."""
        if head > self.head:
            self.head = head
        return self.sent < self.head

    def take(self, entries: Sequence[Entry]) -> Sequence[Entry]:
        """Return the part of these consecutive entries that comes next, and count it as handed on; nothing when there is a gap before it."""
        if not entries:
            return ()
        first, last = entries[0].number, entries[-1].number
        self.head = max(self.head, last)
        if first > self.sent + 1 or last <= self.sent:
            return ()
        part = entries[self.sent + 1 - first :] if first <= self.sent else entries
        self.sent = last
        return part

    def correct(self, head: int) -> None:
        """Believe the store rather than a bell: there is nothing beyond this number, or beyond what was handed on."""
        self.head = max(self.sent, head)
