"""A small platform for tests of telemetry and WebSocket: two tenants, their people, a device."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import httpx
from fastapi import FastAPI

from fieldline.api.app import Routers, create_app
from fieldline.api.v1 import telemetry as v1_telemetry
from fieldline.api.websocket import endpoints as websocket_endpoints
from fieldline.api.websocket.limits import SocketLimits
from fieldline.api.websocket.parts import Parts
from fieldline.database.engine import Database
from fieldline.domains.device import service as device_service
from fieldline.domains.telemetry import endpoints as telemetry_endpoints
from fieldline.domains.telemetry.service import Telemetry
from fieldline.domains.telemetry.submitted import Evaluate, without_rules
from fieldline.kit.clock import ManualClock
from fieldline.kit.ids import EntityRef, EntityType
from fieldline.messaging.backends.memory import MemoryBus
from fieldline.messaging.message import Message
from fieldline.rest.services import Limits, Services
from fieldline.security.caller import Caller
from fieldline.subscriptions.hub import Hub
from fieldline.timeseries.backends.memory import MemoryStore
from fieldline.timeseries.backends.postgresql.store import PostgresqlStore
from fieldline.timeseries.backends.sqlite.store import SqliteStore
from fieldline.timeseries.store import TimeseriesStore
from fieldline.timeseries.writer import TimeseriesWriter, WriterLimits
from tests.api.support import make_services
from tests.people import client_of, make_customer, make_tenant

Json = Any
"""Whatever JSON holds."""


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
        return client_of(self.app, self.services.tokens, caller)

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
    services = make_services(
        database,
        bus,
        clock,
        store=store,
        writer_limits=writer_limits,
        limits=Limits(max_string_value_length=max_string_value_length),
    )
    assert isinstance(services.writer, TimeseriesWriter)
    services.writer.start()
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
    await services.writer.stop()
    await store.stop()


async def _populate(
    app: FastAPI, services: Services, telemetry: Telemetry, hub: Hub, clock: ManualClock
) -> Platform:
    admin = await make_tenant(services.database, "Tenant A")
    stranger = await make_tenant(services.database, "Tenant B")
    customer_user = await make_customer(services.database, admin, "Customer A")
    async with services.database.write() as session:
        device = await device_service.create(
            session, admin, {"name": "Sensor 1"}, vault=services.vault
        )
        other = await device_service.create(
            session,
            admin,
            {"name": "Sensor 2", "customer_id": customer_user.customer_id},
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
        customer_user,
        EntityRef(EntityType.DEVICE, device.id),
        EntityRef(EntityType.DEVICE, other.id),
    )
