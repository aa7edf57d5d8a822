"""What all sockets share, held by the application."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Protocol

from fieldline.api.websocket.closing import Close, CloseCode
from fieldline.api.websocket.limits import SocketLimits
from fieldline.api.websocket.quotas import Quota, quotas_of
from fieldline.domains.event.events import EventsStored
from fieldline.domains.telemetry.service import Telemetry
from fieldline.domains.tenant_profile import service as tenant_profile_service
from fieldline.kit.ids import EntityRef, EntityType
from fieldline.messaging.events import (
    AttributesSaved,
    EntityChanged,
    KeysDeleted,
    PresenceChanged,
    ReadingsSaved,
    TokensRevoked,
)
from fieldline.rest.services import Services
from fieldline.security.caller import Caller
from fieldline.subscriptions.hub import Hub
from fieldline.subscriptions.topics import Topic, Topics


class OpenSocket(Protocol):
    """What a socket is told and asked."""

    @property
    def caller(self) -> Caller | None:
        """Who is behind it; None while that is not known."""

    @property
    def v1_subscriptions(self) -> int:
        """How many ATTRIBUTES and TIMESERIES subscriptions it has."""

    def entity_changed(self, entity: EntityRef) -> None: ...

    def wake(self) -> None: ...


@dataclass(slots=True)
class Parts:
    """The parts that every socket works with, and the sockets that are open."""

    services: Services
    telemetry: Telemetry
    hub: Hub
    limits: SocketLimits = field(default_factory=SocketLimits)
    topics: Topics = field(default_factory=Topics)
    sockets: set[OpenSocket] = field(default_factory=set)

    def listen(self) -> None:
        """Have the bus tell the hub what was committed, and the sockets what changed hands.

        ``Tokens`` listens before (``domains/revocation``), so that a socket which looks at its
        token finds it outdated.
        """
        bus, hub, topics = self.services.bus, self.hub, self.topics
        bus.listen(ReadingsSaved, lambda e: hub.readings(e.readings))
        bus.listen(AttributesSaved, lambda e: hub.attributes(e.entity, e.scope, e.ts_ms, e.values))
        bus.listen(KeysDeleted, lambda e: hub.deleted(e.entity, e.scope, e.keys))
        bus.listen(EntityChanged, self.on_entity_changed)
        bus.listen(PresenceChanged, lambda e: topics.tell(Topic.PRESENCE, e.tenant_id, e))
        bus.listen(EventsStored, lambda e: topics.tell(Topic.RULE_EVENTS, e.tenant_id, e))
        bus.listen(TokensRevoked, self.on_tokens_revoked)

    async def quotas_of(self, caller: Caller) -> list[Quota]:
        """Return the limits that a caller is under."""
        if caller.tenant_id is None:
            return []
        async with self.services.database.read() as session:
            configuration = await tenant_profile_service.configuration(session, caller.tenant_id)
        return quotas_of(caller, configuration)

    def refuse_session_over(self, quotas: Iterable[Quota]) -> None:
        """Close a socket that would be one too many.

        Raises:
            Close: the limit is reached without it.
        """
        for quota in quotas:
            if quota.sessions and len(self._counted(quota)) >= quota.sessions:
                raise Close(CloseCode.POLICY, quota.text("sessions"))

    def refuse_subscription_over(self, quotas: Iterable[Quota]) -> None:
        """Close a socket that asks for one subscription too many.

        Raises:
            Close: the limit is reached without it.
        """
        for quota in quotas:
            if not quota.subscriptions:
                continue
            count = sum(socket.v1_subscriptions for socket in self._counted(quota))
            if count >= quota.subscriptions:
                raise Close(CloseCode.POLICY, quota.text("subscriptions"))

    def _counted(self, quota: Quota) -> list[OpenSocket]:
        return [
            socket
            for socket in self.sockets
            if (caller := socket.caller) is not None and quota.counts(caller)
        ]

    def on_entity_changed(self, event: EntityChanged) -> None:
        if event.entity.type is EntityType.ALARM and event.tenant_id is not None:
            self.topics.tell(Topic.ALARMS, event.tenant_id, event)
        if self.hub.is_watched(event.entity):
            for socket in tuple(self.sockets):
                socket.entity_changed(event.entity)

    def on_tokens_revoked(self, _event: TokensRevoked) -> None:
        """Have every socket look at its token: of a log-out, say, only the session is known."""
        for socket in tuple(self.sockets):
            socket.wake()
