"""Every key has one function, and every function its place in the reference."""

import inspect
from pathlib import Path

from chatsvc.keyspace import keys

ROOT = Path(__file__).parents[3]


def test_the_reference_says_what_the_code_says() -> None:
    page = (ROOT / "docs" / "reference" / "keys.md").read_text(encoding="utf-8")

    assert page.endswith(keys.reference()), (
        "draw it anew: python -c 'from chatsvc.keyspace import keys; print(keys.reference())'"
    )


def test_no_key_is_left_out_of_the_reference() -> None:
    functions = {each for _, each in inspect.getmembers(keys, inspect.isfunction) if each.__module__ == keys.__name__}

    assert functions - {keys.reference} == set(keys.ALL)


def test_every_key_says_its_type_time_to_live_and_owner() -> None:
    for key in keys.ALL:
        for fact in ("Type: ", "Time to live: ", "Owner: "):
            assert fact in (key.__doc__ or ""), key.__name__
