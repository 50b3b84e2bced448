"""What people do with their own account."""

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import select

from chatsvc.accounts.links import Claim, Purpose
from chatsvc.accounts.model import PersonRole
from chatsvc.accounts.policy import OPERATOR
from chatsvc.accounts.tables import sessions
from chatsvc.kernel.clock import ManualClock
from chatsvc.kernel.errors import Conflict, Invalid, NotFound, NotSignedIn, TooMany
from chatsvc.kernel.ids import PersonId, SessionId
from tests.chatsvc.accounts.house import ELSEWHERE, HOME, PASSWORD, House
from tests.forging import forged

ANNA = "anna@acme.example"
BORIS = "boris@acme.example"


@pytest.fixture
async def anna(house: House) -> PersonId:
    """An authorised contact with a password."""
    return await house.contact(await house.company(), ANNA)


# --- signing in -------------------------------------------------------------------------------------------------------


async def test_contact_signs_in_and_is_known_by_the_token(house: House, anna: PersonId) -> None:
    signed_in = await house.sign_in("  Anna@ACME.example ")

    identity = await house.accounts.identify(signed_in.token)

    assert identity == signed_in.identity
    assert (identity.person, identity.role, identity.zone) == (anna, PersonRole.CONTACT, "Europe/Berlin")
    assert signed_in.expires_at == house.clock.now() + timedelta(days=30)


async def test_every_sign_in_has_a_session_and_a_token_of_its_own(house: House, anna: PersonId) -> None:
    first, second = await house.sign_in(ANNA), await house.sign_in(ANNA)

    assert first.identity.session != second.identity.session
    assert first.token != second.token


async def test_password_is_case_sensitive(house: House, anna: PersonId) -> None:
    with pytest.raises(NotSignedIn):
        await house.sign_in(ANNA, PASSWORD.lower())


async def test_password_typed_with_combining_accents_is_the_same(house: House) -> None:
    person = await house.contact(await house.company(), ANNA)
    await house.administration.give_password(OPERATOR, person, "caf\u00e9 au lait")

    signed_in = await house.sign_in(ANNA, "cafe\u0301 au lait")

    assert signed_in.identity.person == person


@pytest.mark.parametrize("who", ["unknown", "wrong", "disabled", "unauthorised", "without_password", "strange"])
async def test_refusals_are_told_apart_neither_by_answer_nor_by_work(house: House, who: str) -> None:
    company = await house.company()
    anna = await house.contact(company, ANNA, authorised=who != "unauthorised")
    await house.contact(company, "new@acme.example", password=None)
    if who == "disabled":
        await house.administration.disable(OPERATOR, anna)
    email = {"unknown": "nobody@acme.example", "without_password": "new@acme.example", "strange": "\x00\udc80' or 1"}
    before = house.passwords.verified

    with pytest.raises(NotSignedIn) as refusal:
        await house.sign_in(email.get(who, ANNA), "wrong wrong" if who == "wrong" else PASSWORD)

    assert (refusal.value.key, refusal.value.facts) == ("sign_in.refused", {})
    assert house.passwords.verified == before + 1


async def test_token_is_stored_only_as_its_digest(house: House, anna: PersonId) -> None:
    signed_in = await house.sign_in(ANNA)

    async with house.database.read() as connection:
        row = (await connection.execute(select(sessions))).one()
    assert signed_in.token not in map(str, row)


async def test_unknown_tokens_are_nobody(house: House) -> None:
    for token in ("", "x" * 43, "\x00", "\udc80", "x" * 10_000):
        assert await house.accounts.identify(token) is None


# --- limits -----------------------------------------------------------------------------------------------------------


async def _hammer(house: House, email: str, *, addresses: list[str], times: int) -> int:
    """Try wrong passwords; return how often it was refused before the password was looked at."""
    refused = 0
    for address in addresses:
        for _ in range(times):
            try:
                await house.sign_in(email, "wrong wrong wrong", address=address)
            except TooMany:
                refused += 1
            except NotSignedIn:
                pass
    return refused


async def test_guessing_from_one_address_is_stopped_and_the_owner_elsewhere_does_not_notice(
    house: House, anna: PersonId
) -> None:
    refused = await _hammer(house, ANNA, addresses=[ELSEWHERE], times=20)

    assert refused == 12
    assert (await house.sign_in(ANNA, address=HOME)).identity.person == anna


async def test_strangers_everywhere_cannot_keep_the_known_browser_out(house: House, anna: PersonId) -> None:
    known = (await house.sign_in(ANNA)).known_device
    await _hammer(house, ANNA, addresses=[f"203.0.113.{n}" for n in range(40)], times=8)

    with pytest.raises(TooMany) as refusal:
        await house.sign_in(ANNA, address=HOME)

    assert refusal.value.retry_after <= 30
    assert (await house.sign_in(ANNA, address=HOME, known_device=known)).identity.person == anna


async def test_strangers_behind_the_owners_own_address_cannot_keep_the_known_browser_out(
    house: House, anna: PersonId
) -> None:
    known = (await house.sign_in(ANNA)).known_device
    await _hammer(house, ANNA, addresses=[HOME], times=100)

    assert (await house.sign_in(ANNA, address=HOME, known_device=known)).identity.person == anna


async def test_new_browser_is_only_slowed_down(house: House, anna: PersonId, clock: ManualClock) -> None:
    await _hammer(house, ANNA, addresses=[f"203.0.113.{n}" for n in range(5)], times=8)

    with pytest.raises(TooMany) as refusal:
        await house.sign_in(ANNA, address=HOME)
    clock.advance(refusal.value.retry_after)

    assert (await house.sign_in(ANNA, address=HOME)).identity.person == anna


async def test_known_browser_of_another_account_is_a_stranger(house: House, anna: PersonId) -> None:
    await house.contact(await house.company("Bolt"), BORIS)
    cookie = (await house.sign_in(BORIS)).known_device
    await _hammer(house, ANNA, addresses=[f"203.0.113.{n}" for n in range(5)], times=8)

    for cookie_shown in (cookie, "rubbish", cookie[:-1]):
        with pytest.raises(TooMany):
            await house.sign_in(ANNA, known_device=cookie_shown)


async def test_known_browser_does_not_guess_for_ever(house: House, anna: PersonId) -> None:
    known = (await house.sign_in(ANNA)).known_device

    for _ in range(10):
        with pytest.raises(NotSignedIn):
            await house.sign_in(ANNA, "wrong wrong wrong", known_device=known)

    with pytest.raises(TooMany):
        await house.sign_in(ANNA, known_device=known)


async def test_unknown_accounts_are_limited_alike(house: House, anna: PersonId) -> None:
    known = await _hammer(house, ANNA, addresses=[HOME], times=12)
    unknown = await _hammer(house, "nobody@acme.example", addresses=[ELSEWHERE], times=12)

    assert known == unknown == 4


async def test_signing_in_rightly_does_not_use_the_limit_up(house: House, anna: PersonId) -> None:
    for _ in range(30):
        await house.sign_in(ANNA)


async def test_one_address_may_not_try_all_accounts(house: House, anna: PersonId) -> None:
    for number in range(60):
        with pytest.raises(NotSignedIn):
            await house.sign_in(f"guess{number}@acme.example")

    with pytest.raises(TooMany):
        await house.sign_in(ANNA)


# --- sessions ---------------------------------------------------------------------------------------------------------


async def test_session_ends_when_unused(house: House, anna: PersonId, clock: ManualClock) -> None:
    token = (await house.sign_in(ANNA)).token
    for _ in range(3):
        clock.advance(timedelta(hours=11))
        assert await house.accounts.identify(token) is not None

    clock.advance(timedelta(hours=12))

    assert await house.accounts.identify(token) is None


async def test_session_ends_in_any_case(house: House, clock: ManualClock) -> None:
    await house.staff("rita@holdline.example")
    token = (await house.sign_in("rita@holdline.example")).token
    for _ in range(15):
        clock.advance(timedelta(hours=1))
        assert await house.accounts.identify(token) is not None

    clock.advance(timedelta(hours=1))

    assert await house.accounts.identify(token) is None


async def test_use_is_noted_at_most_once_a_minute(house: House, anna: PersonId, clock: ManualClock) -> None:
    identity = (signed_in := await house.sign_in(ANNA)).identity
    began = clock.now()
    clock.advance(59)
    await house.accounts.identify(signed_in.token)
    [before] = await house.accounts.sessions_of(identity)
    clock.advance(1)
    await house.accounts.identify(signed_in.token)
    [after] = await house.accounts.sessions_of(identity)

    assert (before.seen_at, after.seen_at) == (began, began + timedelta(minutes=1))


async def test_open_page_alone_keeps_no_session(house: House, anna: PersonId, clock: ManualClock) -> None:
    identity = await house.identity(ANNA)
    clock.advance(timedelta(hours=11))
    assert await house.accounts.still_in(identity, in_use=False) is not None
    clock.advance(timedelta(hours=1))

    assert await house.accounts.still_in(identity, in_use=False) is None


async def test_signing_out_ends_the_session_and_rings(house: House, anna: PersonId) -> None:
    signed_in = await house.sign_in(ANNA)
    other = await house.sign_in(ANNA)
    house.bells.clear()

    await house.accounts.sign_out(signed_in.identity)

    assert await house.accounts.identify(signed_in.token) is None
    assert await house.accounts.still_in(signed_in.identity, in_use=True) is None
    assert await house.accounts.identify(other.token) is not None
    assert house.rang(anna)


async def test_people_see_and_end_their_own_sessions_only(house: House, anna: PersonId) -> None:
    await house.contact(await house.company("Bolt"), BORIS)
    here, there = await house.sign_in(ANNA), await house.sign_in(ANNA)
    boris = await house.identity(BORIS)

    with pytest.raises(NotFound):
        await house.accounts.revoke_session(boris, there.identity.session)
    with pytest.raises(NotFound):
        await house.accounts.revoke_session(boris, SessionId("se_none"))
    await house.accounts.revoke_session(here.identity, there.identity.session)

    sessions = await house.accounts.sessions_of(here.identity)
    assert [(each.id, each.current, each.device) for each in sessions] == [
        (here.identity.session, True, "Firefox on Linux")
    ]


async def test_withdrawn_permission_is_felt_by_the_next_request(house: House, anna: PersonId) -> None:
    signed_in = await house.sign_in(ANNA)

    await house.administration.disable(OPERATOR, anna)

    assert await house.accounts.identify(signed_in.token) is None


# --- passwords --------------------------------------------------------------------------------------------------------


async def test_changed_password_ends_the_other_sessions(house: House, anna: PersonId) -> None:
    here, there = await house.sign_in(ANNA), await house.sign_in(ANNA)
    house.bells.clear()

    await house.accounts.change_password(here.identity, PASSWORD, "another long one")

    assert await house.accounts.identify(here.token) is not None
    assert await house.accounts.identify(there.token) is None
    assert house.rang(anna)
    assert (await house.sign_in(ANNA, "another long one")).identity.person == anna


async def test_password_is_not_changed_without_the_old_one(house: House, anna: PersonId) -> None:
    identity = await house.identity(ANNA)
    for _ in range(5):
        with pytest.raises(Invalid) as refusal:
            await house.accounts.change_password(identity, "not the old one", "another long one")
        assert (refusal.value.key, refusal.value.field) == ("password.wrong", "old")

    with pytest.raises(TooMany):
        await house.accounts.change_password(identity, PASSWORD, "another long one")


@pytest.mark.parametrize(
    ("password", "key"),
    [("nine char", "password.short"), ("x" * 201, "too_long"), ("ANNA@acme.example", "password.common")],
    ids=["short", "long", "own address"],
)
async def test_new_password_must_be_good(house: House, anna: PersonId, password: str, key: str) -> None:
    identity = await house.identity(ANNA)

    with pytest.raises(Invalid) as refusal:
        await house.accounts.change_password(identity, PASSWORD, password)

    assert (refusal.value.key, refusal.value.field) == (key, "new")


async def test_forgotten_password_is_set_through_the_mail(house: House, anna: PersonId) -> None:
    signed_in = await house.sign_in(ANNA)
    await house.accounts.request_reset(ANNA.upper(), address=HOME)
    link = await house.newest_link(anna)
    house.bells.clear()

    assert await house.accounts.is_link_good(link)
    done = await house.accounts.reset(link, "another long one")

    assert done.person == anna
    assert await house.accounts.identify(signed_in.token) is None
    assert house.rang(anna)
    assert (await house.sign_in(ANNA, "another long one")).identity.person == anna


async def test_who_resets_from_the_mailbox_passes_the_slow_down(house: House, anna: PersonId) -> None:
    await _hammer(house, ANNA, addresses=[f"203.0.113.{n}" for n in range(40)], times=8)
    await house.accounts.request_reset(ANNA, address=HOME)

    done = await house.accounts.reset(await house.newest_link(anna), "another long one")

    assert await house.sign_in(ANNA, "another long one", known_device=done.known_device)


async def test_link_works_once(house: House, anna: PersonId) -> None:
    await house.accounts.request_reset(ANNA, address=HOME)
    link = await house.newest_link(anna)
    await house.accounts.reset(link, "another long one")

    assert not await house.accounts.is_link_good(link)
    with pytest.raises(Invalid, match=r"link\.invalid"):
        await house.accounts.reset(link, "a third long one")


async def test_link_is_void_after_any_change_of_password(house: House, anna: PersonId) -> None:
    identity = await house.identity(ANNA)
    await house.accounts.request_reset(ANNA, address=HOME)
    link = await house.newest_link(anna)
    await house.accounts.change_password(identity, PASSWORD, "another long one")

    with pytest.raises(Invalid, match=r"link\.invalid"):
        await house.accounts.reset(link, "a third long one")


async def test_link_expires(house: House, anna: PersonId, clock: ManualClock) -> None:
    await house.accounts.request_reset(ANNA, address=HOME)
    link = await house.newest_link(anna)
    clock.advance(timedelta(hours=1, seconds=1))

    with pytest.raises(Invalid, match=r"link\.invalid"):
        await house.accounts.reset(link, "another long one")


async def test_first_link_is_good_for_a_week(house: House, clock: ManualClock) -> None:
    person = await house.contact(await house.company(), ANNA, password=None)
    link = await house.newest_link(person)
    clock.advance(timedelta(days=6, hours=23))

    await house.accounts.reset(link, PASSWORD)

    assert (await house.sign_in(ANNA)).identity.person == person


async def test_link_of_a_disabled_person_is_void(house: House, anna: PersonId) -> None:
    await house.accounts.request_reset(ANNA, address=HOME)
    link = await house.newest_link(anna)
    await house.administration.disable(OPERATOR, anna)

    with pytest.raises(Invalid, match=r"link\.invalid"):
        await house.accounts.reset(link, "another long one")


async def test_links_cannot_be_forged_or_used_for_another_purpose(house: House, anna: PersonId) -> None:
    now = house.clock.now()
    good = house.links.make(Purpose.RESET_PASSWORD, Claim(anna, 1), at=now)
    cookie = (await house.sign_in(ANNA)).known_device

    for link in ("", "rubbish", forged(good), cookie, "\udc80", "." * 5_000):
        assert not await house.accounts.is_link_good(link)
        with pytest.raises(Invalid, match=r"link\.invalid"):
            await house.accounts.reset(link, "another long one")


async def test_password_through_a_link_must_be_good_and_the_link_stays(house: House, anna: PersonId) -> None:
    await house.accounts.request_reset(ANNA, address=HOME)
    link = await house.newest_link(anna)

    with pytest.raises(Invalid, match=r"password\.short"):
        await house.accounts.reset(link, "short")

    assert await house.accounts.is_link_good(link)


async def test_reset_for_nobody_writes_nothing_and_looks_the_same(house: House, anna: PersonId) -> None:
    before = len(await house.mails())

    assert await house.accounts.request_reset("nobody@acme.example", address=HOME) is None

    assert len(await house.mails()) == before


async def test_account_gets_three_mails_an_hour_whoever_asks(house: House, anna: PersonId, clock: ManualClock) -> None:
    before = len(await house.mails())
    for number in range(60):
        await house.accounts.request_reset(ANNA, address=f"203.0.113.{number}")
    in_the_first_hour = len(await house.mails()) - before
    clock.advance(timedelta(hours=1))
    await house.accounts.request_reset(ANNA, address=HOME)

    assert in_the_first_hour == 3
    assert len(await house.mails()) - before == 4


async def test_forms_from_one_address_are_limited(house: House) -> None:
    for number in range(20):
        await house.accounts.request_reset(f"guess{number}@acme.example", address=HOME)

    with pytest.raises(TooMany):
        await house.accounts.request_reset(ANNA, address=HOME)


async def test_password_changed_between_check_and_session_gives_no_session(house: House, anna: PersonId) -> None:
    identity = await house.identity(ANNA)

    async def change() -> None:
        await house.administration.give_password(OPERATOR, anna, "set meanwhile")

    house.passwords.after_verifying = change

    with pytest.raises(NotSignedIn):
        await house.sign_in(ANNA)
    assert await house.accounts.sessions_of(identity) == []


# --- profile ----------------------------------------------------------------------------------------------------------


async def test_language_is_chosen_and_known_at_once(house: House, anna: PersonId) -> None:
    signed_in = await house.sign_in(ANNA)

    await house.accounts.update_profile(signed_in.identity, language="pt_BR")

    identity = await house.accounts.identify(signed_in.token)
    assert identity is not None
    assert identity.language == "pt_BR"
    with pytest.raises(Invalid):
        await house.accounts.update_profile(signed_in.identity, language="tlh")


async def test_of_changes_of_one_password_at_once_one_wins(house: House, anna: PersonId) -> None:
    identity = await house.identity(ANNA)
    wishes = [f"another long {number}" for number in range(3)]

    results = await asyncio.gather(
        *(house.accounts.change_password(identity, PASSWORD, wish) for wish in wishes), return_exceptions=True
    )

    # The losers read the account before or after the winner's commit, and are told so accordingly.
    won = [wish for wish, result in zip(wishes, results, strict=True) if result is None]
    assert len(won) == 1
    assert all(result is None or isinstance(result, Conflict | Invalid) for result in results)
    assert (await house.sign_in(ANNA, won[0])).identity.person == anna
