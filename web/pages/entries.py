"""Entries of a log as the templates take them: the same words, side and sentence that a script shows for them."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any, Final

import msgspec

from chatsvc.accounts.model import Identity
from chatsvc.catalog.model import Catalog, Item
from chatsvc.files.model import PREVIEWED
from chatsvc.kernel.ids import PersonId
from chatsvc.tickets.model import Entry, Kind, Role, Words
from web.i18n import Reader, reading
from web.paths import url
from web.texts import event_sentence

# Words of the same person so shortly after each other stand under one head.
_SHORTLY: Final = timedelta(minutes=3)
_words: Final = msgspec.json.Decoder(Words)


def shown(
    entries: Sequence[Entry],
    *,
    to: Identity,
    for_reader: Reader,
    catalog: Catalog,
    seen: Mapping[PersonId, int] | None = None,
) -> list[dict[str, Any]]:
    """Return entries for ``components/entry.html``.

    Args:
        entries: in order.
        to: who reads; their own words stand on their side.
        for_reader: in which language events are told.
        catalog: has the names of lines.
        seen: how far each person has seen the log; None: no marks are shown.
    """
    read_to = max((number for person, number in (seen or {}).items() if person != to.person), default=0)
    rows: list[dict[str, Any]] = []
    before: Entry | None = None
    with reading(for_reader):
        for entry in entries:
            row = _words_of(entry, to) if is_words(entry) else _event_of(entry, catalog, for_reader)
            if seen is not None and row["side"] == "mine":
                row["state"] = "seen" if entry.number <= read_to else "stored"
            row["continued"] = before is not None and _continues(before, entry)
            rows.append(row)
            before = entry
    return rows


def is_words(entry: Entry) -> bool:
    """Whether somebody said it, rather than something having happened."""
    return entry.kind in (Kind.MESSAGE, Kind.NOTE)


def _continues(before: Entry, entry: Entry) -> bool:
    is_same = is_words(before) and is_words(entry) and before.sender == entry.sender
    return is_same and entry.at - before.at <= _SHORTLY


def _words_of(entry: Entry, to: Identity) -> dict[str, Any]:
    said = _words.decode(entry.body)
    return {
        "kind": entry.kind,
        "side": "mine" if entry.sender == to.person else "theirs",
        "name": entry.name,
        "text": said.text,
        "at": entry.at,
        "number": entry.number,
        "staff": entry.role is Role.STAFF,
        "files": [file_row(file) for file in said.files],
    }


def file_row(file: Any) -> dict[str, Any]:
    """Return a file for ``components/file.html``. Takes anything with id, name, media_type and size_bytes."""
    is_picture = file.media_type in PREVIEWED
    return {
        "name": file.name,
        "href": url("file", {"inline": "1"} if is_picture else None, file=file.id),
        "size_bytes": file.size_bytes,
        "picture": is_picture,
    }


def _event_of(entry: Entry, catalog: Catalog, for_reader: Reader) -> dict[str, Any]:
    facts = event_facts(entry, catalog, for_reader)
    return {
        "kind": entry.kind,
        "side": "system",
        "name": entry.name,
        "text": event_sentence(entry.kind, **facts),
        "at": entry.at,
        "number": entry.number,
        "staff": entry.role is Role.STAFF,
        "files": [],
    }


def event_facts(entry: Entry, catalog: Catalog, for_reader: Reader) -> dict[str, Any]:
    """Return what an event's sentence may use: its body, with names in place of keys, and who did it."""
    facts: dict[str, Any] = {**msgspec.json.decode(entry.body), "name": entry.name}
    for name in ("line", "to_line"):
        if name in facts:
            facts[name] = name_in(catalog.lines, str(facts[name]), for_reader)
    if entry.kind == Kind.TEAM:
        facts["team"] = name_in(catalog.teams, str(facts.get("team")), for_reader)
    return facts


def name_in(items: Iterable[Item], key: str | None, for_reader: Reader) -> str:
    """Return the reader's word for a key of the catalogue; a key that is no longer there reads as itself."""
    name = next((item.name for item in items if item.key == key), None)
    return for_reader.texts.gettext(name) if name else (key or "")


def pairs(items: Iterable[Item], for_reader: Reader) -> list[tuple[str, str]]:
    """Return a part of the catalogue as choices: key and the reader's word."""
    return [(item.key, for_reader.texts.gettext(item.name)) for item in items]
