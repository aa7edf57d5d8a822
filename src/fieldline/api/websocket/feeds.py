"""Live events of a subscription: what happened, in order, until it can be sent.

Unlike values, events are not coalesced: each is kept, counted by the socket's backlog.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple
from uuid import UUID

from fieldline.api.websocket.live import ENTRY_BYTES, Live, NoValues
from fieldline.api.websocket.outbox import Backlog, Outbox
from fieldline.domains.telemetry.source import Source
from fieldline.kit.ids import EntityRef
from fieldline.kit.values import Value
from fieldline.subscriptions.hub import Hub
from fieldline.subscriptions.topics import Topic, Topics


class Item(NamedTuple):
    """One event as it will be sent."""

    entity: EntityRef
    content: dict[str, Any]
    size_bytes: int = ENTRY_BYTES


Read = Callable[[Any], list[Item]]
"""Makes items of one of the bus's events; none of what the subscription does not want."""
Encode = Callable[[list[dict[str, Any]]], bytes]


class Feed(Live):
    """The events of a topic: of the watched entities, or of all.

    Args:
        hub: tells which of the watched entities changed hands.
        outbox: is marked when there is something to send.
        backlog: counts what is pending.
        topics: tells what happens.
        topic: what is followed.
        tenant_id: whose.
        read: makes items of an event.
        encode: makes a frame of items.
        everything: whether it is not bound to watched entities.
    """

    def __init__(  # noqa: PLR0913 - one call, from the commands
        self,
        hub: Hub,
        outbox: Outbox,
        backlog: Backlog,
        topics: Topics,
        *,
        topic: Topic,
        tenant_id: UUID,
        read: Read,
        encode: Encode,
        everything: bool,
    ) -> None:
        super().__init__(hub, outbox, backlog, NoValues())
        self._topics = topics
        self._topic = (topic, tenant_id)
        self._read = read
        self._encode = encode
        self._everything = everything
        self._pending: list[Item] = []

    @property
    def is_over(self) -> bool:
        return not self._everything and super().is_over

    def watch(self, entities: Iterable[EntityRef]) -> None:
        self._topics.follow(*self._topic, self)
        super().watch(entities)

    def on_event(self, event: Any) -> None:  # noqa: ANN401 - the bus's events of the topic
        for item in self._read(event):
            if self._everything or self.is_watching(item.entity):
                self._pending.append(item)
                self._backlog.add(1, item.size_bytes)
        self._tell()

    def on_readings(self, entity: EntityRef, ts_ms: int, values: Mapping[str, Value]) -> None:
        """Leave readings alone: they come with every entity that is watched."""

    def on_attributes(
        self, entity: EntityRef, scope: str, ts_ms: int, values: Mapping[str, Value]
    ) -> None:
        """Leave attributes alone."""

    def on_deleted(self, entity: EntityRef, scope: str | None, keys: tuple[str, ...]) -> None:
        """Leave keys alone."""

    def take(self) -> bytes | None:
        pending, self._pending = self._pending, []
        if not pending:
            return None
        self._release(pending)
        return self._encode([item.content for item in pending])

    def end(self) -> None:
        self._topics.leave(*self._topic, self)
        super().end()
        pending, self._pending = self._pending, []
        self._release(pending)

    def _has_pending(self) -> bool:
        return bool(self._pending)

    def _discard(self, entity: EntityRef, *, but: Source | None = None) -> None:
        if but is not None:
            return  # Other readings are shown; what happened is told all the same.
        gone = [item for item in self._pending if item.entity == entity]
        self._pending = [item for item in self._pending if item.entity != entity]
        self._release(gone)

    def _release(self, items: Iterable[Item]) -> None:
        sizes = [item.size_bytes for item in items]
        self._backlog.add(-len(sizes), -sum(sizes))
