"""What a tenant used, month by month."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

from fieldline.domains.api_usage.counters import Usage, UsageLimits, Use
from fieldline.domains.api_usage.repository import UsageRepository
from fieldline.domains.tenant_profile import service as tenant_profile_service
from fieldline.kit.ids import EntityType
from fieldline.kit.paging import PageRequest
from fieldline.security.caller import Caller
from fieldline.security.permissions import Operation, tenant_of

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession


class PresentUse(NamedTuple):
    """What a tenant used in the present month, and what it may use."""

    counts: Mapping[str, int]
    limits: UsageLimits


async def present(session: "AsyncSession", caller: Caller, usage: Usage) -> PresentUse:
    """Return what the caller's tenant used in the present month."""
    tenant_id = tenant_of(caller, Operation.READ, EntityType.TENANT)
    profile = await tenant_profile_service.configuration(session, tenant_id)
    return PresentUse(usage.of(tenant_id).counts, UsageLimits.of(profile))


async def months(
    session: "AsyncSession", caller: Caller, usage: Usage, page: PageRequest
) -> list[Use]:
    """Return what the caller's tenant used in each month, the newest first.

    The present month is there once something of it is stored, a few seconds after it was counted;
    its numbers are those of now.
    """
    tenant_id = tenant_of(caller, Operation.READ, EntityType.TENANT)
    counts = usage.of(tenant_id).counts
    return [
        Use(tenant_id, usage.month_ms, counts) if use.month_ms == usage.month_ms else use
        for use in await UsageRepository(session).of_tenant(tenant_id, page)
    ]
