"""SQLAlchemy's dialects, of which all are one to its caches of compiled statements.

A statement is compiled once per dialect object, and each test has an engine with one of its own.
So each compiled everything again.
"""

from typing import Any, ClassVar

from sqlalchemy import Engine
from sqlalchemy.dialects import registry
from sqlalchemy.dialects.postgresql.asyncpg import PGDialect_asyncpg

from fieldline.database.sqlite_dialect import DRIVER, SqliteDialect


class OfAllEngines:
    """Mixed into a dialect: equal to the others of its class, whose compiled statements it uses."""

    compiled: ClassVar[dict[Any, Any]]

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other)

    def __hash__(self) -> int:
        return hash(type(self))

    @classmethod
    def engine_created(cls, engine: Engine) -> None:
        engine.update_execution_options(compiled_cache=cls.compiled)


class Sqlite(OfAllEngines, SqliteDialect):
    supports_statement_cache = True
    compiled: ClassVar[dict[Any, Any]] = {}


class Postgresql(OfAllEngines, PGDialect_asyncpg):
    supports_statement_cache = True
    compiled: ClassVar[dict[Any, Any]] = {}


def share_compiled_statements() -> None:
    """Have every engine that is made from now on use these dialects."""
    registry.register(DRIVER.replace("+", "."), __name__, "Sqlite")
    registry.register("postgresql.asyncpg", __name__, "Postgresql")
