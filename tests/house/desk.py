"""A desk started as a person would start it, with small processes in place of the real ones."""

import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import Queue

# Generous: machines that run tests are busy. Nothing waits this long unless something is wrong.
UNIT = float(os.environ.get("HOLDLINE_TEST_PATIENCE", "1"))
PATIENCE_SECONDS = 30 * UNIT
# What is promised; the supervisor itself allows two seconds less, so that a busy machine has room.
STOPS_WITHIN_SECONDS = 10 * UNIT

WEB = f"{sys.executable} -m http.server $PORT --bind $HOLDLINE_HOST"
IDLE = "tail -f /dev/null"
# Serves as well, and does not end when it is asked to.
STUBBORN_WEB = (
    f"{sys.executable} -c 'import os, signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
    "from http.server import SimpleHTTPRequestHandler, test; "
    'test(SimpleHTTPRequestHandler, port=int(os.environ["PORT"]), bind=os.environ["HOLDLINE_HOST"])\''
)


class Desk:
    """A running ``holdline up``."""

    def __init__(
        self, process: "subprocess.Popen[str]", data_dir: Path, *, patience_seconds: float = PATIENCE_SECONDS
    ) -> None:
        self.process = process
        self.data_dir = data_dir
        self._patience_seconds = patience_seconds
        # Every line that it has said so far.
        self.said: list[str] = []
        self._lines: Queue[str] = Queue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._lines.put(line.rstrip("\n"))
        self._lines.put("(end)")

    def says(self, pattern: str) -> re.Match[str]:
        """Wait for a line that contains the pattern."""
        while True:
            line = self._lines.get(timeout=self._patience_seconds)
            self.said.append(line)
            if found := re.search(pattern, line):
                return found
            assert line != "(end)", "\n".join(self.said)

    def is_up(self) -> str:
        """Wait for the closing line of its block; return the address that it gave."""
        address = self.says(r"Open +(http://\S+)")[1]
        self.says("Stop +Ctrl-C")
        return address

    def pids(self) -> set[int]:
        """The processes that it runs."""
        return {int(line) for line in (self.data_dir / "run" / "parts.pid").read_text().split()}

    def stop(self, number: signal.Signals = signal.SIGINT) -> int:
        """Send the signal, wait for its end; return its exit code."""
        self.process.send_signal(number)
        code = self.process.wait(PATIENCE_SECONDS)
        self._reader.join(PATIENCE_SECONDS)
        return code


@contextmanager
def a_desk(folder: Path, /, *, web: str = WEB, worker: str = IDLE, **environ: str) -> Iterator[Desk]:
    """Start a desk in this folder: any free port, no demonstration, these two processes."""
    (folder / "Procfile").write_text(f"web: {web}\nworker: {worker}\n")
    data_dir = folder / "var"
    process = subprocess.Popen(
        [sys.executable, "-m", "chatsvc.cli", "up", "--procfile", str(folder / "Procfile")],
        env={
            **{name: value for name, value in os.environ.items() if not name.startswith("HOLDLINE_")},
            "HOLDLINE_DATA_DIR": str(data_dir),
            "HOLDLINE_PORT": "0",
            "HOLDLINE_DEMO": "no",
            **environ,
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    desk = Desk(process, data_dir)
    try:
        yield desk
    finally:
        if process.poll() is None:
            desk.stop()
        assert process.stdout is not None
        process.stdout.close()


def lives(pid: int) -> bool:
    """Whether the process exists and is more than an entry that nobody has collected."""
    try:
        return " Z " not in Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
