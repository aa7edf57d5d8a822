"""What tenants, devices and gateways may send: the tenant profile's limits of rate and of use.

A message with values counts as one telemetry message and as many data points, any other as one
message. The tenant's limits count all of its devices together; a gateway has limits for what it
sends for itself, and others for all of its devices together. What is let through is counted as the
tenant's use (``domains.api_usage``).

Source: ThingsBoard's tenant profile, transport rate limits.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

from fieldline.domains.api_usage.counters import TenantUsage, Usage, UsageLimitReached, UsageLimits
from fieldline.domains.device.directory import DeviceRecord
from fieldline.ingest.flow import Share
from fieldline.ingest.parts import ProfileOfTenant
from fieldline.kit.errors import Invalid, RateLimited
from fieldline.kit.ids import EntityType
from fieldline.kit.lru import Lru
from fieldline.kit.rate_limit import Part, RateLimit, parse_rate_limit
from fieldline.messaging.bus import Bus
from fieldline.messaging.events import Change, EntityChanged

logger = logging.getLogger(__name__)

MAX_BUDGETS = 100_000
"""Devices of a tenant whose use is remembered; one not seen for the longest time begins anew."""
RETRY_S = 1.0
_TENANT, _DEVICE = "transportTenant", "transportDevice"
_GATEWAY, _SUB_DEVICES = "transportGatewayDevice", "transportGateway"
_KINDS = ("MsgRateLimit", "TelemetryMsgRateLimit", "TelemetryDataPointsRateLimit")
_WHAT = ("messages", "telemetry messages", "data points")


class TenantLimits:
    """One tenant's limits, by prefix; ``is_limited`` is all that a reading asks without any.

    Args:
        usage: what the tenant used in this month.
        share: how much it has on its way, and whether that is too much.
        is_rate_limited: whether the limits of rate hold.
    """

    __slots__ = (
        "_budgets",
        "_is_rate_limited",
        "_parts",
        "is_limited",
        "refused",
        "share",
        "usage",
    )

    def __init__(self, usage: TenantUsage, share: Share, *, is_rate_limited: bool = True) -> None:
        self.usage = usage
        self.share = share
        self.is_limited = False
        self.refused = 0
        self._is_rate_limited = is_rate_limited
        self._parts: dict[str, tuple[tuple[Part, ...], ...]] = {}
        self._budgets: Lru[tuple[str, UUID], list[RateLimit]] = Lru(MAX_BUDGETS)

    def set(self, profile: Mapping[str, Any]) -> None:
        """Take a profile's configuration over; what was used of changed rates is forgotten."""
        self.usage.limits = UsageLimits.of(profile)
        self.usage.tell()
        parts = {
            prefix: tuple(
                _parts(profile, prefix + kind) if self._is_rate_limited else () for kind in _KINDS
            )
            for prefix in (_TENANT, _DEVICE, _GATEWAY, _SUB_DEVICES)
        }
        if parts != self._parts:
            self._parts = parts
            self._budgets.clear()
        self.is_limited = self.usage.is_transport_limited or any(map(any, parts.values()))

    def take(
        self, device: DeviceRecord, gateway: DeviceRecord | None, points: int, now_ms: int
    ) -> None:
        """Count a message of a device, perhaps through a gateway, with so many values.

        Raises:
            UsageLimitReached: the tenant used up what it may in this month.
            RateLimited: it is over a limit; nothing is counted.
        """
        try:
            self.usage.check_transport(now_ms)
        except UsageLimitReached:
            self.refused += 1
            raise
        if gateway is not None:
            own = self._budget(_SUB_DEVICES, gateway.id, now_ms)
        else:
            prefix = _GATEWAY if device.is_gateway else _DEVICE
            own = self._budget(prefix, device.id, now_ms)
        wanted = (1, points) if points else (1,)
        begin = 1 if points else 0
        taken: list[tuple[RateLimit, int]] = []
        for whose, budget in (
            ("The device", own),
            ("The tenant", self._budget(_TENANT, device.tenant_id, now_ms)),
        ):
            for kind, count in enumerate(wanted, begin):
                wait_ms = budget[kind].wait_ms(count, now_ms)
                if wait_ms:
                    self.refused += 1
                    msg = f"{whose} sent more {_WHAT[kind]} than its profile allows; send slower"
                    raise RateLimited(msg, retry_after_s=wait_ms / 1000)
                taken.append((budget[kind], count))
        for limit, count in taken:
            limit.take(count)

    def _budget(self, prefix: str, owner_id: UUID, now_ms: int) -> list[RateLimit]:
        key = (prefix, owner_id)
        found = self._budgets.get(key)
        if found is None:
            found = [RateLimit(parts, now_ms) for parts in self._parts[prefix]]
            self._budgets.put(key, found)
        return found


def _parts(profile: Mapping[str, Any], name: str) -> tuple[Part, ...]:
    """Read a limit; one that cannot be read, from before that was checked, is none."""
    try:
        return parse_rate_limit(profile.get(name))
    except Invalid as error:
        logger.warning("%s of a tenant's profile has no effect: %s", name, error.message)
        return ()


class Limits:
    """The limits of every tenant that has devices here.

    Args:
        bus: tells of changed profiles and tenants.
        profile_of: reads a tenant's profile.
        usage: what tenants use.
        make_share: makes a tenant's share of what may be on its way.
        is_rate_limited: whether the limits of rate hold; those of use always do.
    """

    def __init__(
        self,
        bus: Bus,
        profile_of: ProfileOfTenant,
        usage: Usage,
        make_share: Callable[[], Share],
        *,
        is_rate_limited: bool,
    ) -> None:
        self._profile_of = profile_of
        self._usage = usage
        self._make_share = make_share
        self._is_rate_limited = is_rate_limited
        self._tenants: dict[UUID, TenantLimits] = {}
        self._stale: set[UUID] = set()
        self._changes = 0
        self._refused_before = 0
        self._task: asyncio.Task[None] | None = None
        bus.listen(EntityChanged, self._on_entity)

    async def learn(self, tenant_id: UUID) -> None:
        """Read a tenant's limits, unless they are known; before its first device is let in.

        Raises:
            Unavailable: the database is away.
        """
        while tenant_id not in self._tenants:
            changes = self._changes
            profile = await self._profile_of(tenant_id)
            if changes == self._changes:  # else it may have been read before its change
                self._tenants.setdefault(tenant_id, self._make(tenant_id)).set(profile)

    @property
    def refused(self) -> int:
        """How many messages were over a limit since the start."""
        return self._refused_before + sum(each.refused for each in self._tenants.values())

    def held(self) -> list[UUID]:
        """Return the tenants that used up their share of what may be on its way."""
        return [tenant_id for tenant_id, each in self._tenants.items() if each.share.is_used_up]

    def is_held(self, tenant_id: UUID) -> bool:
        """Tell whether a tenant is one of :meth:`held`."""
        known = self._tenants.get(tenant_id)
        return known is not None and known.share.is_used_up

    def of(self, tenant_id: UUID) -> TenantLimits:
        """Return a tenant's limits, which stay right for as long as they are held."""
        return self._tenants.get(tenant_id) or self._make(tenant_id)

    def _make(self, tenant_id: UUID) -> TenantLimits:
        usage, share = self._usage.of(tenant_id), self._make_share()
        return TenantLimits(usage, share, is_rate_limited=self._is_rate_limited)

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def _on_entity(self, event: EntityChanged) -> None:
        if event.entity.type is EntityType.TENANT_PROFILE:
            self._stale.update(self._tenants)
        elif event.entity.type is not EntityType.TENANT:
            return
        elif event.change is Change.DELETED:
            gone = self._tenants.pop(event.entity.id, None)
            self._refused_before += gone.refused if gone is not None else 0
        elif event.entity.id in self._tenants:
            self._stale.add(event.entity.id)
        self._changes += 1
        if self._stale and (self._task is None or self._task.done()):
            self._task = asyncio.get_running_loop().create_task(self._refresh())

    async def _refresh(self) -> None:
        """Read again what has changed, however long the database is away."""
        while self._stale:
            tenant_id = self._stale.pop()
            try:
                profile = await self._profile_of(tenant_id)
            except Exception as error:  # noqa: BLE001 - its outermost loop: it must go on
                logger.warning("a tenant's limits could not be read again: %s", error)
                self._stale.add(tenant_id)
                await asyncio.sleep(RETRY_S)
                continue
            known = self._tenants.get(tenant_id)
            if known is not None:
                known.set(profile)
