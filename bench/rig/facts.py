"""What the machine is, and how quiet it was: absolute figures mean nothing without."""

import json
import os
import platform
import re
import shutil
import sqlite3
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

from rig.places import PEERS, REPOSITORY
from rig.stores import postgres_programs

_NAMED = (
    "websockets",
    "uvicorn",
    "uvloop",
    "msgspec",
    "python-socketio",
    "channels",
    "channels_redis",
    "Django",
    "redis",
)


def facts() -> dict[str, str]:
    """Mapping label -> text, for the head of the results."""
    cpu = re.search(r"model name\s*:\s*(.*)", _text("/proc/cpuinfo"))
    memory = re.search(r"MemTotal:\s*(\d+)", _text("/proc/meminfo"))
    return {
        "Machine": f"{cpu[1] if cpu else platform.machine()}, {os.cpu_count()} cores, "
        f"{int(memory[1]) // 1_048_576 if memory else 0} GiB, {platform.system()} {platform.release()}",
        "Load before the run": _text("/proc/loadavg").rsplit(" ", 2)[0],
        "TCP": f"{_text('/proc/sys/net/ipv4/tcp_congestion_control').strip()} on the loopback",
        "Databases on": filesystem(Path(tempfile.gettempdir())),
        "Programs": ", ".join(
            [
                f"Python {platform.python_version()}",
                f"SQLite {sqlite3.sqlite_version}",
                f"Node {_version('node', '--version')}",
                f"Redis {_version('redis-server', '--version')}",
                f"gcc {_version('gcc', '-dumpfullversion')}",
                f"PostgreSQL {_postgres_version()}",
            ]
        ),
        "Python peers": ", ".join(line for line in _pins() if line.split(" ")[0] in _NAMED),
        "Node peers": ", ".join(f"{name} {version}" for name, version in _node_pins().items()),
        "Holdline": _version("git", "-C", str(REPOSITORY), "rev-parse", "--short=12", "HEAD"),
    }


def filesystem(folder: Path) -> str:
    """The type of the file system that the folder is on; on ``tmpfs`` a sync costs nothing."""
    mounts = [line.split() for line in _text("/proc/mounts").splitlines()]
    around = [mount for mount in mounts if folder.resolve().is_relative_to(mount[1])]
    return max(around, key=lambda mount: len(mount[1]))[2] if around else "unknown"


class Bystanders:
    """CPU that others used between the start and the end of a run, as a share of the whole machine."""

    def __init__(self) -> None:
        self._started, self._busy, self._ours = time.monotonic(), _busy_seconds(), _our_seconds()

    def share(self) -> float:
        """Between 0 and 1; above some per cent the absolute figures are only a rehearsal."""
        wall = (time.monotonic() - self._started) * (os.cpu_count() or 1)
        return max(0.0, (_busy_seconds() - self._busy) - (_our_seconds() - self._ours)) / wall


def _busy_seconds() -> float:
    """User, nice, system, interrupts and stolen time of all cores since boot."""
    fields = [int(word) for word in _text("/proc/stat").splitlines()[0].split()[1:]]
    user, nice, system, _, _, irq, softirq, steal = fields[:8]
    return (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")


def _our_seconds() -> float:
    """CPU of this process and of all that it has waited for."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def _text(path: str) -> str:
    return Path(path).read_text()


def _version(program: str, *arguments: str) -> str:
    if shutil.which(program) is None:
        return "absent"
    text = subprocess.run([program, *arguments], capture_output=True, text=True, check=False).stdout
    found = re.search(r"v=(\S+)|v?(\d[\w.]*)", text)
    return text.strip() if program == "git" else (found[1] or found[2] if found else "unknown")


def _postgres_version() -> str:
    programs = postgres_programs()
    return _version(str(programs / "postgres"), "--version") if programs else "absent"


def _pins() -> list[str]:
    return [line.replace("==", " ") for line in (PEERS / "requirements.txt").read_text().split()]


def _node_pins() -> dict[str, Any]:
    pins: dict[str, Any] = json.loads((PEERS / "package.json").read_text())["dependencies"]
    return pins
