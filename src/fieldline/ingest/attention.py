"""Since when the server has been listening: a device is silent only to somebody who listens."""

import logging
from collections.abc import Callable, Iterable
from uuid import UUID

logger = logging.getLogger(__name__)

GAP_MS = 10_000
"""Between two looks; more of it, and the process stood still or the machine slept."""

HELD_EVERY_MS = 1_000
"""Between two looks at each tenant: there may be thousands."""

TOLD_MS = 1_000
"""A clock that is put back by so much is worth a line in the log."""


class Attention:
    """Knows since when devices could be heard all the time.

    Args:
        now_ms: the time.
        is_full: whether the server takes no more just now, so that sockets are not read.
        held: the tenants of whom it takes no more just now.
    """

    def __init__(
        self,
        now_ms: Callable[[], int],
        is_full: Callable[[], bool],
        held: Callable[[], Iterable[UUID]],
    ) -> None:
        self._now_ms = now_ms
        self._is_full = is_full
        self._held = held
        self._held_ms: dict[UUID, int] = {}
        self._looked_ms = self._since_ms = self._held_looked_ms = now_ms()

    @property
    def since_ms(self) -> int:
        """Since when devices could be heard: since now, when the clock was put back."""
        self._heed_steps(self._now_ms())
        return self._since_ms

    def since_ms_of(self, tenant_id: UUID) -> int:
        """Since when a tenant's devices could be heard."""
        return max(self.since_ms, self._held_ms.get(tenant_id, 0))

    def look(self) -> None:
        """Note whether devices can be heard; call this every few seconds."""
        now_ms = self._now_ms()
        self._heed_steps(now_ms)
        if self._is_full() or now_ms - self._looked_ms > GAP_MS:
            self._since_ms = now_ms
            self._held_ms.clear()
        if now_ms - self._held_looked_ms >= HELD_EVERY_MS:
            self._held_looked_ms = now_ms
            self._held_ms.update(dict.fromkeys(self._held(), now_ms))
        self._looked_ms = now_ms

    def _heed_steps(self, now_ms: int) -> None:
        back_ms = self._looked_ms - now_ms
        if back_ms <= 0:
            return
        self._since_ms = self._looked_ms = self._held_looked_ms = now_ms
        self._held_ms.clear()
        if back_ms >= TOLD_MS:
            logger.warning(
                "The clock was put back by %.3f s: devices are silent from now on only; readings"
                " keep their times, and the newest stays the latest value",
                back_ms / 1000,
            )
