"""What the whole trial system takes while nobody uses it: ``holdline up`` in a temporary folder, with its demonstration."""

import os
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from rig.places import HOLDLINE_PYTHON, REPOSITORY
from rig.processes import SERVER_CORE, running

# Until caches are warm and the first rounds are done.
SETTLE_S: Final = 10.0


def trial() -> dict[str, Any]:
    """Start it, let it settle, and add up the proportional memory of all its processes, in KiB."""
    with TemporaryDirectory(prefix="holdline-bench-") as name:
        folder = Path(name)
        environment = {"HOLDLINE_DATA_DIR": str(folder / "data"), "HOLDLINE_PORT": "0", "PYTHONPATH": str(REPOSITORY)}
        with running(
            [HOLDLINE_PYTHON.parent / "holdline", "up"],
            core=SERVER_CORE,
            log=folder / "up.log",
            serves=lambda text: 0 if "Holdline is up." in text else None,
            environment=environment,
        ) as up:
            time.sleep(SETTLE_S)
            parts = {f"{_name(pid)} {pid}": _pss_kib(pid) for pid in _tree(up.pid)}
    return {"pss_kib": sum(parts.values()), "parts": parts}


def _tree(root: int) -> list[int]:
    """The process and all its descendants."""
    parents = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                parents[int(entry)] = int(Path(f"/proc/{entry}/stat").read_text().rsplit(")", 1)[1].split()[1])
            except OSError:  # it has ended meanwhile
                continue
    found = [root]
    for pid in found:
        found += [child for child, parent in parents.items() if parent == pid]
    return found


def _name(pid: int) -> str:
    return Path(f"/proc/{pid}/comm").read_text().strip()


def _pss_kib(pid: int) -> int:
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1])
    return 0
