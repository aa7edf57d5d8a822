"""How many debug events a tenant may record in a time, so that debugging cannot fill the store."""

from collections import OrderedDict
from dataclasses import dataclass
from uuid import UUID

from fieldline.kit.errors import Invalid

MAX_TENANTS = 10_000
"""Tenants whose numbers are kept; the one that began counting longest ago goes first."""


@dataclass(frozen=True, slots=True)
class Quota:
    """So many events in so many seconds, counted from a tenant's first one."""

    count: int = 50_000
    seconds: int = 3_600

    @classmethod
    def parse(cls, text: str) -> "Quota":
        """Read ``count:seconds``.

        Raises:
            Invalid: it is something else.
        """
        count, _, seconds = text.partition(":")
        if not (count.isdecimal() and seconds.isdecimal() and int(count) and int(seconds)):
            msg = f"'{text}' is no quota; expected count:seconds, as 50000:3600"
            raise Invalid(msg)
        return cls(int(count), int(seconds))


@dataclass(slots=True)
class _Window:
    since_ms: int
    count: int = 0
    is_told: bool = False


class Quotas:
    """Counts the tenants' events."""

    def __init__(self, quota: Quota) -> None:
        self._quota = quota
        self._windows: OrderedDict[UUID, _Window] = OrderedDict()

    def admits(self, tenant_id: UUID, now_ms: int) -> bool:
        """Count one more event, if that is allowed."""
        window = self._window(tenant_id, now_ms)
        if window.count >= self._quota.count:
            return False
        window.count += 1
        return True

    def is_to_be_told(self, tenant_id: UUID, now_ms: int) -> bool:
        """Say once in a time that the tenant is over its quota."""
        window = self._window(tenant_id, now_ms)
        was_told, window.is_told = window.is_told, True
        return not was_told

    def _window(self, tenant_id: UUID, now_ms: int) -> _Window:
        window = self._windows.get(tenant_id)
        if window is None or now_ms - window.since_ms >= self._quota.seconds * 1000:
            self._windows.pop(tenant_id, None)
            window = self._windows[tenant_id] = _Window(now_ms)
            if len(self._windows) > MAX_TENANTS:
                self._windows.popitem(last=False)
        return window
