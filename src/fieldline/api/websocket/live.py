"""Live values of subscriptions: what to keep of what the hub tells, until it can be sent.

A subscription watches before it reads the store and is *held* until its first reply is posted, so
that nothing committed meanwhile is lost; what the reply already showed is then dropped.
:class:`LatestValues` keeps one value per key, so a slow reader misses steps but never the end;
:class:`EveryPoint` keeps all points, counted by the socket's backlog.
"""

from collections.abc import Callable, Hashable, Iterable, Mapping
from typing import Protocol

from fieldline.api.websocket.outbox import Backlog, Outbox
from fieldline.api.websocket.updates import DELETED, Shown
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


class NoValues:
    """Selects no reading and no attribute."""

    def of_reading(self, _key: str) -> tuple[str, ...]:
        return ()

    def of_attribute(self, _scope: str, _key: str) -> tuple[str, ...]:
        return ()


class Live:
    """What both kinds share: watching, being held, marking the outbox."""

    def __init__(self, hub: Hub, outbox: Outbox, backlog: Backlog, selection: Selection) -> None:
        self._hub = hub
        self._outbox = outbox
        self._backlog = backlog
        self._selection = selection
        self._entities: dict[EntityRef, None] = {}
        self._holds = 1

    @property
    def entities(self) -> list[EntityRef]:
        """What is watched."""
        return list(self._entities)

    @property
    def is_over(self) -> bool:
        """Whether there is nothing left to watch."""
        return not self._entities

    def is_watching(self, entity: EntityRef) -> bool:
        return entity in self._entities

    def watch(self, entities: Iterable[EntityRef]) -> None:
        """Watch these entities, keeping what comes until :meth:`let_go`."""
        for entity in entities:
            self._entities[entity] = None
            self._hub.watch(entity, self)

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
        self._hub.unwatch(entity, self)
        self._entities.pop(entity, None)
        self._discard(entity)

    def end(self) -> None:
        """Stop watching everything."""
        self._outbox.forget(self)
        for entity in tuple(self._entities):
            self.drop(entity)

    def take(self) -> bytes | None:
        raise NotImplementedError

    def on_readings(self, entity: EntityRef, ts_ms: int, values: Mapping[str, Value]) -> None:
        for key, value in values.items():
            for slot in self._selection.of_reading(key):
                self._keep((entity, slot), (ts_ms, value))
        self._tell()

    def on_attributes(
        self, entity: EntityRef, scope: str, ts_ms: int, values: Mapping[str, Value]
    ) -> None:
        for key, value in values.items():
            for slot in self._selection.of_attribute(scope, key):
                self._keep((entity, slot), (ts_ms, value))
        self._tell()

    def on_deleted(self, entity: EntityRef, scope: str | None, keys: tuple[str, ...]) -> None:
        for key in keys:
            slots = (
                self._selection.of_reading(key)
                if scope is None
                else self._selection.of_attribute(scope, key)
            )
            for slot in slots:
                self._keep_deleted((entity, slot))
        self._tell()

    def _tell(self) -> None:
        if not self._holds and self._has_pending():
            self._outbox.mark(self)

    def _has_pending(self) -> bool:
        raise NotImplementedError

    def _keep(self, place: Place, shown: Shown) -> None:
        raise NotImplementedError

    def _keep_deleted(self, place: Place) -> None:
        raise NotImplementedError

    def _discard(self, entity: EntityRef) -> None:
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

    def _discard(self, entity: EntityRef) -> None:
        gone = {place: shown for place, shown in self._pending.items() if place[0] == entity}
        self._release(gone)
        for place in gone:
            del self._pending[place]
        for place in [place for place in self._known if place[0] == entity]:
            del self._known[place]

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

    def _discard(self, entity: EntityRef) -> None:
        for place in [place for place in self._pending if place[0] == entity]:
            self._release(self._pending.pop(place))
        for place in [place for place in self._last if place[0] == entity]:
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
