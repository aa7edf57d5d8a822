"""uvicorn's WebSocket server, with what a reader that stopped reading needs.

The application names this class to uvicorn (``Config(ws=SocketProtocol)``). It differs in that

- a close frame does not wait for the reader: it is the last one and small, and without it a slow
  reader would never learn why it was closed;
- a socket that is closed is gone after ``close_timeout``, even when the reader never takes what is
  in the buffer;
- a peer that does not answer pings is closed with 4500, as ThingsBoard's clients expect;
- the log does not show the query string, which holds the token.

Source: RFC 6455; ``uvicorn.protocols.websockets.websockets_sansio_impl`` of 0.54.
"""

from typing import TYPE_CHECKING, Any

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from fieldline.api.websocket.closing import CloseCode

if TYPE_CHECKING:
    from uvicorn._types import ASGISendEvent

PING_INTERVAL_S = 10.0
PING_TIMEOUT_S = 20.0
MAX_FRAME_BYTES = 131_072
"""Of any socket; an MQTT packet of 64 KiB comes in one frame. Those of the API may be smaller."""
"""A peer is away when it is silent for these two together, 30 s."""
UVICORN_OPTIONS: dict[str, Any] = {
    "ws_ping_interval": PING_INTERVAL_S,
    "ws_ping_timeout": PING_TIMEOUT_S,
    "ws_max_size": MAX_FRAME_BYTES,
    # Compression costs 300 KiB a socket and most of the CPU of an update.
    "ws_per_message_deflate": False,
}
"""What else ``uvicorn.Config`` is given."""


class SocketProtocol(WebSocketsSansIOProtocol):
    """See the module's text."""

    async def send(self, message: "ASGISendEvent") -> None:
        kind = message["type"]
        if kind == "websocket.accept":
            scope = self.scope
            self.scope = scope.copy()
            self.scope["query_string"] = b""
            try:
                await super().send(message)
            finally:
                self.scope = scope
            return
        if kind == "websocket.close":
            self.writable.set()
        await super().send(message)
        if kind == "websocket.close" and self.close_timer is not None:
            self._abort_later()

    def keepalive_timeout(self) -> None:
        self.pong_timer = None
        self.pending_ping_payload = None
        if self.close_sent or self.transport.is_closing():
            return
        self.conn.fail(CloseCode.NOT_RELIABLE, "session not reliable")
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.close_sent = True
        self.queue.put_nowait({"type": "websocket.disconnect", "code": CloseCode.NOT_RELIABLE})
        self._abort_later()

    def _abort_later(self) -> None:
        if self.close_timer is not None:
            self.close_timer.cancel()
        self.close_timer = self.loop.call_later(self.close_timeout, self.transport.abort)
