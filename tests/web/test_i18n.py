"""Languages, dates and the texts that are looked up by a key."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from babel.messages.pofile import read_po

from chatsvc.accounts.model import PersonRole
from chatsvc.kernel.languages import LANGUAGES
from chatsvc.routing.telling import Longer
from scripts import extract_texts
from tests.web.desk import Desk
from web import i18n, texts
from web.i18n import PSEUDO, Reader, choose_language, language_of, reading

NOON = datetime(2026, 11, 23, 13, 5, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("profile", "cookie", "header", "code"),
    [
        ("de", "fr", "ko", "de"),
        (None, "fr", "ko", "fr"),
        (None, None, "ko", "ko"),
        (None, None, None, "en"),
        (None, "xx", "es-MX,es;q=0.9", "es"),
        (None, None, "it, de-AT;q=0.8, en;q=0.9", "en"),
        (None, None, "de-AT;q=0.8, en;q=0.7", "de"),
        (None, None, "zh-CN", "zh_Hans"),
        (None, None, "zh-Hans-SG", "zh_Hans"),
        (None, None, "zh-TW, ja;q=0.5", "ja"),
        (None, None, "pt-PT", "pt_BR"),
        (None, None, "fr;q=0, ja;q=0.1", "ja"),
        (None, None, ";;,q=,de;q=many,\x00", "en"),
        (None, None, "en_XA", "en"),
    ],
)
def test_the_profile_decides_then_the_cookie_then_the_browser(
    profile: str | None, cookie: str | None, header: str | None, code: str
) -> None:
    assert choose_language(profile, cookie, header).code == code


@pytest.mark.parametrize(
    ("code", "zone", "expected"),
    [
        ("en", "Europe/Berlin", "23 Nov 2026, 14:05"),
        ("de", "Europe/Berlin", "23.11.2026, 14:05"),
        ("ja", "Asia/Tokyo", "2026/11/23 22:05"),
        ("pt_BR", "America/Sao_Paulo", "23 de nov. de 2026 10:05"),
    ],
)
def test_a_moment_is_shown_in_the_readers_zone_and_manner(code: str, zone: str, expected: str) -> None:
    with reading(Reader(language_of(code), ZoneInfo(zone))):
        assert i18n.stamp(NOON) == expected


@pytest.mark.parametrize(
    ("language", "age", "expected"),
    [
        ("en", timedelta(minutes=40), "40 minutes ago"),
        ("en", timedelta(), "1 second ago"),
        ("de", timedelta(days=3), "vor 3 Tagen"),
        ("ja", timedelta(hours=2), "2 時間前"),
    ],
)
def test_how_long_ago_is_said_in_the_largest_unit(language: str, age: timedelta, expected: str) -> None:
    with reading(Reader(language_of(language))):
        assert i18n.ago(age) == expected


def test_the_exact_form_names_second_and_zone_and_the_machine_form_is_utc() -> None:
    with reading(Reader(zone=ZoneInfo("Europe/Berlin"))):
        assert i18n.exact(NOON) == "Monday, 23 November 2026, 14:05:12 Central European Standard Time"
        assert i18n.machine(NOON) == "2026-11-23T13:05:12.000Z"


def test_a_moment_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="without a zone"):
        i18n.clock_time(datetime(2026, 1, 1))  # noqa: DTZ001 - that is the point


def test_the_day_is_the_readers_day() -> None:
    late, later = datetime(2026, 11, 23, 22, 30, tzinfo=UTC), datetime(2026, 11, 23, 23, 30, tzinfo=UTC)
    with reading(Reader(zone=ZoneInfo("Europe/Berlin"))):
        assert not i18n.is_same_day(late, later)
    with reading(Reader()):
        assert i18n.is_same_day(late, later)


@pytest.mark.parametrize(
    ("reads", "code", "name"),
    [
        ("en", "ja", "Japanese (日本語)"),
        ("en", "pt_BR", "Portuguese (Português (Brasil))"),
        ("fr", "ja", "Japonais (日本語)"),
        ("ja", "de", "ドイツ語（Deutsch）"),
        ("de", "de", "Deutsch"),
    ],
)
def test_a_language_is_named_in_the_readers_language_and_in_its_own(reads: str, code: str, name: str) -> None:
    with reading(Reader(language_of(reads))):
        assert i18n.language_name(code) == name


def test_readers_do_not_leak_out_of_their_rendering() -> None:
    with reading(Reader(language_of("de"))), reading(Reader(language_of("ko"))):
        assert i18n.reader().language.code == "ko"

    assert i18n.reader().language.code == "en"


@pytest.mark.parametrize(
    ("size", "shown"),
    [
        (1, "1 byte"),
        (999, "999 bytes"),
        (1_400, "1.4 kB"),
        (241_300, "241 kB"),
        (1_480_000, "1.5 MB"),
        (3_000_000_000, "3 GB"),
    ],
)
def test_file_sizes_are_for_people(size: int, shown: str) -> None:
    assert i18n.file_size(size) == shown


@pytest.mark.parametrize(
    ("position", "sentence"),
    [(1, "next"), (2, "2nd"), (3, "3rd"), (4, "4th"), (11, "11th"), (21, "21st"), (113, "113th")],
)
def test_the_place_in_line_is_said_as_english_says_it(position: int, sentence: str) -> None:
    assert sentence in texts.position_sentence(position)


@pytest.mark.parametrize("language", LANGUAGES, ids=lambda language: language.tag)
def test_scripts_get_every_form_that_their_language_needs(language: i18n.Language) -> None:
    who = Reader(language)
    with reading(who):
        block = texts.script_texts()
        forms = {str(who.locale.plural_form(n)) for n in range(200)}

    for key, text in block.items():
        if isinstance(text, dict) and key != "waiting.position":
            assert forms <= set(text), key


def test_scripts_get_only_what_they_ask_for() -> None:
    assert {key.partition(".")[0] for key in texts.script_texts("end", "rating")} == {"end", "rating"}


@pytest.mark.parametrize(
    ("low", "high", "sentence"),
    [
        (110, 300, "About 2 min (9 of 10 within 5 min)"),
        (0, 120, "About 1 min (9 of 10 within 2 min)"),
        (0, 60, "Probably within a minute"),
        (3_000, 3_600, "About 50 min (9 of 10 within 60 min)"),
        (3_000, 3_660, "About 50 min (9 of 10 within 2 h)"),
        (3_660, 10_800, "About 2 h (9 of 10 within 3 h)"),
    ],
)
def test_what_is_told_of_a_wait_is_rounded_up(low: int, high: int, sentence: str) -> None:
    assert texts.wait_sentence(low, high) == sentence


@pytest.mark.parametrize(
    ("longer", "high", "sentence"),
    [
        (None, None, ""),
        (None, 3_600, ""),
        (None, 3_660, "It may take more than an hour."),
        ("unknown", 3_660, "It takes longer than we said. We are sorry."),
        ("fewer", 900, "It takes longer than we said: fewer representatives are here than before."),
    ],
)
def test_a_longer_wait_is_told_with_its_reason(longer: str | None, high: int | None, sentence: str) -> None:
    assert texts.longer_sentence(longer, high) == sentence


def test_every_reason_of_a_longer_wait_has_a_sentence() -> None:
    assert len({texts.longer_sentence(why.value, 900) for why in Longer}) == len(Longer)


def test_an_unknown_error_never_shows_its_key() -> None:
    assert texts.error_sentence("database.exploded") == texts.error_sentence("unknown")


def test_every_error_sentence_says_what_happened_and_what_to_do() -> None:
    for key, sentence in texts.ERRORS.items():
        assert sentence.endswith("."), key
        assert len(re.findall(r"[.;!?:]", sentence)) >= 2 or key == "choose", f"{key}: one half is missing"


def test_events_are_told_by_their_facts() -> None:
    assert texts.event_sentence("handed_over", name="Sam", to_name="Ines") == "Sam handed the conversation over to Ines"
    assert (
        texts.event_sentence("handed_over", name="Sam", to_line="Travel")
        == "Sam handed the conversation over to the Travel team"
    )
    assert texts.event_sentence("rated", name="Ana", rating=1) == "Ana gave 1 star"
    assert texts.event_sentence("left_line", name="Ana", why="lost") != texts.event_sentence(
        "left_line", name="Ana", why="left"
    )


def test_a_fact_that_is_missing_does_not_break_a_page() -> None:
    assert texts.error_sentence("too_many") == "That was too often. Wait … seconds and try again."


def test_the_pseudo_language_cannot_be_chosen() -> None:
    assert PSEUDO not in LANGUAGES
    assert choose_language(PSEUDO.code, PSEUDO.code, PSEUDO.tag).code == "en"


def test_the_template_of_the_catalogues_is_up_to_date() -> None:
    assert extract_texts.TEMPLATE.read_text("utf-8") == extract_texts.template(), "run scripts/extract_texts.py"


def test_a_catalogue_is_read_as_it_is_and_gaps_read_in_english(tmp_path: Path) -> None:
    folder = tmp_path / "de" / "LC_MESSAGES"
    folder.mkdir(parents=True)
    (folder / "messages.po").write_text(
        'msgid ""\nmsgstr "Content-Type: text/plain; charset=utf-8\\n"\n\nmsgid "Home"\nmsgstr "Übersicht"\n', "utf-8"
    )

    found = i18n.read_texts("de", tmp_path)

    assert found.gettext("Home") == "Übersicht"
    assert found.gettext("Sign out") == "Sign out"


@pytest.mark.parametrize(
    "catalogue", sorted(i18n.LOCALES.glob("*/LC_MESSAGES/messages.po")), ids=lambda path: path.parts[-3]
)
def test_translations_keep_the_placeholders(catalogue: Path) -> None:
    with catalogue.open("rb") as file:
        for message in read_po(file):
            sources = [message.id] if isinstance(message.id, str) else list(message.id)
            allowed = {name for source in sources for name in re.findall(r"%\((\w+)\)s", source)}
            for text in [message.string] if isinstance(message.string, str) else message.string:
                assert set(re.findall(r"%\((\w+)\)s", text)) <= allowed, message.id


@pytest.mark.parametrize(
    ("zone", "called"),
    [("UTC", "UTC"), ("Etc/GMT+5", "Etc/GMT+5"), ("Europe/Paris", "Central European Time")],
)
def test_zone_of_no_place_goes_by_its_own_name(zone: str, called: str) -> None:
    with reading(Reader()):
        assert i18n.zone_name(zone) == called


async def test_a_word_that_english_has_for_two_things_is_two_words_where_it_has_to_be(desk: Desk) -> None:
    """ "Mine" were my saved replies, and "What is it about?" asked for a product, also where tickets and reasons were meant."""
    _, staff = await desk.somebody(PersonRole.REPRESENTATIVE, language="ja")
    _, customer = await desk.somebody(PersonRole.CONTACT, language="ja")

    lists = (await staff.get("/desk/tickets")).text
    form = (await customer.get("/requests/new")).text

    assert "自分のチケット" in lists
    assert "定型文 <span" not in lists
    assert "どの製品" not in form
