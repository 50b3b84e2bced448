"""Collect every text that people see into ``web/locales/messages.pot``, the template of all catalogues.

    python scripts/extract_texts.py            write the file
    python scripts/extract_texts.py --check    say whether it is up to date, change nothing

Texts stand in templates (``_``, ``trans``) and in Python (``N_``, ``Plural``, ``gettext``). The file carries no dates and no line numbers, so that it
changes only when a text does.
"""

import argparse
import io
import sys
from pathlib import Path
from typing import Final

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import write_po

ROOT: Final = Path(__file__).resolve().parent.parent
TEMPLATE: Final = ROOT / "web" / "locales" / "messages.pot"
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
HEADER: Final = "# Texts of Holdline. Made by scripts/extract_texts.py; translations stand in <language>/LC_MESSAGES/messages.po.\n#"


def template() -> str:
    """Return the template of the catalogues as text."""
    catalogue = Catalog(project="Holdline", charset="utf-8", header_comment=HEADER, fuzzy=False)
    for file, _, message, comments, context in extract_from_dir(
        ROOT / "web", METHODS, OPTIONS, KEYWORDS, comment_tags=("Translators:",)
    ):
        catalogue.add(message, locations=[(f"web/{file}", 0)], auto_comments=comments, context=context)
    out = io.BytesIO()
    write_po(out, catalogue, sort_output=True, include_lineno=False, omit_header=True, width=0)
    return f'{HEADER}\nmsgid ""\nmsgstr ""\n"Content-Type: text/plain; charset=utf-8\\n"\n\n{out.getvalue().decode()}'


def main() -> int:
    """Write or check the file; 1 when it is out of date."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    fresh = template()
    if parser.parse_args().check:
        return 0 if TEMPLATE.exists() and TEMPLATE.read_text("utf-8") == fresh else 1
    TEMPLATE.parent.mkdir(parents=True, exist_ok=True)
    TEMPLATE.write_text(fresh, "utf-8")
    sys.stdout.write(f"{fresh.count(chr(10) + 'msgid ') - 1} texts\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
