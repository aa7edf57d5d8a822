"""Connections for provisioning only."""

import json

import pytest

from fieldline.domains.device_credentials.kinds import CredentialsType
from fieldline.domains.device_credentials.service import Credentials
from fieldline.domains.provision.request import Status
from fieldline.kit.errors import RateLimited
from fieldline.kit.ids import new_id
from fieldline.protocols.mqtt.packets import Publish
from fieldline.transports.mqtt.provisioning import LIFE_MS, REQUEST, RESPONSE
from tests.transports.mqtt.client import MqttClient
from tests.transports.mqtt.conftest import Site
from tests.transports.mqtt.protobuf import fields, wire
from tests.waiting import until

BODY = b'{"provisionDeviceKey":"k","provisionDeviceSecret":"s"}'
FAILURE = {"errorMsg": "Failed to provision device!", "status": "FAILURE"}
NAMED = [{"username": "provision"}, {"username": None, "client_id": "provision"}]


async def provisioning(site: Site, version: int = 5) -> MqttClient:
    return await site.client(version, username="provision")


@pytest.mark.parametrize("version", [4, 5])
@pytest.mark.parametrize("named", NAMED)
async def test_an_answer_comes_after_the_acknowledgement(
    site: Site, version: int, named: dict[str, object]
) -> None:
    acknowledged: list[int] = []
    client = await site.client(version, **named)
    hear = site.heard.append

    def on_message(packet: Publish) -> None:
        acknowledged.append(client.acknowledged)
        hear(packet)

    client._on_message = on_message

    await client.publish(REQUEST, BODY)
    await until(lambda: site.heard)

    assert site.heard[0].topic == RESPONSE
    assert json.loads(site.heard[0].payload) == FAILURE
    assert acknowledged == [1]
    assert site.world.messages == []


async def test_only_the_answer_may_be_subscribed_to(site: Site) -> None:
    old, new = await provisioning(site, 4), await provisioning(site, 5)
    filters = [RESPONSE, "v1/devices/me/attributes", "#"]

    codes = [await client.subscribe(*filters) for client in (old, new)]
    left = await new.unsubscribe(RESPONSE, "#")

    assert codes == [[1, 0x80, 0x80], [1, 0x8F, 0x8F]]
    assert left == [0, 0x11]


@pytest.mark.parametrize("version", [4, 5])
@pytest.mark.parametrize("qos", [0, 1])
async def test_a_publish_elsewhere_ends_the_connection(site: Site, version: int, qos: int) -> None:
    client = await provisioning(site, version)

    await client.publish("v1/devices/me/telemetry", b'{"t":1}', qos=qos)
    await client.wait_closed()

    assert client.puback_count == qos
    if version == 5:
        assert client.disconnect_code == 0x90
        assert client.last_refusal == 0x90 * qos
    assert site.world.messages == []


@pytest.mark.parametrize(
    ("payload", "code", "is_open"),
    [(b"\x0a\x01", 0x99, True), (b"[]", 0x83, False), (b'{"provisionDeviceKey":1}', 0x83, False)],
)
async def test_a_request_that_is_none(site: Site, payload: bytes, code: int, is_open: bool) -> None:
    client = await provisioning(site)

    await client.publish(REQUEST, payload)
    await until(lambda: client.refused)
    if not is_open:
        await client.wait_closed()

    assert (client.last_refusal, client.is_open) == (code, is_open)
    assert (site.heard, site.world.newcomers.requests) == ([], [])


async def test_the_connection_ends_a_minute_after_the_answer(site: Site) -> None:
    client = await provisioning(site)
    site.clock.advance(LIFE_MS - 1)
    site.world.newcomers.status = Status.NOT_FOUND
    await client.publish(REQUEST, BODY)
    await until(lambda: site.heard)

    site.clock.advance(LIFE_MS - 1)
    await client.ping()
    await until(lambda: client.pongs)
    site.transport.sweep()
    await client.ping()
    await until(lambda: client.pongs == 2)
    site.clock.advance(1)
    site.transport.sweep()
    await client.wait_closed()

    assert client.disconnect_code == 0xA0


async def test_one_that_does_not_ask_ends_too(site: Site) -> None:
    client = await provisioning(site)

    site.clock.advance(LIFE_MS)
    site.transport.sweep()
    await client.wait_closed()

    assert client.disconnect_code == 0xA0


async def test_a_refusal_of_the_platform_ends_the_connection(site: Site) -> None:
    site.world.newcomers.error = RateLimited("Too many attempts; try again later")
    client = await provisioning(site)

    await client.publish(REQUEST, BODY)
    await client.wait_closed()

    assert (client.disconnect_code, site.heard) == (0x83, [])


# In Protobuf

KEYS = {3: {1: "k", 2: "s"}}


async def test_a_protobuf_request_is_answered_in_protobuf(site: Site) -> None:
    client = await provisioning(site)
    data = {1: {1: "token"}, 2: {1: "hash"}, 3: {1: "id", 2: "user", 3: "pass"}}

    await client.publish(REQUEST, wire({1: "meter", 2: 2, **KEYS, 4: data, 5: 1}))
    await until(lambda: site.heard)

    [request] = site.world.newcomers.requests
    assert (request.key, request.secret, request.is_gateway) == ("k", "s", True)
    assert request.credentials_type == "MQTT_BASIC"
    assert request.texts == {
        "deviceName": "meter",
        "token": "token",
        "hash": "hash",
        "clientId": "id",
        "username": "user",
        "password": "pass",
    }
    assert site.heard[0].topic == RESPONSE
    assert fields(site.heard[0].payload) == {1: [3]}


@pytest.mark.parametrize(
    ("kind", "credentials_id", "value", "expected"),
    [
        (CredentialsType.ACCESS_TOKEN, "t0", None, {1: [1], 3: [b"t0"]}),
        (CredentialsType.X509_CERTIFICATE, "sha", "PEM", {1: [1], 2: [1], 3: [b"PEM"]}),
        (
            CredentialsType.MQTT_BASIC,
            "sha",
            '{"clientId":"c"}',
            {1: [1], 2: [2], 3: [b'{"clientId":"c"}']},
        ),
    ],
)
async def test_the_credentials_of_a_new_device_in_protobuf(
    site: Site,
    kind: CredentialsType,
    credentials_id: str,
    value: str | None,
    expected: dict[int, list[object]],
) -> None:
    site.world.newcomers.status = Status.SUCCESS
    site.world.newcomers.credentials = Credentials(
        new_id(), 1, 1, new_id(), kind, credentials_id, value
    )
    client = await provisioning(site)

    await client.publish(REQUEST, wire(KEYS))
    await until(lambda: site.heard)

    assert fields(site.heard[0].payload) == expected


async def test_an_unknown_type_of_credentials_in_protobuf_ends_the_connection(site: Site) -> None:
    client = await provisioning(site)

    await client.publish(REQUEST, wire({2: 9, **KEYS}))
    await client.wait_closed()

    assert client.last_refusal == 0x83
