"""Writes, reads and deletes attributes in PostgreSQL."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from uuid import UUID

from fieldline.kit.values import Value
from fieldline.timeseries.backends.postgresql.connection import Connection
from fieldline.timeseries.backends.postgresql.keys import nameable
from fieldline.timeseries.backends.postgresql.readings import SET_VALUES, SQL_TYPE, VALUES
from fieldline.timeseries.backends.postgresql.rows import value_of
from fieldline.timeseries.columns import COLUMN_OF, COLUMNS
from fieldline.timeseries.store import Attribute, AttributeWrite, Scope

SCOPE_ID = {Scope.CLIENT: 1, Scope.SERVER: 2, Scope.SHARED: 3}

_ARRAYS = ("uuid", "smallint", "int", "bigint", *(SQL_TYPE[kind] for kind in COLUMN_OF))
_UNNESTED = ", ".join(f"${n}::{array}[]" for n, array in enumerate(_ARRAYS, start=1))
_UPSERT = f"""INSERT INTO attribute_kv AS a (entity_id, scope, key_id, last_update_ts, {VALUES})
    SELECT * FROM unnest({_UNNESTED}) ORDER BY 1, 2, 3
    ON CONFLICT (entity_id, scope, key_id)
    DO UPDATE SET last_update_ts = excluded.last_update_ts, {SET_VALUES}"""
_STORED = ", ".join(f"a.{column}" for column in COLUMNS)
_GIVEN = ", ".join(f"excluded.{column}" for column in COLUMNS)
_UPSERT_IF_CHANGED = (
    f"{_UPSERT} WHERE ({_STORED}) IS DISTINCT FROM ({_GIVEN}) RETURNING entity_id, scope, key_id"
)

AttributeKey = tuple[UUID, int, int]


@dataclass(slots=True)
class _Round:
    """Attributes that one statement can write: no two of one entity, scope and key."""

    only_changed: bool
    rows: dict[AttributeKey, tuple[int, Value, int, str]] = field(default_factory=dict)
    """entity, scope, key -> time, value, position of its write, key."""


async def write_attributes(
    connection: Connection, writes: list[AttributeWrite], ids: dict[str, int]
) -> list[set[str]]:
    """Write in order, inside the open transaction; returns the keys written per write."""
    written: list[set[str]] = [set() for _ in writes]
    for batch in _rounds(writes, ids):
        for key in await _write_round(connection, batch):
            _ts, _value, position, name = batch.rows[key]
            written[position].add(name)
    return written


def _rounds(writes: Iterable[AttributeWrite], ids: dict[str, int]) -> Iterator[_Round]:
    """Cut the writes, in their order, where a row comes again or the kind of write changes."""
    current = _Round(only_changed=False)
    for position, write in enumerate(writes):
        scope = SCOPE_ID[write.scope]
        for name, value in write.values.items():
            key = (write.entity_id, scope, ids[name])
            if key in current.rows or write.only_changed != current.only_changed:
                if current.rows:
                    yield current
                current = _Round(write.only_changed)
            current.rows[key] = (write.ts_ms, value, position, name)
    if current.rows:
        yield current


async def _write_round(connection: Connection, batch: _Round) -> Iterable[AttributeKey]:
    """Write one round; returns which rows were really written."""
    entities, scopes, keys = zip(*batch.rows, strict=True)
    times = [row[0] for row in batch.rows.values()]
    values = [row[1] for row in batch.rows.values()]
    by_column = [[value if type(value) is kind else None for value in values] for kind in COLUMN_OF]
    arrays = (entities, scopes, keys, times, *by_column)
    if not batch.only_changed:
        await connection.execute(_UPSERT, *arrays)
        return batch.rows
    return [(row[0], row[1], row[2]) for row in await connection.fetch(_UPSERT_IF_CHANGED, *arrays)]


async def read_attributes(
    connection: Connection, entity_id: UUID, scope: Scope, keys: tuple[str, ...] | None
) -> list[Attribute]:
    rows = await connection.fetch(
        f"SELECT {VALUES}, key, last_update_ts FROM attribute_kv "
        "JOIN key_dictionary USING (key_id) WHERE entity_id = $1 AND scope = $2 "
        "AND ($3::text[] IS NULL OR key = ANY($3)) ORDER BY key",
        entity_id,
        SCOPE_ID[scope],
        None if keys is None else nameable(keys),
    )
    return [Attribute(row["key"], value_of(row), row["last_update_ts"]) for row in rows]


async def find_entities(connection: Connection, scope: Scope, key: str, value: Value) -> list[UUID]:
    kind = type(value)
    rows = await connection.fetch(
        "SELECT entity_id FROM attribute_kv JOIN key_dictionary USING (key_id) "
        f"WHERE key = $1 AND scope = $2 AND {COLUMN_OF[kind]} = $3::{SQL_TYPE[kind]} "
        "ORDER BY entity_id",
        key,
        SCOPE_ID[scope],
        value,
    )
    return [row[0] for row in rows]


async def delete_attributes(
    connection: Connection, entity_id: UUID, scope: Scope, keys: tuple[str, ...]
) -> list[str]:
    """Delete attributes; returns the keys that there were, sorted."""
    rows = await connection.fetch(
        "DELETE FROM attribute_kv a USING key_dictionary d WHERE a.key_id = d.key_id "
        "AND a.entity_id = $1 AND a.scope = $2 AND d.key = ANY($3::text[]) RETURNING d.key",
        entity_id,
        SCOPE_ID[scope],
        nameable(keys),
    )
    return sorted(row[0] for row in rows)
