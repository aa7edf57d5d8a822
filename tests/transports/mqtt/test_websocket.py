"""MQTT over WebSocket."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass

import pytest
from fastapi import FastAPI
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from fieldline.protocols.mqtt.encoder import encode
from fieldline.protocols.mqtt.packets import (
    Connack,
    Connect,
    Disconnect,
    Packet,
    Pingreq,
    Pingresp,
    Puback,
    Publish,
    Subscribe,
    Subscription,
)
from fieldline.protocols.mqtt.reader import PacketReader
from fieldline.transports.mqtt.websocket import websocket_router
from tests.api.websocket.server import serving
from tests.transports.mqtt.conftest import Site
from tests.waiting import TIMEOUT_S, until

MQTT = [Subprotocol("mqtt")]


@dataclass
class App:
    app: FastAPI


@pytest.fixture
async def url(site: Site) -> AsyncIterator[str]:
    app = FastAPI()
    app.include_router(websocket_router(site.transport.connection))
    async with serving(App(app)) as port:
        yield f"ws://127.0.0.1:{port}/mqtt"


async def packets(socket: ClientConnection, count: int, version: int = 5) -> list[Packet]:
    """Return the next packets that the server sends."""
    reader, found = PacketReader(version), list[Packet]()
    async with asyncio.timeout(TIMEOUT_S):
        while len(found) < count:
            data = await socket.recv()
            assert isinstance(data, bytes)
            found += reader.feed(data)
    return found


async def closing(socket: ClientConnection) -> tuple[int | None, str | None]:
    """Return code and reason of the server's close."""
    async with asyncio.timeout(TIMEOUT_S):
        with suppress(ConnectionClosed):
            while True:
                await socket.recv()
    return socket.close_code, socket.close_reason


def connect_packet(version: int = 5, token: str = "token") -> bytes:
    return encode(Connect(client_id="c", username=token, version=version), version)


@pytest.mark.parametrize("version", [4, 5])
async def test_a_device_is_connected_and_acknowledged(site: Site, url: str, version: int) -> None:
    reading = encode(Publish("v1/devices/me/telemetry", b'{"t":1}', 1, 7), version)
    async with connect(url, subprotocols=MQTT) as socket:
        await socket.send(connect_packet(version))
        [connack] = await packets(socket, 1, version)
        await socket.send(reading)
        [puback] = await packets(socket, 1, version)

        assert socket.subprotocol == "mqtt"
        assert isinstance(connack, Connack)
        assert connack.code == 0
        assert isinstance(puback, Puback)
        assert puback.packet_id == 7
    await until(lambda: site.transport.connections == 0)
    assert "POST_TELEMETRY_REQUEST" in site.world.types()


async def test_packets_may_be_cut_and_joined_by_frames(site: Site, url: str) -> None:
    data = connect_packet() + b"".join(
        encode(Publish("v1/devices/me/telemetry", b'{"t":1}', 1, number), 5)
        for number in range(1, 6)
    )
    async with connect(url, subprotocols=MQTT) as socket:
        for start in range(0, len(data), 5):
            await socket.send(data[start : start + 5])
        found = await packets(socket, 6)

    assert [each.packet_id for each in found if isinstance(each, Puback)] == [1, 2, 3, 4, 5]
    assert site.world.types().count("POST_TELEMETRY_REQUEST") == 5


async def test_the_largest_packet_fits_into_a_frame(site: Site, url: str) -> None:
    value = b"x" * (65_536 - 60)
    reading = encode(Publish("v1/devices/me/telemetry", b'{"t":"%b"}' % value, 1, 7), 5)
    async with connect(url, subprotocols=MQTT) as socket:
        await socket.send(connect_packet() + reading)
        found = await packets(socket, 2)

    assert isinstance(found[1], Puback)
    assert len(reading) > 65_000


async def test_the_platform_speaks_too(site: Site, url: str) -> None:
    limits = b'{"method":"getSessionLimits","params":{}}'
    subscribe = Subscribe(1, [Subscription("v1/devices/me/rpc/response/+", 1)])
    async with connect(url, subprotocols=MQTT) as socket:
        await socket.send(connect_packet() + encode(subscribe, 5))
        await socket.send(encode(Publish("v1/devices/me/rpc/request/1", limits, 1, 2), 5))
        await socket.send(encode(Pingreq(), 5))
        found = await packets(socket, 5)

    assert any(isinstance(each, Publish) and b"rateLimits" in each.payload for each in found)
    assert any(isinstance(each, Pingresp) for each in found)
    assert site.world.types() is not None


async def test_a_wrong_token_is_told_and_closed(url: str) -> None:
    async with connect(url, subprotocols=MQTT) as socket:
        await socket.send(connect_packet(token="wrong"))
        [connack] = await packets(socket, 1)
        code, _ = await closing(socket)

    assert isinstance(connack, Connack)
    assert (connack.code, code) == (0x86, 1000)


async def test_a_good_bye_closes(site: Site, url: str) -> None:
    async with connect(url, subprotocols=MQTT) as socket:
        await socket.send(connect_packet())
        await packets(socket, 1)
        await socket.send(encode(Disconnect(0), 5))
        code, _ = await closing(socket)

    await until(lambda: site.transport.connections == 0)
    assert code == 1000


async def test_text_is_no_mqtt(site: Site, url: str) -> None:
    async with connect(url, subprotocols=MQTT) as socket:
        await socket.send("hello")
        answer = await closing(socket)

    await until(lambda: site.transport.connections == 0)
    assert answer == (1003, "MQTT comes in binary frames")


async def test_a_client_of_another_subprotocol_is_told(url: str) -> None:
    async with connect(url) as socket:
        answer = await closing(socket)

    assert answer == (1002, "The subprotocol must be 'mqtt'")


async def test_a_stop_says_good_bye(site: Site, url: str) -> None:
    async with connect(url, subprotocols=MQTT) as socket:
        await socket.send(connect_packet())
        await packets(socket, 1)
        stopping = asyncio.create_task(site.transport.stop())
        [disconnect] = await packets(socket, 1)
        await closing(socket)
        await stopping

    assert isinstance(disconnect, Disconnect)
    assert disconnect.code == 0x8B
