"""Pages are compressed for whoever takes that, and say nothing by their length."""

import gzip

import pytest
from starlette.requests import Request

from web.packing import packed

PAGE = "<p>Grüße</p>" * 1_000


def a_request(**headers: str) -> Request:
    """Return a request with these headers."""
    raw = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return Request({"type": "http", "headers": raw})


def test_page_is_compressed_for_a_browser_that_takes_it() -> None:
    response = packed(PAGE, a_request(accept_encoding="br, gzip"))

    assert response.headers["content-encoding"] == "gzip"
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    assert int(response.headers["content-length"]) == len(response.body) < len(PAGE) / 10
    assert gzip.decompress(bytes(response.body)).decode() == PAGE


@pytest.mark.parametrize(("page", "takes"), [(PAGE, "identity"), (PAGE, ""), ("<p>short</p>", "gzip")])
def test_other_pages_go_as_they_are(page: str, takes: str) -> None:
    response = packed(page, a_request(accept_encoding=takes))

    assert "content-encoding" not in response.headers
    assert bytes(response.body).decode() == page
    assert response.headers["vary"] == "accept-encoding"


def test_same_page_has_many_lengths_so_that_a_guess_in_it_cannot_be_measured() -> None:
    lengths = {len(packed(PAGE, a_request(accept_encoding="gzip")).body) for _ in range(200)}

    assert len(lengths) > 50
