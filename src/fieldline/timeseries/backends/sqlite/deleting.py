"""Deletes from SQLite in steps, so that a long deletion does not keep batches waiting.

Every function does one step inside the open transaction; the store lets other writers in between.
"""

import sqlite3
from collections.abc import Sequence
from uuid import UUID

from fieldline.timeseries.backends.sqlite.writing import SCOPE_ID
from fieldline.timeseries.columns import COLUMNS
from fieldline.timeseries.intervals import Span
from fieldline.timeseries.store import Scope

STEP_ROWS = 20_000
"""Rows of one step: some 20 ms."""

_COLUMNS = ", ".join(COLUMNS)
_SERIES = "entity_id = ? AND key_id = ?"
PointKey = tuple[bytes, int, int]


def delete_history_step(
    cursor: sqlite3.Cursor, entity_id: UUID, key_id: int, span: Span, *, rows: int = STEP_ROWS
) -> bool:
    """Delete the oldest ``rows`` points of a series' range; returns whether more are left."""
    series = (entity_id.bytes, key_id)
    beyond = cursor.execute(
        f"SELECT ts FROM ts_kv WHERE {_SERIES} AND ts >= ? AND ts < ? ORDER BY ts LIMIT 1 OFFSET ?",
        (*series, span.start_ms, span.end_ms, rows),
    ).fetchone()
    end_ms = span.end_ms if beyond is None else beyond[0]
    cursor.execute(
        f"DELETE FROM ts_kv WHERE {_SERIES} AND ts >= ? AND ts < ?",
        (*series, span.start_ms, end_ms),
    )
    return beyond is not None


def delete_latest(
    cursor: sqlite3.Cursor, entity_id: UUID, key_id: int, span: Span, *, rewrite: bool
) -> None:
    """Delete a latest value that lies in the range, or put the newest point left in its place."""
    series = (entity_id.bytes, key_id)
    cursor.execute(
        f"DELETE FROM ts_kv_latest WHERE {_SERIES} AND ts >= ? AND ts < ?",
        (*series, span.start_ms, span.end_ms),
    )
    if cursor.rowcount and rewrite:
        cursor.execute(
            f"INSERT INTO ts_kv_latest (entity_id, key_id, ts, {_COLUMNS}) "
            f"SELECT entity_id, key_id, ts, {_COLUMNS} FROM ts_kv WHERE {_SERIES} "
            "ORDER BY ts DESC LIMIT 1",
            series,
        )


def delete_attributes(
    cursor: sqlite3.Cursor, entity_id: UUID, scope: Scope, key_ids: dict[str, int]
) -> list[str]:
    """Delete attributes; returns the keys that there were, sorted."""
    deleted = []
    for key, key_id in sorted(key_ids.items()):
        cursor.execute(
            "DELETE FROM attribute_kv WHERE entity_id = ? AND scope = ? AND key_id = ?",
            (entity_id.bytes, SCOPE_ID[scope], key_id),
        )
        if cursor.rowcount:
            deleted.append(key)
    return deleted


def delete_state(cursor: sqlite3.Cursor, entity_id: UUID) -> None:
    """Delete the latest values and attributes of an entity."""
    cursor.execute("DELETE FROM ts_kv_latest WHERE entity_id = ?", (entity_id.bytes,))
    cursor.execute("DELETE FROM attribute_kv WHERE entity_id = ?", (entity_id.bytes,))


def series_of(cursor: sqlite3.Cursor, entity_id: UUID) -> list[int]:
    """Return the ids of the keys that an entity has points of, by skipping over the index."""
    rows = cursor.execute(
        """WITH RECURSIVE series (key_id) AS (
            SELECT MIN(key_id) FROM ts_kv WHERE entity_id = :entity
            UNION ALL
            SELECT (SELECT MIN(key_id) FROM ts_kv
                    WHERE entity_id = :entity AND key_id > series.key_id)
            FROM series WHERE series.key_id IS NOT NULL
        ) SELECT key_id FROM series WHERE key_id IS NOT NULL""",
        {"entity": entity_id.bytes},
    )
    return [key_id for (key_id,) in rows]


def find_expired(cursor: sqlite3.Cursor, before_ms: int, limit: int) -> list[PointKey]:
    """Return the keys of up to ``limit`` points older than ``before_ms``.

    Goes from series to series along the primary key; an index by time alone would cost every
    insert a second page.
    """
    found: list[PointKey] = []
    entity, key_id = b"", 0
    while len(found) < limit:
        row = cursor.execute(
            "SELECT entity_id, key_id FROM ts_kv WHERE (entity_id, key_id) > (?, ?) "
            "ORDER BY entity_id, key_id LIMIT 1",
            (entity, key_id),
        ).fetchone()
        if row is None:
            break
        entity, key_id = row
        found += cursor.execute(
            f"SELECT entity_id, key_id, ts FROM ts_kv WHERE {_SERIES} AND ts < ? LIMIT ?",
            (entity, key_id, before_ms, limit - len(found)),
        )
    return found


def delete_points(cursor: sqlite3.Cursor, points: Sequence[PointKey]) -> int:
    """Delete points by their primary keys; returns how many there were."""
    cursor.executemany(f"DELETE FROM ts_kv WHERE {_SERIES} AND ts = ?", points)
    return cursor.rowcount
