"""Reads a tenant's rule chains from the database for the engine."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from uuid import UUID

from fieldline.database.engine import Database
from fieldline.domains.api_usage.counters import Usage, UsageLimits
from fieldline.domains.rule_chain import metadata
from fieldline.rules.tenant import TenantGraphs

ProfileOfTenant = Callable[[UUID], Awaitable[Mapping[str, Any]]]
"""Reads the configuration of a tenant's profile, by ThingsBoard's names."""


class GraphLoader:
    """The engine's ``load_graphs``."""

    def __init__(self, database: Database, profile_of: ProfileOfTenant, usage: Usage) -> None:
        self._database = database
        self._profile_of = profile_of
        self._usage = usage

    async def __call__(self, tenant_id: UUID) -> TenantGraphs:
        profile = await self._profile_of(tenant_id)
        self._usage.of(tenant_id).limits = UsageLimits.of(profile)
        limit = int(profile.get("maxRuleNodeExecutionsPerMessage") or 0)
        async with self._database.read() as session:
            return TenantGraphs(await metadata.graphs(session, tenant_id), limit)
