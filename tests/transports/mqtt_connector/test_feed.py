"""Messages from a broker to the door, whatever becomes of their devices."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from fieldline.domains.integration.converter import Converter
from fieldline.ingest.integration import (
    Configuration,
    ConnectorSettings,
    Intake,
    Statistics,
    Uplink,
)
from fieldline.kit.errors import Forbidden
from fieldline.kit.ids import new_id
from fieldline.protocols.mqtt.inbox import Inbox, Incoming
from fieldline.protocols.mqtt.packets import Publish
from fieldline.timeseries.backends.memory import MemoryStore
from fieldline.transports.mqtt_connector.feed import Feed
from tests.ingest.world import World
from tests.waiting import TIMEOUT_S


@pytest.fixture
async def world() -> AsyncIterator[World]:
    world = World(MemoryStore())
    await world.start()
    yield world
    await world.stop()


@pytest.fixture
async def statistics() -> Statistics:
    return Statistics()


@pytest.fixture
async def feed(world: World, statistics: Statistics) -> AsyncIterator[Feed]:
    configuration = Configuration.model_validate(
        {
            "topic_filters": [{"filter": "up"}],
            "converter": {"device_name": "$[0]", "telemetry": {"t": "$[1]"}},
        }
    )
    settings = ConnectorSettings(
        id=new_id(),
        tenant_id=world.tenant_id,
        name="plant",
        host="localhost",
        port=1883,
        client_id="plant",
        username=None,
        password=None,
        tls=None,
        configuration=configuration,
        former_filters=(),
        converter=Converter(configuration.converter),
        statistics=statistics,
    )
    intake = Intake(world.door, world.tenant_id, statistics, world.clock.now_ms)
    feed = Feed(settings, intake, Inbox(), world.clock.now_ms)
    yield feed
    await feed.stop()


def message(names: list[str]) -> tuple[Publish, Incoming | None]:
    payload = json.dumps([[name, 1] for name in names]).encode()
    return Publish("up", payload), None


async def test_as_many_refused_devices_as_a_message_may_hold_stop_nothing(
    world: World, statistics: Statistics, feed: Feed
) -> None:
    refused = [f"r{number}" for number in range(15_000)]
    world.sub_devices.errors = dict.fromkeys(refused, Forbidden("the tenant has enough"))

    feed.take([message(refused), message(["meter"])])

    assert await feed.idle(TIMEOUT_S)
    assert (statistics.failed, statistics.last_error) == (1, "the tenant has enough")
    assert statistics.readings_stored == 1


async def test_messages_with_more_devices_than_are_known_together_follow_each_other(
    statistics: Statistics, feed: Feed
) -> None:
    feed.take([message([f"{part}{number}" for number in range(11_000)]) for part in "ab"])

    assert await feed.idle(TIMEOUT_S)
    assert (statistics.failed, statistics.readings_stored) == (0, 22_000)


async def test_a_message_that_makes_the_converter_fail_is_a_failure_and_the_next_is_stored(
    statistics: Statistics, feed: Feed, monkeypatch: pytest.MonkeyPatch
) -> None:
    convert = Converter.convert

    def fail_once(*given: Any) -> list[Uplink]:
        monkeypatch.setattr(Converter, "convert", convert)
        raise TypeError("nobody thought of this")

    monkeypatch.setattr(Converter, "convert", fail_once)
    feed.take([message(["bad"]), message(["meter"])])

    assert await feed.idle(TIMEOUT_S)
    assert (statistics.failed, statistics.last_error) == (1, "internal error: TypeError")
    assert statistics.readings_stored == 1
