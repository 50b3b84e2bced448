"""The shape of the house: which room may know which, and what an ``__init__.py`` may hold."""

import ast
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[2]
PACKAGES: Final = sorted(
    path.relative_to(ROOT) for name in ("chatsvc", "callback", "web") for path in (ROOT / name).rglob("__init__.py")
)
FORBIDDEN_NAMES: Final = {"utils.py", "helpers.py", "common.py", "misc.py", "manager.py"}


def test_rooms_know_only_what_stands_below_them() -> None:
    done = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache", "--no-logo"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("path", PACKAGES, ids=str)
def test_a_package_opens_with_a_docstring_and_nothing_else(path: Path) -> None:
    module = ast.parse((ROOT / path).read_text(encoding="utf-8"))

    assert ast.get_docstring(module)
    assert len(module.body) == 1


@pytest.mark.parametrize("name", ["chatsvc", "callback", "web"])
def test_no_file_is_a_drawer_for_everything(name: str) -> None:
    assert not FORBIDDEN_NAMES & {path.name for path in (ROOT / name).rglob("*.py")}


@pytest.mark.parametrize("name", ["chatsvc", "callback", "web"])
def test_every_module_says_what_it_is_for(name: str) -> None:
    silent = [
        str(path.relative_to(ROOT))
        for path in (ROOT / name).rglob("*.py")
        if not ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    ]

    assert silent == []
