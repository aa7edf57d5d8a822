"""How a client is told that it sent too much."""

import json

import pytest

from fieldline.ingest.parts import IngestOptions
from tests.transports.mqtt.client import ConnectionRefused, MqttClient
from tests.transports.mqtt.conftest import Site, Start
from tests.waiting import until

LIMITED = IngestOptions(is_rate_limited=True)
TELEMETRY = "v1/devices/me/telemetry"


async def limited(start: Start, **limits: str) -> Site:
    site = await start(LIMITED)
    site.world.tenant_profile.update(limits)
    return site


@pytest.mark.parametrize("version", [4, 5])
async def test_a_device_over_its_limit_is_disconnected(start: Start, version: int) -> None:
    site = await limited(start, transportDeviceTelemetryMsgRateLimit="2:100")
    client = await site.client(version)

    for _ in range(3):
        await client.publish(TELEMETRY, b'{"k":1}')
    await client.wait_closed()

    assert client.acknowledged == 2
    assert client.disconnect_code == (0x83 if version == 5 else None)


async def test_who_connects_too_often_is_told(start: Start) -> None:
    site = await limited(start, transportDeviceMsgRateLimit="1:100")
    await site.client()

    with pytest.raises(ConnectionRefused) as caught:
        await site.client()

    assert caught.value.code == 0x9F


@pytest.mark.parametrize("version", [4, 5])
async def test_a_gateway_whose_devices_send_too_much(start: Start, version: int) -> None:
    site = await limited(start, transportGatewayTelemetryMsgRateLimit="1:100")
    [device] = site.world.devices.records.values()
    device.is_gateway = True
    client = await site.client(version)

    for _ in range(2):
        await publish(client, {"A": [{"t": 1}]})
    await client.wait_closed()

    assert client.acknowledged - client.refused == 1
    if version == 5:
        await until(lambda: site.heard)
        assert (client.last_refusal, client.disconnect_code) == (0x97, 0x97)
        assert site.heard[0].topic == "v1/gateway/disconnect"
        assert json.loads(site.heard[0].payload) == {"device": "A", "reason": 150}


@pytest.mark.parametrize("version", [4, 5])
@pytest.mark.parametrize(
    ("topic", "body"),
    [
        ("v1/gateway/connect", {"device": "B"}),
        ("v1/gateway/telemetry", {"B": [{"t": 1}]}),
        ("v1/gateway/telemetry", {"A": [{"t": 1}], "B": [{"t": 1}]}),
    ],
)
async def test_a_gateway_that_connects_too_many_devices(
    start: Start, version: int, topic: str, body: object
) -> None:
    site = await limited(start, transportGatewayMsgRateLimit="1:100")
    [device] = site.world.devices.records.values()
    device.is_gateway = True
    client = await site.client(version)
    await publish(client, {"A": [{"t": 0}]})
    await client.drain()

    await client.publish(topic, json.dumps(body).encode())
    await client.wait_closed()

    assert client.acknowledged - client.refused == 1
    if version == 5:
        await until(lambda: site.heard)
        assert (client.last_refusal, client.disconnect_code) == (0x97, 0x97)
        assert site.heard[0].topic == "v1/gateway/disconnect"
        assert json.loads(site.heard[0].payload) == {"device": "B", "reason": 150}


async def publish(client: MqttClient, body: object) -> None:
    await client.publish("v1/gateway/telemetry", json.dumps(body).encode())
