"""Deletes readings from PostgreSQL.

Like a write, it takes rows of latest values first and of the history second, so that the two
cannot wait for each other.
"""

from uuid import UUID

from fieldline.timeseries.backends.postgresql.connection import Connection
from fieldline.timeseries.backends.postgresql.keys import nameable
from fieldline.timeseries.backends.postgresql.readings import SET_VALUES, VALUES
from fieldline.timeseries.intervals import span_of
from fieldline.timeseries.store import Deletion

_IN_RANGE = "entity_id = $1 AND key_id = ANY($2::int[]) AND ts >= $3 AND ts < $4"
_REWRITE = f"""INSERT INTO ts_kv_latest AS l (entity_id, key_id, ts, {VALUES})
    SELECT p.* FROM unnest($2::int[]) AS k (key_id) CROSS JOIN LATERAL (
        SELECT entity_id, key_id, ts, {VALUES} FROM ts_kv
        WHERE entity_id = $1 AND key_id = k.key_id ORDER BY ts DESC LIMIT 1) AS p
    ORDER BY p.key_id
    ON CONFLICT (entity_id, key_id) DO UPDATE SET ts = excluded.ts, {SET_VALUES}
    WHERE excluded.ts >= l.ts"""


async def delete_readings(connection: Connection, deletion: Deletion) -> None:
    """Delete inside the open transaction."""
    span = span_of(deletion.start_ms, deletion.end_ms)
    entity_id = deletion.entity_id
    keys = await connection.fetch(
        "SELECT key_id FROM key_dictionary WHERE key = ANY($1::text[]) ORDER BY key_id",
        nameable(deletion.keys),
    )
    parameters = (entity_id, [row[0] for row in keys], span.start_ms, span.end_ms)
    gone = []
    if deletion.latest:
        gone = await connection.fetch(
            f"DELETE FROM ts_kv_latest WHERE {_IN_RANGE} RETURNING key_id",
            *parameters,
        )
    await connection.execute(f"DELETE FROM ts_kv WHERE {_IN_RANGE}", *parameters)
    if gone and deletion.rewrite_latest:
        await connection.execute(_REWRITE, entity_id, [row[0] for row in gone])


async def purge(connection: Connection, entity_id: UUID) -> None:
    """Delete everything of an entity, inside the open transaction."""
    for table in ("ts_kv_latest", "ts_kv", "attribute_kv"):
        await connection.execute(f"DELETE FROM {table} WHERE entity_id = $1", entity_id)
