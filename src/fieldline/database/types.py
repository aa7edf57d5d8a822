"""Column types that mean the same on SQLite and PostgreSQL."""

from collections.abc import Callable
from functools import lru_cache
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import LargeBinary, Text, Uuid
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator, TypeEngine


class Guid(TypeDecorator[UUID]):
    """A UUID: ``uuid`` on PostgreSQL, 16 bytes on SQLite, where text would take 36."""

    impl = LargeBinary(16)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if dialect.name == "postgresql":
            return dialect.type_descriptor(Uuid(as_uuid=True))
        return dialect.type_descriptor(LargeBinary(16))

    def process_bind_param(self, value: UUID | None, dialect: Dialect) -> Any:  # noqa: ANN401
        if value is None or dialect.name == "postgresql":
            return value
        return value.bytes

    def result_processor(
        self,
        dialect: Dialect,
        coltype: object,  # noqa: ARG002 - SQLAlchemy's signature
    ) -> Callable[[Any], UUID | None] | None:
        # Itself, not by way of `process_result_value`: a page of 100 devices holds 700 ids.
        return None if dialect.name == "postgresql" else _uuid_or_none


@lru_cache(8_192)
def _uuid(value: bytes) -> UUID:
    # Most ids of a page are those of a tenant and a few profiles; and UUID's own code is slow.
    return UUID(bytes=value)


def _uuid_or_none(value: bytes | None) -> UUID | None:
    return None if value is None else _uuid(value)


class Json(TypeDecorator[Any]):
    """Any JSON: ``jsonb`` on PostgreSQL, text on SQLite; read and written by orjson."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if dialect.name == "postgresql":
            # Not loaded for nothing: 4 MB.
            from sqlalchemy.dialects.postgresql import JSONB  # noqa: PLC0415

            return dialect.type_descriptor(JSONB())
        return dialect.type_descriptor(Text())

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:  # noqa: ANN401
        if value is None or dialect.name == "postgresql":
            return value
        return orjson.dumps(value).decode()

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:  # noqa: ANN401
        if value is None or dialect.name == "postgresql":
            return value
        return orjson.loads(value)
