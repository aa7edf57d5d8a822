"""Reads a tenant's rule chains from the database for the engine."""

from collections.abc import Awaitable, Callable
from uuid import UUID

from fieldline.database.engine import Database
from fieldline.domains.rule_chain import metadata
from fieldline.rules.tenant import TenantGraphs

ExecutionLimit = Callable[[UUID], Awaitable[int]]
"""How many nodes one message of a tenant may pass, by its profile; 0 for any number."""


class GraphLoader:
    """The engine's ``load_graphs``."""

    def __init__(self, database: Database, execution_limit: ExecutionLimit) -> None:
        self._database = database
        self._execution_limit = execution_limit

    async def __call__(self, tenant_id: UUID) -> TenantGraphs:
        limit = await self._execution_limit(tenant_id)
        async with self._database.read() as session:
            return TenantGraphs(await metadata.graphs(session, tenant_id), limit)
