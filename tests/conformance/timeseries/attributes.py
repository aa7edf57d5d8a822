"""Attributes: scopes, what changed, finding entities by them."""

from uuid import UUID, uuid4

import pytest

from fieldline.kit.values import Value
from fieldline.timeseries.store import (
    Attribute,
    AttributeWrite,
    Point,
    ReadingsWrite,
    Scope,
    TimeseriesStore,
    WriteBatch,
)
from tests.conformance.timeseries.values import (
    LOOK_ALIKES,
    T0,
    put_attributes,
    typed,
)


class AttributesContract:
    """Attributes: scopes, what changed, finding entities by them."""

    async def test_attributes_of_scopes_are_apart(
        self, store: TimeseriesStore, entity: UUID
    ) -> None:
        for n, scope in enumerate(Scope):
            await put_attributes(store, entity, {"b": n, "a": -n}, scope=scope, ts_ms=T0 + n)

        for n, scope in enumerate(Scope):
            expected = [Attribute("a", -n, T0 + n), Attribute("b", n, T0 + n)]
            assert await store.attributes(entity, scope) == expected
            assert await store.attributes(entity, scope, ("b", "none")) == expected[1:]
            assert await store.attributes(entity, scope, ()) == []

    async def test_keys_of_several_entities_are_joined(
        self, store: TimeseriesStore, entity: UUID
    ) -> None:
        other = uuid4()
        await put_attributes(store, entity, {"b": 1, "a": 1}, scope=Scope.CLIENT)
        await put_attributes(store, other, {"b": 2, "c": 2}, scope=Scope.SHARED)
        await store.write(WriteBatch(readings=[ReadingsWrite(entity, T0, {"r": 1})]))
        await store.write(WriteBatch(readings=[ReadingsWrite(other, T0, {"r": 1, "q": 1})]))

        assert await store.attribute_keys(entity, other, uuid4()) == ["a", "b", "c"]
        assert await store.attribute_keys(entity) == ["a", "b"]
        assert await store.attribute_keys() == []
        assert await store.keys(entity, other) == ["q", "r"]
        assert await store.keys() == []

    async def test_an_attribute_is_replaced_by_any_later_write(
        self, store: TimeseriesStore, entity: UUID
    ) -> None:
        await put_attributes(store, entity, {"k": 1}, ts_ms=T0 + 5)
        written = await put_attributes(store, entity, {"k": "x"}, ts_ms=T0)

        assert written == {"k"}
        assert await store.attributes(entity, Scope.SERVER) == [Attribute("k", "x", T0)]

    @pytest.mark.parametrize("given", range(len(LOOK_ALIKES)))
    async def test_only_changed_compares_value_and_type(
        self, store: TimeseriesStore, entity: UUID, given: int
    ) -> None:
        value = LOOK_ALIKES[given]
        keys = [str(n) for n in range(len(LOOK_ALIKES))]
        await put_attributes(store, entity, dict(zip(keys, LOOK_ALIKES, strict=True)))

        written = await put_attributes(
            store, entity, dict.fromkeys([*keys, "new"], value), ts_ms=T0 + 1, only_changed=True
        )

        assert written == {*keys, "new"} - {str(given)}
        stored = await store.attributes(entity, Scope.SERVER, tuple(keys))
        assert typed([each.value for each in stored]) == typed([value] * len(keys))
        assert [each.key for each in stored if each.last_update_ts_ms == T0] == [str(given)]

    async def test_attribute_writes_of_a_batch_follow_their_order(
        self, store: TimeseriesStore, entity: UUID
    ) -> None:
        def write(value: Value, *, only_changed: bool) -> AttributeWrite:
            return AttributeWrite(entity, Scope.CLIENT, {"k": value}, T0, only_changed)

        result = await store.write(
            WriteBatch(
                attributes=[
                    write(1, only_changed=True),
                    write(1, only_changed=True),
                    write(2, only_changed=True),
                    write(1, only_changed=False),
                    write(1, only_changed=False),
                    write(1, only_changed=True),
                ]
            )
        )

        assert result.written_keys == [{"k"}, set(), {"k"}, {"k"}, {"k"}, set()]
        assert await store.attributes(entity, Scope.CLIENT) == [Attribute("k", 1, T0)]

    async def test_readings_and_attributes_of_a_batch_are_written_together(
        self, store: TimeseriesStore, entity: UUID
    ) -> None:
        result = await store.write(
            WriteBatch(
                readings=[ReadingsWrite(entity, T0, {"k": 1})],
                attributes=[AttributeWrite(entity, Scope.SHARED, {"k": 2.5}, T0)],
            )
        )

        assert result.written_keys == [{"k"}]
        assert await store.latest(entity) == {"k": Point(T0, 1)}
        assert await store.attributes(entity, Scope.SHARED) == [Attribute("k", 2.5, T0)]

    async def test_deleting_attributes_tells_which_there_were(
        self, store: TimeseriesStore, entity: UUID
    ) -> None:
        await put_attributes(store, entity, {"a": 1, "b": 2, "c": 3})

        deleted = await store.delete_attributes(entity, Scope.SERVER, ("c", "none", "a"))

        assert deleted == ["a", "c"]
        assert await store.attributes(entity, Scope.SERVER) == [Attribute("b", 2, T0)]
        assert await store.delete_attributes(entity, Scope.SHARED, ("b",)) == []

    async def test_a_key_that_no_store_holds_is_an_unknown_one(
        self, store: TimeseriesStore, entity: UUID
    ) -> None:
        await put_attributes(store, entity, {"k": 1})

        assert await store.attributes(entity, Scope.SERVER, ("a\0", "k")) == [Attribute("k", 1, T0)]
        assert await store.delete_attributes(entity, Scope.SERVER, ("a\0", "k")) == ["k"]

    async def test_finds_entities_by_value_and_type(self, store: TimeseriesStore) -> None:
        key = str(uuid4())
        entities = [uuid4() for _ in LOOK_ALIKES]
        for entity, value in zip(entities, LOOK_ALIKES, strict=True):
            await put_attributes(store, entity, {key: value})
            await put_attributes(store, entity, {key: "elsewhere"}, scope=Scope.CLIENT)

        found = [await store.entities_with(Scope.SERVER, key, value) for value in LOOK_ALIKES]

        assert found == [[entity] for entity in entities]
        assert await store.entities_with(Scope.SHARED, key, 1) == []
        assert await store.entities_with(Scope.CLIENT, key, "elsewhere") == sorted(entities)
        assert await store.entities_with(Scope.SERVER, "unknown", 1) == []
