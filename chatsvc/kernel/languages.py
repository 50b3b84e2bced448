"""The languages of the portal (V5, P6). Chat and telephone are in English only (V3, V4)."""

from typing import Final, NamedTuple


class Language(NamedTuple):
    """One language of the portal."""

    # As gettext and Babel spell it: ``pt_BR``.
    code: str
    # As HTML and HTTP spell it: ``pt-BR``.
    tag: str
    # As its own speakers call it.
    name: str


ENGLISH: Final = Language("en", "en", "English")

LANGUAGES: Final = (
    ENGLISH,
    Language("de", "de", "Deutsch"),
    Language("zh_Hans", "zh-Hans", "简体中文"),
    Language("ko", "ko", "한국어"),
    Language("es", "es", "Español"),
    Language("fr", "fr", "Français"),
    Language("ja", "ja", "日本語"),
    Language("pt_BR", "pt-BR", "Português (Brasil)"),
)

CODES: Final = frozenset(language.code for language in LANGUAGES)
