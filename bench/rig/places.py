"""Where the parts of the measurements lie; nothing that is built or downloaded lies in the repository."""

import os
from pathlib import Path
from typing import Final

BENCH: Final = Path(__file__).parents[1]
REPOSITORY: Final = BENCH.parent
PEERS: Final = BENCH / "peers"

CACHE: Final = Path(os.environ.get("HOLDLINE_BENCH_DIR", "~/.cache/holdline-bench")).expanduser()
PROGRAMS: Final = CACHE / "bin"
NODE: Final = CACHE / "node"
VENV: Final = CACHE / "venv"
RUNS: Final = CACHE / "runs"

# The environment that Holdline itself runs in: the one that bootstrap.py makes.
HOLDLINE_PYTHON: Final = Path(os.environ.get("HOLDLINE_VENV") or REPOSITORY / ".venv").absolute() / "bin/python"
