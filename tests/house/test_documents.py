"""The documents: what they name exists, and the commands they show are the ones that are run."""

import re
import subprocess
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[2]
PAGES: Final = sorted(
    path.relative_to(ROOT)
    for path in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "bench").glob("*.md")]
)
DECISIONS: Final = sorted((ROOT / "docs" / "adr").glob("*.md"))


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_links_lead_to_files_that_exist(page: Path) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    links = [link for link in re.findall(r"\]\(([^)#]+)[^)]*\)", text) if "://" not in link]

    assert [link for link in links if not (ROOT / page.parent / link).exists()] == []


@pytest.mark.parametrize("path", DECISIONS, ids=lambda path: path.name)
def test_a_decision_has_its_number_and_its_three_parts(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    number = int(path.name[:4])

    assert text.startswith(f"# {number}. ")
    assert [part for part in ("Context", "Decision", "Consequences") if f"**{part}.**" not in text] == []


def test_no_number_of_a_decision_is_used_twice() -> None:
    numbers = [path.name[:4] for path in DECISIONS]

    assert len(numbers) == len(set(numbers))


def test_the_map_of_the_readme_is_the_tree() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    named = re.findall(r"^    (\S+?)/? {2,}\S", readme.partition("## The map")[2], flags=re.MULTILINE)

    assert len(named) > 5
    assert [name for name in named if not (ROOT / name).exists()] == []


def test_the_continuous_run_is_the_command_of_the_readme_with_everything_insisted_on() -> None:
    last = (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()[-1]

    assert "    python3 bootstrap.py test\n" in (ROOT / "README.md").read_text(encoding="utf-8")
    assert last == "exec python3 bootstrap.py test --all"


def test_the_continuous_run_is_a_sound_script() -> None:
    script = ROOT / ".ci" / "run"

    assert script.stat().st_mode & 0o111
    assert subprocess.run(["bash", "-n", script], check=False).returncode == 0


def test_every_setting_named_in_the_documents_exists() -> None:
    known = set(re.findall(r"`(HOLDLINE_\w+)`", (ROOT / "docs/reference/settings.md").read_text(encoding="utf-8")))
    shown = {
        name
        for page in PAGES
        for name in re.findall(r"HOLDLINE_[A-Z_]+[A-Z]", (ROOT / page).read_text(encoding="utf-8"))
        if not name.startswith(("HOLDLINE_TEST", "HOLDLINE_BENCH", "HOLDLINE_VENV"))
    }

    assert shown <= known
