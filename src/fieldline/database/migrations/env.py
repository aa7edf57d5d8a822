"""Alembic's entry: runs the migrations on the connection that ``database.migrate`` gives it."""

from alembic import context
from sqlalchemy.engine import Connection

from fieldline.database.base import Base

connection: Connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=Base.metadata,
    render_as_batch=connection.dialect.name == "sqlite",
    transaction_per_migration=False,
)
with context.begin_transaction():
    context.run_migrations()
