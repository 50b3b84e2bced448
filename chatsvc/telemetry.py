"""How log lines leave a process: one JSON object per line on standard output, whoever wrote it.

Modules keep to the standard library (``logging.getLogger(__name__)``, a constant event, data in ``extra``); structlog only renders.
Nothing here counts or measures, and nothing here decides what is worth a line.
"""

import logging
import sys
from typing import IO, Any, Final

import structlog
from structlog.contextvars import bound_contextvars
from structlog.typing import EventDict, WrappedLogger

__all__ = ["bound_contextvars", "setup"]  # ``with bound_contextvars(request=...)`` marks every line within

# Never in a log, whatever a caller passes: the value is replaced, the name stays, so that the mistake can be found.
_HIDDEN: Final = frozenset(
    {"authorization", "body", "cookie", "password", "phone", "secret", "secret_key", "text", "token"}
)

# Libraries that bring handlers of their own; theirs are taken away so that no line appears twice or in another form.
_FOREIGN: Final = ("uvicorn", "uvicorn.error", "arq")
# Writes addresses as they were asked for, and some carry a mailed token; the web process writes its own line for each request.
_SILENCED: Final = ("uvicorn.access",)
# The server's own two or three lines for every socket; the hub writes one, when it is closed, and a storm has ten thousand.
_OF_SOCKETS: Final = ('%s - "WebSocket %s', "connection open", "connection closed")
# Libraries that tell at "info" what nobody asked.
_TALKATIVE: Final = ("alembic", "aiosqlite", "httpcore2", "httpx2", "asyncio", "websockets")


def setup(level: str, *, stream: IO[str] | None = None) -> None:
    """Render every log line of this process from now on; call it once, after the server has set up its own logging.

    Args:
        level: least important level that is written: DEBUG, INFO, WARNING or ERROR.
        stream: where to write; None means standard output.
    """
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
        _tidy,
    ]
    handler = logging.StreamHandler(stream or sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,  # plain text: the richer renderers would write local variables
                structlog.processors.JSONRenderer(ensure_ascii=False, default=str),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    for name in _FOREIGN:
        foreign = logging.getLogger(name)
        foreign.handlers, foreign.propagate = [], True
    logging.getLogger("uvicorn.error").addFilter(_is_not_of_a_socket)
    for name in _SILENCED:
        silenced = logging.getLogger(name)
        silenced.handlers, silenced.propagate = [], False
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))
    logging.captureWarnings(True)


def _is_not_of_a_socket(record: logging.LogRecord) -> bool:
    return record.levelno > logging.INFO or not str(record.msg).startswith(_OF_SOCKETS)


def _tidy(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    event.pop("color_message", None)  # uvicorn's second form of the same text
    for name in _HIDDEN.intersection(event):
        event[name] = "(hidden)"
    return event
