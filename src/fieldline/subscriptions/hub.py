"""Who watches which entity, and telling them what was stored or deleted.

The hub is fed with everything that is committed, so what nobody watches must cost nothing: one look
into a dict. Watchers are told in the order of the commits, on the event loop's thread, and must not
wait: they keep what they are told and send it later.
"""

import logging
from collections.abc import Iterable, Mapping
from typing import Protocol
from uuid import UUID

from fieldline.kit.ids import EntityRef
from fieldline.kit.values import Value

logger = logging.getLogger(__name__)


class Watcher(Protocol):
    """Somebody who wants to know about an entity."""

    def on_readings(self, entity: EntityRef, ts_ms: int, values: Mapping[str, Value]) -> None:
        """Readings of one time were committed."""

    def on_attributes(
        self, entity: EntityRef, scope: str, ts_ms: int, values: Mapping[str, Value]
    ) -> None:
        """Attributes of one scope were committed."""

    def on_deleted(self, entity: EntityRef, scope: str | None, keys: tuple[str, ...]) -> None:
        """Keys have no value any more: latest readings (scope None) or attributes."""


class Hub:
    """Tells watchers of an entity what happened to its readings and attributes."""

    def __init__(self) -> None:
        self._watchers: dict[UUID, dict[Watcher, None]] = {}

    @property
    def watched(self) -> int:
        """How many entities somebody watches."""
        return len(self._watchers)

    def is_watched(self, entity: EntityRef) -> bool:
        return entity.id in self._watchers

    def watch(self, entity: EntityRef, watcher: Watcher) -> None:
        """Tell ``watcher`` about the entity until :meth:`unwatch`."""
        self._watchers.setdefault(entity.id, {})[watcher] = None

    def unwatch(self, entity: EntityRef, watcher: Watcher) -> None:
        """Stop telling; a watcher that does not watch the entity is no error."""
        watchers = self._watchers.get(entity.id)
        if watchers is None:
            return
        watchers.pop(watcher, None)
        if not watchers:
            del self._watchers[entity.id]

    def readings(
        self, readings: Iterable[tuple[UUID, EntityRef, int, Mapping[str, Value]]]
    ) -> None:
        """Tell of readings that were committed together: tenant, entity, ts_ms, values of each."""
        watched = self._watchers
        for _tenant_id, entity, ts_ms, values in readings:
            watchers = watched.get(entity.id)
            if watchers is None:
                continue
            for watcher in tuple(watchers):
                try:
                    watcher.on_readings(entity, ts_ms, values)
                except Exception:
                    logger.exception("a watcher failed on readings")

    def attributes(
        self, entity: EntityRef, scope: str, ts_ms: int, values: Mapping[str, Value]
    ) -> None:
        watchers = self._watchers.get(entity.id)
        if watchers is None:
            return
        for watcher in tuple(watchers):
            try:
                watcher.on_attributes(entity, scope, ts_ms, values)
            except Exception:
                logger.exception("a watcher failed on attributes")

    def deleted(self, entity: EntityRef, scope: str | None, keys: tuple[str, ...]) -> None:
        watchers = self._watchers.get(entity.id)
        if watchers is None:
            return
        for watcher in tuple(watchers):
            try:
                watcher.on_deleted(entity, scope, keys)
            except Exception:
                logger.exception("a watcher failed on deleted keys")
