"""Addresses of static files, and the one style sheet that the many small ones make.

Style stands in one small file per component; ``app.css`` imports them into their layers. Browsers get one response instead of
thirty: ``stylesheet`` is ``app.css`` with its imports put in place. No build step: it is made once, at start.
"""

import hashlib
import re
from functools import cached_property
from pathlib import Path
from typing import Final

STATIC: Final = Path(__file__).parent / "static"
MOUNT: Final = "/static"
STYLESHEET: Final = "css/app.css"

_IMPORT: Final = re.compile(r'@import url\("(?P<path>[\w./-]+)"\) layer\((?P<layer>\w+)\);')
_COMMENT: Final = re.compile(r"/\*.*?\*/", re.DOTALL)
_BLANK: Final = re.compile(r"\n\s*")


class Assets:
    """The files below one folder, each with an address that changes when its content does."""

    def __init__(self, folder: Path = STATIC) -> None:
        self._folder = folder
        self._digests: dict[str, str] = {}

    def url(self, path: str) -> str:
        """Return the address of a file (``js/chat.js``); without a version when there is no such file."""
        if path not in self._digests:
            self._digests[path] = self._digest(path)
        version = self._digests[path]
        return f"{MOUNT}/{path}?v={version}" if version else f"{MOUNT}/{path}"

    @cached_property
    def stylesheet(self) -> bytes:
        """The whole style, to be served at ``/static/css/app.css`` before the folder itself."""
        root = self._folder / "css"
        text = (self._folder / STYLESHEET).read_text("utf-8")

        def inlined(match: re.Match[str]) -> str:
            return f"@layer {match['layer']} {{\n{(root / match['path']).read_text('utf-8')}\n}}"

        return _BLANK.sub("\n", _COMMENT.sub("", _IMPORT.sub(inlined, text))).encode()

    def _digest(self, path: str) -> str:
        file = self._folder / path
        if not file.is_file():
            return ""
        content = self.stylesheet if path == STYLESHEET else file.read_bytes()
        return hashlib.sha256(content).hexdigest()[:10]
