"""The migrations make what the models say, on both databases, and do so only once."""

import warnings
from typing import Any

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection

from fieldline.database.base import Base
from fieldline.database.engine import Database
from fieldline.database.migrate import is_current, newest_revision, upgrade
from tests.models import import_models


def differences(connection: Connection) -> list[Any]:
    context = MigrationContext.configure(
        connection,
        opts={"include_object": lambda _i, _n, kind, reflected, model: not (
            kind == "table" and reflected and model is None
        )},
    )  # fmt: skip
    with warnings.catch_warnings():
        # Expression indexes cannot be compared; there is one, made by hand in 0002.
        warnings.filterwarnings("ignore", message="autogenerate skipping")
        warnings.filterwarnings("ignore", message="Skipped unsupported reflection")
        return list(compare_metadata(context, Base.metadata))


async def test_the_migrated_schema_is_what_the_models_say(database: Database) -> None:
    import_models()
    async with database.read() as session:
        found = await (await session.connection()).run_sync(differences)

    assert found == []


async def test_a_migrated_database_is_current_and_not_migrated_again(database: Database) -> None:
    assert await is_current(database)
    assert await upgrade(database) is False


def test_revisions_count_up() -> None:
    assert newest_revision().isdigit()
