"""Deleting, purging, expiring."""

from uuid import UUID, uuid4

from fieldline.timeseries.store import (
    Deletion,
    Point,
    Scope,
    TimeseriesStore,
)
from tests.conformance.timeseries.values import (
    T0,
    all_points,
    put,
    put_attributes,
)


class DeletingContract:
    """Deleting, purging, expiring."""

    async def test_deletes_a_half_open_range(self, store: TimeseriesStore, entity: UUID) -> None:
        await put(store, entity, "k", {T0 + n: n for n in range(5)})
        await put(store, entity, "other", {T0: 1})

        await store.delete(Deletion(entity, ("k",), T0 + 1, T0 + 3))

        result = await store.read(all_points(entity, "k", "other"))
        assert [point.value for point in result["k"]] == [0, 3, 4]
        assert result["other"] == [Point(T0, 1)]
        assert await store.latest(entity, ("k",)) == {"k": Point(T0 + 4, 4)}

    async def test_deletes_all_of_several_keys(self, store: TimeseriesStore, entity: UUID) -> None:
        for key in ("a", "b", "c"):
            await put(store, entity, key, {T0: 1, -T0: 2})

        await store.delete(Deletion(entity, ("a", "b", "unknown", "no\0ne")))

        assert await store.read(all_points(entity, "a", "b")) == {"a": [], "b": []}
        assert await store.keys(entity) == ["c"]

    async def test_deletes_long_histories(self, store: TimeseriesStore, entity: UUID) -> None:
        await put(store, entity, "k", {T0 + n: n for n in range(45_000)})

        await store.delete(Deletion(entity, ("k",), T0 + 1, T0 + 44_999))

        points = (await store.read(all_points(entity, "k")))["k"]
        assert [point.value for point in points] == [0, 44_999]

    async def test_a_deleted_point_can_be_written_again(
        self, store: TimeseriesStore, entity: UUID
    ) -> None:
        await put(store, entity, "k", {T0: 1})
        await store.delete(Deletion(entity, ("k",)))
        await put(store, entity, "k", {T0 - 5: 2})

        assert await store.read(all_points(entity, "k")) == {"k": [Point(T0 - 5, 2)]}
        assert await store.latest(entity) == {"k": Point(T0 - 5, 2)}

    async def test_the_latest_value_can_be_kept(self, store: TimeseriesStore, entity: UUID) -> None:
        await put(store, entity, "k", {T0: 1})

        await store.delete(Deletion(entity, ("k",), latest=False, rewrite_latest=True))

        assert await store.read(all_points(entity, "k")) == {"k": []}
        assert await store.latest(entity) == {"k": Point(T0, 1)}

    async def test_the_newest_point_left_becomes_the_latest(
        self, store: TimeseriesStore, entity: UUID
    ) -> None:
        await put(store, entity, "k", {T0: True, T0 + 1: "x", T0 + 2: 2})
        await put(store, entity, "gone", {T0 + 2: 2})

        await store.delete(Deletion(entity, ("k", "gone"), T0 + 2, T0 + 9, rewrite_latest=True))

        assert await store.latest(entity) == {"k": Point(T0 + 1, "x")}

    async def test_a_key_without_latest_value_gets_none_by_deleting(
        self, store: TimeseriesStore, entity: UUID
    ) -> None:
        await put(store, entity, "k", {T0: 1, T0 + 1: 2}, to_latest=False)

        await store.delete(Deletion(entity, ("k",), T0 + 1, T0 + 9, rewrite_latest=True))

        assert await store.latest(entity) == {}

    async def test_purging_leaves_nothing_of_an_entity(
        self, store: TimeseriesStore, entity: UUID
    ) -> None:
        other = uuid4()
        for each in (entity, other):
            await put(store, each, "a", {T0: 1, -5: 2}, to_latest=False)
            await put(store, each, "b", {T0: 1})
            for scope in Scope:
                await put_attributes(store, each, {"x": 1}, scope=scope)

        await store.purge(entity)

        assert await store.read(all_points(entity, "a", "b")) == {"a": [], "b": []}
        assert await store.latest(entity) == {}
        assert [await store.attributes(entity, scope) for scope in Scope] == [[], [], []]
        assert len((await store.read(all_points(other, "a")))["a"]) == 2
        assert entity not in await store.entities_with(Scope.SERVER, "x", 1)

    async def test_expires_old_points_in_steps(self, store: TimeseriesStore, entity: UUID) -> None:
        while await store.expire(T0, limit=100_000):
            pass  # what other tests left
        other = uuid4()
        for each in (entity, other):
            for key in ("a", "b"):
                await put(store, each, key, {T0 - 2: 1, T0 - 1: 2, T0: 3})

        counts = [await store.expire(T0, limit=5) for _ in range(3)]

        assert counts == [5, 3, 0]
        for each in (entity, other):
            points = await store.read(all_points(each, "a", "b"))
            assert points == {"a": [Point(T0, 3)], "b": [Point(T0, 3)]}
            assert await store.keys(each) == ["a", "b"]
