"""Collect every text that people see into the templates of the catalogues: one for pages, one for mails.

    python scripts/extract_texts.py            write the files
    python scripts/extract_texts.py --check    say whether they are up to date, change nothing

Texts stand in templates (``_``, ``trans``), in Python (``N_``, ``Plural``, ``gettext``), and, for pages, in the shipped catalogue of
lines, reasons and questions. The files carry no dates and no line numbers, so that they change only when a text does.
``scripts/update_catalogues.py`` brings them into the languages.
"""

import argparse
import io
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import write_po

ROOT: Final = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from chatsvc.catalog.model import DEFAULTS, load, names  # noqa: E402

TEMPLATE: Final = ROOT / "web" / "locales" / "messages.pot"
MAILS_TEMPLATE: Final = ROOT / "chatsvc" / "notifications" / "locales" / "mails.pot"
METHODS: Final = [("templates/**.html", "jinja2.ext.babel_extract"), ("**.py", "python")]
OPTIONS: Final = {
    "templates/**.html": {
        "trimmed": "true",
        "newstyle_gettext": "true",
        "trim_blocks": "true",
        "silent": "false",
        "extensions": "jinja2.ext.do",
    }
}
KEYWORDS: Final = {"_": None, "gettext": None, "ngettext": (1, 2), "N_": None, "Plural": (1, 2)}
HEADER: Final = "# Texts of Holdline. Made by scripts/extract_texts.py; translations stand in <language>/LC_MESSAGES/{domain}.po.\n#"


def template() -> str:
    """Return the template of the pages' catalogues as text."""
    return _template("web", TEMPLATE, names(load()))


def mails_template() -> str:
    """Return the template of the mails' catalogues as text."""
    return _template("chatsvc/notifications", MAILS_TEMPLATE, ())


def _template(folder: str, file: Path, data: Iterable[str]) -> str:
    """Collect the texts of a folder, and those of the shipped catalogue that its pages show."""
    header = HEADER.format(domain=file.stem)
    catalogue = Catalog(project="Holdline", charset="utf-8", header_comment=header, fuzzy=False)
    for found, _, message, comments, context in extract_from_dir(
        ROOT / folder, METHODS, OPTIONS, KEYWORDS, comment_tags=("Translators:",)
    ):
        catalogue.add(message, locations=[(f"{folder}/{found}", 0)], auto_comments=comments, context=context)
    for name in data:
        catalogue.add(name, locations=[(DEFAULTS.relative_to(ROOT).as_posix(), 0)])
    out = io.BytesIO()
    write_po(out, catalogue, sort_output=True, include_lineno=False, omit_header=True, width=0)
    return f'{header}\nmsgid ""\nmsgstr ""\n"Content-Type: text/plain; charset=utf-8\\n"\n\n{out.getvalue().decode()}'


def main() -> int:
    """Write or check the files; 1 when one is out of date."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    only_check = parser.parse_args().check
    stale = 0
    for file, fresh in ((TEMPLATE, template()), (MAILS_TEMPLATE, mails_template())):
        stale |= not file.exists() or file.read_text("utf-8") != fresh
        if not only_check:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(fresh, "utf-8")
            sys.stdout.write(f"{file.name}: {fresh.count(chr(10) + 'msgid ') - 1} texts\n")
    return int(stale and only_check)


if __name__ == "__main__":
    sys.exit(main())
