"""The calendar months (UTC) that usage is counted in; a month is named by its first ms."""

from datetime import UTC, datetime


def month_start(now_ms: int) -> int:
    """Return the first ms of the month that a time is in."""
    now = datetime.fromtimestamp(now_ms / 1000, UTC)
    return _ms(now.year, now.month)


def month_end(now_ms: int) -> int:
    """Return the first ms of the month after the one that a time is in."""
    now = datetime.fromtimestamp(now_ms / 1000, UTC)
    return _ms(now.year + now.month // 12, now.month % 12 + 1)


def month_name(start_ms: int) -> str:
    """Return a month as ``2026-11``."""
    return f"{datetime.fromtimestamp(start_ms / 1000, UTC):%Y-%m}"


def _ms(year: int, month: int) -> int:
    return int(datetime(year, month, 1, tzinfo=UTC).timestamp() * 1000)
