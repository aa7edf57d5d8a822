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
from fieldline.domains.device_profile import service as device_profile_service
from fieldline.domains.rule_chain import endpoints, metadata
from fieldline.domains.tenant import service as tenant_service
from fieldline.domains.tenant_profile import service as tenant_profile_service
from fieldline.kit.clock import ManualClock
from fieldline.kit.ids import EntityType, new_id
from fieldline.messaging.backends.memory import MemoryBus
from fieldline.messaging.events import EntityChanged
from fieldline.rest.services import Limits, Services
from fieldline.rules.registry import discover
from fieldline.security.caller import Authority, Caller
from fieldline.security.secrets import Vault
from fieldline.security.tokens import Tokens
from fieldline.timeseries.backends.memory import MemoryStore
from fieldline.timeseries.writer import TimeseriesWriter

SYS_ADMIN = Caller(new_id(), Authority.SYS_ADMIN, email="root@example.org")


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
    store = MemoryStore()
    services = Services(
        database=database,
        store=store,
        writer=TimeseriesWriter(store, clock, on_readings=_ignore, on_attributes=_ignore),
        bus=bus,
        clock=clock,
        tokens=Tokens(b"k" * 64, clock=clock),
        vault=Vault("a root key of tests, 32 bytes long"),
        limits=Limits(),
        base_url=lambda: "http://test",
        tenant_seeders=[metadata.seed, device_profile_service.seed],
    )
    app = create_app(
        services, Routers(thingsboard=[endpoints.router], v1=[v1_rule_chains.router], others=[])
    )
    app.state.node_catalogue = discover()
    async with database.write() as session:
        await tenant_profile_service.seed(session)
    admin, stranger = await _tenant(services, "A"), await _tenant(services, "B")
    customer = Caller(new_id(), Authority.CUSTOMER_USER, admin.tenant_id, new_id())

    def client(caller: Caller) -> httpx.AsyncClient:
        return httpx.AsyncClient(
            transport=httpx.ASGITransport(app, raise_app_exceptions=False),
            base_url="http://test",
            headers={"X-Authorization": f"Bearer {services.tokens.issue(caller).access}"},
        )

    platform = Platform(
        services, admin, stranger, client(admin), client(stranger), client(customer)
    )

    def note(event: EntityChanged) -> None:
        if event.entity.type is EntityType.RULE_CHAIN:
            platform.events.append(event)

    bus.listen(EntityChanged, note)
    yield platform


async def _tenant(services: Services, title: str) -> Caller:
    async with services.database.write() as session:
        tenant = await tenant_service.create(
            session, SYS_ADMIN, {"title": title}, seeders=services.tenant_seeders
        )
    return Caller(new_id(), Authority.TENANT_ADMIN, tenant.id, email=f"{title}@example.org")


def _ignore(*_event: object) -> None:
    """Tell nobody."""
