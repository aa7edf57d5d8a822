"""How long a device may be silent: its own time-out, else its profile's, else the server's.

Each is an attribute ``inactivityTimeout`` of SERVER_SCOPE, in ms; what is no positive number is
none.
"""

from uuid import UUID

from fieldline.kit.lru import Lru
from fieldline.kit.values import INT64_MAX, Value
from fieldline.timeseries.store import Scope, TimeseriesStore

DEFAULT_TIMEOUT_MS = 600_000
TIMEOUT_KEY = "inactivityTimeout"
_PROFILES = 10_000


class Timeouts:
    """The time-outs of profiles, kept in memory.

    Args:
        store: read for a profile that is not known yet.
        default_ms: of a profile that has none.
    """

    def __init__(self, store: TimeseriesStore, default_ms: int) -> None:
        self._store = store
        self._default_ms = default_ms
        self._profiles: Lru[UUID, int] = Lru(_PROFILES)

    async def of_profile(self, profile_id: UUID) -> int:
        """Return the time-out of a profile's devices.

        Raises:
            Unavailable: the store is away.
        """
        known = self._profiles.get(profile_id)
        if known is not None:
            return known
        stored = await self._store.attributes(profile_id, Scope.SERVER, (TIMEOUT_KEY,))
        return self.change(profile_id, stored[0].value if stored else None)

    def change(self, profile_id: UUID, value: Value | None) -> int:
        """Set the time-out of a profile; returns what holds now."""
        timeout_ms = timeout_of(value) or self._default_ms
        self._profiles.put(profile_id, timeout_ms)
        return timeout_ms


def timeout_of(value: Value | None) -> int:
    """Return a stored time-out; 0 for what is none."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    # A double may be larger than what JSON carries, and the rules are told the time-out.
    return min(max(int(value), 0), INT64_MAX) if is_number else 0  # type: ignore[arg-type]
