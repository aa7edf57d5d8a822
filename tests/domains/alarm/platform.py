"""The application that serves alarms and alarm rules, and clients of people."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import httpx

from fieldline.api.app import Routers, create_app
from fieldline.api.v1 import alarms as v1_alarms
from fieldline.domains.alarm import endpoints as alarm_endpoints
from fieldline.domains.alarm import handlers
from fieldline.domains.alarm_comment import endpoints as comment_endpoints
from fieldline.domains.calculated_field import endpoints as rule_endpoints
from fieldline.messaging.message import Message
from fieldline.security.caller import Caller
from tests.api.support import make_services
from tests.domains.alarm.world import World
from tests.domains.outbox.telling import telling
from tests.people import SYS_ADMIN, client_of


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
    services = make_services(world.database, world.bus, world.clock)
    routers = Routers(
        thingsboard=[rule_endpoints.router, comment_endpoints.router, alarm_endpoints.router],
        v1=[v1_alarms.router],
        others=[],
    )
    app = create_app(services, routers)
    messages: list[Message] = []

    def take(message: Message) -> None:
        if "entityName" not in message.metadata:  # those of devices and customers have one
            messages.append(message)
        message.receipt.release()

    world.bus.consume(take)
    end = handlers.listen(world.bus, world.alarms)

    def client(caller: Caller) -> httpx.AsyncClient:
        return client_of(app, services.tokens, caller)

    async with telling(services):
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
