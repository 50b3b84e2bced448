"""Draw the two lock files anew from pyproject.toml: ``python3 scripts/lock.py [--upgrade]``.

``requirements/run.lock`` is what the service needs, ``requirements/test.lock`` the same plus what the tests need. Both
hold exact versions with the hashes of every file of that version, for every platform and
for Python 3.11 and later.
Versions already locked are kept unless ``--upgrade`` is given.

The resolver is uv, fetched into a throw-away folder: it is needed to make a lock, never to use one.
"""

import os
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

ROOT = Path(__file__).parents[1]
RESOLVER = "uv==0.13.9"
HEADER = "# Made by scripts/lock.py from pyproject.toml; do not edit by hand.\n"


def compile_lock(uv: Path, target: Path, *further: str) -> None:
    """Resolve into the target, keeping the versions that it already holds."""
    asked = ["--universal", "--python-version", "3.11", "--generate-hashes", "--only-binary", ":all:"]
    quiet = ["--quiet", "--no-annotate", "--no-header", "--no-emit-index-url", "--no-emit-find-links"]
    subprocess.run(
        [uv, "pip", "compile", "pyproject.toml", "-o", target, *asked, *quiet, *further],
        check=True,
        cwd=ROOT,
        # The index that pip is told to use is the one to ask here too.
        env=os.environ | ({"UV_DEFAULT_INDEX": index} if (index := os.environ.get("PIP_INDEX_URL")) else {}),
    )
    target.write_text(HEADER + target.read_text(encoding="utf-8").removeprefix(HEADER), encoding="utf-8")


def main() -> None:
    """Make both locks; the tests' lock is held to the versions of the service's lock."""
    upgrade = ["--upgrade"] if "--upgrade" in sys.argv[1:] else []
    run, test = ROOT / "requirements" / "run.lock", ROOT / "requirements" / "test.lock"
    with tempfile.TemporaryDirectory() as folder:
        venv.create(folder, with_pip=True)
        programs = Path(folder) / "bin"
        subprocess.run([programs / "pip", "install", "--quiet", RESOLVER], check=True)
        compile_lock(programs / "uv", run, *upgrade)
        compile_lock(programs / "uv", test, "--extra", "test", "--constraints", str(run), *upgrade)


if __name__ == "__main__":
    main()
