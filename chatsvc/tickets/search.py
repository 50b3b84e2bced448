"""Words to search in and words to search for, folded alike, so that both stores find the same (T6).

Letters lose case and accents. Chinese, Japanese and Korean have no spaces to go by, so each run of them becomes its overlapping pairs,
and the last character alone; two characters are then found anywhere in a run, and one as the beginning of a pair. What is returned is
plain letters and digits with spaces: neither store's own idea of a word has a say.
"""

import unicodedata
from itertools import groupby
from typing import Final, NamedTuple

# Of a ticket's text; what comes later is not found.
MOST_WORDS: Final = 2_000
# Of what somebody searches for; the rest is ignored.
MOST_WANTED: Final = 12
LONGEST_WORD: Final = 64

# First and last code points of ideographs, kana and Hangul, and of their extensions.
_CJK: Final = (
    (0x1100, 0x11FF), (0x2E80, 0x2FDF), (0x3005, 0x3007), (0x3021, 0x3029), (0x3040, 0x30FF), (0x3105, 0x312F),
    (0x3130, 0x318F), (0x31A0, 0x31BF), (0x31F0, 0x31FF), (0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xA960, 0xA97F),
    (0xAC00, 0xD7FF), (0xF900, 0xFAFF), (0x20000, 0x3FFFF),
)  # fmt: skip


class Wanted(NamedTuple):
    """One thing to find: words that stand side by side, the last of which may be only the beginning of one."""

    words: tuple[str, ...]
    begins: bool


def is_cjk(character: str) -> bool:
    """Whether a character belongs to writing without spaces."""
    return any(first <= ord(character) <= last for first, last in _CJK)


def _plain(text: str) -> str:
    """The text without case, accents and the differences that nobody sees; the marks of kana and Hangul stay."""
    folded = unicodedata.normalize("NFC", unicodedata.normalize("NFKC", text).casefold())
    return "".join(letter for character in folded for letter in _letters(character))


def _letters(character: str) -> str:
    if character.isascii() or is_cjk(character):
        return character
    parts = unicodedata.normalize("NFD", character)
    return "".join(part for part in parts if not unicodedata.combining(part))


def _runs(text: str) -> list[tuple[bool, str]]:
    """The runs of letters and digits of a text, and whether each is of writing without spaces."""
    kinds = groupby(_plain(text), key=lambda letter: (letter.isalnum(), is_cjk(letter)))
    return [(cjk, "".join(run)) for (counts, cjk), run in kinds if counts]


def fold(text: str) -> list[str]:
    """Return the words under which a text is found, in its order."""
    words: list[str] = []
    for cjk, run in _runs(text):
        if cjk:
            words += [run[at : at + 2] for at in range(len(run))]
        else:
            words.append(run[:LONGEST_WORD])
        if len(words) >= MOST_WORDS:
            break
    return words[:MOST_WORDS]


def searchable(number: int, *texts: str) -> list[str]:
    """Return the words under which a ticket is found: its number first, then those of its texts."""
    return [str(number), *(word for text in texts for word in fold(text))][:MOST_WORDS]


def wanted(text: str) -> tuple[Wanted, ...]:
    """Return what somebody looks for, all of which must be found; empty when they wrote nothing that can be."""
    found: list[Wanted] = []
    for cjk, run in _runs(text[:200])[:MOST_WANTED]:
        if cjk and len(run) > 1:
            found.append(Wanted(tuple(run[at : at + 2] for at in range(len(run) - 1)), False))
        else:
            # Two letters begin half of all words: that would be no search.
            found.append(Wanted((run[:LONGEST_WORD],), cjk or len(run) >= 3))
    return tuple(found)
