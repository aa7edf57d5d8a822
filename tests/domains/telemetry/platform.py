"""A small platform for tests of telemetry and WebSocket: two tenants, their people, a device."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

import httpx
from fastapi import FastAPI

from fieldline.api.app import Routers, create_app
from fieldline.api.v1 import telemetry as v1_telemetry
from fieldline.api.websocket import endpoints as websocket_endpoints
from fieldline.api.websocket.limits import SocketLimits
from fieldline.api.websocket.parts import Parts
from fieldline.database.engine import Database
from fieldline.domains.customer import service as customer_service
from fieldline.domains.device import service as device_service
from fieldline.domains.device_profile import service as device_profile_service
from fieldline.domains.telemetry import endpoints as telemetry_endpoints
from fieldline.domains.telemetry.service import Telemetry
from fieldline.domains.telemetry.submitted import Evaluate, without_rules
from fieldline.domains.tenant import service as tenant_service
from fieldline.domains.tenant_profile import service as tenant_profile_service
from fieldline.kit.clock import ManualClock
from fieldline.kit.ids import EntityRef, EntityType
from fieldline.messaging.backends.memory import MemoryBus
from fieldline.messaging.events import AttributesSaved, ReadingsSaved
from fieldline.messaging.message import Message
from fieldline.rest.services import Limits, Services
from fieldline.security.caller import Authority, Caller
from fieldline.security.secrets import Vault
from fieldline.security.tokens import Tokens
from fieldline.subscriptions.hub import Hub
from fieldline.timeseries.backends.memory import MemoryStore
from fieldline.timeseries.backends.postgresql.store import PostgresqlStore
from fieldline.timeseries.backends.sqlite.store import SqliteStore
from fieldline.timeseries.store import TimeseriesStore
from fieldline.timeseries.writer import TimeseriesWriter, WriterLimits

Json = Any
"""Whatever JSON holds."""
SYS_ADMIN = Caller(uuid4(), Authority.SYS_ADMIN, email="root@example.org")


async def until(is_so: Callable[[], bool]) -> None:
    """Let the loop go on until something is so."""
    async with asyncio.timeout(20):
        while not is_so():  # noqa: ASYNC110 - what is waited for has no event
            await asyncio.sleep(0.001)


def store_of(database: Database, clock: ManualClock) -> TimeseriesStore:
    """Return the store of readings that goes with a database."""
    if database.path is not None:
        return SqliteStore(database.path, database.gate.enter)
    url = database.url.set(drivername="postgresql")
    return PostgresqlStore(url.render_as_string(hide_password=False), clock, pool_size=3)


@dataclass
class Platform:
    """The parts, and who and what is there."""

    app: FastAPI
    services: Services
    telemetry: Telemetry
    hub: Hub
    clock: ManualClock
    admin: Caller
    stranger: Caller
    customer_user: Caller
    device: EntityRef
    customer_device: EntityRef
    published: list[Message] = field(default_factory=list)

    @property
    def customer_id(self) -> UUID:
        assert self.customer_user.customer_id is not None
        return self.customer_user.customer_id

    def token(self, caller: Caller) -> str:
        return self.services.tokens.issue(caller).access

    def client(self, caller: Caller) -> httpx.AsyncClient:
        return httpx.AsyncClient(
            transport=httpx.ASGITransport(self.app, raise_app_exceptions=False),
            base_url="http://test",
            headers={"X-Authorization": f"Bearer {self.token(caller)}"},
        )

    async def assign(self, device: EntityRef, customer_id: UUID | None) -> None:
        async with self.services.database.write() as session:
            await device_service.update(
                session, self.admin, device.id, {"customer_id": customer_id}
            )


@asynccontextmanager
async def running_platform(
    database: Database,
    clock: ManualClock,
    *,
    store: TimeseriesStore | None = None,
    limits: SocketLimits | None = None,
    evaluate: Evaluate = without_rules,
    max_string_value_length: int = 0,
    writer_limits: WriterLimits | None = None,
) -> AsyncIterator[Platform]:
    """Build and start the platform over a database with the schema."""
    bus = MemoryBus()
    database._emit = bus.emit
    store = store or MemoryStore()
    await store.start()
    writer = TimeseriesWriter(
        store,
        clock,
        on_readings=lambda *event: bus.emit(ReadingsSaved(*event)),
        on_attributes=lambda *event: bus.emit(AttributesSaved(*event)),
        limits=writer_limits,
    )
    writer.start()
    services = Services(
        database=database,
        store=store,
        writer=writer,
        bus=bus,
        clock=clock,
        tokens=Tokens(b"k" * 64, clock=clock),
        vault=Vault("a root key of tests, 32 bytes long"),
        limits=Limits(max_string_value_length=max_string_value_length),
        base_url=lambda: "http://test",
        tenant_seeders=[device_profile_service.seed],
    )
    telemetry = Telemetry(services, evaluate=evaluate)
    hub = Hub()
    sockets = Parts(services, telemetry, hub, limits or SocketLimits())
    sockets.listen()
    app = create_app(
        services,
        Routers(
            thingsboard=[telemetry_endpoints.router],
            v1=[v1_telemetry.router],
            others=[websocket_endpoints.router],
        ),
    )
    app.state.telemetry = telemetry
    app.state.sockets = sockets
    platform = await _populate(app, services, telemetry, hub, clock)
    bus.consume(platform.published.append)
    yield platform
    await writer.stop()
    await store.stop()


async def _populate(
    app: FastAPI, services: Services, telemetry: Telemetry, hub: Hub, clock: ManualClock
) -> Platform:
    async with services.database.write() as session:
        await tenant_profile_service.seed(session)
    admin = await _tenant(services, "Tenant A")
    stranger = await _tenant(services, "Tenant B")
    async with services.database.write() as session:
        customer = await customer_service.create(session, admin, {"title": "Customer A"})
        device = await device_service.create(
            session, admin, {"name": "Sensor 1"}, vault=services.vault
        )
        other = await device_service.create(
            session,
            admin,
            {"name": "Sensor 2", "customer_id": customer.id},
            vault=services.vault,
        )
    return Platform(
        app,
        services,
        telemetry,
        hub,
        clock,
        admin,
        stranger,
        Caller(
            uuid4(),
            Authority.CUSTOMER_USER,
            admin.tenant_id,
            customer.id,
            email="user@example.org",
            first_name="Ada",
        ),
        EntityRef(EntityType.DEVICE, device.id),
        EntityRef(EntityType.DEVICE, other.id),
    )


async def _tenant(services: Services, title: str) -> Caller:
    async with services.database.write() as session:
        tenant = await tenant_service.create(
            session, SYS_ADMIN, {"title": title}, seeders=services.tenant_seeders
        )
    email = f"admin@{title.replace(' ', '').lower()}.example.org"
    return Caller(uuid4(), Authority.TENANT_ADMIN, tenant.id, email=email)
