"""Brings a database's schema up to date with the migrations inside the package."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.engine import Connection

from fieldline.database.engine import Database


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
        connection = await session.connection()
        revision = await connection.run_sync(
            lambda c: MigrationContext.configure(c).get_current_revision()
        )
    return revision == ScriptDirectory.from_config(make_config()).get_current_head()


def _upgrade(connection: Connection) -> None:
    config = make_config()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def make_config() -> Config:
    """Return Alembic's configuration; whoever runs it adds the connection."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    return config
