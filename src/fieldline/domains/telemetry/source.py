"""Where the readings of an entity are, and which of them it shows: the one place for entity views.

Most entities have readings of their own and show all. An entity view has none: it shows those of
another entity, of some keys and in a span of time. Whoever reads on behalf of a user reads through
a :class:`Source`, so nobody sees through a view more than it shows.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from fieldline.domains.entity_view.shown import shown_by
from fieldline.domains.telemetry.reading import PointBudget, read_within
from fieldline.kit.ids import EntityRef, EntityType
from fieldline.kit.values import INT64_MAX, INT64_MIN
from fieldline.timeseries.store import Point, RangeQuery, TimeseriesStore


@dataclass(frozen=True, slots=True)
class Source:
    """Whose readings an entity shows.

    Args:
        entity: whose they are.
        keys: which keys are shown; None means all.
        start_ms: readings from this time on are shown.
        end_ms: and until this time, inclusive.
    """

    entity: EntityRef
    keys: frozenset[str] | None = None
    start_ms: int = INT64_MIN
    end_ms: int = INT64_MAX

    @property
    def is_whole(self) -> bool:
        """Whether everything is shown."""
        return self.keys is None and self.start_ms == INT64_MIN and self.end_ms == INT64_MAX

    def shows(self, key: str, ts_ms: int) -> bool:
        """Return whether a reading is shown."""
        return self.start_ms <= ts_ms <= self.end_ms and self.shows_key(key)

    def shows_key(self, key: str) -> bool:
        return self.keys is None or key in self.keys

    async def keys_with_data(self, store: TimeseriesStore) -> list[str]:
        """Return the keys that have something to show, sorted."""
        if self.is_whole:
            return await store.keys(self.entity.id)
        return sorted(await self.latest(store))

    async def latest(
        self, store: TimeseriesStore, keys: Iterable[str] | None = None
    ) -> dict[str, Point]:
        """Return the newest point of the keys (None: of all) that is shown."""
        wanted = self._shown_keys(keys)
        if wanted == ():
            return {}
        found = await store.latest(self.entity.id, wanted)
        if self.is_whole:
            return found
        shown = {key: point for key, point in found.items() if self.shows(key, point.ts_ms)}
        late = tuple(key for key, point in found.items() if point.ts_ms > self.end_ms)
        if late:
            query = RangeQuery(self.entity.id, late, 0, INT64_MAX, limit=1)
            before = await self.read(store, query, PointBudget())
            shown |= {key: points[0] for key, points in before.items() if points}
        return shown

    async def read(
        self, store: TimeseriesStore, query: RangeQuery, budget: PointBudget
    ) -> dict[str, list[Point]]:
        """Read a range; a key that is not shown has no points.

        Raises:
            Invalid: the budget is used up.
        """
        query = replace(query, entity_id=self.entity.id)
        if self.is_whole:
            return await read_within(store, query, budget)
        keys = self._shown_keys(query.keys) or ()
        start_ms = max(query.start_ms, self.start_ms)
        end_ms = min(query.end_ms, self.end_ms + 1)  # a range ends before its end
        found: dict[str, list[Point]] = {}
        if keys and start_ms < end_ms:
            within = replace(query, keys=keys, start_ms=start_ms, end_ms=end_ms)
            found = await read_within(store, within, budget)
        return {key: found.get(key, []) for key in query.keys}

    def _shown_keys(self, keys: Iterable[str] | None) -> tuple[str, ...] | None:
        """Return those of the keys that are shown; None stands for every key there is."""
        if keys is None:
            return None if self.keys is None else tuple(sorted(self.keys))
        return tuple(key for key in keys if self.shows_key(key))


def source_of(entity: EntityRef, found: Any) -> Source:  # noqa: ANN401 - the domain's own type
    """Return the source of an entity; ``found`` is what its domain gave for the reference."""
    if entity.type is not EntityType.ENTITY_VIEW:
        return Source(entity)
    shown = shown_by(found)
    return Source(shown.target, shown.keys, shown.start_ms, shown.end_ms)


def source_before_look(entity: EntityRef) -> Source:
    """Return what is known of an entity by its reference alone: a view shows nothing yet."""
    if entity.type is EntityType.ENTITY_VIEW:
        return Source(entity, frozenset())
    return Source(entity)
