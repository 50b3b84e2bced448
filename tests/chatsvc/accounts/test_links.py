"""Signed texts that leave the house and come back."""

from datetime import UTC, datetime, timedelta

import pytest

from chatsvc.accounts.links import Claim, Links, Purpose
from chatsvc.kernel.ids import PersonId

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
LINKS = Links("k" * 40)
CLAIM = Claim(PersonId("pe_anna"), 3)


def test_link_says_what_was_put_in() -> None:
    token = LINKS.make(Purpose.RESET_PASSWORD, CLAIM, at=NOON)

    assert LINKS.read(Purpose.RESET_PASSWORD, token, at=NOON + HOUR, within=HOUR) == CLAIM


def test_link_is_the_same_however_often_its_mail_is_made() -> None:
    assert LINKS.make(Purpose.RESET_PASSWORD, CLAIM, at=NOON) == LINKS.make(Purpose.RESET_PASSWORD, CLAIM, at=NOON)


@pytest.mark.parametrize(
    ("purpose", "at", "links"),
    [
        (Purpose.FIRST_SIGN_IN, NOON, LINKS),
        (Purpose.RESET_PASSWORD, NOON + HOUR + timedelta(seconds=1), LINKS),
        (Purpose.RESET_PASSWORD, NOON - HOUR, LINKS),
        (Purpose.RESET_PASSWORD, NOON, Links("o" * 40)),
    ],
    ids=["other purpose", "too old", "from the future", "other key"],
)
def test_link_is_refused(purpose: Purpose, at: datetime, links: Links) -> None:
    token = LINKS.make(Purpose.RESET_PASSWORD, CLAIM, at=NOON)

    assert links.read(purpose, token, at=at, within=HOUR) is None


def test_changed_link_is_refused_wherever_it_was_changed() -> None:
    token = LINKS.make(Purpose.RESET_PASSWORD, CLAIM, at=NOON)

    for place in range(len(token) - 1):
        changed = token[:place] + ("A" if token[place] != "A" else "B") + token[place + 1 :]
        assert LINKS.read(Purpose.RESET_PASSWORD, changed, at=NOON, within=HOUR) is None


def test_known_browser_is_known_for_its_account_only() -> None:
    cookie = LINKS.make_known_device("anna", at=NOON)

    device = LINKS.read_known_device("anna", cookie, at=NOON, within=HOUR)

    assert device is not None
    assert LINKS.read_known_device("boris", cookie, at=NOON, within=HOUR) is None
    assert LINKS.read_known_device("anna", cookie, at=NOON + 2 * HOUR, within=HOUR) is None
    assert LINKS.read(Purpose.RESET_PASSWORD, cookie, at=NOON, within=HOUR) is None


def test_every_known_browser_has_a_name_of_its_own() -> None:
    cookies = {LINKS.make_known_device("anna", at=NOON) for _ in range(10)}

    assert len(cookies) == 10
