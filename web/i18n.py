"""Languages of the pages: which one a visitor reads, its texts, and how it writes dates and sizes.

Texts go through gettext, everything that has a number or a date in it through Babel. Catalogues are the ``.po`` files in
``web/locales``, read as they are: no compiled copies that could be stale. English is the language of the source and has none.

What this module does not do: it knows no request and no account. A door finds out who reads, makes a ``Reader`` and renders
with it; nothing here is read from a global but the reader that ``reading`` has set for the rendering under way.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import cache, lru_cache
from gettext import GNUTranslations, NullTranslations
from io import BytesIO
from pathlib import Path
from typing import Final, Protocol
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date, format_datetime, format_time, format_timedelta, get_timezone_name
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import format_decimal, format_percent

from chatsvc.kernel.languages import ENGLISH, LANGUAGES, Language

LOCALES: Final = Path(__file__).parent / "locales"
DOMAIN: Final = "messages"

# How dates and numbers are written. Plain ``en`` would be American: 11/22/26 and a twelve-hour clock, which customers elsewhere misread.
_FORMATS: Final = {"en": "en_GB"}

# What browsers ask for -> what we have, where cutting off the region does not lead there.
_RELATIVES: Final = {
    "zh": "zh_Hans",
    "zh-cn": "zh_Hans",
    "zh-sg": "zh_Hans",
    "zh-hans": "zh_Hans",
    "pt": "pt_BR",
}


class Texts(Protocol):
    """What gettext gives: a sentence for a sentence."""

    def gettext(self, message: str, /) -> str:
        """Return the translation, or the message itself."""

    def ngettext(self, singular: str, plural: str, number: int, /) -> str:
        """Return the form of the sentence that goes with the number."""


class PseudoTexts(NullTranslations):
    """A catalogue made in memory that puts every text into ``⟦…⟧``: what stays bare on a page has been left out of gettext."""

    def gettext(self, message: str) -> str:
        """Return the message in brackets."""
        return f"⟦{message}⟧"

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        """Return the English form in brackets."""
        return f"⟦{msgid1 if n == 1 else msgid2}⟧"


# Not on any list that a visitor can choose from.
PSEUDO: Final = Language("en_XA", "en-XA", "⟦English⟧")

_BY_CODE: Final = {language.code: language for language in (*LANGUAGES, PSEUDO)}


@cache
def texts(code: str) -> Texts:
    """Return the catalogue of a language; one without a catalogue, and every missing sentence, reads in English."""
    return PseudoTexts() if code == PSEUDO.code else read_texts(code, LOCALES)


def read_texts(code: str, folder: Path) -> Texts:
    """Read a catalogue from a folder of locales; an empty one when the folder has none."""
    source = folder / code / "LC_MESSAGES" / f"{DOMAIN}.po"
    if not source.exists():
        return NullTranslations()
    with source.open("rb") as file:
        catalogue = read_po(file, locale=code)
    compiled = BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return GNUTranslations(compiled)


def language_of(code: str) -> Language:
    """Return the language with this code; English when there is none."""
    return _BY_CODE.get(code, ENGLISH)


@dataclass(frozen=True, slots=True)
class Reader:
    """Who a page or mail is for."""

    language: Language = ENGLISH
    # The zone in which moments are shown; the machine-readable form stays UTC.
    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("UTC"))

    @property
    def texts(self) -> Texts:
        """The reader's catalogue."""
        return texts(self.language.code)

    @property
    def locale(self) -> Locale:
        """How the reader writes dates and numbers."""
        code = "en" if self.language == PSEUDO else self.language.code
        return Locale.parse(_FORMATS.get(code, code))

    @property
    def format_tag(self) -> str:
        """The same for ``Intl`` in the browser, so that a date looks alike wherever it was written."""
        return str(self.locale).replace("_", "-")


_NOBODY: Final = Reader()
_reader: ContextVar[Reader | None] = ContextVar("reader", default=None)


def reader() -> Reader:
    """Return who the rendering under way is for; an English reader in UTC outside of any."""
    return _reader.get() or _NOBODY


@contextmanager
def reading(who: Reader) -> Iterator[Reader]:
    """Render for this reader inside the block."""
    token = _reader.set(who)
    try:
        yield who
    finally:
        _reader.reset(token)


# --- choosing ---------------------------------------------------------------------------------------------------------


def choose_language(profile: str | None, cookie: str | None, accept_language: str | None) -> Language:
    """Return the visitor's language: their profile decides, then the cookie, then what the browser asks for, then English.

    Args:
        profile: code from the account; None for a visitor who is not signed in.
        cookie: code from the language cookie; None when there is none. Anything unknown is passed over.
        accept_language: the header as sent; None when absent.
    """
    for code in (profile, cookie):
        if code and any(language.code == code for language in LANGUAGES):
            return language_of(code)
    for tag in _wanted(accept_language or ""):
        found = _match(tag)
        if found is not None:
            return found
    return ENGLISH


def _wanted(header: str) -> list[str]:
    """The header's tags, best first, in lower case; those with weight 0 and those that cannot be read are left out."""
    weighted: list[tuple[float, int, str]] = []
    for position, part in enumerate(header[:200].split(",")):
        tag, _, weight = part.strip().partition(";")
        try:
            quality = float(weight.strip().removeprefix("q=")) if weight else 1.0
        except ValueError:
            continue
        if tag and quality > 0:
            weighted.append((-quality, position, tag.strip().lower()))
    return [tag for _, _, tag in sorted(weighted)]


def _match(tag: str) -> Language | None:
    by_tag = {language.tag.lower(): language for language in LANGUAGES}
    if tag.startswith("zh-hant") or tag in ("zh-tw", "zh-hk", "zh-mo"):
        return None  # traditional characters: another script, not another accent
    while tag:
        if tag in by_tag:
            return by_tag[tag]
        if tag in _RELATIVES:
            return language_of(_RELATIVES[tag])
        tag = tag.rpartition("-")[0]
    return None


# --- dates, numbers and sizes, for whoever ``reader()`` is ------------------------------------------------------------


def _local(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise ValueError(f"a moment without a zone cannot be shown: {moment!r}")
    return moment.astimezone(reader().zone)


def clock_time(moment: datetime) -> str:
    """Return the hour and minute: ``14:05``."""
    return str(format_time(_local(moment), "short", locale=reader().locale))


def day(moment: datetime) -> str:
    """Return the day: ``22 November 2026``."""
    return str(format_date(_local(moment).date(), "long", locale=reader().locale))


def short_day(moment: datetime) -> str:
    """Return the day for lists: ``22 Nov 2026``."""
    return str(format_date(_local(moment).date(), "medium", locale=reader().locale))


def stamp(moment: datetime) -> str:
    """Return day and time: ``22 Nov 2026, 14:05``."""
    return str(
        format_datetime(
            _local(moment).replace(tzinfo=None), _medium_with_short_time(reader().locale), locale=reader().locale
        )
    )


def exact(moment: datetime) -> str:
    """Return everything there is to say, to the second and with the zone's name; for hovering and for screen readers."""
    return str(format_datetime(_local(moment), "full", tzinfo=reader().zone, locale=reader().locale))


def ago(age: timedelta) -> str:
    """Return how long ago something was, in its largest unit: ``40 minutes ago``."""
    # What is not past would be told as something to come.
    return str(format_timedelta(-max(age, timedelta(seconds=1)), add_direction=True, locale=reader().locale))


def machine(moment: datetime) -> str:
    """Return the moment for the ``datetime`` attribute: ISO 8601, UTC, to the millisecond."""
    return _local(moment).astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def zone_name(name: str) -> str:
    """Return what people call a zone: ``Central European Time``. Takes its IANA name, and returns it where no place goes by the zone."""
    if "/" not in name or name.startswith("Etc/"):
        return name
    return get_timezone_name(ZoneInfo(name), locale=reader().locale)


def language_name(code: str) -> str:
    """Return a language of the portal by its name in the reader's language, and its own beside it: ``Japanese (日本語)``."""
    language = language_of(code)
    here = reader()
    name = Locale.parse(code).get_language_name(here.locale)
    if language == here.language or name is None:
        return language.name
    # Dictionaries write some names small; alone it begins as a sentence does.
    name = name[:1].upper() + name[1:]
    return here.texts.gettext("%(name)s (%(own)s)") % {"name": name, "own": language.name}


def is_same_day(first: datetime, second: datetime) -> bool:
    """Whether two moments lie on one day of the reader's calendar."""
    return _local(first).date() == _local(second).date()


@lru_cache(maxsize=32)
def _medium_with_short_time(locale: Locale) -> str:
    glue = str(locale.datetime_formats["medium"])
    return glue.replace("{1}", str(locale.date_formats["medium"])).replace("{0}", str(locale.time_formats["short"]))


def number(value: int | float) -> str:
    """Return the number as the reader writes it: ``1,234``."""
    return format_decimal(value, locale=reader().locale)


def percent(part: float) -> str:
    """Return a part, 0 to 1, as the reader writes it in hundredths, with one digit after the point where it is not whole: ``91.5%``."""
    return format_percent(round(part, 3), locale=reader().locale, decimal_quantization=False)


_UNITS: Final[tuple[tuple[int, Callable[[Texts], str]], ...]] = (
    (1_000_000_000, lambda texts: texts.gettext("%(size)s GB")),
    (1_000_000, lambda texts: texts.gettext("%(size)s MB")),
    (1_000, lambda texts: texts.gettext("%(size)s kB")),
)


def file_size(size_bytes: int) -> str:
    """Return a size for people: ``240 kB``, ``1.4 MB``. Decimal units, as file managers show them."""
    for unit, text in _UNITS:
        if size_bytes >= unit:
            value = size_bytes / unit
            shown = format_decimal(value, "#,##0.#" if value < 10 else "#,##0", locale=reader().locale)
            return text(reader().texts) % {"size": shown}
    return reader().texts.ngettext("%(size)s byte", "%(size)s bytes", size_bytes) % {"size": number(size_bytes)}


def ordinal_form(value: int) -> str:
    """Return the CLDR form of an ordinal in the reader's language: ``one`` (1st), ``two``, ``few``, ``other``."""
    return str(reader().locale.ordinal_form(value))


def plural_samples() -> Mapping[str, int]:
    """Return, for each plural form that the reader's language has, a number that takes it: ``{"one": 1, "other": 2}``."""
    samples: dict[str, int] = {}
    for value in (1, 2, 3, 5, 11, 0, 100, 1_000_000):
        samples.setdefault(str(reader().locale.plural_form(value)), value)
    samples.setdefault("other", 2)
    return samples


def today(now: datetime) -> date:
    """Return the reader's calendar day at this moment."""
    return _local(now).date()
