"""A wire over Starlette's WebSocket, for any ASGI server."""

from starlette.websockets import WebSocket, WebSocketDisconnect


class AsgiWire:
    """An accepted socket."""

    def __init__(self, websocket: WebSocket) -> None:
        self._websocket = websocket

    async def receive(self) -> str | bytes | None:
        """Return the next frame, ``bytes`` for a binary one; None when the client is gone."""
        message = await self._websocket.receive()
        if message["type"] == "websocket.disconnect":
            return None
        text: str | None = message.get("text")
        return text if text is not None else bytes(message.get("bytes") or b"")

    async def send(self, data: bytes) -> None:
        """Send one text frame.

        Raises:
            ConnectionError: the client is gone.
        """
        try:
            await self._websocket.send({"type": "websocket.send", "text": data.decode()})
        except WebSocketDisconnect as error:
            raise ConnectionError from error

    async def close(self, code: int, reason: str) -> None:
        """Close; nothing happens when the client is gone already."""
        try:
            await self._websocket.close(code, reason)
        except (WebSocketDisconnect, RuntimeError) as error:
            raise ConnectionError from error
