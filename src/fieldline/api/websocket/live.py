"""Live values of subscriptions: what to keep of what the hub tells, until it can be sent.

A subscription watches before it reads the store and is *held* until its first reply is posted, so
that nothing committed meanwhile is lost; what the reply already showed is then dropped. Where the
readings of an entity view come from, and which it shows, is looked up while it is watched already
(:meth:`Live.follow`); until then it shows none.
:class:`LatestValues` keeps one value per key, so a slow reader misses steps but never the end;
:class:`EveryPoint` keeps all points, counted by the socket's backlog.
"""

from collections.abc import Callable, Hashable, Iterable, Mapping
from typing import Protocol

from fieldline.api.websocket.outbox import Backlog, Outbox
from fieldline.api.websocket.updates import DELETED, Shown
from fieldline.domains.telemetry.source import Source, source_before_look
from fieldline.kit.ids import EntityRef
from fieldline.kit.values import Value
from fieldline.subscriptions.hub import Hub

ENTRY_BYTES = 64
"""What a pending number counts for; a text counts its length more."""

Slot = Hashable
"""What a selection calls one value of an entity: a key, or a key with its type."""
Place = tuple[EntityRef, Slot]


class Selection(Protocol):
    """Which values of an entity a subscription wants."""

    def of_reading(self, key: str) -> Iterable[Slot]:
        """Return the slots that a reading's key goes to."""

    def of_attribute(self, scope: str, key: str) -> Iterable[Slot]:
        """Return the slots that an attribute goes to."""

    def reading_of(self, slot: Slot) -> str | None:
        """Return the key of the readings that go to a slot; None for a slot of attributes."""


class NoValues:
    """Selects no reading and no attribute."""

    def of_reading(self, _key: str) -> tuple[str, ...]:
        return ()

    def of_attribute(self, _scope: str, _key: str) -> tuple[str, ...]:
        return ()

    def reading_of(self, _slot: Slot) -> None:
        return None


class Live:
    """What both kinds share: watching, being held, marking the outbox."""

    def __init__(self, hub: Hub, outbox: Outbox, backlog: Backlog, selection: Selection) -> None:
        self._hub = hub
        self._outbox = outbox
        self._backlog = backlog
        self._selection = selection
        self._sources: dict[EntityRef, Source] = {}
        self._readers: dict[EntityRef, list[EntityRef]] = {}
        self._holds = 1

    @property
    def entities(self) -> list[EntityRef]:
        """What is watched."""
        return list(self._sources)

    @property
    def is_over(self) -> bool:
        """Whether there is nothing left to watch."""
        return not self._sources

    def is_watching(self, entity: EntityRef) -> bool:
        return entity in self._sources

    def watch(self, entities: Iterable[EntityRef]) -> None:
        """Watch these entities, keeping what comes until :meth:`let_go`."""
        for entity in entities:
            self.follow(entity, source_before_look(entity))

    def follow(self, entity: EntityRef, source: Source) -> None:
        """Watch one entity, its readings at this source; what waits and is not shown is dropped."""
        former = self._sources.get(entity)
        if former == source:
            return
        if former is not None:
            self._leave(entity, former)
        self._sources[entity] = source
        self._readers.setdefault(source.entity, []).append(entity)
        self._hub.watch(entity, self)
        self._hub.watch(source.entity, self)
        if former is not None:
            self._discard(entity, but=source)

    def hold(self) -> None:
        """Send nothing until :meth:`let_go` was called once more, but keep what comes."""
        self._holds += 1
        self._outbox.forget(self)

    def let_go(self) -> None:
        """End one hold; after the last one send what was kept, and from now on what comes."""
        self._holds -= 1
        self._tell()

    def drop(self, entity: EntityRef) -> None:
        """Stop watching one entity, and forget what is pending of it."""
        source = self._sources.pop(entity, None)
        if source is not None:
            self._leave(entity, source)
        self._discard(entity)

    def end(self) -> None:
        """Stop watching everything."""
        self._outbox.forget(self)
        for entity in tuple(self._sources):
            self.drop(entity)

    def take(self) -> bytes | None:
        raise NotImplementedError

    def on_readings(self, entity: EntityRef, ts_ms: int, values: Mapping[str, Value]) -> None:
        for reader in self._readers.get(entity, ()):
            source = self._sources[reader]
            if not source.start_ms <= ts_ms <= source.end_ms:
                continue
            shown = source.keys
            for key, value in values.items():
                if shown is None or key in shown:  # no call per key: most sources show all
                    for slot in self._selection.of_reading(key):
                        self._keep((reader, slot), (ts_ms, value))
        self._tell()

    def on_attributes(
        self, entity: EntityRef, scope: str, ts_ms: int, values: Mapping[str, Value]
    ) -> None:
        if entity not in self._sources:
            return  # only a view of it is watched, which has attributes of its own
        for key, value in values.items():
            for slot in self._selection.of_attribute(scope, key):
                self._keep((entity, slot), (ts_ms, value))
        self._tell()

    def on_deleted(self, entity: EntityRef, scope: str | None, keys: tuple[str, ...]) -> None:
        if scope is None:
            self._keep_deleted_readings(entity, keys)
        elif entity in self._sources:
            for key in keys:
                for slot in self._selection.of_attribute(scope, key):
                    self._keep_deleted((entity, slot))
        self._tell()

    def _keep_deleted_readings(self, entity: EntityRef, keys: tuple[str, ...]) -> None:
        for reader in self._readers.get(entity, ()):
            source = self._sources[reader]
            for key in filter(source.shows_key, keys):
                for slot in self._selection.of_reading(key):
                    self._keep_deleted((reader, slot))

    def _leave(self, entity: EntityRef, source: Source) -> None:
        """Stop watching what only this entity's readings need, and the entity itself."""
        readers = self._readers[source.entity]
        readers.remove(entity)
        if not readers:
            del self._readers[source.entity]
        for watched in (entity, source.entity):
            if watched not in self._sources and watched not in self._readers:
                self._hub.unwatch(watched, self)

    def _is_hidden(self, slot: Slot, shown: Shown, source: Source | None) -> bool:
        """Return whether a value is not to be shown: a reading that the source does not show."""
        if source is None:
            return True
        key = self._selection.reading_of(slot)
        return key is not None and shown != DELETED and not source.shows(key, shown[0])

    def _tell(self) -> None:
        if not self._holds and self._has_pending():
            self._outbox.mark(self)

    def _has_pending(self) -> bool:
        raise NotImplementedError

    def _keep(self, place: Place, shown: Shown) -> None:
        raise NotImplementedError

    def _keep_deleted(self, place: Place) -> None:
        raise NotImplementedError

    def _discard(self, entity: EntityRef, *, but: Source | None = None) -> None:
        """Forget what is kept of an entity, but what this source shows."""
        raise NotImplementedError


class LatestValues(Live):
    """The newest value of each slot; older and unchanged ones are not sent.

    Args:
        hub: tells what is committed.
        outbox: is marked when there is something to send.
        backlog: counts what is pending.
        selection: which values are wanted.
        encode: makes a frame of the changed values.
    """

    def __init__(
        self,
        hub: Hub,
        outbox: Outbox,
        backlog: Backlog,
        selection: Selection,
        encode: Callable[[dict[Place, Shown]], bytes],
    ) -> None:
        super().__init__(hub, outbox, backlog, selection)
        self._encode = encode
        self._known: dict[Place, Shown] = {}
        self._pending: dict[Place, Shown] = {}

    def shown(self, values: Mapping[Place, Shown]) -> None:
        """Note what the reply shows, which need not be sent again."""
        for place, (ts_ms, value) in values.items():
            pending = self._pending.get(place)
            if value is None or pending == DELETED:
                continue
            shown = (ts_ms, value)
            if pending is None:
                self._known[place] = shown
            elif not _is_news(pending, shown):
                self._known[place] = shown
                del self._pending[place]
                self._backlog.add(-1, -_size(pending))

    def take(self) -> bytes | None:
        pending, self._pending = self._pending, {}
        if not pending:
            return None
        self._release(pending)
        return self._encode(pending)

    def _has_pending(self) -> bool:
        return bool(self._pending)

    def _keep(self, place: Place, shown: Shown) -> None:
        known = self._known.get(place)
        if known is not None and not _is_news(shown, known):
            return
        self._known[place] = shown
        self._put(place, shown)

    def _keep_deleted(self, place: Place) -> None:
        self._known.pop(place, None)
        self._put(place, DELETED)

    def _put(self, place: Place, shown: Shown) -> None:
        before = self._pending.get(place)
        self._pending[place] = shown
        if before is None:
            self._backlog.add(1, _size(shown))
        else:
            self._backlog.add(0, _size(shown) - _size(before))

    def _discard(self, entity: EntityRef, *, but: Source | None = None) -> None:
        gone = self._hidden(self._pending, entity, but)
        self._release(gone)
        for place in gone:
            del self._pending[place]
        for place in self._hidden(self._known, entity, but):
            del self._known[place]

    def _hidden(
        self, values: Mapping[Place, Shown], entity: EntityRef, source: Source | None
    ) -> dict[Place, Shown]:
        return {
            place: shown
            for place, shown in values.items()
            if place[0] == entity and self._is_hidden(place[1], shown, source)
        }

    def _release(self, pending: Mapping[Place, Shown]) -> None:
        self._backlog.add(-len(pending), -sum(_size(shown) for shown in pending.values()))


class EveryPoint(Live):
    """Every point of each slot, late ones too; only exact repetitions are not sent.

    Args:
        hub: tells what is committed.
        outbox: is marked when there is something to send.
        backlog: counts what is pending.
        selection: which values are wanted.
        encode: makes a frame of the new points.
    """

    def __init__(
        self,
        hub: Hub,
        outbox: Outbox,
        backlog: Backlog,
        selection: Selection,
        encode: Callable[[dict[Place, list[Shown]]], bytes],
    ) -> None:
        super().__init__(hub, outbox, backlog, selection)
        self._encode = encode
        self._last: dict[Place, Shown] = {}
        self._pending: dict[Place, list[Shown]] = {}

    def shown(self, values: Mapping[Place, Iterable[Shown]]) -> None:
        """Note what the reply shows, which need not be sent again."""
        for place, points in values.items():
            known = set(points)
            pending = self._pending.pop(place, [])
            left = [point for point in pending if point not in known]
            self._release([point for point in pending if point in known])
            if left:
                self._pending[place] = left
            elif known:
                self._last[place] = max(known, key=_time)

    def take(self) -> bytes | None:
        pending, self._pending = self._pending, {}
        if not pending:
            return None
        for points in pending.values():
            self._release(points)
        return self._encode(pending)

    def _has_pending(self) -> bool:
        return bool(self._pending)

    def _keep(self, place: Place, shown: Shown) -> None:
        if self._last.get(place) == shown:
            return
        self._last[place] = shown
        self._put(place, shown)

    def _keep_deleted(self, place: Place) -> None:
        self._last.pop(place, None)
        self._put(place, DELETED)

    def _put(self, place: Place, shown: Shown) -> None:
        self._pending.setdefault(place, []).append(shown)
        self._backlog.add(1, _size(shown))

    def _discard(self, entity: EntityRef, *, but: Source | None = None) -> None:
        for place in [place for place in self._pending if place[0] == entity]:
            points = self._pending.pop(place)
            self._release([point for point in points if self._is_hidden(place[1], point, but)])
            left = [point for point in points if not self._is_hidden(place[1], point, but)]
            if left:
                self._pending[place] = left
        for place in [place for place in self._last if place[0] == entity]:
            if self._is_hidden(place[1], self._last[place], but):
                del self._last[place]

    def _release(self, points: list[Shown]) -> None:
        self._backlog.add(-len(points), -sum(map(_size, points)))


def _is_news(shown: Shown, known: Shown) -> bool:
    return shown[0] >= known[0] and shown != known


def _size(shown: Shown) -> int:
    value = shown[1]
    return ENTRY_BYTES + (len(value) if isinstance(value, str) else 0)


def _time(shown: Shown) -> int:
    return shown[0]
