"""MQTT over WebSocket, on the HTTP port at ``/mqtt``: a browser's way to be a device.

A socket is to a :class:`Connection` what a TCP connection is; packets may begin and end anywhere in
the frames. Source: OASIS MQTT 5.0 section 6.
"""

import asyncio
from collections.abc import Callable
from typing import Any

from fastapi import APIRouter
from starlette.websockets import WebSocket, WebSocketDisconnect

from fieldline.transports.mqtt.connection import Connection

PATH = "/mqtt"
SUBPROTOCOL = "mqtt"
HIGH_WATER = 65_536
"""Bytes that wait to be sent from which on the socket is not read."""
_NORMAL, _PROTOCOL_ERROR, _BAD_DATA = 1000, 1002, 1003


def websocket_router(make_connection: Callable[[], Connection]) -> APIRouter:
    """Return the route at which devices connect."""
    router = APIRouter()

    @router.websocket(PATH)
    async def connect(socket: WebSocket) -> None:
        """Serve a device."""
        if SUBPROTOCOL not in socket.scope["subprotocols"]:
            # [MQTT-6.0.0-3]: the client must name it.
            await socket.accept()
            await socket.close(_PROTOCOL_ERROR, f"The subprotocol must be '{SUBPROTOCOL}'")
            return
        await socket.accept(SUBPROTOCOL)
        await SocketTransport(socket).serve(make_connection())

    return router


class SocketTransport(asyncio.Transport):
    """A WebSocket as asyncio's protocols know a transport."""

    def __init__(self, socket: WebSocket) -> None:
        super().__init__({"peername": socket.client and tuple(socket.client)})
        self._socket = socket
        self._out = bytearray()
        self._has_data = asyncio.Event()
        self._may_read = asyncio.Event()
        self._may_read.set()
        self._is_closing = False
        self._is_paused = False
        self._connection: Connection
        self._tasks: tuple[asyncio.Task[None], ...] = ()

    async def serve(self, connection: Connection) -> None:
        """Carry bytes both ways until one side closes."""
        self._connection = connection
        loop = asyncio.get_running_loop()
        self._tasks = (loop.create_task(self._receive()), loop.create_task(self._send()))
        try:
            connection.connection_made(self)
            await asyncio.wait(self._tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._is_closing = True
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            connection.connection_lost(None)

    async def _receive(self) -> None:
        while True:
            await self._may_read.wait()
            try:
                message = await self._socket.receive()
            except (WebSocketDisconnect, RuntimeError):
                return
            if message["type"] == "websocket.disconnect":
                return
            data = message.get("bytes")
            if data is None:
                # [MQTT-6.0.0-1]: packets come in binary frames.
                await self._socket.close(_BAD_DATA, "MQTT comes in binary frames")
                return
            self._connection.data_received(data)

    async def _send(self) -> None:
        while self._out or not self._is_closing:
            if not self._out:
                self._has_data.clear()
                await self._has_data.wait()
                continue
            data = bytes(self._out)
            self._out.clear()
            try:
                await self._socket.send_bytes(data)
            except (WebSocketDisconnect, RuntimeError):
                return
            if self._is_paused and len(self._out) <= HIGH_WATER // 2:
                self._is_paused = False
                self._connection.resume_writing()
        await self._socket.close(_NORMAL)

    def write(self, data: Any) -> None:  # noqa: ANN401 - any buffer
        self._out += data
        self._has_data.set()
        if not self._is_paused and len(self._out) > HIGH_WATER:
            self._is_paused = True
            self._connection.pause_writing()

    def get_write_buffer_size(self) -> int:
        return len(self._out)

    def can_write_eof(self) -> bool:
        return False

    def pause_reading(self) -> None:
        self._may_read.clear()

    def resume_reading(self) -> None:
        self._may_read.set()

    def is_closing(self) -> bool:
        return self._is_closing

    def close(self) -> None:
        """Close once what was written is sent."""
        self._is_closing = True
        self._has_data.set()

    def abort(self) -> None:
        """Close at once."""
        self._is_closing = True
        self._out.clear()
        for task in self._tasks:
            task.cancel()
