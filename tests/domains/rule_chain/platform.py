"""Two tenants and the application that serves their rule chains, all of it real."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import httpx

from fieldline.api.app import Routers, create_app
from fieldline.api.v1 import rule_chains as v1_rule_chains
from fieldline.database.engine import Database
from fieldline.domains.api_usage.counters import Usage
from fieldline.domains.device_profile import service as device_profile_service
from fieldline.domains.rule_chain import endpoints, metadata
from fieldline.kit.clock import ManualClock
from fieldline.kit.ids import EntityType, new_id
from fieldline.messaging.backends.memory import MemoryBus
from fieldline.messaging.events import EntityChanged
from fieldline.rest.services import Services
from fieldline.rules.backlog import Backlog
from fieldline.rules.registry import discover
from fieldline.rules.scripts.pool import ScriptPool
from fieldline.rules.scripts.trying import Trier
from fieldline.security.caller import Authority, Caller
from tests.api.support import make_services
from tests.people import client_of, make_tenant


@dataclass
class Platform:
    """Clients of people, and what was told about rule chains."""

    services: Services
    admin: Caller
    stranger: Caller
    as_admin: httpx.AsyncClient
    as_stranger: httpx.AsyncClient
    as_customer: httpx.AsyncClient
    events: list[EntityChanged] = field(default_factory=list)

    @property
    def tenant_id(self) -> UUID:
        assert self.admin.tenant_id is not None
        return self.admin.tenant_id

    async def root(self) -> dict[str, Any]:
        answer = await self.as_admin.get("/api/ruleChains?pageSize=10&page=0")
        roots: list[dict[str, Any]] = [chain for chain in answer.json()["data"] if chain["root"]]
        return roots[0]

    async def make(self, name: str = "Mine") -> dict[str, Any]:
        answer = await self.as_admin.post("/api/ruleChain", json={"name": name})
        assert answer.status_code == 200, answer.text
        made: dict[str, Any] = answer.json()
        return made


@asynccontextmanager
async def running_platform(database: Database, clock: ManualClock) -> AsyncIterator[Platform]:
    bus = MemoryBus()
    database._emit = bus.emit
    services = make_services(database, bus, clock)
    app = create_app(
        services, Routers(thingsboard=[endpoints.router], v1=[v1_rule_chains.router], others=[])
    )
    app.state.node_catalogue = discover()
    scripts = ScriptPool(clock, Backlog(100), Usage(clock.now_ms()))
    app.state.script_tester = Trier(scripts)
    seeders = [metadata.seed, device_profile_service.seed]
    admin = await make_tenant(database, "A", seeders=seeders)
    stranger = await make_tenant(database, "B", seeders=seeders)
    customer = Caller(new_id(), Authority.CUSTOMER_USER, admin.tenant_id, new_id())

    def client(caller: Caller) -> httpx.AsyncClient:
        return client_of(app, services.tokens, caller)

    platform = Platform(
        services, admin, stranger, client(admin), client(stranger), client(customer)
    )

    def note(event: EntityChanged) -> None:
        if event.entity.type is EntityType.RULE_CHAIN:
            platform.events.append(event)

    bus.listen(EntityChanged, note)
    yield platform
    await scripts.stop()
