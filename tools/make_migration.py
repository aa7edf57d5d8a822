"""Writes the next migration from the difference between the models and the migrations.

    .venv/bin/python tools/make_migration.py "what changes"

Read what it wrote before committing it; both databases must be able to run it.
"""

import asyncio
import importlib
import pkgutil
import sys
import tempfile
from pathlib import Path

from alembic import command
from sqlalchemy.engine import Connection

import fieldline.domains
from fieldline.database.engine import Database
from fieldline.database.migrate import make_config, upgrade


def import_models() -> None:
    for module in pkgutil.iter_modules(fieldline.domains.__path__):
        name = f"fieldline.domains.{module.name}.models"
        if importlib.util.find_spec(name):
            importlib.import_module(name)


async def main(message: str) -> None:
    import_models()
    with tempfile.TemporaryDirectory() as folder:
        database = Database(f"sqlite+aiosqlite:///{folder}/empty.db")
        await upgrade(database)

        def write(connection: Connection) -> None:
            config = make_config()
            config.attributes["connection"] = connection
            versions = Path(fieldline.database.__file__).parent / "migrations" / "versions"
            number = len(list(versions.glob("0*.py"))) + 1
            command.revision(config, message, autogenerate=True, rev_id=f"{number:04}")

        async with database.write() as session:
            await (await session.connection()).run_sync(write)
        await database.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
