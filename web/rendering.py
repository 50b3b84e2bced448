"""Pages out of templates and plain values.

A template gets what its first comment names, and a few words known everywhere: ``url``, ``asset``, ``lang``, ``theme``. The reader's
language and zone are set for the time of a rendering, so that macros need no parameter for them. Escaping is always on.

What this module does not do: it reads no request, no session and no database. Mails have templates of their own, in
``chatsvc.notifications``.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from chatsvc.kernel.languages import LANGUAGES
from web import i18n, texts
from web.assets import Assets
from web.i18n import Reader, reader, reading
from web.paths import url

TEMPLATES: Final = Path(__file__).parent / "templates"

THEMES: Final = ("auto", "light", "dark")

# A link begins at http(s) and ends before white space and before the punctuation that closes a sentence.
_LINK: Final = re.compile(r"https?://[^\s<>\"']+[^\s<>\"'.,;:!?)\]}]")


class Renderer:
    """Renders templates; one per process."""

    def __init__(self, assets: Assets | None = None, templates: Path = TEMPLATES) -> None:
        self.assets = assets or Assets()
        self.environment = _environment(self.assets, templates)

    def page(self, template: str, for_reader: Reader, /, *, theme: str = "auto", **context: Any) -> str:
        """Return a page.

        Args:
            template: its name, for example ``portal/home.html``.
            for_reader: whose language and zone it is in.
            theme: ``auto``, ``light`` or ``dark``.
            context: what the template's first comment names.

        Raises:
            jinja2.UndefinedError: something that the template names is missing.
        """
        with reading(for_reader):
            return self.environment.get_template(template).render(**_everywhere(for_reader, theme), **context)


def _everywhere(for_reader: Reader, theme: str) -> dict[str, Any]:
    return {
        "lang": for_reader.language.tag,
        "language": for_reader.language.code,
        "format_tag": for_reader.format_tag,
        "zone": for_reader.zone.key,
        "theme": theme if theme in THEMES else "auto",
    }


def _environment(assets: Assets, templates: Path) -> Environment:
    environment = Environment(
        loader=FileSystemLoader(templates),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n", "jinja2.ext.do"],
    )
    environment.policies["ext.i18n.trimmed"] = True
    # The environment is shared by all languages; the sentence is looked up for whoever reads now.
    environment.install_gettext_callables(  # type: ignore[attr-defined]
        lambda message: reader().texts.gettext(message),
        lambda singular, plural, n: reader().texts.ngettext(singular, plural, n),
        newstyle=True,
    )
    environment.globals.update(
        url=url,
        asset=assets.url,
        languages=LANGUAGES,
        language_choices=[(language.code, language.name) for language in LANGUAGES],
        script_texts=texts.script_texts,
        position_sentence=texts.position_sentence,
        wait_sentence=texts.wait_sentence,
        longer_sentence=texts.longer_sentence,
        serving_sentence=texts.serving_sentence,
        is_same_day=i18n.is_same_day,
    )
    environment.filters.update(
        clock_time=i18n.clock_time,
        day=i18n.day,
        short_day=i18n.short_day,
        stamp=i18n.stamp,
        exact=i18n.exact,
        ago=i18n.ago,
        machine=i18n.machine,
        zone_name=i18n.zone_name,
        number=i18n.number,
        file_size=i18n.file_size,
        initials=initials,
        linked=linked,
        error_of=error_of,
        ticket_state=_word(texts.TICKET_STATES),
        staff_ticket_state=_word(texts.TICKET_STATES_FOR_STAFF),
        state_meaning=_word(texts.TICKET_STATE_MEANINGS),
        severity=_word(texts.SEVERITIES),
        environment=_word(texts.ENVIRONMENTS),
        role=_word(texts.ROLES),
        desk_state=_word(texts.DESK_STATES),
    )
    return environment


def _word(table: Mapping[str, str]) -> Any:
    def word(code: str) -> str:
        """Return the reader's word for a code; an unknown code reads as itself."""
        return reader().texts.gettext(table[code]) if code in table else str(code)

    return word


def initials(name: str) -> str:
    """Return one or two letters that stand for a name: ``Ana Ruiz`` is ``AR``, ``王芳`` is ``王``."""
    words = name.split()
    if not words:
        return "?"
    if len(words) == 1 or not words[0][0].isascii():
        return words[0][0].upper()
    return (words[0][0] + words[-1][0]).upper()


def linked(text: str) -> Markup:
    """Return escaped text in which http and https addresses can be clicked; nothing else becomes markup."""
    parts: list[str] = []
    end = 0
    for found in _LINK.finditer(text):
        address = escape(found.group())
        parts.append(escape(text[end : found.start()]))
        parts.append(f'<a href="{address}" rel="noopener noreferrer nofollow" target="_blank">{address}</a>')
        end = found.end()
    parts.append(escape(text[end:]))
    return Markup("".join(parts))


def error_of(errors: list[Mapping[str, str]], field: str) -> str | None:
    """Return the sentence that belongs to a field, from a list of ``{field, text}``; None when there is none."""
    return next((error["text"] for error in errors if error["field"] == field), None)
