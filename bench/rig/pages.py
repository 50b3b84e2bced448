"""What the customer's chat page weighs, and how long the server takes for it.

Counted are the bytes of bodies as they are sent to a browser that accepts gzip: the page, its style, its icons, and every
module that its scripts import. Nothing is executed.
"""

import gzip
import http.client
import re
import time
from collections.abc import Iterator
from typing import Any, Final, NamedTuple
from urllib.parse import urljoin

from rig.generator import Target

REQUESTS: Final = 300

# What a page, a style and a module load. Links of rel="icon" count; links to other pages do not.
_TAGS: Final = re.compile(
    r"""<script[^>]*\bsrc="([^"]+)"|<link[^>]*\brel="(?:stylesheet|modulepreload|icon)"[^>]*\bhref="([^"]+)"|<img[^>]*\bsrc="([^"]+)"|<use[^>]*\bhref="([^"#]+)"""
)
_IMPORTS: Final = re.compile(r"""(?:\bfrom|\bimport)\s*\(?\s*["']([./][^"'\s]*\.js)["']""")
_URLS: Final = re.compile(r"""url\(["']?([^"')]+)["']?\)""")


class Body(NamedTuple):
    """One response."""

    type: str
    text: str
    bytes_sent: int


def weigh(target: Target) -> dict[str, Any]:
    """Load the chat page of the first pair's customer as a browser would, then ask for it again and again."""
    assert target.seats is not None
    names, first = (line.split("\t") for line in target.seats.read_text().splitlines()[:2])
    seat = dict(zip(names, first, strict=True))
    line = http.client.HTTPConnection(target.host, timeout=30)
    address = f"/chats/{seat['conversation']}"
    cookie = f"holdline_session={seat['customer_session']}"
    loaded = _load(line, address, cookie)
    seconds = sorted(_seconds(line, address, cookie) for _ in range(REQUESTS))
    return {
        "page_gzip_bytes": sum(body.bytes_sent for body in loaded.values()),
        "all_packed_bytes": sum(len(gzip.compress(body.text.encode())) for body in loaded.values()),
        "script_gzip_bytes": sum(body.bytes_sent for body in loaded.values() if "javascript" in body.type),
        "html_bytes": loaded[address].bytes_sent,
        "files": {name: body.bytes_sent for name, body in loaded.items()},
        "p50_ms": seconds[REQUESTS // 2] * 1000,
        "p95_ms": seconds[REQUESTS * 95 // 100] * 1000,
    }


def _load(line: http.client.HTTPConnection, address: str, cookie: str) -> dict[str, Body]:
    loaded: dict[str, Body] = {}
    waiting = [address]
    while waiting:
        name = waiting.pop()
        if name not in loaded:
            loaded[name] = _get(line, name, cookie)
            waiting += [urljoin(name, found) for found in _loads(loaded[name])]
    return loaded


def _loads(body: Body) -> Iterator[str]:
    patterns = {"html": _TAGS, "javascript": _IMPORTS, "css": _URLS}
    for kind, pattern in patterns.items():
        if kind in body.type:
            for groups in pattern.findall(body.text):
                found = next(filter(None, groups), "") if isinstance(groups, tuple) else groups
                if found and not found.startswith(("data:", "http:", "https:", "#")):
                    yield found


def _get(line: http.client.HTTPConnection, address: str, cookie: str) -> Body:
    line.request("GET", address, headers={"Cookie": cookie, "Accept-Encoding": "gzip"})
    answer = line.getresponse()
    sent = answer.read()
    if answer.status != 200:
        raise OSError(f"{address} answered {answer.status}")
    plain = gzip.decompress(sent) if answer.headers.get("content-encoding") == "gzip" else sent
    return Body(answer.headers.get("content-type", ""), plain.decode(errors="replace"), len(sent))


def _seconds(line: http.client.HTTPConnection, address: str, cookie: str) -> float:
    started = time.perf_counter()
    _get(line, address, cookie)
    return time.perf_counter() - started
