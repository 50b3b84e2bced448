"""Log lines: one JSON object each, with what was bound and passed, without what must never be written."""

import io
import json
import logging
import warnings
from collections.abc import Iterator
from typing import Any

import pytest

from chatsvc import telemetry

NAMES = ("uvicorn", "uvicorn.error", "uvicorn.access", "arq", "alembic", "aiosqlite", "httpcore2", "httpx2", "asyncio")


@pytest.fixture
def written() -> Iterator[io.StringIO]:
    """What is logged during the test; the logging of the test run is put back afterwards."""
    loggers = [logging.getLogger(), *map(logging.getLogger, NAMES)]
    before = [(each, each.handlers, each.level, each.propagate) for each in loggers]
    for each in loggers[1:]:
        each.setLevel(logging.NOTSET)  # a server in the same process may have set it
    stream = io.StringIO()
    telemetry.setup("INFO", stream=stream)
    yield stream
    logging.captureWarnings(False)
    for each, handlers, level, propagate in before:
        each.handlers, each.propagate = handlers, propagate
        each.setLevel(level)


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_line_carries_its_event_and_its_facts(written: io.StringIO) -> None:
    logging.getLogger("chatsvc.tickets").info("ticket_reopened", extra={"ticket": "tk_1"})

    (line,) = lines(written)
    assert line.pop("at").endswith("Z")
    assert line == {"event": "ticket_reopened", "ticket": "tk_1", "level": "info", "logger": "chatsvc.tickets"}


def test_what_is_bound_marks_every_line_within(written: io.StringIO) -> None:
    with telemetry.bound_contextvars(request="rq_1"):
        logging.getLogger("web").info("page_served")
    logging.getLogger("web").info("page_served")

    assert [line.get("request") for line in lines(written)] == ["rq_1", None]


@pytest.mark.parametrize("name", ["password", "token", "phone", "body", "cookie", "authorization"])
def test_what_must_not_be_written_is_hidden(written: io.StringIO, name: str) -> None:
    logging.getLogger("web").warning("careless", extra={name: "swordfish"})

    assert lines(written)[0][name] == "(hidden)"


def test_an_exception_is_written_without_the_values_of_variables(written: io.StringIO) -> None:
    def fail() -> None:
        password = "swordfish"
        raise ValueError(len(password))

    try:
        fail()
    except ValueError:
        logging.getLogger("web").exception("request_failed")

    (line,) = lines(written)
    assert "ValueError: 9" in line["exception"]
    assert "password = 'swordfish'" not in line["exception"]


def test_the_server_s_own_lines_look_like_ours_and_come_once(written: io.StringIO) -> None:
    logging.getLogger("uvicorn.error").info("Started server process [%d]", 7)

    assert [line["event"] for line in lines(written)] == ["Started server process [7]"]


def test_the_server_s_lines_about_requests_are_not_written(written: io.StringIO) -> None:
    logging.getLogger("uvicorn.access").info('%s - "%s"', "127.0.0.1", "GET /reset/swordfish")

    assert written.getvalue() == ""


def test_talkative_libraries_are_heard_from_warnings_on(written: io.StringIO) -> None:
    logging.getLogger("alembic.runtime.migration").info("Context impl SQLiteImpl.")
    logging.getLogger("alembic.runtime.migration").warning("odd")

    assert [line["event"] for line in lines(written)] == ["odd"]


def test_warnings_become_lines(written: io.StringIO) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("default")
        logging.captureWarnings(False)
        logging.captureWarnings(True)
        warnings.warn("old way", DeprecationWarning, stacklevel=1)

    assert "old way" in lines(written)[0]["event"]
