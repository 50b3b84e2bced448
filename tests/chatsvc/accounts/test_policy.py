"""What is allowed with accounts: pure rules."""

from datetime import UTC, datetime, timedelta

import pytest

from chatsvc.accounts import policy
from chatsvc.accounts.model import PersonRole
from chatsvc.accounts.policy import AccountRules
from chatsvc.kernel.errors import Conflict, Invalid

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
RULES = AccountRules()


@pytest.mark.parametrize(
    "email",
    [
        "",
        "anna",
        "anna@",
        "a b@acme.example",
        "anna@acme.example\nBcc: x@y.example",
        "a@b.test",
        "ä@acme.example",
        "a@localhost",
    ],
)
def test_mail_address_must_be_one(email: str) -> None:
    with pytest.raises(Invalid, match=r"email\.invalid"):
        policy.checked_email(email)


@pytest.mark.parametrize(
    ("typed", "key"),
    [
        (" Anna@ACME.example\n", "anna@acme.example"),
        ("an\u200bna@acme.example", "anna@acme.example"),
        ("a\u0308@acme.example", "ä@acme.example"),
        ("\x00\udc80", ""),
        ("x" * 400, "x" * 320),
    ],
    ids=["case and spaces", "invisible", "composed", "rubbish", "long"],
)
def test_mail_addresses_are_compared_as_people_mean_them(typed: str, key: str) -> None:
    assert policy.email_key(typed) == key


def test_key_of_a_checked_address_is_its_own_key() -> None:
    checked = policy.checked_email("Anna.Ö@bücher.example".replace("Ö", "O"))

    assert policy.email_key(policy.email_key(checked)) == policy.email_key(checked)


def test_names_lose_what_cannot_be_seen() -> None:
    assert policy.checked_line("  Anna\u200b \r\n Bcc:\t x ", field="name") == "Anna Bcc: x"


@pytest.mark.parametrize("count", range(7))
def test_two_to_five_contacts(count: int) -> None:
    def refuses(rule: object, *arguments: object) -> bool:
        try:
            rule(*arguments)  # type: ignore[operator]
        except Conflict:
            return True
        return False

    assert refuses(policy.require_room_for_contact, count, RULES) == (count >= 5)
    assert refuses(policy.require_enough_contacts_left, count, RULES) == (count <= 2)


@pytest.mark.parametrize(
    ("role", "unused", "left", "over"),
    [
        (PersonRole.CONTACT, timedelta(hours=12) - timedelta.resolution, timedelta(1), False),
        (PersonRole.CONTACT, timedelta(hours=12), timedelta(1), True),
        (PersonRole.SUPERVISOR, timedelta(hours=10), timedelta(1), True),
        (PersonRole.SUPERVISOR, timedelta(0), timedelta.resolution, False),
        (PersonRole.SUPERVISOR, timedelta(0), timedelta(0), True),
    ],
    ids=["just used", "unused", "staff unused", "just before its end", "at its end"],
)
def test_session_is_over_when_unused_or_at_its_end(
    role: PersonRole, unused: timedelta, left: timedelta, over: bool
) -> None:
    assert policy.session_is_over(role, seen_at=NOON - unused, expires_at=NOON + left, at=NOON, rules=RULES) is over


def test_good_passwords_need_no_special_characters() -> None:
    policy.check_new_password("ten letters", "anna@acme.example", RULES)
    policy.check_new_password("x" * 200, "anna@acme.example", RULES)
