"""Build the C programs and install the peers; each step is done once for the same sources or the same manifest."""

import hashlib
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

from rig.places import BENCH, CACHE, NODE, PEERS, PROGRAMS, VENV


def prepare() -> None:
    """Make everything that a run needs.

    Raises:
        SystemExit: a program is missing on this machine; the text says which.
    """
    missing = [name for name in ("gcc", "taskset", "redis-server", "node", "npm") if shutil.which(name) is None]
    if missing:
        raise SystemExit(f"The measurements need {', '.join(missing)} on the PATH.")
    CACHE.mkdir(parents=True, exist_ok=True)
    _once("programs", [*sorted((BENCH / "loadgen").iterdir()), PEERS / "c_relay/relay.c"], _build)
    _once("node", [PEERS / "package.json", PEERS / "package-lock.json"], _install_node)
    _once("python", [PEERS / "requirements.txt"], _install_python)


def _once(name: str, sources: Iterable[Path], step: Callable[[], None]) -> None:
    """Do the step unless it was done for exactly these sources."""
    digest = hashlib.sha256(b"\0".join(path.read_bytes() for path in sources)).hexdigest()
    stamp = CACHE / f"{name}.stamp"
    if stamp.exists() and stamp.read_text() == digest:
        return
    print(f"preparing {name} in {CACHE}", flush=True)
    step()
    stamp.write_text(digest)


def _build() -> None:
    PROGRAMS.mkdir(exist_ok=True)
    compiler = ["gcc", "-O2", "-Wall", "-Wextra", "-std=gnu11", "-o"]
    loadgen = BENCH / "loadgen"
    _call(*compiler, PROGRAMS / "loadgen", *sorted(loadgen.glob("*.c")), "-lm")
    _call(*compiler, PROGRAMS / "c_relay", PEERS / "c_relay/relay.c", loadgen / "wire.c")


def _install_node() -> None:
    NODE.mkdir(exist_ok=True)
    for name in ("package.json", "package-lock.json"):
        shutil.copy(PEERS / name, NODE / name)
    _call("npm", "ci", "--no-audit", "--no-fund", "--loglevel=error", cwd=NODE)


def _install_python() -> None:
    _call(sys.executable, "-m", "venv", "--clear", VENV)
    _call(VENV / "bin/pip", "install", "-qq", "--no-deps", "-r", PEERS / "requirements.txt")


def _call(*command: str | Path, cwd: Path | None = None) -> None:
    subprocess.run([str(part) for part in command], check=True, cwd=cwd)
