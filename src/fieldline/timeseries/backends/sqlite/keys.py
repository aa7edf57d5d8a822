"""Ids of keys: a bounded memory of the key dictionary."""

import sqlite3
from collections.abc import Iterable

MAX_CACHED_KEYS = 100_000


class KeyIds:
    """Looks up and makes the ids of keys; used by the writer thread alone.

    A key made in a transaction is remembered only after :meth:`committed`, because a rollback takes
    its id back.
    """

    def __init__(self, limit: int = MAX_CACHED_KEYS) -> None:
        self._ids: dict[str, int] = {}
        self._made: dict[str, int] = {}
        self._limit = limit

    def resolve(self, cursor: sqlite3.Cursor, keys: Iterable[str]) -> dict[str, int]:
        """Return the id of each key, making the missing ones in the open transaction."""
        known = self._ids
        ids: dict[str, int] = {}
        for key in keys:
            key_id = known.get(key)
            ids[key] = self._find_or_make(cursor, key) if key_id is None else key_id
        return ids

    def _find_or_make(self, cursor: sqlite3.Cursor, key: str) -> int:
        key_id = find_key(cursor, key)
        if key_id is None:
            cursor.execute("INSERT INTO key_dictionary (key) VALUES (?)", (key,))
            key_id = cursor.lastrowid or 0
        self._made[key] = key_id
        return key_id

    def committed(self) -> None:
        """Remember what was found and made; the oldest give way at the limit."""
        self._ids.update(self._made)
        self._made.clear()
        while len(self._ids) > self._limit:
            del self._ids[next(iter(self._ids))]

    def __len__(self) -> int:
        return len(self._ids)

    def rolled_back(self) -> None:
        self._made.clear()


def find_key(cursor: sqlite3.Cursor, key: str) -> int | None:
    """Return the id of a key, or None when nobody ever stored it."""
    row = cursor.execute("SELECT key_id FROM key_dictionary WHERE key = ?", (key,)).fetchone()
    return None if row is None else row[0]


def find_keys(cursor: sqlite3.Cursor, keys: Iterable[str]) -> dict[str, int]:
    """Return the ids of those keys that were ever stored."""
    found = ((key, find_key(cursor, key)) for key in keys)
    return {key: key_id for key, key_id in found if key_id is not None}
