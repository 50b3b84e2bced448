"""Every language has every text, of pages and of mails, with the same placeholders and tags (V5, P6)."""

import re
from datetime import UTC, datetime

import pytest

from chatsvc.accounts.letters import SetPassword
from chatsvc.accounts.links import Purpose
from chatsvc.accounts.model import Person, PersonRole
from chatsvc.kernel.ids import CompanyId, OutboxId, PersonId
from chatsvc.kernel.languages import LANGUAGES, Language
from chatsvc.notifications.compose import Envelope, TicketOpened
from scripts import extract_texts
from scripts.update_catalogues import DOMAINS, TRANSLATED, Domain, faults, messages, missing, read, texts, translations
from tests.chatsvc.notifications.post import composer
from web import i18n
from web.i18n import Reader, language_of, reading

# Products and units, which keep their names everywhere; and what is nothing but brackets, which some write otherwise.
NAMES = frozenset(
    {
        "%(name)s (%(own)s)",
        "Expense",
        "Invoice",
        "Request",
        "Travel",
        "REST",
        "%(size)s GB",
        "%(size)s MB",
        "%(size)s kB",
        "%(size)s byte",
    }
)
# Words that a language writes as English does.
SHARED = {
    "de": {
        "(optional)", "Chat", "Code", "Details", "Filter", "Frame", "Name", "P3 Normal", "Person", "Region", "Route", "Socket",
        "Standard", "Status", "Support", "Team", "Teams", "Test", "Text", "Ticket", "Ticket %(number)s", "Ticket %(number)s: %(subject)s",
        "Tickets",
    },
    "fr": {
        "%(minutes)s min", "Actions", "Chat", "Code", "Configuration", "Console", "Contact", "Conversation", "Description", "E-mail", "Incident",
        "Incident %(number)s", "Pages", "Place", "Production", "Route", "Socket", "Solution", "Standard", "Support", "Test",
        "Ticket", "Ticket %(number)s", "Tickets",
    },
    "es": {
        "%(minutes)s min", "Chat", "Error: %(title)s", "No", "P3 Normal", "Socket", "Supervisor", "Ticket", "Ticket %(number)s", "Ticket %(number)s: %(subject)s",
        "Tickets",
    },
    "pt_BR": {"%(minutes)s min", "Chat", "Console", "E-mail", "P3 Normal", "Socket", "Status", "Supervisor"},
}  # fmt: skip
ENVELOPE = Envelope(OutboxId("ob_1"), datetime(2026, 3, 2, 9, 0, tzinfo=UTC))
CATALOGUES = [
    pytest.param(language, domain, id=f"{language.tag}-{domain.template.stem}")
    for language in TRANSLATED
    for domain in DOMAINS
]


@pytest.mark.parametrize(("language", "domain"), CATALOGUES)
def test_every_text_is_translated_and_nothing_else_is_kept(language: Language, domain: Domain) -> None:
    template, catalogue = read(domain.template), read(domain.catalogue(language.code), language.code)

    assert missing(template, catalogue) == []
    assert {texts(message)[0] for message in messages(catalogue)} == {
        texts(message)[0] for message in messages(template)
    }
    assert not [message.id for message in messages(catalogue) if message.fuzzy]


@pytest.mark.parametrize(("language", "domain"), CATALOGUES)
def test_placeholders_and_tags_are_kept(language: Language, domain: Domain) -> None:
    assert faults(read(domain.catalogue(language.code), language.code)) == []


@pytest.mark.parametrize(("language", "domain"), CATALOGUES)
def test_no_text_is_left_in_english(language: Language, domain: Domain) -> None:
    allowed = NAMES | SHARED.get(language.code, set())

    same = [
        texts(message)[0]
        for message in messages(read(domain.catalogue(language.code), language.code))
        if texts(message)[0] in translations(message)
        and re.search("[A-Za-z]{2}", re.sub(r"%\(\w+\)s", "", texts(message)[0]))
    ]

    assert set(same) <= allowed


@pytest.mark.parametrize("language", TRANSLATED, ids=lambda language: language.tag)
def test_a_language_has_the_plural_forms_that_its_rules_name(language: Language) -> None:
    for domain in DOMAINS:
        forms = read(domain.catalogue(language.code), language.code).num_plurals
        assert forms == (1 if language.code in ("ja", "ko", "zh_Hans") else 2)
    with reading(Reader(language_of(language.code))):
        assert len({i18n.file_size(1), i18n.file_size(999)}) == 2


def test_the_template_of_the_mails_is_up_to_date() -> None:
    assert extract_texts.MAILS_TEMPLATE.read_text("utf-8") == extract_texts.mails_template(), (
        "run scripts/update_catalogues.py"
    )


def person(language: str) -> Person:
    return Person(
        id=PersonId("pe_anna"),
        company=CompanyId("co_acme"),
        role=PersonRole.CONTACT,
        name="Anna",
        email="anna@acme.example",
        authorised=True,
        company_admin=False,
        language=language,
        zone="Europe/Berlin",
        has_password=True,
        disabled_at=None,
    )


@pytest.mark.parametrize("language", LANGUAGES, ids=lambda language: language.tag)
def test_mails_are_in_the_language_of_their_reader(language: Language) -> None:
    writer = composer()

    confirmation = writer.ticket_confirmation(ENVELOPE, person(language.code), TicketOpened(4812))
    reset = writer.set_password(ENVELOPE, person(language.code), SetPassword(Purpose.RESET_PASSWORD, 1))

    for mail in (confirmation, reset):
        assert f'<html lang="{language.tag}">' in mail.html
        assert "%(" not in mail.subject + mail.text + mail.html
    assert "4812" in confirmation.subject
    assert (reset.subject == "Choose a new password for Holdline") is (language.code == "en")
