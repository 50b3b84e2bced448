"""What an uploaded file may be, and how it is called. Pure: names and first bytes in, a verdict out (threat T18)."""

import unicodedata
from typing import Final

import filetype
import msgspec

from chatsvc.kernel.errors import Invalid
from chatsvc.kernel.ids import FileId

# Enough of a file to tell what it is.
HEAD_BYTES: Final = 8_192
LONGEST_NAME: Final = 150

# Media type -> the endings that fit it, the usual one first.
ACCEPTED: Final[dict[str, tuple[str, ...]]] = {
    "image/png": ("png",),
    "image/jpeg": ("jpg", "jpeg"),
    "image/gif": ("gif",),
    "image/webp": ("webp",),
    "application/pdf": ("pdf",),
    "application/zip": ("zip",),
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": ("xlsx",),
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": ("docx",),
    "application/vnd.openxmlformats-officedocument.presentationml.presentation": ("pptx",),
    "application/vnd.ms-excel": ("xls",),
    "application/msword": ("doc",),
    "video/mp4": ("mp4",),
    "video/webm": ("webm",),
    "text/plain": ("txt", "log", "csv", "json", "xml", "eml", "md"),
}

# What a browser draws by itself without running anything.
PREVIEWED: Final = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})

# A text that begins like this is a page or a drawing with scripts, whatever it is called.
_ACTIVE = ("<!doctype html", "<html", "<svg", "<script", "<head", "<body", "<iframe", "<object", "<embed", "<math")


class Attached(msgspec.Struct, frozen=True):
    """A file as an entry names it."""

    id: FileId
    name: str
    media_type: str
    size_bytes: int


def media_type_of(head: bytes) -> str:
    """Return what a file is, told from its first bytes.

    Raises:
        Invalid: it is empty, of a kind that is not accepted, or a page that a browser would run.
    """
    if not head:
        raise Invalid("file.empty", field="file")
    kind = filetype.guess(head)
    if kind is not None:
        if kind.mime not in ACCEPTED:
            raise Invalid("file.kind_refused", field="file", kind=kind.mime)
        return str(kind.mime)
    text = _decode(head)
    if "\0" in text:
        raise Invalid("file.kind_refused", field="file")
    start = text.lstrip("\ufeff \t\r\n").lower()
    if any(mark in text.lower() for mark in ("<svg", "<script", "<html")) or start.startswith(_ACTIVE):
        raise Invalid("file.active_refused", field="file")
    return "text/plain"


def _decode(head: bytes) -> str:
    # The cut may fall inside a character: up to three bytes at the end do not count.
    for cut in range(4 if len(head) == HEAD_BYTES else 1):
        try:
            return head[: len(head) - cut].decode()
        except UnicodeDecodeError:
            continue
    raise Invalid("file.kind_refused", field="file")


def plain_name(name: str) -> str:
    """Return a name that somebody else gave in one line, without a path and invisible characters; its ending is whatever it was."""
    flat = unicodedata.normalize("NFKC", name).replace("\\", "/").rpartition("/")[2]
    visible = "".join(character for character in flat if unicodedata.category(character)[0] != "C")
    return " ".join(visible.translate({ord(mark): "_" for mark in '<>:"|?*'}).split()).strip(". ")


def safe_name(name: str, media_type: str) -> str:
    """Return the name as it will be shown: one line, no path, no invisible characters, with an ending that fits what the file is."""
    plain = plain_name(name)
    stem, dot, ending = plain.rpartition(".")
    endings = ACCEPTED[media_type]
    if not dot or ending.lower() not in endings:
        stem, ending = plain, endings[0]
    return f"{stem[: LONGEST_NAME - len(ending) - 1] or 'file'}.{ending}"
