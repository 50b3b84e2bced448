"""What a saved reply is. Values only."""

from typing import Final

import msgspec

LONGEST_TITLE: Final = 100
LONGEST_TEXT: Final = 4_000


class SavedReply(msgspec.Struct, frozen=True):
    """A text that a representative inserts with ``/``."""

    id: str
    title: str
    # ``{customer}``, ``{number}`` and ``{representative}`` are filled in by plain replacement; nothing else is (threat T17).
    text: str
    # Offered in this line only; None: in all.
    line: str | None
    # True when it is the reader's own, False when it is everybody's.
    is_own: bool
    version: int
