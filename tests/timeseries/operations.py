"""Random operations on a store, for comparing one store with another."""

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

from hypothesis import strategies as st

from fieldline.kit.values import INT64_MAX, INT64_MIN, JsonText, Value
from fieldline.timeseries.store import (
    Aggregation,
    AttributeWrite,
    Deletion,
    IntervalType,
    RangeQuery,
    ReadingsWrite,
    Scope,
    TimeseriesStore,
    WriteBatch,
)

Operation = Callable[[TimeseriesStore, list[UUID]], Awaitable[Any]]
"""Does something with one of two entities; what it returns is compared."""

ENTITIES = st.integers(0, 1)
KEYS = st.sampled_from(["a", "b", "ключ"])
SOME_KEYS = st.lists(KEYS, unique=True, max_size=3).map(tuple)
TIMES = st.one_of(
    st.integers(-20, 60),
    st.sampled_from([1_711_839_600_000, 1_711_843_200_000, 1_729_987_200_000]),
    st.sampled_from([INT64_MIN, INT64_MAX - 1]),
)
VALUES: st.SearchStrategy[Value] = st.one_of(
    st.booleans(),
    st.integers(-5, 5),
    st.sampled_from([INT64_MIN, INT64_MAX]),
    st.integers(-10, 10).map(lambda n: n / 2),  # their sums are exact in any order
    st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=3),
    st.sampled_from([JsonText("{}"), JsonText('{"a":[1]}')]),
)
VALUE_MAPS = st.dictionaries(KEYS, VALUES, max_size=3)


def _write() -> st.SearchStrategy[Operation]:
    readings = st.tuples(ENTITIES, TIMES, VALUE_MAPS, st.booleans(), st.booleans())
    attributes = st.tuples(
        ENTITIES, st.sampled_from(Scope), VALUE_MAPS, st.integers(0, 99), st.booleans()
    )

    def operation(parts: tuple[list[Any], list[Any]]) -> Operation:
        async def run(store: TimeseriesStore, entities: list[UUID]) -> list[list[str]]:
            batch = WriteBatch(
                [ReadingsWrite(entities[entity], *rest) for entity, *rest in parts[0]],
                [AttributeWrite(entities[entity], *rest) for entity, *rest in parts[1]],
            )
            return [sorted(keys) for keys in (await store.write(batch)).written_keys]

        return run

    return st.tuples(st.lists(readings, max_size=8), st.lists(attributes, max_size=3)).map(
        operation
    )


def _delete() -> st.SearchStrategy[Operation]:
    end = st.none() | TIMES

    def operation(parts: tuple[Any, ...]) -> Operation:
        async def run(store: TimeseriesStore, entities: list[UUID]) -> None:
            await store.delete(Deletion(entities[parts[0]], *parts[1:]))

        return run

    return st.tuples(ENTITIES, SOME_KEYS, end, end, st.booleans(), st.booleans()).map(operation)


def _delete_attributes() -> st.SearchStrategy[Operation]:
    def operation(parts: tuple[Any, ...]) -> Operation:
        async def run(store: TimeseriesStore, entities: list[UUID]) -> list[str]:
            return await store.delete_attributes(entities[parts[0]], *parts[1:])

        return run

    return st.tuples(ENTITIES, st.sampled_from(Scope), SOME_KEYS).map(operation)


def _read() -> st.SearchStrategy[Operation]:
    intervals = st.one_of(
        st.tuples(st.integers(0, 20), st.just(IntervalType.MILLISECONDS)),
        st.tuples(
            st.just(0),
            st.sampled_from([each for each in IntervalType if each != "MILLISECONDS"]),
        ),
    )

    def operation(parts: tuple[Any, ...]) -> Operation:
        entity, keys, start_ms, length, limit, descending, *rest = parts

        async def run(store: TimeseriesStore, entities: list[UUID]) -> Any:
            return await store.read(
                RangeQuery(
                    entities[entity],
                    keys,
                    start_ms,
                    start_ms + length,
                    limit,
                    descending,
                    rest[0],
                    rest[1][0],
                    rest[1][1],
                    rest[2],
                )
            )

        return run

    return st.tuples(
        ENTITIES,
        SOME_KEYS,
        st.integers(-20, 60) | st.just(1_711_000_000_000),
        st.integers(-5, 90) | st.just(30_000_000_000),
        st.integers(0, 5),
        st.booleans(),
        st.sampled_from(Aggregation),
        intervals,
        st.sampled_from(["UTC", "Europe/Brussels", "America/New_York"]),
    ).map(operation)


OPERATIONS = st.lists(
    st.one_of(_write(), _write(), _write(), _read(), _delete(), _delete_attributes()), max_size=12
)


async def everything(store: TimeseriesStore, entities: list[UUID]) -> Any:
    """Read all that the operations can have stored, with the types of the values."""
    state = []
    for entity in entities:
        history = await store.read(
            RangeQuery(entity, ("a", "b", "ключ"), INT64_MIN, INT64_MAX, 1000)
        )
        state.append(
            [
                history,
                await store.keys(entity),
                await store.latest(entity),
                [await store.attributes(entity, scope) for scope in Scope],
            ]
        )
    return repr(state)
