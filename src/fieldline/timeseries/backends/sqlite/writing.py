"""Writes a batch of readings and attributes to SQLite; runs in the store's writer thread.

Rows are written by one statement per value type, with that type's column alone: the driver adapts
each NULL and each ``bytes`` by a slow look-up, so four parameters of plain types take 5.0 us a row
(182,000 rows/s, history and latest) where eight took 9.2 (101,000). Sorted rows touch each page
once: 153,000 instead of 97,000 rows/s with 20,000 devices.
"""

import sqlite3
from collections.abc import Iterable
from operator import itemgetter

from fieldline.kit.values import Value
from fieldline.timeseries.backends.sqlite.keys import KeyIds
from fieldline.timeseries.columns import COLUMN_OF, COLUMNS
from fieldline.timeseries.store import AttributeWrite, ReadingsWrite, Scope, WriteBatch

SCOPE_ID = {Scope.CLIENT: 1, Scope.SERVER: 2, Scope.SHARED: 3}

_SET = ", ".join(f"{column} = excluded.{column}" for column in COLUMNS)
_CHANGED = " OR ".join(f"{column} IS NOT excluded.{column}" for column in COLUMNS)


def _statements(template: str) -> dict[type, str]:
    return {kind: template.format(column=column) for kind, column in COLUMN_OF.items()}


_HISTORY = _statements(
    "INSERT INTO ts_kv (entity_id, key_id, ts, {column}) VALUES (?, ?, ?, ?) "  # noqa: S608
    f"ON CONFLICT (entity_id, key_id, ts) DO UPDATE SET {_SET}"
)
_LATEST = _statements(
    "INSERT INTO ts_kv_latest (entity_id, key_id, ts, {column}) VALUES (?, ?, ?, ?) "  # noqa: S608
    f"ON CONFLICT (entity_id, key_id) DO UPDATE SET ts = excluded.ts, {_SET} "
    "WHERE excluded.ts >= ts_kv_latest.ts"
)
_ATTRIBUTE = _statements(
    "INSERT INTO attribute_kv (entity_id, scope, key_id, last_update_ts, {column}) "  # noqa: S608
    "VALUES (?, ?, ?, ?, ?) ON CONFLICT (entity_id, scope, key_id) DO UPDATE SET "
    f"last_update_ts = excluded.last_update_ts, {_SET}"
)
_ATTRIBUTE_IF_CHANGED = {
    kind: f"{statement} WHERE {_CHANGED}" for kind, statement in _ATTRIBUTE.items()
}

Rows = dict[type, list[tuple[bytearray, int, int, Value]]]
"""Rows by the type of their value."""
Series = tuple[bytes, int]


def write_batch(cursor: sqlite3.Cursor, batch: WriteBatch, keys: KeyIds) -> list[set[str]]:
    """Write inside the open transaction; returns the keys written per attribute write."""
    ids = keys.resolve(cursor, batch.keys())
    history, latest = _collect(batch.readings, ids)
    blobs = _Blobs()
    history_rows: Rows = {}
    for (entity, key_id, ts), value in sorted(history.items(), key=_first):
        row = (blobs[entity], key_id, ts, value)
        history_rows.setdefault(type(value), []).append(row)
    _insert(cursor, _HISTORY, history_rows)
    latest_rows: Rows = {}
    for (entity, key_id), (ts, value) in sorted(latest.items(), key=_first):
        row = (blobs[entity], key_id, ts, value)
        latest_rows.setdefault(type(value), []).append(row)
    _insert(cursor, _LATEST, latest_rows)
    return [_write_attributes(cursor, write, ids) for write in batch.attributes]


class _Blobs(dict[bytes, bytearray]):
    """One ``bytearray`` per entity, made when it is first asked for."""

    def __missing__(self, entity: bytes) -> bytearray:
        blob = self[entity] = bytearray(entity)
        return blob


_first = itemgetter(0)


def _collect(
    readings: Iterable[ReadingsWrite], ids: dict[str, int]
) -> tuple[dict[tuple[bytes, int, int], Value], dict[Series, tuple[int, Value]]]:
    """Keep the last of equal points for the history, and the newest of each series."""
    history: dict[tuple[bytes, int, int], Value] = {}
    latest: dict[Series, tuple[int, Value]] = {}
    for entity_id, ts, values, to_history, to_latest in readings:
        entity = entity_id.bytes
        for key, value in values.items():
            key_id = ids[key]
            if to_history:
                history[entity, key_id, ts] = value
            if to_latest:
                series = (entity, key_id)
                newest = latest.get(series)
                if newest is None or newest[0] <= ts:
                    latest[series] = (ts, value)
    return history, latest


def _insert(cursor: sqlite3.Cursor, statements: dict[type, str], rows: Rows) -> None:
    for kind, typed in rows.items():
        # A boolean binds as its integer; given as such it needs no look-up.
        given = [(e, k, ts, int(v)) for e, k, ts, v in typed] if kind is bool else typed
        cursor.executemany(statements[kind], given)


def _write_attributes(
    cursor: sqlite3.Cursor, write: AttributeWrite, ids: dict[str, int]
) -> set[str]:
    statements = _ATTRIBUTE_IF_CHANGED if write.only_changed else _ATTRIBUTE
    entity = write.entity_id.bytes
    scope = SCOPE_ID[write.scope]
    written: set[str] = set()
    for key, value in write.values.items():
        cursor.execute(statements[type(value)], (entity, scope, ids[key], write.ts_ms, value))
        if cursor.rowcount:
            written.add(key)
    return written
