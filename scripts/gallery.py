"""Render every template with sample values to a folder and take pictures of them, wide and narrow, light and dark; run axe on each.

    python scripts/gallery.py build/gallery [part of a sample's name ...]

For people who change the look. It needs the test requirements and Chromium, serves nothing and starts nothing but the browser.
"""

import argparse
import json
import shutil
import sys
from pathlib import Path
from zoneinfo import ZoneInfo

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from axe_playwright_python.sync_playwright import Axe  # noqa: E402
from playwright.sync_api import Page, Route, sync_playwright  # noqa: E402

from tests.web.gallery.everything import samples  # noqa: E402
from web.assets import STATIC  # noqa: E402
from web.i18n import Reader, language_of, reading  # noqa: E402
from web.rendering import Renderer  # noqa: E402

WIDTHS = (1280, 375)
SCHEMES = ("light", "dark")

PICTURE = """<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 260 160"><rect width="260" height="160" fill="#dfe7e5"/>
<rect x="20" y="18" width="220" height="52" rx="6" fill="#fff"/><rect x="20" y="86" width="220" height="52" rx="6" fill="#fff"/>
<path d="M34 36h120M34 52h170M34 104h120M34 120h170" stroke="#8aa19d" stroke-width="6" stroke-linecap="round"/></svg>"""

# What a script does first on every page; the gallery shows pages as people with scripts see them.
REVEAL = """() => {
  for (const part of document.querySelectorAll('[data-needs-script]')) part.hidden = false;
  for (const part of document.querySelectorAll('[data-without-script]')) part.hidden = true;
}"""


def rendered(language: str) -> dict[str, tuple[str, bool]]:
    """Return name -> (page, whether scripts would run on it)."""
    renderer = Renderer()
    who = Reader(language_of(language), ZoneInfo("Europe/Berlin"))
    with reading(who):
        pages = samples()
    return {sample.name: (renderer.page(sample.template, who, **sample.context), sample.scripted) for sample in pages}


def main() -> int:
    """Make the pictures; 1 when axe has found something."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("only", nargs="*")
    parser.add_argument("--language", default="en")
    parser.add_argument("--scheme", choices=SCHEMES)
    parser.add_argument("--width", type=int)
    parser.add_argument("--no-axe", action="store_true")
    options = parser.parse_intermixed_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    pages = {
        n: p
        for n, p in rendered(options.language).items()
        if not options.only or any(part in n for part in options.only)
    }
    for name, (html, _) in pages.items():
        (options.folder / f"{name}.html").write_text(html, "utf-8")
    sheet = Renderer().assets.stylesheet

    def answer(route: Route) -> None:
        path = route.request.url.split("://", 1)[1].partition("/")[2].partition("?")[0]
        if path in pages:
            route.fulfill(body=pages[path][0], content_type="text/html; charset=utf-8")
        elif path == "static/css/app.css":
            route.fulfill(body=sheet, content_type="text/css")
        elif (
            not path.endswith(".js")
            and path.startswith("static/")
            and (STATIC / path.removeprefix("static/")).is_file()
        ):
            route.fulfill(path=str(STATIC / path.removeprefix("static/")))
        elif path.startswith("files/"):
            route.fulfill(body=PICTURE, content_type="image/svg+xml")
        else:
            route.fulfill(status=404, body="")

    found = 0
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        for scheme in [options.scheme] if options.scheme else SCHEMES:
            for width in [options.width] if options.width else WIDTHS:
                page = browser.new_page(
                    viewport={"width": width, "height": 800}, color_scheme=scheme, reduced_motion="reduce"
                )
                page.route("**/*", answer)
                for name, (_, scripted) in pages.items():
                    page.goto(f"http://gallery.invalid/{name}")
                    if scripted:
                        page.evaluate(REVEAL)
                    page.screenshot(path=options.folder / f"{name}-{width}-{scheme}.png", full_page=True)
                    if not options.no_axe:
                        found += complaints(page, f"{name} {width} {scheme}")
                page.close()
        browser.close()
    sys.stdout.write(f"{len(pages)} samples, {found} violations\n")
    return 1 if found else 0


def complaints(page: Page, where: str) -> int:
    """Print what axe finds on a page; return how much."""
    violations = Axe().run(page).response["violations"]
    for violation in violations:
        targets = [node["target"] for node in violation["nodes"]]
        sys.stdout.write(f"{where}: {violation['id']}: {violation['help']} {json.dumps(targets)[:400]}\n")
    overflow = page.evaluate("() => document.documentElement.scrollWidth - document.documentElement.clientWidth")
    if overflow > 0:
        sys.stdout.write(f"{where}: page is {overflow}px wider than the window\n")
    return len(violations) + (overflow > 0)


if __name__ == "__main__":
    sys.exit(main())
