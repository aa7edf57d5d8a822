"""Alembic's entry: runs the migrations on the connection that ``database.migrate`` gives it."""

from alembic import context
from sqlalchemy.engine import Connection

from fieldline.database.base import Base


def is_managed(_item: object, name: str | None, kind: str, reflected: bool, model: object) -> bool:
    """Leave alone the tables of readings, which have no model, and their partitions."""
    return not (kind == "table" and reflected and model is None and name is not None)


connection: Connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=Base.metadata,
    render_as_batch=connection.dialect.name == "sqlite",
    transaction_per_migration=False,
    include_object=is_managed,
    user_module_prefix="types.",
)
with context.begin_transaction():
    context.run_migrations()
