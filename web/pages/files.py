"""Files at the addresses that pages link to; the same answer as ``/api/v1/files``."""

from starlette.responses import Response

from web.api import files
from web.api.bodies import FileQuery
from web.site import Call


async def show(call: Call, query: FileQuery) -> Response:
    """Return a file to be saved, or a picture to be shown."""
    return await files.download(call, query)
