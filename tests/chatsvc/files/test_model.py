"""What is taken, what is refused, and what it is called afterwards."""

import pytest

from chatsvc.files.model import HEAD_BYTES, LONGEST_NAME, media_type_of, safe_name
from chatsvc.kernel.errors import Invalid

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 64
JPEG = b"\xff\xd8\xff\xe0" + b"\0" * 64
PDF = b"%PDF-1.7\n" + b"x" * 64


@pytest.mark.parametrize(
    ("head", "media_type"),
    [
        (PNG, "image/png"),
        (JPEG, "image/jpeg"),
        (b"GIF89a" + b"\0" * 64, "image/gif"),
        (PDF, "application/pdf"),
        (b"PK\x03\x04" + b"\0" * 64, "application/zip"),
        (b"date;amount\n2026-03-02;12,50\n", "text/plain"),
        ("报销单 échoué".encode(), "text/plain"),
        (b"<export><row>1</row></export>", "text/plain"),
        (("é" * HEAD_BYTES).encode()[:HEAD_BYTES], "text/plain"),
    ],
    ids=["png", "jpeg", "gif", "pdf", "zip", "csv", "utf-8", "xml export", "cut inside a character"],
)
def test_kind_is_told_from_the_first_bytes(head: bytes, media_type: str) -> None:
    assert media_type_of(head) == media_type


@pytest.mark.parametrize(
    ("head", "key"),
    [
        (b"", "file.empty"),
        (b"MZ" + b"\0" * 64, "file.kind_refused"),
        (b"\x7fELF" + b"\0" * 64, "file.kind_refused"),
        (b"abc\0def", "file.kind_refused"),
        (b"\xff\xfe\x41\x00", "file.kind_refused"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'><script>x()</script></svg>", "file.active_refused"),
        (b"<?xml version='1.0'?><SVG onload='x()'/>", "file.active_refused"),
        (b"\xef\xbb\xbf  <!DOCTYPE html><p>hello", "file.active_refused"),
        (b"hello <script>x()</script>", "file.active_refused"),
    ],
    ids=["empty", "exe", "elf", "binary", "bad utf-8", "svg", "svg behind xml", "html behind a mark", "script in text"],
)
def test_what_could_run_or_is_unknown_is_refused_with_its_reason(head: bytes, key: str) -> None:
    with pytest.raises(Invalid) as refused:
        media_type_of(head)

    assert (refused.value.key, refused.value.field) == (key, "file")


@pytest.mark.parametrize(
    ("name", "media_type", "shown"),
    [
        ("report.pdf", "application/pdf", "report.pdf"),
        ("Report.PDF", "application/pdf", "Report.PDF"),
        ("photo.png.exe", "image/png", "photo.png.exe.png"),
        ("../../etc/passwd", "text/plain", "passwd.txt"),
        ("C:\\Users\\me\\a b.png", "image/png", "a b.png"),
        ("in\u200bvoice\u202egnp.exe", "image/png", "invoicegnp.exe.png"),
        ("ｆｕｌｌ．ｐｎｇ", "image/png", "full.png"),
        ("line\r\nbreak.png", "image/png", "linebreak.png"),
        ("...", "image/png", "file.png"),
        ("", "text/plain", "file.txt"),
        ("a" * 400 + ".csv", "text/plain", "a" * (LONGEST_NAME - 4) + ".csv"),
        ("报销单.xlsx.html", "text/plain", "报销单.xlsx.html.txt"),
    ],
)
def test_name_is_one_plain_line_whose_ending_fits(name: str, media_type: str, shown: str) -> None:
    assert safe_name(name, media_type) == shown
