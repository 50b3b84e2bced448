"""Pages as they are sent: compressed, for whoever takes that, and never twice of the same length.

Static files are packed once, in ``static_files``; exports and uploads are sent as they are.
"""

import gzip
import io
import secrets
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

# Smaller pages gain less than they cost.
_WORTH_IT_BYTES: Final = 1_000
# A third of the time of the best, for a tenth more bytes.
_LEVEL: Final = 4
# The name inside the gzip header has a random length up to this ("Heal the BREACH", 2022): who can have a page hold a guess and
# watches its length learns nothing from a few tries.
_MOST_PADDING: Final = 100


def packed(page: str, request: Request, *, status: int = 200) -> Response:
    """Return a page as a response, compressed when the browser takes that."""
    body = page.encode()
    response = Response(media_type="text/html", status_code=status)
    response.headers["vary"] = "accept-encoding"
    if len(body) >= _WORTH_IT_BYTES and "gzip" in request.headers.get("accept-encoding", ""):
        body = _packed(body)
        response.headers["content-encoding"] = "gzip"
    response.body = body
    response.headers["content-length"] = str(len(body))
    return response


def _packed(body: bytes) -> bytes:
    padding = "a" * (1 + secrets.randbelow(_MOST_PADDING))
    whole = io.BytesIO()
    with gzip.GzipFile(filename=padding, mode="wb", compresslevel=_LEVEL, fileobj=whole, mtime=0) as file:
        file.write(body)
    return whole.getvalue()
