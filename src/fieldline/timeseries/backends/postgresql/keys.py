"""Ids of keys: a bounded memory of the key dictionary."""

from collections.abc import Collection, Iterable

from fieldline.timeseries.backends.postgresql.connection import Connection

MAX_CACHED_KEYS = 100_000


class KeyIds:
    """Looks up and makes the ids of keys, ahead of the transaction that uses them.

    A key that is made stays even when that transaction fails: so no writer waits for another one's
    batch because both met a new key.
    """

    def __init__(self, limit: int = MAX_CACHED_KEYS) -> None:
        self._ids: dict[str, int] = {}
        self._limit = limit

    async def resolve(self, connection: Connection, keys: Collection[str]) -> dict[str, int]:
        """Return the id of each key, making the missing ones."""
        known = self._ids
        ids = {key: known[key] for key in keys if key in known}
        missing = sorted(set(keys) - ids.keys())
        if not missing:
            return ids
        found = await _find(connection, missing)
        new = [key for key in missing if key not in found]
        if new:
            await connection.execute(
                "INSERT INTO key_dictionary (key) SELECT unnest($1::text[]) ON CONFLICT DO NOTHING",
                new,
            )
            found |= await _find(connection, new)
        self._remember(found)
        return ids | found

    def _remember(self, found: dict[str, int]) -> None:
        self._ids.update(found)
        while len(self._ids) > self._limit:
            del self._ids[next(iter(self._ids))]


def nameable(keys: Iterable[str]) -> list[str]:
    """Return the keys that can be stored: to ask for U+0000 in text is an error of the database."""
    return [key for key in keys if "\0" not in key]


async def _find(connection: Connection, keys: list[str]) -> dict[str, int]:
    rows = await connection.fetch(
        "SELECT key, key_id FROM key_dictionary WHERE key = ANY($1::text[])", keys
    )
    return {row[0]: row[1] for row in rows}
