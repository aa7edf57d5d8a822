"""What all sockets share, held by the application."""

from dataclasses import dataclass, field
from typing import Protocol

from fieldline.api.websocket.limits import SocketLimits
from fieldline.domains.telemetry.service import Telemetry
from fieldline.kit.ids import EntityRef, EntityType
from fieldline.messaging.events import AttributesSaved, EntityChanged, KeysDeleted, ReadingsSaved
from fieldline.rest.services import Services
from fieldline.subscriptions.hub import Hub

OWNERS = {EntityType.USER, EntityType.CUSTOMER, EntityType.TENANT}
"""Entities whose change may end a token."""


class OpenSocket(Protocol):
    """What a socket is told."""

    def entity_changed(self, entity: EntityRef) -> None: ...

    def wake(self) -> None: ...


@dataclass(slots=True)
class Parts:
    """The parts that every socket works with, and the sockets that are open."""

    services: Services
    telemetry: Telemetry
    hub: Hub
    limits: SocketLimits = field(default_factory=SocketLimits)
    sockets: set[OpenSocket] = field(default_factory=set)

    def listen(self) -> None:
        """Have the bus tell the hub what was committed, and the sockets what changed hands."""
        bus, hub = self.services.bus, self.hub
        bus.listen(ReadingsSaved, lambda e: hub.readings(e.entity, e.ts_ms, e.values))
        bus.listen(AttributesSaved, lambda e: hub.attributes(e.entity, e.scope, e.ts_ms, e.values))
        bus.listen(KeysDeleted, lambda e: hub.deleted(e.entity, e.scope, e.keys))
        bus.listen(EntityChanged, self.on_entity_changed)

    def on_entity_changed(self, event: EntityChanged) -> None:
        if self.hub.is_watched(event.entity):
            for socket in tuple(self.sockets):
                socket.entity_changed(event.entity)
        if event.entity.type in OWNERS:
            for socket in tuple(self.sockets):
                socket.wake()
