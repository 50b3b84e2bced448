"""The whole way of somebody who has just got the files: one command, and a page. Slow, and it needs a package index."""

import os
import re
import shutil
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Final

import pytest

from tests import requirements_plugin
from tests.house.desk import Desk, lives

ROOT: Final = Path(__file__).parents[2]


def files_of_the_repository() -> list[str]:
    """Every file that somebody who clones would get, as it is here now."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return [name for name in listed.stdout.splitlines() if (ROOT / name).is_file()]


def start(folder: Path) -> Desk:
    environ = {name: value for name, value in os.environ.items() if not name.startswith("HOLDLINE_")}
    process = subprocess.Popen(
        [getattr(sys, "_base_executable", sys.executable), "bootstrap.py", "up"],
        cwd=folder,
        env={**environ, "HOLDLINE_PORT": "0"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    return Desk(process, folder / "var", patience_seconds=300)


@pytest.mark.timeout(600)
@pytest.mark.xdist_group("first start")
def test_from_the_files_to_a_page_and_back(tmp_path: Path) -> None:
    if not requirements_plugin.INSISTS:
        pytest.skip("makes a whole environment from a package index; bootstrap.py test --all does it")
    for name in files_of_the_repository():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, tmp_path / name)

    for attempt in ("first", "second"):
        desk = start(tmp_path)
        address = desk.is_up()
        page = urllib.request.urlopen(address)
        pids = desk.pids()

        assert page.status == 200, attempt
        assert re.search(r"<h1", page.read().decode()), attempt
        assert sum("@" in line for line in desk.said) == 4, attempt
        assert desk.stop(signal.SIGINT) == 0, attempt
        assert not any(lives(pid) for pid in pids), attempt
        assert desk.process.stdout is not None
        desk.process.stdout.close()
