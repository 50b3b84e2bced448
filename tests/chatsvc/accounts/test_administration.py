"""What is done to other people's accounts."""

import asyncio

import pytest

from chatsvc.accounts.model import Identity, PersonRole
from chatsvc.accounts.policy import OPERATOR
from chatsvc.kernel.errors import Conflict, Invalid, NotAllowed, NotFound, Refused, TooMany
from chatsvc.kernel.ids import CompanyId, PersonId
from tests.chatsvc.accounts.house import PASSWORD, House


@pytest.fixture
async def acme(house: House) -> CompanyId:
    """A company without contacts."""
    return await house.company()


async def _admin_of(house: House, company: CompanyId) -> Identity:
    """The company's own administrator, signed in."""
    await house.contact(company, f"admin@{company.replace('_', '-')}.example", company_admin=True)
    return await house.identity(f"admin@{company.replace('_', '-')}.example")


async def _authorised(house: House, company: CompanyId) -> int:
    return (await house.queries.company(OPERATOR, company)).authorised


# --- two to five authorised contacts (P1) -----------------------------------------------------------------------------


async def test_company_has_at_most_five_authorised_contacts(house: House, acme: CompanyId) -> None:
    for number in range(5):
        await house.contact(acme, f"c{number}@acme.example", password=None)
    sixth = await house.contact(acme, "sixth@acme.example", password=None, authorised=False)

    with pytest.raises(Conflict) as refusal:
        await house.administration.grant_authorised(OPERATOR, sixth)
    with pytest.raises(Conflict, match=r"contacts\.too_many"):
        await house.contact(acme, "seventh@acme.example", password=None)

    assert (refusal.value.key, refusal.value.facts) == ("contacts.too_many", {"limit": 5})
    assert await _authorised(house, acme) == 5


async def test_of_two_who_grant_the_fifth_at_once_one_wins(house: House, acme: CompanyId) -> None:
    for number in range(4):
        await house.contact(acme, f"c{number}@acme.example", password=None)
    wishes = [
        await house.contact(acme, f"w{number}@acme.example", password=None, authorised=False) for number in range(4)
    ]

    results = await asyncio.gather(
        *(house.administration.grant_authorised(OPERATOR, person) for person in wishes), return_exceptions=True
    )

    assert sorted(type(result).__name__ for result in results) == ["Conflict", "Conflict", "Conflict", "NoneType"]
    assert await _authorised(house, acme) == 5


async def test_company_keeps_two_authorised_contacts(house: House, acme: CompanyId) -> None:
    first, second, third = [await house.contact(acme, f"c{number}@acme.example") for number in range(3)]
    signed_in = await house.sign_in("c0@acme.example")
    house.bells.clear()

    await house.administration.withdraw_authorised(OPERATOR, first)
    with pytest.raises(Conflict) as refusal:
        await house.administration.withdraw_authorised(OPERATOR, second)

    assert (refusal.value.key, refusal.value.facts) == ("contacts.too_few", {"limit": 2})
    assert await house.accounts.identify(signed_in.token) is None
    assert house.rang(first)
    assert not house.rang(second)
    assert not house.rang(third)


async def test_of_two_who_withdraw_at_once_one_wins(house: House, acme: CompanyId) -> None:
    contacts = [await house.contact(acme, f"c{number}@acme.example", password=None) for number in range(3)]

    results = await asyncio.gather(
        *(house.administration.withdraw_authorised(OPERATOR, person) for person in contacts[:2]), return_exceptions=True
    )

    assert sorted(type(result).__name__ for result in results) == ["Conflict", "NoneType"]
    assert await _authorised(house, acme) == 2


async def test_disabling_goes_below_two_and_warns(house: House, acme: CompanyId) -> None:
    first, second, third = [await house.contact(acme, f"c{number}@acme.example") for number in range(3)]

    enough = await house.administration.disable(OPERATOR, first)
    too_few = await house.administration.disable(OPERATOR, second)

    assert (enough.warning, too_few.warning) == (None, "contacts.too_few")
    assert await _authorised(house, acme) == 1
    assert (await house.identity("c2@acme.example")).person == third


async def test_enabled_again_is_not_yet_authorised(house: House, acme: CompanyId) -> None:
    person = await house.contact(acme, "c@acme.example")
    await house.administration.disable(OPERATOR, person)
    with pytest.raises(Conflict, match=r"person\.disabled"):
        await house.administration.grant_authorised(OPERATOR, person)

    await house.administration.enable(OPERATOR, person)
    with pytest.raises(Refused, match=r"sign_in\.refused"):
        await house.sign_in("c@acme.example")
    await house.administration.grant_authorised(OPERATOR, person)

    assert (await house.identity("c@acme.example")).person == person


async def test_granting_and_withdrawing_twice_changes_nothing(house: House, acme: CompanyId) -> None:
    people = [await house.contact(acme, f"c{number}@acme.example", password=None) for number in range(3)]

    await house.administration.grant_authorised(OPERATOR, people[0])
    await house.administration.withdraw_authorised(OPERATOR, people[0])
    await house.administration.withdraw_authorised(OPERATOR, people[0])

    assert await _authorised(house, acme) == 2


# --- who may ----------------------------------------------------------------------------------------------------------


async def test_company_administrator_manages_their_own_company(house: House, acme: CompanyId) -> None:
    admin = await _admin_of(house, acme)

    person = await house.administration.add_contact(admin, acme, name="New", email="new@acme.example")
    await house.administration.grant_authorised(admin, person)
    await house.administration.disable(admin, person)
    await house.administration.enable(admin, person)
    await house.administration.mail_link(admin, person)

    assert [each.name for each in await house.queries.contacts(admin, acme)] == ["New", "admin"]


async def test_company_administrator_does_not_see_other_companies(house: House, acme: CompanyId) -> None:
    admin = await _admin_of(house, acme)
    bolt = await house.company("Bolt")
    stranger = await house.contact(bolt, "boris@bolt.example")
    rita = await house.staff("rita@holdline.example")
    administration = house.administration

    for refused in (
        administration.add_contact(admin, bolt, name="X", email="x@bolt.example"),
        administration.add_contact(admin, CompanyId("co_none"), name="X", email="x@bolt.example"),
        administration.grant_authorised(admin, stranger),
        administration.withdraw_authorised(admin, stranger),
        administration.disable(admin, stranger),
        administration.enable(admin, stranger),
        administration.mail_link(admin, stranger),
        administration.disable(admin, rita),
        administration.disable(admin, PersonId("pe_none")),
        house.queries.contacts(admin, bolt),
        house.queries.company(admin, bolt),
    ):
        with pytest.raises(NotFound) as refusal:
            await refused
        assert refusal.value.key == "not_found"


@pytest.mark.parametrize("who", ["contact", "representative", "supervisor", "company_admin"])
async def test_only_administrators_administer(house: House, acme: CompanyId, who: str) -> None:
    if who == "company_admin":
        actor = await _admin_of(house, acme)
    elif who == "contact":
        await house.contact(acme, "plain@acme.example")
        actor = await house.identity("plain@acme.example")
    else:
        await house.staff("staff@holdline.example", PersonRole(who))
        actor = await house.identity("staff@holdline.example")
    person = await house.contact(acme, "target@acme.example", authorised=False)
    administration = house.administration
    asked = [
        administration.create_company(actor, name="Mine", zone="UTC", country="DE"),
        administration.add_staff(actor, role=PersonRole.ADMINISTRATOR, name="Me", email="me@holdline.example"),
        administration.give_password(actor, person, "another long one"),
        administration.add_contact(actor, acme, name="X", email="x@acme.example", company_admin=True),
        house.queries.companies(actor),
        house.queries.staff(actor),
    ]
    if who != "company_admin":
        asked += [
            administration.add_contact(actor, acme, name="X", email="x@acme.example"),
            administration.grant_authorised(actor, person),
            administration.disable(actor, person),
            house.queries.contacts(actor, acme),
        ]

    for refused in asked:
        with pytest.raises(NotAllowed):
            await refused


async def test_nobody_takes_away_their_own_access(house: House) -> None:
    person = await house.staff("ada@holdline.example", PersonRole.ADMINISTRATOR)
    ada = await house.identity("ada@holdline.example")

    with pytest.raises(NotAllowed, match=r"person\.yourself"):
        await house.administration.disable(ada, person)


# --- adding -----------------------------------------------------------------------------------------------------------


async def test_new_person_gets_one_mail_for_the_first_sign_in(house: House, acme: CompanyId) -> None:
    house.bells.clear()
    person = await house.contact(acme, "New.Person@Acme.Example", password=None)

    [mail] = await house.mails()

    assert (mail.kind, mail.recipient, mail.payload) == (
        "mail.reset_password",
        person,
        {"purpose": "first_sign_in", "epoch": 0},
    )
    assert "outbox" in {bell.topic for bell in house.bells}


async def test_mail_address_belongs_to_one_person(house: House, acme: CompanyId) -> None:
    await house.contact(acme, "anna@acme.example", password=None)

    with pytest.raises(Conflict, match=r"email\.taken"):
        await house.contact(acme, "ANNA@acme.example", password=None)

    assert len(await house.mails()) == 1


async def test_fields_are_checked_before_anything_is_stored(house: House, acme: CompanyId) -> None:
    for details, field in (
        ({"email": "anna@acme.example\nBcc: x@y.example"}, "email"),
        ({"name": " \x00\u200b "}, "name"),
        ({"language": "tlh"}, "language"),
        ({"zone": "Mars/Olympus"}, "zone"),
    ):
        with pytest.raises(Invalid) as refusal:
            await house.administration.add_contact(
                OPERATOR, acme, **{"name": "Anna", "email": "anna@acme.example", **details}
            )
        assert refusal.value.field == field
    for details, field in (({"name": ""}, "name"), ({"zone": "Berlin"}, "zone"), ({"country": "Germany"}, "country")):
        with pytest.raises(Invalid) as refusal:
            await house.administration.create_company(
                OPERATOR, **{"name": "A", "zone": "UTC", "country": "de", **details}
            )
        assert refusal.value.field == field

    assert await house.mails() == []


async def test_company_names_are_unique(house: House, acme: CompanyId) -> None:
    with pytest.raises(Conflict, match=r"company\.name_taken"):
        await house.company("  Acme ")


async def test_staff_have_no_company_and_a_role_of_staff(house: House) -> None:
    await house.staff("sam@holdline.example", PersonRole.SUPERVISOR)

    identity = await house.identity("sam@holdline.example")

    assert (identity.role, identity.company, identity.is_staff) == (PersonRole.SUPERVISOR, None, True)
    with pytest.raises(Invalid):
        await house.administration.add_staff(OPERATOR, role=PersonRole.CONTACT, name="X", email="x@y.example")


async def test_first_mails_are_limited_by_who_causes_them(house: House, acme: CompanyId) -> None:
    admin = await _admin_of(house, acme)
    for number in range(60):
        await house.administration.add_contact(admin, acme, name="X", email=f"x{number}@acme.example")

    with pytest.raises(TooMany):
        await house.administration.add_contact(admin, acme, name="X", email="x60@acme.example")


async def test_given_password_ends_sessions_and_links(house: House, acme: CompanyId) -> None:
    person = await house.contact(acme, "anna@acme.example", password=None)
    link = await house.newest_link(person)
    await house.administration.give_password(OPERATOR, person, PASSWORD)
    signed_in = await house.sign_in("anna@acme.example")

    await house.administration.give_password(OPERATOR, person, "another long one")

    assert not await house.accounts.is_link_good(link)
    assert await house.accounts.identify(signed_in.token) is None


# --- lists ------------------------------------------------------------------------------------------------------------


async def test_lists_for_the_administrator(house: House, acme: CompanyId) -> None:
    await house.company("Bolt")
    anna = await house.contact(acme, "anna@acme.example")
    await house.contact(acme, "boris@acme.example", authorised=False, password=None)
    await house.staff("rita@holdline.example")

    companies = await house.queries.companies(OPERATOR)
    contacts = await house.queries.contacts(OPERATOR, acme)
    staff = await house.queries.staff(OPERATOR)

    assert [(each.name, each.authorised, each.contacts) for each in companies] == [("Acme", 1, 2), ("Bolt", 0, 0)]
    assert [(each.name, each.may_enter, each.has_password) for each in contacts] == [
        ("anna", True, True),
        ("boris", False, False),
    ]
    assert [(each.name, each.zone) for each in staff] == [("rita", "UTC")]
    assert await house.queries.person(anna) == contacts[0]


async def test_new_store_is_empty_until_somebody_is_added(house: House) -> None:
    before = await house.queries.is_empty()
    await house.staff("ada@holdline.example", PersonRole.ADMINISTRATOR)

    assert (before, await house.queries.is_empty()) == (True, False)
