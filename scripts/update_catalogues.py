"""Bring the templates of the texts into the catalogue of every language, and say what is missing or wrong there.

    python scripts/update_catalogues.py            collect the texts, merge them, write every catalogue, print the gaps
    python scripts/update_catalogues.py --check    print the gaps and faults, change nothing; 1 when there are any

A merge keeps translations, adds new texts empty and drops those that no page has any more. Nothing is guessed from a similar text (no
fuzzy entries), and the files carry no dates, so that they change only when a text does. It translates nothing: translators write into the
``.po`` files, with the words of ``docs/reference/languages.md``.
"""

import argparse
import io
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import read_po, write_po

ROOT: Final = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from chatsvc.kernel.languages import ENGLISH, LANGUAGES, Language  # noqa: E402
from scripts import extract_texts  # noqa: E402

TRANSLATED: Final = tuple(language for language in LANGUAGES if language != ENGLISH)
HEADER: Final = (
    "# Texts of Holdline in {name}. Merged by scripts/update_catalogues.py; words: docs/reference/languages.md.\n#"
)

# What must stand in a translation as it stands in the text: %(name)s, {name}, tags, and addresses of keys.
_FIXED: Final = re.compile(r"%\(\w+\)[sd]|\{\w*\}|</?[a-z][^>]*>|&[a-z]+;")


class Domain(NamedTuple):
    """A template and its catalogues."""

    template: Path

    def catalogue(self, code: str) -> Path:
        """Where the catalogue of a language stands."""
        return self.template.parent / code / "LC_MESSAGES" / f"{self.template.stem}.po"


PAGES: Final = Domain(extract_texts.TEMPLATE)
MAILS: Final = Domain(extract_texts.MAILS_TEMPLATE)
DOMAINS: Final = (PAGES, MAILS)


def read(file: Path, code: str | None = None) -> Catalog:
    """Read a template or a catalogue; an empty one when the file does not exist."""
    if not file.exists():
        return Catalog(locale=code)
    with file.open("rb") as source:
        return read_po(source, locale=code)


def texts(message: Message) -> tuple[str, ...]:
    """Return the English text, or both of its forms."""
    return (message.id,) if isinstance(message.id, str) else tuple(message.id)


def translations(message: Message) -> tuple[str, ...]:
    """Return the translation, or all of its forms; what is missing is empty."""
    forms = message.string or ""
    return (forms,) if isinstance(forms, str) else tuple(form or "" for form in forms)


def messages(catalogue: Catalog) -> Iterator[Message]:
    """Go through a catalogue without its header."""
    return (message for message in catalogue if message.id)


def merge(template: Catalog, old: Catalog, code: str) -> Catalog:
    """Return the texts of the template with the translations that the old catalogue has for them."""
    merged = Catalog(locale=code, charset="utf-8", fuzzy=False)
    for message in messages(template):
        known = old.get(texts(message)[0])
        string: str | tuple[str, ...] = ("",) * merged.num_plurals if message.pluralizable else ""
        if known is not None and known.pluralizable == message.pluralizable:
            string = translations(known) if known.pluralizable else translations(known)[0]
        merged.add(message.id, string, locations=message.locations, auto_comments=message.auto_comments)
    return merged


def written(catalogue: Catalog, language: Language) -> str:
    """Return a catalogue as text: sorted, without dates and line numbers."""
    out = io.BytesIO()
    write_po(out, catalogue, sort_output=True, include_lineno=False, omit_header=True, width=0)
    return (
        f"{HEADER.format(name=language.name)}\n"
        'msgid ""\nmsgstr ""\n'
        f'"Language: {language.code}\\n"\n'
        '"Content-Type: text/plain; charset=utf-8\\n"\n'
        '"Content-Transfer-Encoding: 8bit\\n"\n'
        f'"Plural-Forms: {catalogue.plural_forms}\\n"\n\n'
        f"{out.getvalue().decode()}"
    )


def missing(template: Catalog, catalogue: Catalog) -> list[str]:
    """Return the texts of a template that a catalogue does not have, or not in every form."""
    gaps = []
    for message in messages(template):
        found = catalogue.get(texts(message)[0])
        forms = catalogue.num_plurals if message.pluralizable else 1
        if found is None or found.fuzzy or len([form for form in translations(found) if form]) != forms:
            gaps.append(texts(message)[0])
    return gaps


def faults(catalogue: Catalog) -> list[str]:
    """Return what is wrong with the translations that are there: placeholders and tags that differ, and blanks at the ends.

    One form of a plural may leave the number out, as "one" does in many languages; it may name nothing that the text does not.
    """
    found = []
    for message in messages(catalogue):
        allowed = [sorted(_FIXED.findall(text)) for text in texts(message)]
        for translation in filter(None, translations(message)):
            fixed = sorted(_FIXED.findall(translation))
            fits = fixed in allowed or (message.pluralizable and set(fixed) <= set(allowed[-1]))
            if not fits:
                found.append(f"{texts(message)[0]!r}: {', '.join(fixed) or 'nothing'} is fixed in {translation!r}")
            if translation.strip() != translation and texts(message)[0].strip() == texts(message)[0]:
                found.append(f"{texts(message)[0]!r}: {translation!r} begins or ends with a blank")
    return found


def main() -> int:
    """Merge, or only look; returns 1 when ``--check`` finds a gap or a fault."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    only_check = parser.parse_args().check
    if not only_check:
        extract_texts.TEMPLATE.write_text(extract_texts.template(), "utf-8")
        extract_texts.MAILS_TEMPLATE.parent.mkdir(parents=True, exist_ok=True)
        extract_texts.MAILS_TEMPLATE.write_text(extract_texts.mails_template(), "utf-8")
    wrong = False
    for domain in DOMAINS:
        template = read(domain.template)
        for language in TRANSLATED:
            file = domain.catalogue(language.code)
            catalogue = read(file, language.code)
            if not only_check:
                catalogue = merge(template, catalogue, language.code)
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(written(catalogue, language), "utf-8")
            gaps, errors = missing(template, catalogue), faults(catalogue)
            wrong |= bool(gaps or errors)
            sys.stdout.write(f"{file.relative_to(ROOT)}: {len(template)} texts, {len(gaps)} missing\n")
            sys.stdout.writelines(f"    missing: {gap}\n" for gap in gaps[:20])
            sys.stdout.writelines(f"    wrong: {error}\n" for error in errors)
    return int(wrong and only_check)


if __name__ == "__main__":
    sys.exit(main())
