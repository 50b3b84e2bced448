"""A corpus of nasty files, each refused or made harmless on its way through the real doors (threats T18 to T21).

Contents that run, that pretend, that grow when they are opened, and names that mislead people or programs: each content under each name.
"""

import io
import struct
import unicodedata
import zipfile
import zlib
from collections.abc import Iterator
from typing import Final

import pytest

from chatsvc.accounts.model import PersonRole
from chatsvc.files.model import ACCEPTED, PREVIEWED
from chatsvc.kernel import ids
from tests import builders
from tests.web.desk import Desk

SCRIPT: Final = b"<script>alert(document.cookie)</script>"
_PNG: Final = b"\x89PNG\r\n\x1a\n"


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def a_png(width: int, height: int, rest: bytes = b"") -> bytes:
    """A picture that claims this size."""
    header = _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return _PNG + header + _chunk(b"IDAT", zlib.compress(b"\0" * 64)) + _chunk(b"IEND", b"") + rest


def a_zip(**entries: bytes) -> bytes:
    """An archive with these entries."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return out.getvalue()


# What is inside: name -> bytes.
CONTENTS: Final[dict[str, bytes]] = {
    # pages and drawings that run
    "html": b"<!DOCTYPE html><html><body>" + SCRIPT,
    "html without a doctype": b"<p>hello</p>" + SCRIPT,
    "html far behind": b"x" * 20_000 + SCRIPT,
    "html in capitals": b"<HTML><BODY ONLOAD=alert(1)>",
    "html behind a byte order mark": b"\xef\xbb\xbf<html>",
    "html in UTF-16": "<html><script>alert(1)</script>".encode("utf-16"),
    "html in UTF-7": b"+ADw-script+AD4-alert(1)+ADw-/script+AD4-",
    "svg": b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>',
    "svg behind a declaration": b'<?xml version="1.0"?><!-- x --><svg onload="alert(1)"/>',
    "svg with entities": b'<?xml version="1.0"?><!DOCTYPE svg [<!ENTITY x SYSTEM "file:///etc/passwd">]><svg>&x;</svg>',
    "xml that asks for a file": b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>',
    "xml that laughs": b'<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]><l>&b;</l>',
    "mathml": b'<math><maction actiontype="statusline">',
    "iframe": b'<iframe src="javascript:alert(1)">',
    "mhtml": b"MIME-Version: 1.0\nContent-Type: multipart/related\n\n" + SCRIPT,
    "script alone": b"alert(1)//",
    "web manifest": b'{"start_url": "javascript:alert(1)"}',
    # programs
    "windows program": b"MZ\x90\x00" + b"\0" * 60 + b"PE\0\0",
    "linux program": b"\x7fELF\x02\x01\x01" + b"\0" * 60,
    "mac program": b"\xcf\xfa\xed\xfe" + b"\0" * 60,
    "java class": b"\xca\xfe\xba\xbe\x00\x00\x004" + b"\0" * 60,
    "web assembly": b"\0asm\x01\0\0\0",
    "shortcut": b"L\0\0\0\x01\x14\x02\0" + b"\0" * 60,
    "shell script": b"#!/bin/sh\nrm -rf /\n",
    "php": b"<?php system($_GET['c']); ?>",
    "batch": b"@echo off\r\ndel /q *\r\n",
    "cabinet": b"MSCF\0\0\0\0" + b"\0" * 60,
    # documents with something behind them
    "pdf with a script": b"%PDF-1.7\n1 0 obj<</OpenAction<</S/JavaScript/JS(app.alert(1))>>>>endobj\n",
    "postscript": b"%!PS-Adobe-3.0\n(/etc/passwd) (r) file\n",
    "rich text with an object": b"{\\rtf1{\\object\\objocx}}",
    "csv with a formula": b"=cmd|' /C calc'!A0,2\n",
    # things that grow
    "zip that grows": a_zip(**{"zeros.txt": b"\0" * 2_000_000}),
    "zip that climbs": a_zip(**{"../../../etc/cron.d/x": b"* * * * * root x"}),
    "zip in zip in zip": a_zip(a=a_zip(a=a_zip(a=b"x" * 10_000))),
    "gzip that grows": zlib.compress(b"\0" * 1_000_000, wbits=31),
    "picture that claims to be huge": a_png(60_000, 60_000),
    "gif that claims to be huge": b"GIF89a\1\0\1\0\0\0\0," + b"\xff" * 8 + b"\0;",
    "jpeg that claims to be huge": b"\xff\xd8\xff\xe0\0\4\0\0\xff\xc2\0\x11\x08\xff\xff\xff\xff\3" + b"\0" * 9,
    "webp that claims to be huge": b"RIFF\x1e\0\0\0WEBPVP8X\n\0\0\0\0\0\0\0" + b"\xff" * 6 + b"\0" * 8,
    "picture without an end": a_png(10, 10)[:60],
    # things that are two at once
    "picture and page": a_png(1, 1, SCRIPT),
    "picture with a page inside": _PNG + _chunk(b"tEXt", b"Comment\0" + SCRIPT),
    "gif and script": b"GIF89a/*" + b"\0" * 8 + b"*/=1;alert(1)//",
    "jpeg and page": b"\xff\xd8\xff\xe0" + SCRIPT,
    "picture and archive": a_png(1, 1, a_zip(a=b"MZ")),
    "pdf and page": b"%PDF-1.4\n" + SCRIPT,
    # nothing
    "empty": b"",
    "only zeros": b"\0" * 100,
    "not a text": bytes(range(128, 256)),
}
# How it is called.
NAMES: Final = (
    "../../../../etc/passwd",
    "invoice\u202egnp.html",
    "zero\u200bwidth.s\u200bvg",
    'a"; filename="evil.html',
    "C:\\Windows\\system32\\con.png.exe",
)


def cases() -> Iterator[tuple[str, str, bytes]]:
    """Each content under each name; some 220."""
    return ((f"{content} as {name!r}", name, data) for content, data in CONTENTS.items() for name in NAMES)


def is_plain(name: str) -> bool:
    """Whether a name is one visible line without a path, which ends as one of the accepted kinds does."""
    endings = {ending for endings in ACCEPTED.values() for ending in endings}
    visible = all(unicodedata.category(character)[0] != "C" for character in name)
    return visible and not set(name) & set('/\\"<>:|?*') and name.rpartition(".")[2].lower() in endings


async def test_t18_every_nasty_file_is_refused_or_made_harmless(desk: Desk) -> None:
    _, browser = await desk.somebody(PersonRole.CONTACT)
    refused, taken = 0, 0

    for case, name, data in cases():
        answer = await browser.post("/api/v1/files", files={"file": (name, data, "text/html")})
        if answer.status_code == 422:
            assert answer.json()["code"].startswith("file."), case
            refused += 1
            continue
        assert answer.status_code == 201, case
        taken += 1
        stored = answer.json()
        assert is_plain(stored["name"]), case
        # What is answered depends on the bytes and not on the name: shown in the page it is asked for once.
        for query in ("", "?inline=1") if name == NAMES[0] else ("",):
            got = await browser.get(f"/files/{stored['id']}{query}")
            headers = got.headers
            is_picture = stored["media_type"] in PREVIEWED and query != ""
            assert got.content == data, case
            assert headers["content-type"] == (stored["media_type"] if is_picture else "application/octet-stream"), case
            assert headers["content-disposition"].startswith("inline;" if is_picture else "attachment;"), case
            assert headers["content-disposition"].count('"') == 2, case
            assert headers["x-content-type-options"] == "nosniff", case
            assert headers["content-security-policy"].startswith("sandbox; default-src 'none'"), case

    assert refused + taken > 200
    assert min(refused, taken) > 60  # the corpus tries both
    files = list(desk.services.files.folder.iterdir())
    assert len(files) == taken
    assert all(len(file.name) == 48 and file.stat().st_mode & 0o111 == 0 for file in files)


@pytest.mark.parametrize(
    "content",
    ["html", "svg", "svg with entities", "html in UTF-16", "iframe", "windows program", "java class", "only zeros", "not a text", "empty"],
)  # fmt: skip
async def test_t18_what_runs_is_refused_under_every_name(desk: Desk, content: str) -> None:
    _, browser = await desk.somebody(PersonRole.CONTACT)

    for name in (*NAMES, "holiday.png", "report.pdf"):
        answer = await browser.post("/api/v1/files", files={"file": (name, CONTENTS[content], "image/png")})
        assert answer.status_code == 422, name

    assert not desk.services.files.folder.exists() or list(desk.services.files.folder.iterdir()) == []


async def test_t19_a_link_opens_a_file_for_its_readers_alone(desk: Desk) -> None:
    contact, browser = await desk.somebody(PersonRole.CONTACT)
    colleague, beside = await desk.somebody(PersonRole.CONTACT, company=contact.company)
    _, foreign = await desk.somebody(PersonRole.CONTACT)
    _, staff = await desk.somebody(PersonRole.REPRESENTATIVE)
    uploaded = await browser.post("/api/v1/files", files={"file": ("mine.txt", b"words", "text/plain")})
    path = f"/files/{uploaded.json()['id']}"

    before = [(await each.get(path)).status_code for each in (browser, beside, foreign, staff)]
    ticket = await builders.a_ticket(desk.services.database, contact)
    said = await browser.post(
        f"/api/v1/tickets/{ticket.number}/comments",
        json={"text": "Here", "files": [uploaded.json()["id"]]},
        headers={"idempotency-key": "k_01234567"},
    )
    after = [(await each.get(path)).status_code for each in (browser, beside, foreign, staff)]

    assert said.status_code == 201
    assert before == [200, 404, 404, 404]
    assert after == [200, 404, 404, 200]
    assert (await desk.visitor().get(path)).status_code in (303, 401)
    guesses = [(await browser.get(f"/files/{ids.file_id()}")).status_code for _ in range(20)]
    assert guesses == [404] * 20
    assert colleague.company == contact.company


@pytest.mark.parametrize(
    "path", ["/files/..%2f..%2fetc%2fpasswd", "/files/%2e%2e", "/files/%00", "/static/..%2f..%2fpyproject.toml"]
)
async def test_t20_no_address_leads_out_of_the_folder(desk: Desk, path: str) -> None:
    _, browser = await desk.somebody(PersonRole.CONTACT)

    assert (await browser.get(path)).status_code == 404


@pytest.mark.parametrize("kind", ["picture", "gif", "jpeg", "webp"])
async def test_t21_a_picture_that_unfolds_to_too_much_is_refused(desk: Desk, kind: str) -> None:
    _, browser = await desk.somebody(PersonRole.CONTACT)
    content = CONTENTS[f"{kind} that claims to be huge"]

    answer = await browser.post("/api/v1/files", files={"file": ("holiday.png", content, "image/png")})

    assert (answer.status_code, answer.json()["code"]) == (422, "file.too_many_pixels")
    assert "64 million pixels" in answer.json()["title"]
    assert list(desk.services.files.folder.iterdir()) == []


async def test_t21_a_file_larger_than_allowed_leaves_nothing(desk: Desk) -> None:
    _, browser = await desk.somebody(PersonRole.CONTACT)
    desk.services.files.most_bytes = 10_000

    answer = await browser.post("/api/v1/files", files={"file": ("big.txt", b"x" * 10_001, "text/plain")})

    assert (answer.status_code, answer.json()["code"]) == (422, "file.too_big")
    assert list(desk.services.files.folder.iterdir()) == []
