"""How large a picture is when it is drawn, told from its headers as decoders tell it (threat T21)."""

import struct
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatsvc.files.model import PREVIEWED
from chatsvc.files.pictures import pixels_of


def a_png(width: int, height: int) -> bytes:
    return b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)


def a_jpeg(width: int, height: int, *, before: bytes = b"", frame: int = 0xC0) -> bytes:
    return b"\xff\xd8" + before + struct.pack(">BBHBHHB", 0xFF, frame, 17, 8, height, width, 3) + b"\0" * 9


def a_part(marker: int, data: bytes) -> bytes:
    """A part of a JPEG."""
    return struct.pack(">BBH", 0xFF, marker, len(data) + 2) + data


def a_gif(width: int, height: int, *, frame: tuple[int, int, int, int], before: bytes = b"", colours: int = 0) -> bytes:
    flags = 0x80 | colours if colours else 0
    head = b"GIF89a" + struct.pack("<HHBBB", width, height, flags, 0, 0)
    table = b"\xaa" * (3 << (colours + 1)) if colours else b""
    return head + table + before + b"," + struct.pack("<HHHHB", *frame, 0)


def a_webp(kind: bytes, data: bytes) -> bytes:
    return (
        b"RIFF" + struct.pack("<I", len(data) + 12) + b"WEBP" + kind + struct.pack("<I", len(data)) + data + b"\0" * 8
    )


def _lossless(width: int, height: int) -> bytes:
    return b"\x2f" + struct.pack("<I", (width - 1) | (height - 1) << 14)


def _canvas(width: int, height: int) -> bytes:
    return b"\0\0\0\0" + (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")


_COMMENT: Final = b"!\xfe\x05hello\x03you\0"
# A decoy that says 1 times 1 in a comment, a table that looks like a frame to whoever does not know better, and bytes between the parts.
_DECOYS: Final = (
    a_part(0xE1, a_jpeg(1, 1)) + a_part(0xC4, b"\0" * 20) + b"\0between\xff\xff\xff" + a_part(0xFE, b"x")[1:]
)

SIZES: Final = {
    "png": ("image/png", a_png(300, 200), 60_000),
    "png, enormous": ("image/png", a_png(60_000, 60_000), 3_600_000_000),
    "jpeg": ("image/jpeg", a_jpeg(300, 200), 60_000),
    "jpeg, progressive": ("image/jpeg", a_jpeg(300, 200, frame=0xC2), 60_000),
    "jpeg behind decoys": ("image/jpeg", a_jpeg(300, 200, before=_DECOYS), 60_000),
    "jpeg far behind": ("image/jpeg", a_jpeg(300, 200, before=a_part(0xE2, b"\xff\xc0" * 30_000) * 60), 60_000),
    "gif": ("image/gif", a_gif(300, 200, frame=(0, 0, 300, 200)), 60_000),
    "gif, behind colours and a comment": ("image/gif", a_gif(300, 200, frame=(0, 0, 9, 9), before=_COMMENT, colours=7), 60_000),
    "gif with a larger frame": ("image/gif", a_gif(1, 1, frame=(100, 0, 65_000, 65_000)), 65_100 * 65_000),
    "webp": ("image/webp", a_webp(b"VP8 ", b"\0\0\0\x9d\x01\x2a" + struct.pack("<HH", 300 | 1 << 14, 200)), 60_000),
    "webp without loss": ("image/webp", a_webp(b"VP8L", _lossless(16_384, 16_384)), 16_384**2),
    "webp with a canvas": ("image/webp", a_webp(b"VP8X", _canvas(300, 200)), 60_000),
}  # fmt: skip


@pytest.mark.parametrize("case", SIZES)
def test_the_size_is_the_one_that_a_decoder_draws(case: str) -> None:
    media_type, data, pixels = SIZES[case]

    assert pixels_of(media_type, data) == pixels


@pytest.mark.parametrize("case", SIZES)
def test_what_ends_before_it_says_its_size_says_none(case: str) -> None:
    media_type, data, pixels = SIZES[case]

    said = {pixels_of(media_type, data[:length]) for length in range(0, len(data), max(len(data) // 500, 1))}

    assert said <= {None, pixels}
    assert None in said


@pytest.mark.parametrize(
    ("media_type", "data"),
    [
        ("image/png", a_png(0, 5)),
        ("image/jpeg", a_jpeg(5, 0)),
        ("image/jpeg", b"\xff\xd8" + a_part(0xDA, b"") + a_jpeg(5, 5)[2:]),
        ("image/jpeg", b"\xff\xd8" + b"\xff\x00" * 20_000 + a_jpeg(5, 5)[2:]),
        ("image/gif", a_gif(5, 5, frame=(0, 0, 5, 5), before=b"!\xfe" + b"\x01x" * 20_000 + b"\0")),
        ("image/gif", b"GIF89a" + struct.pack("<HHBBB", 5, 5, 0, 0, 0) + b";"),
        ("image/webp", a_webp(b"ICCP", b"\0" * 40)),
    ],
    ids=["no width", "no height", "scan before a frame", "endless marks", "endless comment", "no frame", "no picture"],
)
def test_a_picture_that_hides_its_size_says_none(media_type: str, data: bytes) -> None:
    assert pixels_of(media_type, data) is None


@given(media_type=st.sampled_from(sorted(PREVIEWED)), data=st.binary(max_size=400), case=st.sampled_from(sorted(SIZES)))
def test_whatever_a_file_holds_is_read_to_its_end_and_no_further(media_type: str, data: bytes, case: str) -> None:
    for content in (data, SIZES[case][1][:30] + data):
        assert pixels_of(media_type, content) != 0
