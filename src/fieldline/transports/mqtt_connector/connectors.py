"""The connectors of all enabled integrations: started, changed and stopped as users say."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from uuid import UUID

from fieldline.ingest.door import Door
from fieldline.ingest.integration import ConnectionState, Integrations, Statistics
from fieldline.kit.errors import FieldlineError, Unavailable
from fieldline.kit.ids import EntityType
from fieldline.messaging.bus import Bus
from fieldline.messaging.events import Change, EntityChanged
from fieldline.protocols.mqtt.inbox import Inbox
from fieldline.transports.mqtt_connector.connector import Connector
from fieldline.transports.mqtt_connector.options import ConnectorOptions

logger = logging.getLogger(__name__)

RETRY_S = 1.0


@dataclass(frozen=True, slots=True)
class ConnectorParts:
    """What the connectors work with; ``now_ms`` is the time."""

    door: Door
    integrations: Integrations
    bus: Bus
    now_ms: Callable[[], int]


class Connectors:
    """See the module's text."""

    def __init__(self, parts: ConnectorParts, options: ConnectorOptions | None = None) -> None:
        self._parts = parts
        self._options = options or ConnectorOptions()
        self._running: dict[UUID, Connector] = {}
        self._stale: dict[UUID, Change] = {}
        self._applying: dict[UUID, asyncio.Task[None]] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._stop_listening: Callable[[], None] | None = None

    def start(self) -> None:
        """Connect every integration that is enabled, and follow changes."""
        self._stop_listening = self._parts.bus.listen(EntityChanged, self._on_entity)
        loop = asyncio.get_running_loop()
        self._tasks = [
            loop.create_task(self._find_all(), name="integrations"),
            loop.create_task(self._save_now_and_then(), name="statistics of integrations"),
        ]

    async def stop(self) -> None:
        """Say good-bye to every broker, and write what was counted."""
        if self._stop_listening is not None:
            self._stop_listening()
        tasks = [*self._tasks, *self._applying.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.gather(*(each.stop() for each in self._running.values()))
        try:
            async with asyncio.timeout(self._options.stop_timeout_s):
                await self._save()
        except (FieldlineError, TimeoutError):
            logger.warning("the statistics of integrations could not be written")
        self._running.clear()

    def live(self, integration_id: UUID) -> tuple[ConnectionState, Statistics] | None:
        """Return how an integration is that runs."""
        connector = self._running.get(integration_id)
        return None if connector is None else (connector.state, connector.settings.statistics)

    def __len__(self) -> int:
        return len(self._running)

    # -- changes ----------------------------------------------------------------------------------

    def _on_entity(self, event: EntityChanged) -> None:
        if event.entity.type is EntityType.INTEGRATION:
            self._apply(event.entity.id, event.change)
        elif event.entity.type is EntityType.TENANT and event.change is Change.DELETED:
            # Those that just start may be the tenant's; they are looked up once more.
            for integration_id in list(self._applying):
                self._apply(integration_id, Change.UPDATED)
            for each in self._running.values():
                if each.settings.tenant_id == event.entity.id:
                    self._apply(each.settings.id, Change.DELETED)

    async def _find_all(self) -> None:
        while True:
            try:
                found = await self._parts.integrations.enabled_ids()
            except Unavailable as error:
                logger.warning("integrations wait to be read: %s", error.message)
                await asyncio.sleep(RETRY_S)
                continue
            for each in found:
                if each not in self._running:
                    self._apply(each, Change.UPDATED)
            return

    def _apply(self, integration_id: UUID, change: Change) -> None:
        """Bring one integration soon to what is stored of it; one task for each at a time."""
        self._stale[integration_id] = change
        if integration_id not in self._applying:
            self._applying[integration_id] = asyncio.get_running_loop().create_task(
                self._apply_all(integration_id), name=f"change of integration {integration_id}"
            )

    async def _apply_all(self, integration_id: UUID) -> None:
        try:
            while (change := self._stale.pop(integration_id, None)) is not None:
                try:
                    await self._apply_once(integration_id, change)
                except Unavailable as error:
                    logger.warning("integration %s waits: %s", integration_id, error.message)
                    await asyncio.sleep(RETRY_S)
                    self._stale.setdefault(integration_id, change)
                except FieldlineError as error:
                    logger.warning("integration %s: %s", integration_id, error.message)
                except Exception:  # the outermost loop of this edge
                    logger.exception("integration %s could not be started", integration_id)
        finally:
            del self._applying[integration_id]

    async def _apply_once(self, integration_id: UUID, change: Change) -> None:
        parts = self._parts
        wanted = None if change is Change.DELETED else await parts.integrations.load(integration_id)
        running = self._running.get(integration_id)
        inbox = Inbox()
        if running is not None:
            old = running.settings
            is_other = wanted is not None and wanted.broker_session != old.broker_session
            try:
                await running.stop(forget=change is Change.DELETED or is_other)
            finally:
                del self._running[integration_id]
            if wanted is not None:
                # The table is behind by what was counted since it was written.
                wanted = replace(wanted, statistics=old.statistics)
                # What the broker sends once more is known, as after any cut. Another user may
                # have another session there, under the same client id.
                if not is_other and wanted.username == old.username:
                    inbox = running.inbox
            elif change is not Change.DELETED:
                await parts.integrations.save({integration_id: old.statistics})
        if wanted is not None:
            connector = Connector(wanted, inbox, parts.door, self._options, parts.now_ms)
            self._running[integration_id] = connector
            connector.start()

    # -- statistics -------------------------------------------------------------------------------

    async def _save_now_and_then(self) -> None:
        while True:
            await asyncio.sleep(self._options.save_s)
            try:
                await self._save()
            except FieldlineError as error:
                logger.debug("the statistics of integrations are not written: %s", error.message)
            except Exception:  # its outermost loop: it must go on
                logger.exception("the statistics of integrations are not written")

    async def _save(self) -> None:
        changed = {
            each.settings.id: each.settings.statistics
            for each in self._running.values()
            if each.settings.statistics.is_changed
        }
        if not changed:
            return
        for statistics in changed.values():
            statistics.is_changed = False
        try:
            await self._parts.integrations.save(changed)
        except BaseException:
            for statistics in changed.values():
                statistics.is_changed = True
            raise
