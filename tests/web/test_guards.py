"""What is refused before any door is reached, and the headers on everything that leaves."""

import httpx2
import pytest

from chatsvc.accounts.model import PersonRole
from chatsvc.config import Settings
from tests.web.desk import BASE, Desk
from web import headers
from web.access import client_address
from web.guards import host_of
from web.site import own_path

PROMISED = {
    "x-content-type-options": "nosniff",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}
PLACES = [
    "/sign-in",
    "/",
    "/nowhere",
    "/api/nowhere",
    "/healthz",
    "/static/css/app.css",
    "/static/nothing",
    "/api/openapi.json",
]


@pytest.mark.parametrize("path", PLACES)
async def test_every_answer_carries_the_security_headers(desk: Desk, path: str) -> None:
    answer = await desk.visitor().get(path)

    assert PROMISED.items() <= dict(answer.headers).items()
    policy = answer.headers["content-security-policy"]
    for part in (
        "default-src 'self'",
        "object-src 'none'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
        "form-action 'self'",
    ):
        assert part in policy
    assert "unsafe" not in policy
    assert len(answer.headers["x-correlation-id"]) == 12


async def test_pages_about_somebody_are_kept_by_nobody(desk: Desk) -> None:
    _, browser = await desk.somebody(PersonRole.CONTACT)

    for path in ("/", "/requests", "/profile", "/api/v1/session", "/api/v1/tickets"):
        assert (await browser.get(path)).headers["cache-control"] == "no-store"


async def test_static_files_are_kept_for_a_year_under_their_version(desk: Desk) -> None:
    page = (await desk.visitor().get("/sign-in")).text
    address = page.split('rel="stylesheet" href="')[1].split('"')[0]

    answer = await desk.visitor().get(address)

    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert (await desk.visitor().get("/static/css/app.css")).headers["cache-control"] == "public, no-cache"


async def test_no_page_names_another_host(desk: Desk) -> None:
    _, browser = await desk.somebody(PersonRole.CONTACT)

    for path in ("/", "/chat", "/chat/expense", "/profile", "/requests"):
        text = (await browser.get(path)).text
        loaded = [part.split('"')[0] for part in text.replace('src="', 'href="').split('href="')[1:]]
        assert [each for each in loaded if not each.startswith(("/", "#"))] == []


def test_https_asks_for_https_and_binds_the_cookie() -> None:
    settings = Settings.from_environment(
        {
            "HOLDLINE_BASE_URL": "https://desk.example",
            "HOLDLINE_SECRET_KEY": "x" * 40,
            "HOLDLINE_DATA_DIR": "/nonexistent",
        }
    )

    assert headers.table(settings)["strict-transport-security"] == "max-age=31536000"
    assert "wss://desk.example" in headers.table(settings)["content-security-policy"]
    assert headers.table(settings)["referrer-policy"] == "no-referrer"


# Origins ----------------------------------------------------------------------------------------------------------------

_OK, _NO = True, False
ORIGINS = [
    # Sec-Fetch-Site, Origin, taken
    ("same-origin", BASE, _OK),
    ("same-origin", None, _OK),
    ("same-origin", "null", _OK),
    ("none", None, _OK),
    ("none", BASE, _OK),
    ("none", "null", _OK),
    (None, BASE, _OK),
    (None, None, _NO),
    (None, "null", _NO),
    (None, "", _NO),
    (None, BASE + "/", _NO),
    (None, BASE + ":80", _NO),
    (None, BASE + ":8000", _NO),
    (None, BASE.upper(), _NO),
    (None, BASE.replace("http:", "https:"), _NO),
    (None, BASE + ".evil.example", _NO),
    (None, "http://evil-desk.example", _NO),
    (None, "http://sub.desk.example", _NO),
    (None, "http://desk.example@evil.example", _NO),
    (None, "http://evil.example/#http://desk.example", _NO),
    (None, f"{BASE}, http://evil.example", _NO),
    ("cross-site", None, _NO),
    ("cross-site", "null", _NO),
    ("cross-site", BASE, _NO),
    ("cross-site", "http://evil.example", _NO),
    ("same-site", BASE, _NO),
    ("same-site", None, _NO),
    ("same-origin", "http://evil.example", _NO),
    ("none", "http://evil.example", _NO),
    ("Same-Origin", None, _NO),
    ("same-origin, same-origin", None, _NO),
    ("", None, _NO),
    ("", BASE, _NO),
]


@pytest.mark.parametrize(("site", "origin", "taken"), ORIGINS)
async def test_unsafe_requests_must_come_from_our_own_pages(
    desk: Desk, site: str | None, origin: str | None, taken: bool
) -> None:
    named = {"sec-fetch-site": site, "origin": origin}
    _, browser = await desk.somebody(PersonRole.CONTACT)
    del browser.headers["origin"]
    browser.headers.update({name: value for name, value in named.items() if value is not None})

    answer = await browser.delete("/api/v1/session")

    assert answer.status_code == (204 if taken else 403)
    if not taken:
        assert answer.json()["code"] == "origin_refused"
        assert (await browser.get("/api/v1/session")).status_code == 200


async def test_two_origins_are_none(desk: Desk) -> None:
    request = httpx2.Request(
        "POST", f"{BASE}/sign-out", headers=[("host", "desk.example"), ("origin", BASE), ("origin", BASE)]
    )

    assert (await desk.visitor().send(request)).status_code == 403


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "BREW"])
async def test_no_unsafe_method_is_forgotten(desk: Desk, method: str) -> None:
    answer = await desk.visitor(origin="http://evil.example").request(method, "/sign-in")

    assert answer.status_code == 403


async def test_no_answer_allows_other_origins_to_read(desk: Desk) -> None:
    answer = await desk.visitor(origin="http://evil.example").get("/api/v1/session")
    asked = await desk.visitor(origin="http://evil.example").options("/api/v1/session")

    assert [name for name in [*answer.headers, *asked.headers] if name.startswith("access-control")] == []


# Hosts ------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "desk.example.evil.example",
        "desk.example@evil.example",
        "desk.example:80:80",
        "",
        "[desk.example",
        "desk.example:x",
    ],
)
async def test_a_host_that_is_not_ours_is_refused(desk: Desk, host: str) -> None:
    answer = await desk.visitor(host=host).get("/sign-in")

    assert answer.status_code == 421
    assert "evil" not in answer.text


@pytest.mark.parametrize("host", ["desk.example", "DESK.EXAMPLE", "desk.example:8000"])
async def test_our_own_host_is_taken_with_any_port(desk: Desk, host: str) -> None:
    assert (await desk.visitor(host=host).get("/sign-in")).status_code == 200


async def test_probes_know_us_by_address(desk: Desk) -> None:
    assert (await desk.visitor(host="10.0.0.7:8000").get("/healthz")).text == "ok\n"
    assert (await desk.visitor(host="10.0.0.7:8000").get("/readyz")).text == "ready\n"


async def test_a_forwarded_host_is_not_looked_at(desk: Desk) -> None:
    answer = await desk.visitor(**{"x-forwarded-host": "evil.example"}).get("/")

    assert "evil" not in answer.text + answer.headers["location"]


@pytest.mark.parametrize(
    ("netloc", "host"), [("a:1", "a"), ("A", "a"), ("[::1]:80", "[::1]"), ("[::1]x", ""), ("a:", ""), ("a:b", "")]
)
def test_hosts_are_read_strictly(netloc: str, host: str) -> None:
    assert host_of(netloc) == host


# Addresses --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("peer", "forwarded", "proxies", "found"),
    [
        ("9.9.9.9", None, (), "9.9.9.9"),
        ("9.9.9.9", "1.1.1.1", (), "9.9.9.9"),
        ("10.0.0.1", "1.1.1.1", ("10.0.0.0/8",), "1.1.1.1"),
        ("10.0.0.1", "6.6.6.6, 1.1.1.1", ("10.0.0.0/8",), "1.1.1.1"),
        ("10.0.0.1", "1.1.1.1, 10.0.0.2", ("10.0.0.0/8",), "1.1.1.1"),
        ("10.0.0.1", None, ("10.0.0.0/8",), "10.0.0.1"),
        ("10.0.0.1", "nonsense", ("10.0.0.0/8",), "nonsense"),
        ("9.9.9.9", "10.0.0.1", ("10.0.0.0/8",), "9.9.9.9"),
    ],
)
def test_a_forwarded_address_counts_only_from_a_configured_proxy(
    peer: str, forwarded: str | None, proxies: tuple[str, ...], found: str
) -> None:
    import ipaddress

    scope = {"client": (peer, 1), "headers": [(b"x-forwarded-for", forwarded.encode())] if forwarded else []}

    assert client_address(scope, tuple(ipaddress.ip_network(each) for each in proxies)) == found


# Going on after signing in ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path", ["/", "/requests/1001", "/requests?show=all&before=3", "/chats/cv_abc#end", "/desk/tickets/1"]
)
def test_own_paths_are_gone_on_to(path: str) -> None:
    assert own_path(path) == path


@pytest.mark.parametrize(
    "path",
    [
        None, "", "requests", "//evil.example", "///evil.example", "/\\evil.example", "\\\\evil.example", "https://evil.example", "javascript:alert(1)",
        "/\t/evil.example", "/\n/evil.example", "/ /evil", " /requests", "/" + "a" * 3_000, "/a\\b", "/\x00", "/%0d%0aSet-Cookie:x\r\n",
    ],
)  # fmt: skip
def test_nothing_but_own_paths_is_gone_on_to(path: str | None) -> None:
    assert own_path(path) == ""
