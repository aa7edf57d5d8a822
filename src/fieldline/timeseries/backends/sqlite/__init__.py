"""Readings and attributes in the embedded SQLite file."""

from fieldline.timeseries.backends.sqlite.store import SqliteStore

__all__ = ["SqliteStore"]
