"""aiomqtt, in every version of MQTT."""

import asyncio
import json
import socket
from typing import cast

import aiomqtt
import pytest
from aiomqtt import Client, Message, ProtocolVersion

from tests.clients.device import (
    ATTRIBUTES,
    ATTRIBUTES_REQUEST,
    ATTRIBUTES_RESPONSE,
    RPC_REQUESTS,
    TELEMETRY,
    WAIT_S,
    Device,
)
from tests.e2e.server import Server

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("aiomqtt")]
every_version = pytest.mark.parametrize(
    "version", [ProtocolVersion.V31, ProtocolVersion.V311, ProtocolVersion.V5]
)


def open_client(
    server: Server, username: str, version: ProtocolVersion, will: aiomqtt.Will | None = None
) -> Client:
    return Client(
        "127.0.0.1",
        server.mqtt_port,
        username=username,
        identifier="meter",
        protocol=version,
        timeout=WAIT_S,
        will=will,
    )


async def heard(client: Client) -> Message:
    async with asyncio.timeout(WAIT_S):
        return await anext(client.messages)


@every_version
@pytest.mark.parametrize("qos", [1, 2])
async def test_telemetry_is_stored(
    server: Server, device: Device, version: ProtocolVersion, qos: int
) -> None:
    async with open_client(server, device.token, version) as client:
        await asyncio.gather(
            *(
                client.publish(TELEMETRY, json.dumps({"ts": n + 1, "values": {"a": n}}), qos=qos)
                for n in range(50)
            )
        )

    assert device.history("a") == list(range(50))


@every_version
async def test_attributes_and_commands(
    server: Server, device: Device, version: ProtocolVersion
) -> None:
    async with open_client(server, device.token, version) as client:
        await client.subscribe([(ATTRIBUTES, 1), (ATTRIBUTES_RESPONSE, 0), (RPC_REQUESTS, 1)])
        await client.publish(ATTRIBUTES, '{"model":"X1"}', qos=1)
        await client.publish(ATTRIBUTES_REQUEST, '{"clientKeys":"model"}', qos=1)
        asked_for = await heard(client)
        await asyncio.to_thread(device.share, limit=5)
        pushed = await heard(client)
        answer = device.start_command("add", [1, 2])
        request = await heard(client)
        await client.publish(request.topic.value.replace("request", "response"), "3", qos=1)

        assert await asyncio.wrap_future(answer) == 3
    assert asked_for.payload == b'{"client":{"model":"X1"}}'
    assert (pushed.topic.value, pushed.payload) == (ATTRIBUTES, b'{"limit":5}')
    assert json.loads(bytes(request.payload)) == {"method": "add", "params": [1, 2]}


@every_version
async def test_a_will_is_said_unless_the_client_says_good_bye(
    server: Server, device: Device, version: ProtocolVersion
) -> None:
    will = aiomqtt.Will(TELEMETRY, '{"lost":true}', qos=1)
    async with open_client(server, device.token, version, will):
        pass
    assert device.history("lost") == []

    async with open_client(server, device.token, version, will) as client:
        cast("socket.socket", client._client.socket()).shutdown(socket.SHUT_RDWR)
        with pytest.raises(aiomqtt.MqttError):
            await heard(client)

    await asyncio.to_thread(device.comes, "lost", True)


@every_version
async def test_wrong_credentials_are_told(server: Server, version: ProtocolVersion) -> None:
    with pytest.raises(aiomqtt.MqttError, match=r"(?i)not authori[sz]ed|bad user name"):
        async with open_client(server, "nobody", version):
            pass


@every_version
async def test_a_second_connection_takes_over(
    server: Server, device: Device, version: ProtocolVersion
) -> None:
    async with (
        open_client(server, device.token, version) as first,
        open_client(server, device.token, version) as second,
    ):
        await second.publish(TELEMETRY, '{"a":1}', qos=1)
        with pytest.raises(aiomqtt.MqttError):
            await heard(first)

    assert device.history("a") == [1]
