"""One request cannot read more than the server can hold."""

from uuid import uuid4

import pytest

from fieldline.domains.telemetry.reading import PointBudget, read_within
from fieldline.kit.errors import Invalid
from fieldline.timeseries.backends.memory import MemoryStore
from fieldline.timeseries.store import RangeQuery, ReadingsWrite, WriteBatch

ENTITY = uuid4()


@pytest.fixture
async def store() -> MemoryStore:
    store = MemoryStore()
    readings = [ReadingsWrite(ENTITY, ts, {"a": ts, "b": ts}) for ts in range(10)]
    await store.write(WriteBatch(readings))
    return store


def everything(*keys: str, limit: int = 50) -> RangeQuery:
    return RangeQuery(ENTITY, keys, 0, 100, limit=limit)


async def test_an_answer_within_the_budget_is_whole(store: MemoryStore) -> None:
    budget = PointBudget(20)

    series = await read_within(store, everything("a", "b"), budget)

    assert [len(points) for points in series.values()] == [10, 10]
    assert budget.left == 0


@pytest.mark.parametrize("limit", [10, 50])
async def test_an_answer_over_the_budget_is_refused(store: MemoryStore, limit: int) -> None:
    with pytest.raises(Invalid, match="more than 19 points"):
        await read_within(store, everything("a", "b", limit=limit), PointBudget(19))


async def test_a_budget_is_shared_by_several_reads(store: MemoryStore) -> None:
    budget = PointBudget(15)
    await read_within(store, everything("a", limit=10), budget)

    with pytest.raises(Invalid):
        await read_within(store, everything("b", limit=10), budget)
