"""Makes an environment of its own, then starts Holdline or its tests; needs nothing but Python 3.11 or newer.

    python3 bootstrap.py up [options of "holdline up"]
    python3 bootstrap.py test [--all] [arguments of pytest]

The packages are those of requirements/*.lock, by version and hash; an environment that is complete is left as it is, so that
every start but the first takes a second. PIP_INDEX_URL and the usual proxy variables are honoured; HOLDLINE_VENV names another
place for the environment. This file imports nothing outside the standard library, and decides nothing about Holdline itself.
"""

import hashlib
import http.client
import importlib
import os
import re
import ssl
import subprocess
import sys
import urllib.parse
import urllib.request
import venv
from pathlib import Path

if sys.version_info < (3, 11):  # noqa: UP036 - older ones read this far, and should read a sentence
    sys.exit("Holdline needs Python 3.11 or newer; this is {}.{}.".format(*sys.version_info))

ROOT = Path(__file__).resolve().parent
ENVIRONMENT = Path(os.environ.get("HOLDLINE_VENV") or ROOT / ".venv").absolute()
PYTHON = str(ENVIRONMENT / "bin" / "python")

# Twice as fast as the one that Python brings, and there even where Debian has cut Python's own out.
PIP = "pip-26.3-py3-none-any.whl"
PIP_SHA256 = "f3b60b20ffaadd4415ed7957212a38ac63fa4c5fa375bd0f4a797777940fad13"


def fetch(address: str) -> bytes:
    """What lies at the address, fetched through the usual proxies; PIP_CERT names further authorities, as it does for pip."""
    request = urllib.request.Request(address, headers={"Accept": "text/html"})
    trust = ssl.create_default_context(cafile=os.environ.get("PIP_CERT"))
    with urllib.request.urlopen(request, timeout=20, context=trust) as answer:
        return bytes(answer.read())


def fetch_pip() -> bytes:
    """The wheel of pip from the index that PIP_INDEX_URL names, checked to be the very file we know; nothing when there is none."""
    page = os.environ.get("PIP_INDEX_URL", "").rstrip("/") + "/pip/"
    try:
        links = re.findall(r'href="([^"]+)"', fetch(page).decode())
        link = next(link for link in links if urllib.parse.urlsplit(link).path.rpartition("/")[2] == PIP)
        content = fetch(urllib.parse.urljoin(page, link))
    except (OSError, ValueError, StopIteration, http.client.HTTPException):
        return b""
    if hashlib.sha256(content).hexdigest() != PIP_SHA256:
        sys.exit(f"{PIP} from the package index is not the file it should be (SHA-256 differs); nothing was installed.")
    return content


def can_import(module: str) -> bool:
    """Whether this Python has the module; only importing it tells."""
    try:
        importlib.import_module(module)
    except ImportError:
        return False
    return True


def make_environment() -> None:
    """Make the environment, or make it anew when its making was cut off or its Python has gone."""
    works = [PYTHON, "-c", "import pip"]
    if os.path.exists(PYTHON) and not subprocess.run(works, stderr=subprocess.DEVNULL, check=False).returncode:
        return
    content = fetch_pip()
    own, machine_s = can_import("ensurepip"), can_import("pip")  # Debian cuts the first out, and may have the second
    if not (content or own or machine_s):
        sys.exit(
            'This Python came without pip. Install it ("apt install python3-venv" on Debian), or name a package index that\n'
            f"has {PIP} in PIP_INDEX_URL."
        )
    anew = (ENVIRONMENT / "pyvenv.cfg").exists()  # never empty a folder that is not an environment
    venv.create(ENVIRONMENT, clear=anew, symlinks=True, with_pip=own and not content)
    if content:
        wheel = ENVIRONMENT / PIP
        wheel.write_bytes(content)
        subprocess.run([PYTHON, f"{wheel}/pip", "install", "--quiet", "--no-index", str(wheel)], check=True)
        wheel.unlink()
    elif not own:
        subprocess.run([sys.executable, "-m", "pip", "--python", PYTHON, "install", "--quiet", "pip"], check=True)


def pip_install(*arguments: str) -> None:
    """Run pip in the environment; end here, with its own words, when it fails."""
    command = [PYTHON, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input", *arguments]
    done = subprocess.run(command, stderr=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        sys.exit(f"{done.stderr}The packages could not be installed; the reason stands above. Nothing was started.")


def provide(*names: str) -> None:
    """Have the locks of these names installed, the first of which contains the others; do nothing when they are."""
    stamps = {ENVIRONMENT / f"holdline-{name}.stamp": stamp_of(name) for name in names}
    stamp = ENVIRONMENT / f"holdline-{names[0]}.stamp"
    if os.path.exists(PYTHON) and stamp.is_file() and stamp.read_text() == stamps[stamp]:
        return
    sys.stderr.write(f"Installing the packages of requirements/{names[0]}.lock into {ENVIRONMENT}, this once ...\n")
    make_environment()
    # A lock names every package there is to install: nothing is left to resolve, and no newer release can get in between.
    lock = f"{ROOT}/requirements/{names[0]}.lock"
    pip_install("--no-deps", "--require-hashes", "--only-binary", ":all:", "-r", lock)
    pip_install("--no-deps", "--no-index", "--no-build-isolation", "--editable", str(ROOT))
    for path, content in stamps.items():
        path.write_text(content)


def stamp_of(name: str) -> str:
    """What an environment with this lock is stamped with: everything that would make it another one."""
    lock = (ROOT / "requirements" / f"{name}.lock").read_bytes() + (ROOT / "pyproject.toml").read_bytes()
    return f"{hashlib.sha256(lock).hexdigest()} {ROOT} {sys.version_info[:2]}\n"


def main(command: str = "", *arguments: str) -> None:
    """Hand over to Holdline or to pytest."""
    if command == "up":
        provide("run")
        os.execv(PYTHON, [PYTHON, "-m", "chatsvc.cli", "up", *arguments])
    elif command == "test":
        provide("test", "run")
        if "--all" in arguments:
            os.environ["HOLDLINE_TEST_ALL"] = "1"
        further = [argument for argument in arguments if argument != "--all"]
        os.chdir(ROOT)
        os.execv(PYTHON, [PYTHON, "-m", "pytest", "-n", "logical", "--dist", "loadgroup", *further])
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except KeyboardInterrupt:
        sys.exit("\nCut off; the next start goes on from here.")
