"""A real uvicorn server on a port of its own, in the test's event loop, and a client of it."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Protocol

import uvicorn
from fastapi import FastAPI
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from fieldline.api.websocket.protocol import UVICORN_OPTIONS, SocketProtocol
from fieldline.security.caller import Caller
from tests.domains.telemetry.platform import Json, Platform
from tests.waiting import until

TIMEOUT_S = 20
SMALL_BUFFER = 8_192


class Served(Protocol):
    """Whatever has an application to serve."""

    app: FastAPI


class Client:
    """A WebSocket client that speaks JSON."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection

    async def send(self, frame: Json) -> None:
        await self.connection.send(frame if isinstance(frame, str) else json.dumps(frame))

    async def receive(self) -> Json:
        async with asyncio.timeout(TIMEOUT_S):
            return json.loads(await self.connection.recv())

    async def ask(self, frame: Json) -> Json:
        await self.send(frame)
        return await self.receive()

    async def closed(self) -> tuple[int, str]:
        """Read until the server closes; returns its code and reason."""
        async with asyncio.timeout(TIMEOUT_S):
            with suppress(ConnectionClosed):
                while True:
                    await self.connection.recv()
            await self.connection.wait_closed()
        assert self.connection.close_code is not None
        return self.connection.close_code, self.connection.close_reason or ""


@asynccontextmanager
async def serving(
    platform: Served, *, log_level: str = "warning", **options: Json
) -> AsyncIterator[int]:
    """Serve the platform with small socket buffers; gives the port."""
    config = uvicorn.Config(
        platform.app,
        log_level=log_level,
        lifespan="off",
        ws=SocketProtocol,
        **(UVICORN_OPTIONS | options),
    )
    server = uvicorn.Server(config)
    listener = socket.create_server(("127.0.0.1", 0))
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SMALL_BUFFER)
    port = listener.getsockname()[1]
    task = asyncio.create_task(server.serve([listener]))
    await until(lambda: server.started)
    try:
        yield port
    finally:
        server.should_exit = True
        await task
        listener.close()


@asynccontextmanager
async def connected(
    port: int, path: str = "/api/ws", *, token: str | None = None, **options: Json
) -> AsyncIterator[Client]:
    url = f"ws://127.0.0.1:{port}{path}" + (f"?token={token}" if token is not None else "")
    async with connect(url, max_size=None, compression=None, **options) as connection:
        yield Client(connection)


@asynccontextmanager
async def connected_slowly(port: int, token: str) -> AsyncIterator[Client]:
    """Connect a client that reads only when it is asked to, through small buffers."""
    narrow = socket.socket()
    narrow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL_BUFFER)
    narrow.setblocking(False)
    await asyncio.get_running_loop().sock_connect(narrow, ("127.0.0.1", port))
    async with connected(port, token=token, sock=narrow, max_queue=1) as client:
        yield client


@asynccontextmanager
async def watching(
    platform: Platform, caller: Caller, path: str = "/api/ws", **options: Json
) -> AsyncIterator[Client]:
    """Serve the platform and connect as a caller."""
    async with (
        serving(platform, **options) as port,
        connected(port, path, token=platform.token(caller)) as client,
    ):
        yield client
