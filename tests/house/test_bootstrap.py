"""``bootstrap.py``: what it needs, what it refuses, what it hands over. The whole way is in test_first_start.py."""

import ast
import hashlib
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[2]
SCRIPT: Final = ROOT / "bootstrap.py"
TREE: Final = ast.parse(SCRIPT.read_text(encoding="utf-8"))

# Runs the script on a Python whose own copy of pip was cut out, as Debian does.
WITHOUT_PIP: Final = (
    "import runpy, sys; sys.modules['ensurepip'] = sys.modules['pip'] = None; sys.argv = ['bootstrap.py', 'up']; "
    f"runpy.run_path({str(SCRIPT)!r}, run_name='__main__')"
)


def run(*arguments: str, **environ: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, *arguments], env={**os.environ, **environ}, capture_output=True, text=True, check=False
    )


@contextmanager
def an_index(folder: Path) -> Iterator[str]:
    """A package index that consists of the files of this folder; yields its address."""
    handler = partial(SimpleHTTPRequestHandler, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}/simple"
        finally:
            server.shutdown()
            thread.join()


def a_finished_environment(folder: Path) -> Path:
    """An environment whose stamps say that nothing is left to do, and whose Python prints what it is asked to run."""
    (folder / "bin").mkdir(parents=True)
    python = folder / "bin" / "python"
    python.write_text('#!/bin/sh\necho "$HOLDLINE_TEST_ALL" "$@"\n')
    python.chmod(0o755)
    for name in ("run", "test"):
        lock = (ROOT / "requirements" / f"{name}.lock").read_bytes() + (ROOT / "pyproject.toml").read_bytes()
        stamp = f"{hashlib.sha256(lock).hexdigest()} {ROOT} {sys.version_info[:2]}\n"
        (folder / f"holdline-{name}.stamp").write_text(stamp)
    return folder


def test_it_needs_nothing_but_the_standard_library() -> None:
    imported = {
        alias.name.partition(".")[0] for node in ast.walk(TREE) if isinstance(node, ast.Import) for alias in node.names
    } | {node.module.partition(".")[0] for node in ast.walk(TREE) if isinstance(node, ast.ImportFrom) and node.module}

    assert imported <= sys.stdlib_module_names


def test_an_old_python_reads_far_enough_to_be_refused_with_a_sentence() -> None:
    ast.parse(SCRIPT.read_text(encoding="utf-8"), feature_version=(3, 7))
    refused = [type(node) for node in TREE.body].index(ast.If)

    assert all(isinstance(node, ast.Import | ast.ImportFrom | ast.Expr) for node in TREE.body[:refused])


def test_without_a_command_it_says_how_it_is_used() -> None:
    done = run(str(SCRIPT))

    assert done.returncode == 1
    assert "python3 bootstrap.py test [--all]" in done.stderr


def test_a_finished_environment_is_handed_over_to_at_once(tmp_path: Path) -> None:
    environment = a_finished_environment(tmp_path / "venv")

    done = run(str(SCRIPT), "up", "--logs", HOLDLINE_VENV=str(environment), HOLDLINE_TEST_ALL="")

    assert done.stdout.strip() == "-m chatsvc.cli up --logs"
    assert done.stderr == ""


@pytest.mark.parametrize(("asked", "insists"), [(["--all", "-k", "x"], "1 "), (["-k", "x"], "")])
def test_the_tests_get_what_is_left_of_the_arguments(tmp_path: Path, asked: list[str], insists: str) -> None:
    environment = a_finished_environment(tmp_path / "venv")

    done = run(str(SCRIPT), "test", *asked, HOLDLINE_VENV=str(environment), HOLDLINE_TEST_ALL="")

    assert done.stdout.strip() == f"{insists}-m pytest -n logical --dist loadgroup -k x"


def test_a_pip_that_is_not_the_known_file_is_refused(tmp_path: Path) -> None:
    project = tmp_path / "index" / "simple" / "pip"
    project.mkdir(parents=True)
    (project / "pip-26.3-py3-none-any.whl").write_bytes(b"something else")
    (project / "index.html").write_text('<a href="pip-26.3-py3-none-any.whl#sha256=0">pip-26.3-py3-none-any.whl</a>')

    with an_index(tmp_path / "index") as address:
        done = run("-c", WITHOUT_PIP, PIP_INDEX_URL=address, HOLDLINE_VENV=str(tmp_path / "venv"))

    assert done.returncode == 1
    assert "is not the file it should be (SHA-256 differs); nothing was installed." in done.stderr


def test_an_index_without_pip_is_told_with_the_way_out(tmp_path: Path) -> None:
    project = tmp_path / "index" / "simple" / "pip"
    project.mkdir(parents=True)
    (project / "index.html").write_text("<a href='other.whl'>other.whl</a>")

    with an_index(tmp_path / "index") as address:
        done = run("-c", WITHOUT_PIP, PIP_INDEX_URL=address, HOLDLINE_VENV=str(tmp_path / "venv"))

    assert done.returncode == 1
    assert "This Python came without pip." in done.stderr
    assert "has pip-26.3-py3-none-any.whl in PIP_INDEX_URL" in done.stderr
