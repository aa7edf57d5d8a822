"""Readings and attributes in PostgreSQL."""

from fieldline.timeseries.backends.postgresql.store import PostgresqlStore

__all__ = ["PostgresqlStore"]
