"""Months of the history: made ahead, dropped when they are too old.

Only this month and the next one are made. What has another time lies in the default partition, so
a hostile clock never creates tables; what lies there of a month that is made later moves into it.
"""

from datetime import UTC, datetime
from typing import NamedTuple

from fieldline.timeseries.backends.postgresql.connection import Connection

_LOCK_KEY = 0x6669_656C_6474_7301
"""Advisory lock of whoever changes partitions: processes start together."""
_PARTITIONS = (
    "SELECT c.relname, c.reltuples FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid "
    "WHERE i.inhparent = 'ts_kv'::regclass"
)
_LOCK_TIMEOUT = "5s"
"""Dropping and attaching keep writers out; rather try again later than make them wait long."""


class Month(NamedTuple):
    """A calendar month in UTC."""

    year: int
    month: int

    @property
    def next(self) -> "Month":
        return Month(self.year + self.month // 12, self.month % 12 + 1)

    @property
    def start_ms(self) -> int:
        return int(datetime(self.year, self.month, 1, tzinfo=UTC).timestamp()) * 1000

    @property
    def table(self) -> str:
        return f"ts_kv_{self.year:04}_{self.month:02}"


def month_of(ts_ms: int) -> Month:
    at = datetime.fromtimestamp(ts_ms / 1000, tz=UTC)
    return Month(at.year, at.month)


async def make_ahead(connection: Connection, now_ms: int) -> None:
    """Make the partitions of this month and the next one, where they are missing."""
    this_month = month_of(now_ms)
    for month in (this_month, this_month.next):
        if not await _exists(connection, month):
            async with connection.transaction():
                await _lock(connection)
                if not await _exists(connection, month):
                    await _make(connection, month)


async def _make(connection: Connection, month: Month) -> None:
    start_ms, end_ms = month.start_ms, month.next.start_ms
    # Attaching takes this lock anyway, to see that the default partition holds nothing of the
    # month; taken first, nothing can get in between moving its rows and attaching.
    await connection.execute("LOCK TABLE ts_kv_default IN ACCESS EXCLUSIVE MODE")
    await connection.execute(f"CREATE TABLE {month.table} (LIKE ts_kv INCLUDING ALL)")
    await connection.execute(
        "WITH moved AS (DELETE FROM ts_kv_default WHERE ts >= $1 AND ts < $2 RETURNING *) "
        f"INSERT INTO {month.table} SELECT * FROM moved",
        start_ms,
        end_ms,
    )
    await connection.execute(
        f"ALTER TABLE ts_kv ATTACH PARTITION {month.table} "
        f"FOR VALUES FROM ({start_ms}) TO ({end_ms})"
    )


async def drop_older(connection: Connection, before_ms: int) -> int:
    """Drop months that are wholly older; returns the database's estimate of their points."""
    rows = await connection.fetch(_PARTITIONS)
    points = 0
    for name, estimate in rows:
        month = _month_named(name)
        if month is not None and month.next.start_ms <= before_ms:
            async with connection.transaction():
                await _lock(connection)
                await connection.execute(f"DROP TABLE IF EXISTS {month.table}")
            points += max(int(estimate), 0)
    return points


async def delete_older(connection: Connection, before_ms: int, limit: int) -> int:
    """Delete up to ``limit`` old points of the default partition; returns how many went.

    Goes from series to series along the primary key, so no index by time is needed.
    """
    status = await connection.execute(
        """WITH RECURSIVE series AS (
            (SELECT entity_id, key_id FROM ts_kv_default ORDER BY entity_id, key_id LIMIT 1)
            UNION ALL
            SELECT n.* FROM series s CROSS JOIN LATERAL (
                SELECT entity_id, key_id FROM ts_kv_default
                WHERE (entity_id, key_id) > (s.entity_id, s.key_id)
                ORDER BY entity_id, key_id LIMIT 1) n
        ), old AS (
            SELECT p.* FROM series s CROSS JOIN LATERAL (
                SELECT entity_id, key_id, ts FROM ts_kv_default d
                WHERE d.entity_id = s.entity_id AND d.key_id = s.key_id AND d.ts < $1
                LIMIT $2) p
            LIMIT $2
        )
        DELETE FROM ts_kv_default d USING old
        WHERE d.entity_id = old.entity_id AND d.key_id = old.key_id AND d.ts = old.ts""",
        before_ms,
        limit,
    )
    return int(status.rsplit(" ", 1)[1])


async def _exists(connection: Connection, month: Month) -> bool:
    # Not to_regclass(), which may remember within a transaction that there was no such table.
    return month.table in {row[0] for row in await connection.fetch(_PARTITIONS)}


async def _lock(connection: Connection) -> None:
    await connection.execute(f"SET LOCAL lock_timeout = '{_LOCK_TIMEOUT}'")
    await connection.execute("SELECT pg_advisory_xact_lock($1)", _LOCK_KEY)


def _month_named(table: str) -> Month | None:
    """Return the month of a partition that this module made."""
    try:
        at = datetime.strptime(table, "ts_kv_%Y_%m").replace(tzinfo=UTC)
    except ValueError:
        return None
    return Month(at.year, at.month)
