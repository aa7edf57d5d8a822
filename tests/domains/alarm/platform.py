"""The application that serves alarms and alarm rules, and clients of people."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import httpx

from fieldline.api.app import Routers, create_app
from fieldline.api.v1 import alarms as v1_alarms
from fieldline.domains.alarm import endpoints as alarm_endpoints
from fieldline.domains.alarm import handlers
from fieldline.domains.calculated_field import endpoints as rule_endpoints
from fieldline.messaging.message import Message
from fieldline.rest.services import Limits, Services
from fieldline.security.caller import Caller
from fieldline.security.tokens import Tokens
from fieldline.timeseries.backends.memory import MemoryStore
from fieldline.timeseries.writer import TimeseriesWriter
from tests.domains.alarm.world import SYS_ADMIN, VAULT, World


@dataclass
class Platform:
    """Clients of people, and the messages that the rules got."""

    world: World
    as_admin: httpx.AsyncClient
    as_stranger: httpx.AsyncClient
    as_customer: httpx.AsyncClient
    as_other_customer: httpx.AsyncClient
    as_sys_admin: httpx.AsyncClient
    messages: list[Message]


@asynccontextmanager
async def running_platform(world: World) -> AsyncIterator[Platform]:
    store = MemoryStore()
    services = Services(
        database=world.database,
        store=store,
        writer=TimeseriesWriter(store, world.clock, on_readings=_ignore, on_attributes=_ignore),
        bus=world.bus,
        clock=world.clock,
        tokens=Tokens(b"k" * 64, clock=world.clock),
        vault=VAULT,
        limits=Limits(),
        base_url=lambda: "http://test",
        tenant_seeders=[],
    )
    routers = Routers(
        thingsboard=[rule_endpoints.router, alarm_endpoints.router],
        v1=[v1_alarms.router],
        others=[],
    )
    app = create_app(services, routers)
    messages: list[Message] = []
    world.bus.consume(messages.append)
    end = handlers.listen(world.bus, world.alarms, world.clock)

    def client(caller: Caller) -> httpx.AsyncClient:
        return httpx.AsyncClient(
            transport=httpx.ASGITransport(app, raise_app_exceptions=False),
            base_url="http://test",
            headers={"X-Authorization": f"Bearer {services.tokens.issue(caller).access}"},
        )

    yield Platform(
        world,
        client(world.admin),
        client(world.foreign_admin),
        client(world.customer),
        client(world.other_customer),
        client(SYS_ADMIN),
        messages,
    )
    end()


def _ignore(*_told: object) -> None:
    """Nobody subscribes."""
