"""What is said when something is refused or breaks: a code, a sentence, an id; never what went wrong inside (threat T1)."""

import ast
from collections import defaultdict
from pathlib import Path

import pytest

import chatsvc
import web
from chatsvc.accounts.model import PersonRole
from chatsvc.kernel import errors as kernel
from tests.web.desk import BASE, Desk, keyed
from web import bodies, errors
from web.codes import CODES, SENTENCES, sentence_key_of
from web.texts import ERRORS

FORBIDDEN = ("Traceback", "chatsvc", "msgspec", "sqlalchemy", "Error:", "Exception", "site-packages", ".py")


def _refusals() -> dict[str, set[int]]:
    """Every code that is raised with a literal key anywhere in the code, with the statuses of its classes."""
    classes = {
        name: each.status
        for module in (kernel, errors, bodies)
        for name, each in vars(module).items()
        if isinstance(each, type) and issubclass(each, kernel.Refused)
    } | {"IllegalTransition": kernel.Conflict.status}
    found: dict[str, set[int]] = defaultdict(set)
    for package in (chatsvc, web):
        for file in Path(package.__path__[0]).rglob("*.py"):
            for node in ast.walk(ast.parse(file.read_text("utf-8"))):
                if not (isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant)):
                    continue
                name = getattr(node.func, "id", getattr(node.func, "attr", ""))
                if name in classes and isinstance(node.args[0].value, str):
                    found[node.args[0].value].add(classes[name])
    return found


def _of_the_socket() -> set[str]:
    from chatsvc.hub.codes import FRAME_ERRORS

    return set(FRAME_ERRORS)


def test_every_refusal_in_the_code_is_published() -> None:
    unpublished = {
        code: statuses for code, statuses in _refusals().items() if code not in CODES and code not in _of_the_socket()
    }

    assert unpublished == {}


def test_every_published_code_has_one_status() -> None:
    raised = _refusals()

    assert {code: raised[code] for code, status in CODES.items() if code in raised and status not in raised[code]} == {}


def test_every_published_code_has_a_sentence() -> None:
    assert {code for code, status in CODES.items() if sentence_key_of(code, status) not in ERRORS} == set()
    assert set(SENTENCES.values()) <= set(ERRORS)


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "code"),
    [
        ("GET", "/api/v1/tickets/999999", None, 404, "ticket.not_found"),
        ("GET", "/api/v1/tickets/abc", None, 404, "not_found"),
        ("GET", "/api/v1/tickets/99999999999999999999999", None, 404, "not_found"),
        ("GET", "/api/v1/visits/tk_%00", None, 404, "not_found"),
        ("GET", "/api/v1/visits/" + "x" * 500, None, 404, "not_found"),
        ("GET", "/api/v1/nothing", None, 404, "not_found"),
        ("PATCH", "/api/v1/session", None, 405, "method_refused"),
        ("GET", "/api/v1/tickets?cursor=x", None, 422, "field.type"),
        ("GET", "/api/v1/tickets?other=1", None, 422, "field.unknown"),
        ("GET", "/api/v1/tickets?cursor=0", None, 422, "field.value"),
        ("GET", "/api/v1/tickets?cursor=1&cursor=2", None, 422, "field.value"),
        ("POST", "/api/v1/visits", b"{", 400, "body.not_json"),
        ("POST", "/api/v1/visits", b"\xff\xfe", 400, "body.not_json"),
        ("POST", "/api/v1/visits", b"[" * 100_000, 422, "field.type"),
        ("POST", "/api/v1/visits", b"null", 422, "field.type"),
        ("POST", "/api/v1/visits", b'{"line":"expense"}', 422, "field.missing"),
        ("POST", "/api/v1/visits", b'{"line":1,"subject":"s","description":"d"}', 422, "field.type"),
        ("POST", "/api/v1/visits", b'{"line":"nope","subject":"s","description":"d"}', 422, "choice.unknown"),
        ("POST", "/api/v1/visits", b'{"line":"expense","subject":"s","description":"d","company":"co_1"}', 422, "field.unknown"),
        ("POST", "/api/v1/visits", b'{"line":"expense","subject":"s\\u0000","description":"d"}', 422, "field.value"),
        ("POST", "/api/v1/visits", b'{"line":"expense","subject":"","description":"d"}', 422, "field.value"),
        ("POST", "/api/v1/visits", b" " * 1_100_000, 413, "too_large"),
    ],
)  # fmt: skip
async def test_programs_get_a_problem_with_a_code(
    desk: Desk, method: str, path: str, body: bytes | None, status: int, code: str
) -> None:
    _, browser = await desk.somebody(PersonRole.CONTACT)
    headers = {"content-type": "application/json", **keyed("k_1")} if body is not None else {}

    answer = await browser.request(method, path, content=body, headers=headers)

    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (status, code)
    assert answer.headers["content-type"] == "application/problem+json"
    assert problem["status"] == status
    assert problem["type"] == f"{BASE}/api#{code}"
    assert problem["correlation"] == answer.headers["x-correlation-id"]
    assert [word for word in FORBIDDEN if word in answer.text] == []


async def test_a_wish_that_may_be_repeated_needs_its_key(desk: Desk) -> None:
    _, browser = await desk.somebody(PersonRole.CONTACT)

    answer = await browser.post("/api/v1/visits", json={"line": "expense", "subject": "s", "description": "d"})

    assert answer.json()["field"] == "Idempotency-Key"


async def test_a_body_of_another_kind_is_not_read(desk: Desk) -> None:
    _, browser = await desk.somebody(PersonRole.CONTACT)

    answer = await browser.post(
        "/api/v1/visits", content=b'{"line":"expense"}', headers={"content-type": "text/plain", **keyed("k_1")}
    )

    assert (answer.status_code, answer.json()["code"]) == (400, "body.not_json")


async def test_people_get_a_page_with_a_sentence(desk: Desk) -> None:
    _, browser = await desk.somebody(PersonRole.CONTACT)

    answer = await browser.get("/requests/999999")

    assert answer.status_code == 404
    assert answer.headers["content-type"].startswith("text/html")
    assert answer.headers["x-correlation-id"] in answer.text
    assert "ticket.not_found" in answer.text


async def test_what_breaks_inside_says_nothing_of_it(desk: Desk) -> None:
    _, browser = await desk.somebody(PersonRole.CONTACT)
    desk.services.tickets = None  # type: ignore[assignment]  # as broken as anything can be

    for path in ("/", "/api/v1/tickets", "/requests"):
        answer = await browser.get(path)
        assert answer.status_code == 500
        assert [word for word in FORBIDDEN if word in answer.text] == []
        assert answer.headers["x-correlation-id"] in answer.text


async def test_head_is_answered_like_get_without_a_body(desk: Desk) -> None:
    answer = await desk.visitor().head("/sign-in")

    assert answer.status_code == 200


async def test_a_wrong_method_says_which_are_right(desk: Desk) -> None:
    answer = await desk.visitor().request("DELETE", "/sign-in")

    assert answer.status_code == 405
    assert answer.headers["allow"] == "GET, HEAD, POST"
