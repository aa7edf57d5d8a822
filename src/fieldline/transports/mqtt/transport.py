"""Starts and stops the MQTT server."""

import asyncio
import logging
import ssl

from fieldline.ingest.door import Door
from fieldline.kit.clock import Clock, MonotonicClock
from fieldline.kit.errors import Invalid
from fieldline.transports.mqtt.connection import Connection
from fieldline.transports.mqtt.hub import SWEEP_S, Hub
from fieldline.transports.mqtt.options import MqttOptions
from fieldline.transports.mqtt.stats import MqttStats
from fieldline.transports.mqtt.tls import ListenerContext, listener_context, server_context

logger = logging.getLogger(__name__)


class MqttTransport:
    """The MQTT server: a plain listener, a TLS listener, or both.

    Args:
        door: where devices' messages go.
        options: addresses and limits.
        clock: for time-outs only; give a held one in tests.
    """

    def __init__(
        self, door: Door, options: MqttOptions | None = None, clock: Clock | None = None
    ) -> None:
        self.options = options or MqttOptions()
        self._hub = Hub(door, self.options, clock or MonotonicClock())
        self._server: asyncio.Server | None = None
        self._tls_server: asyncio.Server | None = None
        self._sweeping: asyncio.TimerHandle | None = None
        self._context: ListenerContext | None = None
        self._renewing: asyncio.Task[None] | None = None
        self._is_stale = False

    @property
    def stats(self) -> MqttStats:
        return self._hub.stats

    @property
    def connections(self) -> int:
        return len(self._hub)

    @property
    def bound_port(self) -> int | None:
        """Port of the plain listener, None without one."""
        return _port(self._server)

    @property
    def bound_tls_port(self) -> int | None:
        """Port of the TLS listener, None without one."""
        return _port(self._tls_server)

    def connection(self) -> Connection:
        """Return a new connection of this server, for a transport of another kind."""
        return Connection(self._hub)

    async def start(self) -> None:
        """Begin to listen.

        Raises:
            OSError: a port is taken.
            Invalid: a certificate or key file cannot be used.
        """
        options = self.options
        context = None
        if options.tls is not None:
            chains = self._hub.door.chains
            context = self._context = listener_context(options.tls, chains.authorities)
            chains.when_changed(self._renew_soon)
        try:
            if options.port is not None:
                self._server = await self._listen(options.port, None)
            if options.tls is not None:
                self._tls_server = await self._listen(options.tls.port, context)
        except OSError:
            await self.stop()
            raise
        self._sweep()

    async def _listen(self, port: int, context: ssl.SSLContext | None) -> asyncio.Server:
        options = self.options
        server = await asyncio.get_running_loop().create_server(
            self.connection,
            options.host,
            port,
            backlog=options.backlog,
            reuse_port=options.reuse_port or None,
            ssl=context,
            ssl_handshake_timeout=None if context is None else options.connect_timeout_s,
        )
        kind = "MQTT" if context is None else "MQTT over TLS"
        logger.info("%s listens on %s:%d", kind, options.host, _port(server))
        return server

    def _renew_soon(self) -> None:
        """Trust the authorities that there are now, with the next connection."""
        self._is_stale = True
        if self._renewing is None or self._renewing.done():
            self._renewing = asyncio.get_running_loop().create_task(self._renew())

    async def _renew(self) -> None:
        tls, context = self.options.tls, self._context
        while self._is_stale and tls is not None and context is not None:
            self._is_stale = False
            authorities = self._hub.door.chains.authorities
            try:
                context.current = await asyncio.to_thread(server_context, tls, authorities)
            except Invalid as error:
                logger.warning("whom MQTT over TLS trusts stays as it was: %s", error.message)

    def sweep(self) -> None:
        """Close what is overdue now; runs by itself every second."""
        self._hub.sweep()

    def _sweep(self) -> None:
        self._sweeping = asyncio.get_running_loop().call_later(SWEEP_S, self._sweep)
        self._hub.sweep()

    async def stop(self) -> None:
        """Accept no more, let outstanding acknowledgements go out, say good-bye, close."""
        servers = [server for server in (self._server, self._tls_server) if server is not None]
        for server in servers:
            server.close()
        if self._sweeping is not None:
            self._sweeping.cancel()
            self._sweeping = None
        if self._renewing is not None:
            await asyncio.gather(self._renewing, return_exceptions=True)
        await self._hub.drain(self.options.close_timeout_s)
        for server in servers:
            await server.wait_closed()
        self._server = self._tls_server = None


def _port(server: asyncio.Server | None) -> int | None:
    if server is None or not server.sockets:
        return None
    port: int = server.sockets[0].getsockname()[1]
    return port
