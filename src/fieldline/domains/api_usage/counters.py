"""Where use is counted: an object of plain numbers for each tenant, in memory.

Whoever counts holds the tenant's object and adds to its numbers, which costs a reading next to
nothing; :class:`~fieldline.domains.api_usage.writer.UsageWriter` stores them. All calls are
on the event loop.
"""

import logging
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple
from uuid import UUID

from fieldline.domains.api_usage.months import month_end, month_name, month_start
from fieldline.kit.errors import RateLimited

logger = logging.getLogger(__name__)

WARN_THRESHOLD = 0.8
"""Share of a limit from which on it is warned of, when the profile does not say."""
RETRY_AFTER_S = 60.0
"""When to come back at the latest: the profile may have been changed before the month ends."""
COUNTED = (
    "transport_messages",
    "transport_data_points",
    "rule_engine_executions",
    "js_executions",
)
"""What is counted: attributes of :class:`TenantUsage`, columns of its table."""


class UsageState(StrEnum):
    """What a tenant may still do, by ThingsBoard's names."""

    ENABLED = "ENABLED"
    WARNING = "WARNING"
    DISABLED = "DISABLED"


class UsageLimitReached(RateLimited):
    """The tenant used in this month what its profile allows; more is refused until it ends."""


@dataclass(frozen=True, slots=True)
class UsageLimits:
    """What a tenant may use in a month; 0 is unlimited. ``warn_threshold`` is a share of that."""

    transport_messages: int = 0
    transport_data_points: int = 0
    js_executions: int = 0
    warn_threshold: float = WARN_THRESHOLD

    @classmethod
    def of(cls, profile: Mapping[str, Any]) -> "UsageLimits":
        """Read them from a tenant profile's configuration."""
        return cls(
            profile.get("maxTransportMessages") or 0,
            profile.get("maxTransportDataPoints") or 0,
            profile.get("maxJSExecutions") or 0,
            _threshold(profile.get("warnThreshold")),
        )

    def transport_state(self, counts: Mapping[str, int]) -> UsageState:
        """Return what devices may still do: the worse one of messages and data points."""
        return max(
            self._state(counts["transport_messages"], self.transport_messages),
            self._state(counts["transport_data_points"], self.transport_data_points),
            key=list(UsageState).index,
        )

    def js_state(self, counts: Mapping[str, int]) -> UsageState:
        """Return what scripts may still do."""
        return self._state(counts["js_executions"], self.js_executions)

    def _state(self, used: int, limit: int) -> UsageState:
        if not limit or used < limit * self.warn_threshold:
            return UsageState.ENABLED
        return UsageState.WARNING if used < limit else UsageState.DISABLED


def _threshold(value: float | None) -> float:
    return value if value is not None and 0 < value <= 1 else WARN_THRESHOLD


class TenantUsage:
    """What one tenant used in the present month, and may use.

    The numbers are there to be added to; they begin anew, in this object, with each month.
    """

    __slots__ = (*COUNTED, "_saved", "_told", "_usage", "limits", "tenant_id")

    transport_messages: int
    transport_data_points: int
    rule_engine_executions: int
    js_executions: int

    def __init__(self, tenant_id: UUID, usage: "Usage") -> None:
        self.tenant_id = tenant_id
        self.limits = UsageLimits()
        self._usage = usage
        self._told: dict[str, UsageState] = {}
        self.restart()

    @property
    def is_transport_limited(self) -> bool:
        """Whether :meth:`check_transport` may refuse at all."""
        return bool(self.limits.transport_messages or self.limits.transport_data_points)

    @property
    def counts(self) -> dict[str, int]:
        """All numbers of this month, by name."""
        return {name: getattr(self, name) for name in COUNTED}

    def check_transport(self, now_ms: int) -> None:
        """Refuse a message of a device when the tenant used up its messages or data points.

        Raises:
            UsageLimitReached: it did.
        """
        limits = self.limits
        if 0 < limits.transport_messages <= self.transport_messages:
            raise self._reached(f"{limits.transport_messages} messages of devices", now_ms)
        if 0 < limits.transport_data_points <= self.transport_data_points:
            raise self._reached(f"{limits.transport_data_points} data points of devices", now_ms)

    def check_js(self, now_ms: int) -> None:
        """Refuse to run a script when the tenant used up its executions.

        Raises:
            UsageLimitReached: it did.
        """
        if 0 < self.limits.js_executions <= self.js_executions:
            raise self._reached(f"{self.limits.js_executions} executions of scripts", now_ms)

    def tell(self) -> None:
        """Log what is warned of or refused since the last look, and what no longer is."""
        counts, limits = self.counts, self.limits
        for what, state in (
            ("devices", limits.transport_state(counts)),
            ("scripts", limits.js_state(counts)),
        ):
            if state is self._told.get(what, UsageState.ENABLED):
                continue
            self._told[what] = state
            logger.log(
                logging.INFO if state is UsageState.ENABLED else logging.WARNING,
                "API usage of tenant %s in %s: %s are %s (%d messages, %d data points, "
                "%d executions of scripts)",
                self.tenant_id,
                month_name(self._usage.month_ms),
                what,
                state,
                self.transport_messages,
                self.transport_data_points,
                self.js_executions,
            )

    def restart(self) -> None:
        """Begin to count from 0."""
        for name in COUNTED:
            setattr(self, name, 0)
        self._saved = dict.fromkeys(COUNTED, 0)

    def restore(self, counts: Mapping[str, int]) -> None:
        """Add what is stored of this month already."""
        for name, count in counts.items():
            setattr(self, name, getattr(self, name) + count)
        self.note_saved(counts)

    def unsaved(self) -> dict[str, int]:
        """Return what was counted since it was last stored; empty for nothing."""
        counts = {name: count - self._saved[name] for name, count in self.counts.items()}
        return counts if any(counts.values()) else {}

    def note_saved(self, counts: Mapping[str, int]) -> None:
        for name, count in counts.items():
            self._saved[name] += count

    def _reached(self, what: str, now_ms: int) -> UsageLimitReached:
        self.tell()
        month = month_name(self._usage.month_ms)
        until_end_s = (self._usage.month_end_ms - now_ms) / 1000
        return UsageLimitReached(
            f"The tenant used the {what} that its profile allows in {month}; it has to wait for "
            "the next month, or for another profile",
            retry_after_s=max(1.0, min(until_end_s, RETRY_AFTER_S)),
        )


class Use(NamedTuple):
    """What a tenant used in a month, or a part of that."""

    tenant_id: UUID
    month_ms: int
    counts: Mapping[str, int]


class Usage:
    """The numbers of all tenants in the present month."""

    def __init__(self, now_ms: int) -> None:
        self.month_ms = month_start(now_ms)
        self.month_end_ms = month_end(now_ms)
        self._tenants: dict[UUID, TenantUsage] = {}
        self._closed: list[Use] = []

    def of(self, tenant_id: UUID) -> TenantUsage:
        """Return a tenant's numbers, which stay the same object for as long as it is there."""
        found = self._tenants.get(tenant_id)
        if found is None:
            found = self._tenants[tenant_id] = TenantUsage(tenant_id, self)
        return found

    def forget(self, tenant_id: UUID) -> None:
        """Store nothing more of a tenant that was deleted."""
        self._tenants.pop(tenant_id, None)
        self._closed = [use for use in self._closed if use.tenant_id != tenant_id]

    def turn(self, now_ms: int) -> bool:
        """Begin another month if it is time; True: what is stored of that is to be restored.

        A clock that is put back over the end of a month does the same.
        """
        if self.month_ms == month_start(now_ms):
            return False
        self._closed = self.unsaved()
        self.month_ms, self.month_end_ms = month_start(now_ms), month_end(now_ms)
        for tenant in self._tenants.values():
            tenant.restart()
        return True

    def restore(self, stored: Iterable[Use]) -> None:
        """Add what is stored of the present month."""
        for use in stored:
            self.of(use.tenant_id).restore(use.counts)

    def unsaved(self) -> list[Use]:
        """Return all that is not stored yet."""
        present = (
            Use(tenant.tenant_id, self.month_ms, tenant.unsaved())
            for tenant in self._tenants.values()
        )
        return self._closed + [use for use in present if use.counts]

    def note_saved(self, uses: Collection[Use]) -> None:
        """Note that this, of :meth:`unsaved`, is stored, or that there is nobody to store it of."""
        saved = {id(use) for use in uses}
        self._closed = [use for use in self._closed if id(use) not in saved]
        for use in uses:
            tenant = self._tenants.get(use.tenant_id)
            if tenant is not None and use.month_ms == self.month_ms:
                tenant.note_saved(use.counts)

    def tell(self) -> None:
        """See :meth:`TenantUsage.tell`."""
        for tenant in self._tenants.values():
            tenant.tell()
