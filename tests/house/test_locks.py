"""The lock files: complete, hashed, in step with pyproject.toml and with each other, above the known-bad versions."""

import re
import tomllib
from importlib.metadata import requires
from pathlib import Path
from typing import Final

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT: Final = Path(__file__).parents[2]
PROJECT: Final = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]

# Below these, an advisory is known that touches what we use.
FLOORS: Final = {
    "starlette": "0.49.1",  # CVE-2025-62727, CVE-2025-54121
    "python-multipart": "0.0.27",  # CVE-2026-40347
    "jinja2": "3.1.6",  # CVE-2025-27516
    "redis": "5.0.1",  # CVE-2023-28858, CVE-2023-28859
}


def pins(name: str) -> dict[str, Requirement]:
    """The pinned requirements of a lock, by normalised name."""
    text = (ROOT / "requirements" / f"{name}.lock").read_text(encoding="utf-8")
    found = [Requirement(line.rstrip(" \\")) for line in text.splitlines() if re.match(r"[a-z0-9]", line)]
    return {canonicalize_name(each.name): each for each in found}


def version_of(pin: Requirement) -> Version:
    (specifier,) = pin.specifier
    assert specifier.operator == "=="
    return Version(specifier.version)


@pytest.mark.parametrize(
    ("lock", "wanted"),
    [
        ("run", PROJECT["dependencies"]),
        ("test", PROJECT["dependencies"] + PROJECT["optional-dependencies"]["test"]),
    ],
)
def test_every_requirement_of_the_project_is_locked(lock: str, wanted: list[str]) -> None:
    locked = pins(lock)

    for each in map(Requirement, wanted):
        assert each.specifier.contains(version_of(locked[canonicalize_name(each.name)])), (
            f"{each} is not in {lock}.lock: run scripts/lock.py"
        )


def test_the_lock_of_the_tests_contains_that_of_the_service() -> None:
    run, test = pins("run"), pins("test")

    assert {name: str(pin) for name, pin in test.items() if name in run} == {
        name: str(pin) for name, pin in run.items()
    }


@pytest.mark.parametrize(
    ("lock", "wanted"),
    [
        ("run", PROJECT["dependencies"]),
        ("test", PROJECT["dependencies"] + PROJECT["optional-dependencies"]["test"]),
    ],
)
def test_nothing_that_a_locked_package_needs_is_left_out(lock: str, wanted: list[str]) -> None:
    """A lock is installed as it stands, without resolving anything: what it lacks would be missing only when it is used."""
    locked, waiting, seen = pins(lock), [*map(Requirement, wanted)], set()
    while waiting:
        each = waiting.pop()
        name = canonicalize_name(each.name)
        if (name, *sorted(each.extras)) in seen:
            continue
        seen.add((name, *sorted(each.extras)))
        assert name in locked, f"{each} is needed and not in {lock}.lock"
        assert each.specifier.contains(version_of(locked[name])), f"{each} is needed, {locked[name]} is locked"
        for needed in map(Requirement, requires(name) or ()):
            if needed.marker is None or any(needed.marker.evaluate({"extra": extra}) for extra in ("", *each.extras)):
                waiting.append(needed)

    assert len({name for name, *_ in seen}) > len(wanted)


@pytest.mark.parametrize("lock", ["run", "test"])
def test_every_pin_carries_hashes_and_no_address(lock: str) -> None:
    text = (ROOT / "requirements" / f"{lock}.lock").read_text(encoding="utf-8")
    blocks = re.split(r"\n(?=[a-z0-9])", text.partition("\n")[2])

    assert all("--hash=sha256:" in block for block in blocks)
    assert "://" not in text
    assert "--index" not in text


def test_the_locks_fit_the_oldest_python_of_debian() -> None:
    """redis asks for async-timeout below 3.11.3 only: a lock made on a later one loses it without the marker."""
    pin = pins("run")["async-timeout"]

    assert pin.marker is not None
    assert pin.marker.evaluate({"python_full_version": "3.11.2"})
    assert not pin.marker.evaluate({"python_full_version": "3.11.7"})


@pytest.mark.parametrize("name", FLOORS)
def test_no_pin_lies_below_a_known_floor(name: str) -> None:
    assert version_of(pins("run")[name]) >= Version(FLOORS[name])
