"""A real server over a real door; devices are real sockets, the rules are played by the tests."""

from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from fieldline.ingest.parts import IngestOptions
from fieldline.kit.clock import ManualClock
from fieldline.protocols.mqtt.packets import Connect, Publish
from fieldline.timeseries.backends.memory import MemoryStore
from fieldline.transports.mqtt.options import MqttOptions
from fieldline.transports.mqtt.transport import MqttTransport
from tests.ingest.world import World
from tests.transports.mqtt.client import MqttClient


class Site:
    """A server, what is behind it, and how to reach it."""

    def __init__(self, world: World, options: MqttOptions) -> None:
        self.world = world
        self.clock = ManualClock()
        self.transport = MqttTransport(world.door, options, self.clock)
        self.heard: list[Publish] = []
        self.clients: list[MqttClient] = []

    @property
    def port(self) -> int:
        assert self.transport.bound_port is not None
        return self.transport.bound_port

    async def client(self, version: int = 5, **fields: object) -> MqttClient:
        """Sign on as the device ``token``; what it is sent lands in ``heard``."""
        given = {"client_id": "c", "username": "token", "version": version, **fields}
        client = await MqttClient.open(
            "127.0.0.1",
            self.port,
            Connect(**given),  # type: ignore[arg-type]
            on_message=self.heard.append,
        )
        self.clients.append(client)
        return client


Start = Callable[..., Awaitable[Site]]


@pytest.fixture
async def start() -> AsyncIterator[Start]:
    """Start a site with one device, ``token``; options of the server by name."""
    sites: list[Site] = []

    async def begin(ingest: IngestOptions | None = None, **options: object) -> Site:
        world = World(MemoryStore(), options=ingest)
        site = Site(world, MqttOptions(**{"port": 0, "close_timeout_s": 0.5, **options}))  # type: ignore[arg-type]
        world.device()
        await world.start()
        await world.door.start()
        sites.append(site)
        await site.transport.start()
        return site

    yield begin
    for site in sites:
        for client in site.clients:
            client.abort()
        await site.transport.stop()
        await site.world.door.stop()
        await site.world.stop()


@pytest.fixture
async def site(start: Start) -> Site:
    return await start()
