"""How many pixels a picture unfolds to, read from its headers without unfolding anything (threat T21).

It goes by what a browser's decoder goes by, so that no picture is larger there than it says here. It draws nothing, changes nothing, and knows
the four kinds that are shown in pages.
"""

from collections.abc import Callable
from mmap import mmap
from typing import Final

# As many as 8,000 times 8,000: a quarter of a gigabyte in the browser of whoever looks at it.
MOST_PIXELS: Final = 64_000_000
# No honest picture has so many parts before its size.
_MOST_PARTS: Final = 10_000

# The frames of a JPEG begin with these; the three in between are tables.
_FRAMES: Final = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
# They stand alone, without a length.
_ALONE: Final = frozenset({0x01, *range(0xD0, 0xD8)})

Data = bytes | mmap


def pixels_of(media_type: str, data: Data) -> int | None:
    """Return how many pixels a picture has; None when its headers do not say it."""
    width, height = _SIZES[media_type](data) or (0, 0)
    return width * height or None


def _png(data: Data) -> tuple[int, int] | None:
    if data[12:16] != b"IHDR" or len(data) < 24:
        return None
    return _big(data[16:20]), _big(data[20:24])


def _gif(data: Data) -> tuple[int, int] | None:
    """The screen, or the first frame where that is larger: browsers then draw all of it."""
    if len(data) < 13:
        return None
    width, height = _little(data[6:8]), _little(data[8:10])
    # Behind the table of colours, if there is one.
    at = 13 + (3 << ((data[10] & 7) + 1) if data[10] & 0x80 else 0)
    in_extension = False
    for _ in range(_MOST_PARTS):
        kind = data[at : at + 1]
        if in_extension:
            at += 1 + _little(kind)
            in_extension = kind not in (b"\0", b"")
        elif kind == b"!":
            at, in_extension = at + 2, True
        elif kind == b"," and at + 9 <= len(data):
            left, top, wide, high = (_little(data[at + n : at + n + 2]) for n in (1, 3, 5, 7))
            return max(width, left + wide), max(height, top + high)
        else:
            return None
    return None


def _jpeg(data: Data) -> tuple[int, int] | None:
    at = 2
    for _ in range(_MOST_PARTS):
        # What stands between two parts is skipped, as decoders do.
        at = data.find(b"\xff", at)
        marker = _big(data[at + 1 : at + 2]) if at >= 0 else 0xD9
        if marker in _FRAMES:
            return (_big(data[at + 7 : at + 9]), _big(data[at + 5 : at + 7])) if at + 9 <= len(data) else None
        if marker in (0xD9, 0xDA):
            return None
        if marker in (0x00, 0xFF):
            at += 1
        else:
            at += 2 if marker in _ALONE or marker == 0xD8 else 2 + max(_big(data[at + 2 : at + 4]), 2)
    return None


def _webp(data: Data) -> tuple[int, int] | None:
    kind = data[12:16]
    if len(data) < 30:
        return None
    if kind == b"VP8X":
        return _little(data[24:27]) + 1, _little(data[27:30]) + 1
    if kind == b"VP8L" and data[20] == 0x2F:
        bits = _little(data[21:25])
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if kind == b"VP8 " and data[23:26] == b"\x9d\x01\x2a":
        return _little(data[26:28]) & 0x3FFF, _little(data[28:30]) & 0x3FFF
    return None


def _big(some: bytes) -> int:
    return int.from_bytes(some, "big")


def _little(some: bytes) -> int:
    return int.from_bytes(some, "little")


_SIZES: Final[dict[str, Callable[[Data], tuple[int, int] | None]]] = {
    "image/png": _png,
    "image/gif": _gif,
    "image/jpeg": _jpeg,
    "image/webp": _webp,
}
