"""Every template in every state of the gallery: nothing untranslated, nothing inline, nothing without a name."""

import json
import re
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from chatsvc.kernel.languages import LANGUAGES
from tests.browser import NARROW, WIDE, chromium, violations
from tests.web.gallery.everything import samples
from tests.web.gallery.reading import Reading, read
from tests.web.gallery.samples import Sample
from web.assets import STATIC, Assets
from web.i18n import PSEUDO, Reader, language_of, reading, zone_name
from web.rendering import TEMPLATES, Renderer

RENDERER = Renderer()
ENGLISH = Reader(zone=ZoneInfo("Europe/Berlin"))
BRACKETED = Reader(PSEUDO, ZoneInfo("Europe/Berlin"))

# Names of things, the same in every language.
NAMES = frozenset({"Holdline", "OpenAPI", "AsyncAPI", *(language.name for language in LANGUAGES)})

with reading(BRACKETED):
    PAGES = samples()


def page(name: str, who: Reader = ENGLISH) -> Reading:
    """A page of the gallery, rendered and read."""
    with reading(who):
        sample = next(sample for sample in samples() if sample.name == name)
        return read(RENDERER.page(sample.template, who, **sample.context))


def values(thing: Any) -> set[str]:
    """All texts in a context: they are data, nobody translates them here."""
    if isinstance(thing, str):
        return {thing, *thing.splitlines(), *re.split(r"https?://\S+", thing), *re.findall(r"https?://\S+", thing)}
    if isinstance(thing, dict):
        return set[str]().union(*map(values, thing.values()))
    if isinstance(thing, list | tuple):
        return set[str]().union(*map(values, thing))
    return set()


def bare(prose: list[str], data: set[str]) -> list[str]:
    """What stands outside of the pseudo-locale's brackets and is neither data nor a name nor a number."""
    known = {" ".join(text.split()) for text in data} | NAMES
    depth, left = 0, []
    for text in prose:
        outside = ""
        for character in text:
            depth += (character == "⟦") - (character == "⟧")
            if depth == 0:
                outside += " " if character == "⟧" else character
        rest = " ".join(outside.split())
        words = re.sub(r"[\W\d_]+", " ", rest).strip()
        if words and rest not in known and words not in known and rest.strip("·,() ") not in known:
            left.append(rest)
    assert depth == 0, "a text is cut in half"
    return left


@pytest.mark.parametrize("sample", PAGES, ids=lambda sample: sample.name)
def test_every_visible_text_of_a_page_goes_through_gettext(sample: Sample) -> None:
    html = RENDERER.page(sample.template, BRACKETED, **sample.context)
    with reading(BRACKETED):
        data = values(sample.context) | {zone_name(name) for name in ("Europe/Berlin", "Europe/Riga")}

    assert bare(read(html).prose, data) == []


@pytest.mark.parametrize("sample", PAGES, ids=lambda sample: sample.name)
def test_no_sentence_is_put_together_from_fragments(sample: Sample) -> None:
    html = RENDERER.page(sample.template, BRACKETED, **sample.context)

    assert re.findall(r"⟧ ?⟦", html.replace("⟧</", "").replace('"⟧', "")) == []


@pytest.mark.parametrize(
    "template", sorted(TEMPLATES.rglob("*.html")), ids=lambda path: str(path.relative_to(TEMPLATES))
)
def test_no_template_glues_a_translated_text_to_something(template: Path) -> None:
    source = template.read_text("utf-8")

    assert re.findall(r"_\((?:\"[^\"]*\"|'[^']*')\)\s*~|~\s*_\(", source) == []


@pytest.mark.parametrize("sample", PAGES, ids=lambda sample: sample.name)
def test_texts_for_scripts_are_translated_and_no_script_stands_in_the_page(sample: Sample) -> None:
    found = read(RENDERER.page(sample.template, BRACKETED, **sample.context))

    for script in found.all("script"):
        if script.attributes.get("type") == "application/json":
            texts = json.loads(script.text)
            assert "data-canned" in script.attributes or all(text.startswith("⟦") for text in values_of(texts))
        else:
            assert script.attributes.get("src")
            assert script.text.strip() == ""


def values_of(texts: dict[str, Any]) -> list[str]:
    """The texts of a data block, one by one; names of the catalogue among them are an operator's data."""
    texts = {key: text for key, text in texts.items() if not key.startswith(("line.", "impact."))}
    return [part for text in texts.values() for part in (text.values() if isinstance(text, dict) else [text])]


@pytest.mark.parametrize("sample", PAGES, ids=lambda sample: sample.name)
def test_a_page_has_one_main_heading_and_nothing_inline(sample: Sample) -> None:
    found = read(RENDERER.page(sample.template, ENGLISH, **sample.context))

    assert len(found.all("h1")) == 1
    assert found.all("style") == []
    assert [
        (e.tag, name) for e in found.elements for name in e.attributes if name == "style" or name.startswith("on")
    ] == []
    assert len(found.all("main")) == 1
    first = next(element for element in found.elements if element.tag == "a")
    assert first.attributes["href"] == "#main", "the first link skips to the content"


@pytest.mark.parametrize("sample", PAGES, ids=lambda sample: sample.name)
def test_every_field_has_a_label_and_every_reference_leads_somewhere(sample: Sample) -> None:
    found = read(RENDERER.page(sample.template, ENGLISH, **sample.context))
    ids = found.ids()
    labelled = {label.attributes.get("for") for label in found.all("label")}

    assert len(ids) == len(set(ids)), "an id stands twice"
    for element in found.elements:
        for name in ("aria-describedby", "aria-labelledby", "aria-controls", "for"):
            for target in element.attributes.get(name, "").split():
                assert target in ids, f"{name}={target}"
        if element.tag == "a" and element.attributes.get("href", "").startswith("#f-"):
            assert element.attributes["href"][1:] in ids, "the error summary leads to a field"
        if element.tag in ("input", "select", "textarea") and element.attributes.get("type") != "hidden":
            assert (
                "label" in element.parents
                or element.attributes.get("id") in labelled
                or "aria-label" in element.attributes
            ), element


def test_every_template_is_in_the_gallery() -> None:
    parts = {"base.html"}
    whole = {str(path.relative_to(TEMPLATES)) for path in TEMPLATES.rglob("*.html")}
    pages = {name for name in whole - parts if not name.startswith(("components/", "layouts/"))}

    assert pages == {sample.template for sample in PAGES}


def test_every_page_renders_in_every_language() -> None:
    for language in LANGUAGES:
        who = Reader(language, ZoneInfo("Asia/Seoul"))
        for sample in PAGES:
            assert f'<html lang="{language.tag}"' in RENDERER.page(sample.template, who, **sample.context)


def test_hostile_values_stay_text_everywhere() -> None:
    hostile = "<img src=x onerror=alert(1)>\"'&lt;"
    for sample in PAGES:
        found = read(RENDERER.page(sample.template, ENGLISH, **poisoned(sample.context, hostile)))
        assert not any("onerror" in element.attributes for element in found.elements), sample.name


# Texts that people type; the other strings of a context are codes and addresses of ours.
TYPED = frozenset(
    {
        "subject",
        "description",
        "text",
        "name",
        "customer",
        "company",
        "draft",
        "title",
        "device",
        "requester",
        "last",
        "email",
        "handed_over_note",
    }
)


def poisoned(thing: Any, poison: str, key: str = "") -> Any:
    """A context in which every typed text is something nasty."""
    if isinstance(thing, str):
        return poison if key in TYPED else thing
    if isinstance(thing, dict):
        return {name: poisoned(value, poison, name) for name, value in thing.items()}
    if isinstance(thing, list):
        return [poisoned(value, poison, key) for value in thing]
    return thing


def test_the_chat_page_leaves_room_for_its_scripts() -> None:
    import gzip

    sample = next(sample for sample in PAGES if sample.name == "chat_room-talk")
    html = RENDERER.page(sample.template, ENGLISH, **sample.context).encode()
    sprite = (STATIC / "icons" / "sprite.svg").read_bytes()
    weights = [len(gzip.compress(part)) for part in (html, Assets().stylesheet, sprite)]

    assert sum(weights) <= 25 * 1024, weights


def test_style_follows_the_house_rules() -> None:
    root = STATIC / "css"
    sheets = {path: re.sub(r"/\*.*?\*/", "", path.read_text("utf-8"), flags=re.DOTALL) for path in root.rglob("*.css")}
    whole = Assets().stylesheet.decode()

    for path, text in sheets.items():
        assert "!important" not in text, path
        assert re.findall(r"(?:^|[\s,}>])#[a-zA-Z][\w-]*\s*[{,.:]", text) == [], f"{path}: an id"
        if path.name != "tokens.css":
            assert re.findall(r"#[0-9a-f]{3,8}\b|rgb\((?!8 16 16)", text) == [], f"{path}: a colour of its own"
        assert re.findall(r"\b(?:margin|padding|border)-(?:left|right|top|bottom)\b", text) == [], (
            f"{path}: a side that does not turn"
        )
    assert "@import" not in whole
    used, known = set(re.findall(r"var\((--[\w-]+)", whole)), set(re.findall(r"(--[\w-]+)\s*:", whole))
    assert used - known == set(), "a property that nobody sets"


def test_every_icon_that_is_named_is_in_the_sprite() -> None:
    symbols = set(re.findall(r'<symbol id="([\w-]+)"', (STATIC / "icons" / "sprite.svg").read_text("utf-8")))
    named = {
        name
        for sample in PAGES
        for name in re.findall(
            r"sprite\.svg[^#\"]*#([\w-]+)", RENDERER.page(sample.template, ENGLISH, **sample.context)
        )
    }

    assert named - symbols == set()


def test_the_language_of_the_page_is_the_readers() -> None:
    korean = Reader(language_of("ko"), ZoneInfo("Asia/Seoul"))

    root = page("ticket", korean).all("html")[0]

    assert root.attributes["lang"] == "ko"
    assert root.attributes["data-zone"] == "Asia/Seoul"


@pytest.mark.browser
@pytest.mark.timeout(400)  # some sixty pages, on a machine that does other things too
@pytest.mark.parametrize(("viewport", "scheme"), [(WIDE, "light"), (NARROW, "dark")], ids=["wide-light", "narrow-dark"])
async def test_axe_finds_nothing_on_any_page(viewport: Any, scheme: Any) -> None:
    """Without scripts, as rendered; and nothing is wider than its window."""
    sheet = RENDERER.assets.stylesheet.decode()
    found: list[str] = []
    async with chromium() as browser:
        view = await browser.new_page(viewport=viewport, color_scheme=scheme, reduced_motion="reduce")
        for sample in PAGES:
            html = RENDERER.page(sample.template, ENGLISH, **sample.context)
            await view.set_content(re.sub(r'<link rel="stylesheet"[^>]*>', lambda _: f"<style>{sheet}</style>", html))
            found += [f"{sample.name}: {violation}" for violation in await violations(view)]
            if await view.evaluate("() => document.documentElement.scrollWidth > document.documentElement.clientWidth"):
                found.append(f"{sample.name}: wider than the window")

    assert found == []
