"""Runs the platform: binds the ports, serves until a signal, then drains and stops."""

import asyncio
import gc
import signal
import socket
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import uvicorn

from fieldline.api.http_protocol import HttpProtocol
from fieldline.api.websocket.protocol import UVICORN_OPTIONS, SocketProtocol
from fieldline.app.platform import Platform, open_platform
from fieldline.kit.clock import Clock
from fieldline.kit.errors import Invalid, Unavailable
from fieldline.settings import Settings

BACKLOG = 2_048
"""Connections that may wait to be accepted."""
DRAIN_S = 10
"""How long a stop waits for HTTP requests that are under way."""


async def run_server(settings: Settings, *, demo: bool) -> None:
    """Serve until SIGINT or SIGTERM.

    Raises:
        Unavailable: a port is taken, the data folder cannot be written, the database is away.
        Invalid: a certificate or key cannot be used.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    async with serving(settings, demo=demo):
        _say(f"Fieldline is ready: {settings.public_url}")
        await stop.wait()
        _say("Fieldline is stopping.")


@asynccontextmanager
async def serving(
    settings: Settings, *, demo: bool, clock: Clock | None = None
) -> AsyncIterator[Platform]:
    """Serve while the block runs; ``clock`` is the machine's unless another one is given."""
    with _listen(settings.http_bind_address, settings.http_bind_port, "HTTP_BIND_PORT") as sock:
        async with open_platform(settings, demo=demo, clock=clock) as platform:
            if platform.first_password is not None:
                _say(f"System administrator: {platform.administrator}")
                _say(f"Password (shown only this once): {platform.first_password}")
            server = _Server(_http_config(settings, platform))
            task = asyncio.create_task(server.serve(sockets=[sock]), name="http")
            try:
                await _started(server, task)
                # What was made until now stays: the collector need never look at it again.
                gc.freeze()
                gc.enable()
                platform.is_ready = True
                yield platform
            finally:
                platform.is_ready = False
                platform.end_waiting()
                server.should_exit = True
                await task


class _Server(uvicorn.Server):
    """Uvicorn beside the other servers of the process, which has its own signal handlers."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _http_config(settings: Settings, platform: Platform) -> uvicorn.Config:
    """Return how HTTP is served, with certificate and key read.

    Raises:
        Invalid: they cannot be used; the text names their variables.
    """
    config = uvicorn.Config(
        platform.app,
        loop="none",
        http=HttpProtocol,
        ws=SocketProtocol,
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=DRAIN_S,
        ssl_certfile=_path(settings.http_ssl_certificate) if settings.http_ssl_enabled else None,
        ssl_keyfile=_path(settings.http_ssl_key) if settings.http_ssl_enabled else None,
        **UVICORN_OPTIONS,
    )
    try:
        config.load()
    except OSError as error:  # ssl.SSLError is one
        msg = (
            f"HTTP_SSL_CERTIFICATE={settings.http_ssl_certificate} and "
            f"HTTP_SSL_KEY={settings.http_ssl_key} cannot be used ({error}); they must be PEM "
            "files of a certificate chain and of its private key"
        )
        raise Invalid(msg) from error
    return config


async def _started(server: uvicorn.Server, task: asyncio.Task[None]) -> None:
    while not server.started:
        if task.done():
            await task
            msg = "The HTTP server ended while it was starting"
            raise Unavailable(msg)
        await asyncio.sleep(0.005)


@contextmanager
def _listen(address: str, port: int, variable: str) -> Iterator[socket.socket]:
    """Bind a TCP port, so that a taken one is known before anything else starts.

    Raises:
        Unavailable: it is taken or may not be used; the text names the variable.
    """
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family) as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            sock.bind((address, port))
            sock.listen(BACKLOG)
        except OSError as error:
            msg = f"{variable}={port}: cannot listen on {address}:{port} ({error.strerror})"
            raise Unavailable(msg) from error
        sock.setblocking(False)  # noqa: FBT003 - the standard library's signature
        yield sock


def _path(path: Path | None) -> str | None:
    return str(path) if path is not None else None


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
