"""A gentle hint to whoever writes another language into a talk in English: only when sure, once, and never a block (V3, V5)."""

import subprocess
import sys

import pytest

from chatsvc.conversations.english import EnglishHints, foreign_language, load_guesser
from tests.chatsvc.conversations.house import House

GUESSER = load_guesser()


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Der Bericht lässt sich seit heute Morgen nicht mehr öffnen", "de"),
        ("Le rapport ne s’ouvre plus depuis ce matin", "fr"),
        ("El informe no se abre desde esta mañana", "es"),
        ("O relatório não abre mais desde hoje de manhã", "pt_BR"),
        ("报销单从今天早上起就打不开了", "zh_Hans"),
        ("今朝からレポートが開けません", "ja"),
        ("오늘 아침부터 보고서가 열리지 않습니다", "ko"),
        ("The report does not open since this morning", None),
        ("merci", None),
        ("SSO", None),
        ("help me please, it is urgent", None),
        ("OK danke", None),
        ("4812 / PNR X7K2QZ", None),
    ],
)
def test_language_is_named_only_when_it_is_sure(text: str, language: str | None) -> None:
    assert foreign_language(text, GUESSER) == language


async def test_hint_is_given_once_and_the_words_stand_as_they_are(house: House) -> None:
    contact, ravi = await house.contact(), await house.ready()
    visit, _ = await house.talking(contact, ravi)
    hints = EnglishHints(house.database, house.logbook)
    await house.says(contact, visit, "The report does not open")
    assert await hints.sweep() == 0
    await house.says(contact, visit, "Der Bericht lässt sich nicht mehr öffnen")
    await house.says(contact, visit, "Ich brauche ihn noch heute Vormittag")

    assert await hints.sweep() == 1
    # Another worker, that has read nothing yet.
    assert await EnglishHints(house.database, house.logbook).sweep() == 0

    assert (await house.kinds(visit))[-4:] == ["message", "message", "message", "english_hint"]
    assert await house.body(visit, "english_hint") == {"language": "de"}


async def test_representatives_words_are_nobodys_business(house: House) -> None:
    contact, ravi = await house.contact(), await house.ready()
    visit, _ = await house.talking(contact, ravi)
    epoch = (await house.conversation_row(visit.ticket)).epoch
    await house.says(ravi, visit, "Der Bericht lässt sich nicht mehr öffnen", epoch)

    assert await EnglishHints(house.database, house.logbook).sweep() == 0


def test_web_processes_do_not_load_what_guesses() -> None:
    loaded = "import sys, chatsvc.bootstrap; print('py3langid' in sys.modules, 'numpy' in sys.modules)"

    said = subprocess.run([sys.executable, "-c", loaded], capture_output=True, text=True, check=True)

    assert said.stdout.split() == ["False", "False"]
