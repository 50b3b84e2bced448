"""Where the hub's time goes: the pair relay, looked at from outside by py-spy, as shares of the time in which Python's lock is held.

    python3 bench/profile.py              on SQLite
    python3 bench/profile.py --postgres

Needs ``py-spy`` on the PATH (``pip install py-spy``), and what ``run.py`` needs. Shares say what to look at; how much it costs in all is
for ``run.py``, because being looked at costs something too.
"""

import argparse
import re
import subprocess
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from rig.generator import cpu_us, load
from rig.holdline import Holdline
from rig.prepare import prepare

SECONDS: Final = 20
# What a sample counts for is told by the innermost frame that matches; the first of these that does.
PARTS: Final = (
    ("sockets: handing bytes to the kernel", r"^HubProtocol\._(flush|wake) |^_header "),
    ("sockets: taking bytes from the kernel, frames", r"\(chatsvc/hub/direct\.py"),
    ("frames: reading and checking", r"\(chatsvc/hub/(peer|frames|policies|buckets|acts)\.py"),
    (
        "log: storing (lock, digest, statements)",
        r"\(chatsvc/tickets/(logbook|log_store|masking|model)\.py|sqlite|asyncpg|sqlalchemy",
    ),
    ("hub: handing on to followers", r"\(chatsvc/hub/(following|follow|ring|connection|outgoing|hub)\.py"),
    ("hub: telling other hubs", r"\(chatsvc/hub/broker|redis"),
    ("event loop and all else", r""),
)


def main() -> None:
    """Run the relay, look at the hub, and print the shares."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--postgres", action="store_true", help="PostgreSQL instead of SQLite")
    options = parser.parse_args()
    prepare()
    with TemporaryDirectory() as folder, Holdline(postgres=options.postgres).started() as target:
        seen = Path(folder) / "samples"
        command = ["py-spy", "record", "--pid", str(target.watched["server0"]), "--gil", "--format", "raw"]
        command += ["--rate", "250", "--duration", str(SECONDS - 4), "--output", str(seen)]
        looking = subprocess.Popen(
            ["sh", "-c", f'sleep {2 + target.settles:g}; exec "$@"', "sh", *command], stdout=subprocess.DEVNULL
        )
        outcome = load(target, pairs=200, window=1, seconds=SECONDS, warmup=target.settles)
        looking.wait()
        shares = _shares(seen.read_text())
    total = sum(shares.values())
    print(f"{outcome['per_second']:,.0f} messages per second, {cpu_us(outcome):.0f} us of CPU each, while looked at:")
    for name, watched in outcome["watched"].items():
        print(f"  {name:10} {watched['cpu_us'] / outcome['done']:6.1f} us")
    print(f"the hub, {total} samples:")
    for part, _ in PARTS:
        print(f"  {shares[part] / total:6.1%}  {part}")


def _shares(samples: str) -> Counter[str]:
    shares: Counter[str] = Counter()
    for line in samples.splitlines():
        stack, _, count = line.rpartition(" ")
        shares[_part_of(stack.split(";"))] += int(count)
    return shares


def _part_of(stack: list[str]) -> str:
    for frame in reversed(stack):
        for part, pattern in PARTS[:-1]:
            if re.search(pattern, frame):
                return part
    return PARTS[-1][0]


if __name__ == "__main__":
    main()
