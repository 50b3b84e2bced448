"""The languages of mails: gettext catalogues of this room, and how a reader writes moments.

Catalogues are ``locales/<code>/LC_MESSAGES/mails.po``, read as they are; English is the language of the source and has none. Pages have
their own catalogues: this room is below them and cannot ask theirs.
"""

from datetime import datetime
from functools import cache
from gettext import GNUTranslations, NullTranslations
from io import BytesIO
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date, format_datetime, format_time, get_timezone_name
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

LOCALES: Final = Path(__file__).parent / "locales"
# How dates are written. Plain ``en`` would be American: 11/22/26 and a twelve-hour clock, which readers elsewhere misread.
_FORMATS: Final = {"en": "en_GB"}


@cache
def catalogue(code: str) -> NullTranslations:
    """Return the texts of a language; whatever is missing reads in English."""
    source = LOCALES / code / "LC_MESSAGES" / "mails.po"
    if not source.exists():
        return NullTranslations()
    with source.open("rb") as file:
        entries = read_po(file, locale=code)
    compiled = BytesIO()
    write_mo(compiled, entries)
    compiled.seek(0)
    return GNUTranslations(compiled)


def stamp(moment: datetime, *, language: str, zone: str) -> str:
    """Return day and time as the reader writes them, in their own zone: ``22 Nov 2026, 14:05:09``."""
    return str(format_datetime(moment, "medium", tzinfo=ZoneInfo(zone), locale=_locale(language)))


def day(moment: datetime, *, language: str, zone: str) -> str:
    """Return the day on which a moment falls for the reader, as they write it: ``22 November 2026``."""
    return str(format_date(moment.astimezone(ZoneInfo(zone)).date(), "long", locale=_locale(language)))


def appointment(moment: datetime, *, language: str, zone: str) -> str:
    """Return a day and a time as the reader writes them, in a zone that is said beside it: ``Tuesday, 3 March 2026, 10:30 CET``."""
    there, locale = ZoneInfo(zone), _locale(language)
    day = str(format_date(moment.astimezone(there).date(), "full", locale=locale))
    clock = str(format_time(moment, "short", tzinfo=there, locale=locale))
    # The clock's own name tells the two apart when a time comes twice.
    return f"{day}, {clock} {moment.astimezone(there).strftime('%Z')}"


def zone_name(zone: str, *, language: str) -> str:
    """Return what people call a zone: ``Central European Time``."""
    return str(get_timezone_name(ZoneInfo(zone), locale=_locale(language)))


def _locale(language: str) -> Locale:
    return Locale.parse(_FORMATS.get(language, language))


def N_(message: str) -> str:
    """Mark a text for extraction; it is translated where it is used."""
    return message
