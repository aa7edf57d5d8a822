"""A store that fails when told to, and a listener that remembers, for tests of the writer."""

import asyncio
from collections.abc import Callable
from typing import Any
from uuid import uuid4

from fieldline.kit.ids import EntityRef
from fieldline.kit.values import INT64_MAX, INT64_MIN
from fieldline.timeseries.backends.sqlite import SqliteStore
from fieldline.timeseries.saves import CommittedReadings
from fieldline.timeseries.store import (
    Point,
    RangeQuery,
    WriteBatch,
    WriteResult,
)

TENANT = uuid4()
T0 = 1_700_000_000_000


class FaultyStore:
    """A real store whose writes fail as a test says, before they reach it."""

    def __init__(self, store: SqliteStore) -> None:
        self._store = store
        self.batches: list[WriteBatch] = []
        self.failures: list[Exception] = []
        self.open = asyncio.Event()
        self.open.set()

    async def write(self, batch: WriteBatch) -> WriteResult:
        await self.open.wait()
        self.batches.append(batch)
        if self.failures:
            raise self.failures.pop(0)
        if any("poison" in readings.values for readings in batch.readings):
            msg = "cannot store poison"
            raise ValueError(msg)
        return await self._store.write(batch)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)


class Told:
    """Remembers in which order the writer told what."""

    def __init__(self) -> None:
        self.events: list[Any] = []

    def on_saved(self, name: object) -> Callable[[Exception | None], None]:
        return lambda error: self.events.append((name, error))

    def on_attributes_saved(self, name: object) -> Callable[[set[str], Exception | None], None]:
        return lambda written, error: self.events.append((name, sorted(written), error))

    def on_readings(self, readings: list[CommittedReadings]) -> None:
        self.events += [("readings", *committed[1:]) for committed in readings]

    def on_attributes(self, *told: object) -> None:
        self.events.append(("attributes", *told[1:]))


async def stored(store: FaultyStore, device: EntityRef, key: str) -> list[Point]:
    query = RangeQuery(device.id, (key,), INT64_MIN, INT64_MAX, 10_000, descending=False)
    points: dict[str, list[Point]] = await store.read(query)
    return points[key]
