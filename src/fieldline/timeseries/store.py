"""The interface of every store of readings and attributes.

A store writes batches and reads ranges; batching, waiting and telling others is the writer's work
(``timeseries/writer.py``). Entities are named by their UUID alone. Times are ms since 1970 UTC.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple, Protocol
from uuid import UUID

from fieldline.kit.values import Value


class Scope(StrEnum):
    """Whose attribute it is."""

    CLIENT = "CLIENT_SCOPE"
    SERVER = "SERVER_SCOPE"
    SHARED = "SHARED_SCOPE"


class Aggregation(StrEnum):
    """How the points of one interval become one."""

    NONE = "NONE"
    MIN = "MIN"
    MAX = "MAX"
    AVG = "AVG"
    SUM = "SUM"
    COUNT = "COUNT"


class IntervalType(StrEnum):
    """What an interval is: a number of ms, or a unit of the calendar in a time zone."""

    MILLISECONDS = "MILLISECONDS"
    WEEK = "WEEK"
    WEEK_ISO = "WEEK_ISO"
    MONTH = "MONTH"
    QUARTER = "QUARTER"


class Point(NamedTuple):
    """A value at a time."""

    ts_ms: int
    value: Value


class Attribute(NamedTuple):
    """A named state without history."""

    key: str
    value: Value
    last_update_ts_ms: int


class ReadingsWrite(NamedTuple):
    """Readings of one entity at one time, to store in the history, the latest values, or both."""

    entity_id: UUID
    ts_ms: int
    values: Mapping[str, Value]
    to_history: bool = True
    to_latest: bool = True


class AttributeWrite(NamedTuple):
    """Attributes of one entity and scope to store, all at ``ts_ms``.

    ``only_changed`` leaves alone the keys whose value and type are already stored.
    """

    entity_id: UUID
    scope: Scope
    values: Mapping[str, Value]
    ts_ms: int
    only_changed: bool = False


@dataclass(slots=True)
class WriteBatch:
    """What is written in one transaction."""

    readings: list[ReadingsWrite] = field(default_factory=list)
    attributes: list[AttributeWrite] = field(default_factory=list)

    def keys(self) -> set[str]:
        """Return all keys that occur."""
        keys: set[str] = set()
        for readings in self.readings:
            keys.update(readings.values)
        for attributes in self.attributes:
            keys.update(attributes.values)
        return keys


@dataclass(slots=True)
class WriteResult:
    """What a batch did: per element of ``attributes``, the keys that were really written."""

    written_keys: list[set[str]]


@dataclass(frozen=True, slots=True)
class RangeQuery:
    """Points of some keys of one entity in ``[start_ms, end_ms)``.

    ``limit`` counts points per key and applies only without aggregation. With an aggregation,
    intervals run from ``start_ms``, the last one is clipped to ``end_ms``, empty ones are left out,
    and a point's time is the middle of its interval. ``interval_ms`` 0 with MILLISECONDS means no
    aggregation. Calendar intervals follow ``time_zone``.
    """

    entity_id: UUID
    keys: tuple[str, ...]
    start_ms: int
    end_ms: int
    limit: int = 100
    descending: bool = True
    aggregation: Aggregation = Aggregation.NONE
    interval_ms: int = 0
    interval_type: IntervalType = IntervalType.MILLISECONDS
    time_zone: str = "UTC"


@dataclass(frozen=True, slots=True)
class Deletion:
    """Readings to delete: of ``keys``, in ``[start_ms, end_ms)``; None is open-ended.

    ``latest`` deletes the latest value where its time lies in the range;
    ``rewrite_latest`` then puts the newest point that is left in its place.
    """

    entity_id: UUID
    keys: tuple[str, ...]
    start_ms: int | None = None
    end_ms: int | None = None
    latest: bool = True
    rewrite_latest: bool = False


class TimeseriesStore(Protocol):
    """What every backend does; the contract is ``tests/conformance/timeseries.py``.

    Every method raises ``Unavailable`` when the store is away, and then did nothing.
    """

    async def start(self) -> None:
        """Open what is needed; the schema is there already (migrations)."""

    async def stop(self) -> None:
        """Close."""

    async def write(self, batch: WriteBatch) -> WriteResult:
        """Store a batch durably in one transaction.

        A point with the (entity, key, ts) of a stored one replaces it. The latest value is replaced
        only by a point that is at least as new, whatever the order of arrival. Of several equal
        (entity, key, ts) in a batch the last one wins. Attributes are written in the batch's order.

        Raises:
            Unavailable: the store is away; nothing was written, the same batch may be given again.
            Exception: some row can never be stored (the driver's own error); nothing was written.
        """

    async def latest(
        self, entity_id: UUID, keys: tuple[str, ...] | None = None
    ) -> dict[str, Point]:
        """Return the latest point of the keys (None for all); a key without data is left out."""

    async def keys(self, *entity_ids: UUID) -> list[str]:
        """Return the keys of which one of the entities has a latest value, sorted."""

    async def attribute_keys(self, *entity_ids: UUID) -> list[str]:
        """Return the keys of which one of the entities has an attribute in any scope, sorted."""

    async def read(self, query: RangeQuery) -> dict[str, list[Point]]:
        """Return the points of each key in the query's order; a key without points maps to []."""

    async def delete(self, deletion: Deletion) -> None:
        """Delete readings."""

    async def attributes(
        self, entity_id: UUID, scope: Scope, keys: tuple[str, ...] | None = None
    ) -> list[Attribute]:
        """Return attributes of the keys (None for all), sorted by key."""

    async def delete_attributes(
        self, entity_id: UUID, scope: Scope, keys: tuple[str, ...]
    ) -> list[str]:
        """Delete attributes; returns the keys that there were, sorted."""

    async def entities_with(self, scope: Scope, key: str, value: Value) -> list[UUID]:
        """Return the entities whose attribute has exactly this value and type."""

    async def purge(self, entity_id: UUID) -> None:
        """Delete everything of an entity: history, latest values, attributes."""

    async def expire(self, before_ms: int, *, limit: int) -> int:
        """Delete up to ``limit`` points older than ``before_ms``; returns how many went.

        A store with partitions drops the ones that are wholly older, whatever the limit.
        """
