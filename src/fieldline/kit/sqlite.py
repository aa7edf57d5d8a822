"""How every connection that writes to the SQLite file is set up."""

CHECKPOINT_PAGES = 16_000
"""Pages of the write-ahead log (64 MB) that are written back to the file together, the newest
version of each. Every series writes to a page of its own again and again: written back after 1,000
pages, as SQLite does by itself, a page goes to the disk twice for almost every point (ADR 0029)."""

DURABLE = (
    "journal_mode=WAL",
    "synchronous=FULL",
    f"wal_autocheckpoint={CHECKPOINT_PAGES}",
)
"""The pragmas: a commit is on the disk when it returns."""
