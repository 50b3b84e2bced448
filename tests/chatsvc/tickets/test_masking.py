"""What is hidden, and what is not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatsvc.tickets.masking import mask_secrets, passes_luhn


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("4111111111111111", "••••••••••••1111"),
        ("card 4111-1111-1111-1111.", "card ••••-••••-••••-1111."),
        ("3782 822463 10005", "•••• •••••• •0005"),
        ("DE89 3704 0044 0532 0130 00", "•••• •••• •••• •••• ••30 00"),
        ("Authorization: Bearer abc.def-ghi", "Authorization: Bearer ••••••••"),
        ('{"password": "hunter22"}', '{"password": "••••••••"}'),
        ("?access_token=xyz123&page=2", "?access_token=••••••••&page=2"),
    ],
)
def test_secrets_are_masked_but_for_their_last_four(said: str, kept: str) -> None:
    assert mask_secrets(said) == kept


@pytest.mark.parametrize(
    "said",
    [
        "+49 30 901820 1234 5678",
        "ticket 4812",
        "4111111111111112",
        "expense 12345678901234567890123",
        "0000000000000000",
        "DE00 3704 0044 0532 0130 00",
        "the password is not accepted",
        "",
    ],
)
def test_ordinary_numbers_and_words_stay(said: str) -> None:
    assert mask_secrets(said) == said


@given(st.text(alphabet="0123456789 -", min_size=0, max_size=40))
def test_no_card_number_survives_whatever_stands_around_it(text: str) -> None:
    masked = mask_secrets(f"a {text} b 4111 1111 1111 1111 c")

    assert "4111 1111 1111 1111" not in masked


@given(st.lists(st.integers(0, 9), min_size=12, max_size=18))
def test_check_digit_is_the_one_that_the_standard_computes(digits: list[int]) -> None:
    fits = [digit for digit in range(10) if passes_luhn("".join(map(str, [*digits, digit])))]

    assert len(fits) == (1 if any(digits) else 0)


@given(st.text(max_size=300))
def test_masking_twice_changes_nothing_more(text: str) -> None:
    once = mask_secrets(text)

    assert mask_secrets(once) == once
