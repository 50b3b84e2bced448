"""Hashing and verifying."""

import asyncio

import pytest

from chatsvc.accounts.passwords import CHEAP, STRONG, Passwords, Profile


async def test_only_the_password_itself_fits() -> None:
    passwords = Passwords(CHEAP)
    stored = await passwords.hash("Correct horse")

    assert await passwords.verify(stored, "Correct horse")
    assert not await passwords.verify(stored, "correct horse")
    assert not await passwords.verify("no hash at all", "Correct horse")
    assert stored != await passwords.hash("Correct horse")


async def test_nobody_has_no_password() -> None:
    passwords = Passwords(CHEAP)

    for guess in ("", "nobody", "\udc80\x00"):
        assert not await passwords.verify(None, guess)


async def test_other_profile_still_fits_and_is_outdated() -> None:
    stored = await Passwords(Profile(passes=2, memory_kib=16, lanes=1)).hash("Correct horse")
    passwords = Passwords(CHEAP)

    assert await passwords.verify(stored, "Correct horse")
    assert passwords.is_outdated(stored)
    assert not passwords.is_outdated(await passwords.hash("Correct horse"))


async def test_nobody_costs_as_much_as_somebody() -> None:
    passwords = Passwords(STRONG)
    stored = await passwords.hash("Correct horse")

    assert stored.rpartition("$")[0].rpartition("$")[0] == passwords.nobody.rpartition("$")[0].rpartition("$")[0]
    assert [len(part) for part in stored.split("$")] == [len(part) for part in passwords.nobody.split("$")]


async def test_event_loop_goes_on_meanwhile() -> None:
    passwords = Passwords(STRONG)
    turns = 0

    hashing = asyncio.ensure_future(passwords.hash("Correct horse"))
    while not hashing.done():
        await asyncio.sleep(0)
        turns += 1

    assert turns > 1


@pytest.mark.parametrize("text", ["", "x" * 100_000, "\udcff", "\x00", "密码密码密码密码密码"])
async def test_any_text_can_be_tried(text: str) -> None:
    passwords = Passwords(CHEAP)

    assert await passwords.verify(await passwords.hash(text), text)
