"""One integration: connects, and connects again, until it is stopped."""

import asyncio
import logging
import ssl
from collections.abc import Callable

from fieldline.ingest.door import Door
from fieldline.ingest.integration import ConnectionState, ConnectorSettings, Intake
from fieldline.kit.errors import Invalid
from fieldline.protocols.mqtt.client import ClientOptions, ClientSession
from fieldline.protocols.mqtt.inbox import Inbox
from fieldline.protocols.mqtt.packets import MQTT_5, MQTT_311, Connect, Subscription
from fieldline.protocols.mqtt.properties import Properties
from fieldline.transports.mqtt_connector.backoff import Backoff
from fieldline.transports.mqtt_connector.connection import BrokerConnection
from fieldline.transports.mqtt_connector.feed import Feed
from fieldline.transports.mqtt_connector.options import ConnectorOptions

logger = logging.getLogger(__name__)

TICK_S = 1.0
MAX_PACKET_BYTES = 16 * 1024 * 1024
"""A larger packet ends the connection; one that is larger than a converter takes is a failure."""
_NEW_SUBSCRIPTION_ONLY = 1
"""Retain handling: retained messages come with a subscription only when that is new."""


class Connector:
    """See the module's text.

    Args:
        settings: of the integration.
        inbox: what is known of the session at the broker; a new one, or that of the connector that
            had the session before.
        door: where the messages go.
        options: how long to wait.
        now_ms: the time.

    Attributes:
        settings: the same.
        inbox: the same.
        state: how the connection is.
    """

    def __init__(
        self,
        settings: ConnectorSettings,
        inbox: Inbox,
        door: Door,
        options: ConnectorOptions,
        now_ms: Callable[[], int],
    ) -> None:
        self.settings = settings
        self.inbox = inbox
        self.state = ConnectionState.CONNECTING
        self._options = options
        self._now_ms = now_ms
        intake = Intake(door, settings.tenant_id, settings.statistics, now_ms)
        self._feed = Feed(settings, intake, inbox, now_ms)
        self._backoff = Backoff(options.first_retry_s, options.max_retry_s)
        self._connection: BrokerConnection | None = None
        self._is_stopping = False
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.get_running_loop().create_task(
            self._run(), name=f"integration {self.settings.id}"
        )

    async def stop(self, *, forget: bool = False) -> None:
        """Finish what is on its way, if that is quick, and say good-bye.

        ``forget``: the broker is to keep nothing for this client.
        """
        self._is_stopping = True
        connection = self._connection
        if connection is not None:
            timeout_s, loop = self._options.stop_timeout_s, asyncio.get_running_loop()
            deadline = loop.time() + timeout_s
            connection.pause()
            if not await self._feed.idle(timeout_s):
                logger.warning(
                    "integration '%s' stops before all is stored; the broker sends it again",
                    self.settings.name,
                )
            connection.close(forget=forget)
            # Only a broker that closes has read the last answers.
            left_s = max(deadline - loop.time(), TICK_S)
            closed, _ = await asyncio.wait({connection.lost}, timeout=left_s)
            if not closed:
                logger.warning(
                    "the broker of integration '%s' does not close the connection; "
                    "what it has not read the answer to, it sends again",
                    self.settings.name,
                )
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await self._feed.stop()

    async def _run(self) -> None:
        while not self._is_stopping:
            self.state = ConnectionState.CONNECTING
            began = asyncio.get_running_loop().time()
            try:
                reason = await self._connect()
            except Exception as error:  # the outermost loop of this edge
                logger.exception("integration '%s' failed", self.settings.name)
                reason = f"internal error: {type(error).__name__}"
            if reason is None or self._is_stopping:  # it was closed here
                return
            self.settings.statistics.note_error(reason, self._now_ms())
            was_ready = self.state is ConnectionState.CONNECTED
            self.state = ConnectionState.WAITING
            held_s = asyncio.get_running_loop().time() - began
            if was_ready and held_s >= self._options.stable_s:
                self._backoff.reset()
            wait_s = self._backoff.next_s()
            logger.warning(
                "integration '%s' (%s) tries again in %.1f s: %s",
                self.settings.name,
                self.settings.id,
                wait_s,
                reason,
            )
            await asyncio.sleep(wait_s)

    async def _connect(self) -> str | None:
        """Keep one connection; returns why it is over."""
        settings = self.settings
        try:
            async with asyncio.timeout(self._options.connect_timeout_s):
                connection = await self._open()
        except Invalid as error:
            return error.message
        except ssl.SSLCertVerificationError as error:
            return f"the broker's certificate is refused: {error.verify_message}"
        except TimeoutError:
            return f"{settings.host}:{settings.port} did not answer in time"
        except (OSError, UnicodeError) as error:
            return f"cannot connect to {settings.host}:{settings.port}: {error}"
        self._connection = connection
        try:
            while not connection.lost.done():
                await asyncio.wait({connection.lost}, timeout=TICK_S)
                connection.tick()
            return connection.lost.result()
        finally:
            self._connection = None
            connection.abort()

    async def _open(self) -> BrokerConnection:
        """Open a connection to the first address of the broker that answers."""
        settings, loop = self.settings, asyncio.get_running_loop()

        def made() -> BrokerConnection:
            return BrokerConnection(self._client_options(), self._feed, self._now_ms, self._ready)

        async def connect(address: str) -> BrokerConnection:
            _, connection = await loop.create_connection(
                made,
                address,
                settings.port,
                ssl=settings.tls,
                server_hostname=settings.host if settings.tls is not None else None,
            )
            return connection

        *others, last = await self._options.outbound.addresses(settings.host, settings.port)
        for address in others:
            try:
                return await connect(address)
            except ssl.SSLError:
                raise  # it is there, and says more than the last address might
            except OSError:
                continue
        return await connect(last)

    def _ready(self, session: ClientSession) -> None:
        self.state = ConnectionState.CONNECTED
        logger.info(
            "integration '%s' is connected to %s:%d",
            self.settings.name,
            self.settings.host,
            self.settings.port,
        )
        if session.refused:
            filters = ", ".join(f"'{name}' ({why})" for name, why in session.refused.items())
            text = f"the broker refused the topic filters {filters}"
            self.settings.statistics.note_error(text, self._now_ms())

    def _client_options(self) -> ClientOptions:
        settings = self.settings
        configuration = settings.configuration
        is_5 = configuration.protocol_version == "5"
        properties = Properties()
        if is_5:
            properties = Properties(
                session_expiry_interval=configuration.session_expiry_seconds,
                receive_maximum=configuration.max_in_flight,
                maximum_packet_size=MAX_PACKET_BYTES,
            )
        password = settings.password
        connect = Connect(
            client_id=settings.client_id,
            version=MQTT_5 if is_5 else MQTT_311,
            clean_start=False,
            keep_alive_s=configuration.keep_alive_seconds,
            username=settings.username,
            password=None if password is None else password.encode(),
            properties=properties,
        )
        subscriptions = tuple(
            Subscription(
                each.filter, each.qos, retain_handling=_NEW_SUBSCRIPTION_ONLY if is_5 else 0
            )
            for each in configuration.topic_filters
        )
        return ClientOptions(
            connect, subscriptions, settings.former_filters, max_packet_bytes=MAX_PACKET_BYTES
        )
