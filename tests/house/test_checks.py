"""Formatting, lint and types, so that a green run is the only thing to wait for."""

import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[2]


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    "arguments",
    [
        ("ruff", "check", "--no-cache", "--quiet", "."),
        ("ruff", "format", "--no-cache", "--check", "--quiet", "."),
        ("mypy", "--no-error-summary"),
    ],
    ids=lambda arguments: " ".join(arguments[:2]),
)
def test_the_checker_has_nothing_to_say(arguments: tuple[str, ...]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout[-4_000:]
