"""Brings a database's schema up to date with the migrations inside the package.

Alembic is imported only when there is something to migrate: a start over an existing store saves
the fifth of a second that it takes.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, inspect, text

from fieldline.database.engine import Database

if TYPE_CHECKING:
    from alembic.config import Config

MIGRATIONS = Path(__file__).parent / "migrations"
REVISION_DIGITS = 4
"""A migration's file name begins with its revision, and revisions count up."""


async def upgrade(database: Database) -> bool:
    """Run the migrations that are missing, all in one transaction; returns whether there were any.

    Raises:
        Unavailable: the database is away.
    """
    if await is_current(database):
        return False
    async with database.write() as session:
        await (await session.connection()).run_sync(_upgrade)
    return True


async def is_current(database: Database) -> bool:
    """Return whether the schema is the newest one."""
    async with database.read() as session:
        revision = await (await session.connection()).run_sync(_stored_revision)
    return revision == newest_revision()


def newest_revision() -> str:
    """Return the revision of the last migration."""
    return max(path.name[:REVISION_DIGITS] for path in (MIGRATIONS / "versions").glob("[0-9]*.py"))


def make_config() -> "Config":
    """Return Alembic's configuration; whoever runs it adds the connection."""
    from alembic.config import Config  # noqa: PLC0415 - see the module's text

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    return config


def _stored_revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    revision: str | None = connection.scalar(text("SELECT version_num FROM alembic_version"))
    return revision


def _upgrade(connection: Connection) -> None:
    from alembic import command  # noqa: PLC0415 - see the module's text

    config = make_config()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
