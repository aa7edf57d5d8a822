import asyncio

import pytest

from fieldline.domains.device.directory import DeviceRecord
from fieldline.kit.errors import RateLimited
from fieldline.protocols.mqtt import packets as p
from fieldline.protocols.mqtt.encoder import encode
from fieldline.protocols.mqtt.properties import Properties
from fieldline.transports.mqtt.options import MqttOptions
from fieldline.transports.mqtt.transport import MqttTransport
from tests.transports.mqtt.client import ConnectionRefused
from tests.transports.mqtt.conftest import Site, Start
from tests.waiting import until


@pytest.mark.parametrize("version", [3, 4, 5])
async def test_a_device_signs_on_by_its_token(site: Site, version: int) -> None:
    client = await site.client(version)

    assert client.is_open
    assert site.transport.connections == 1
    assert site.world.types()[0] == "CONNECT_EVENT"


@pytest.mark.parametrize(
    ("fields", "code_5", "code_3"),
    [
        ({"username": "wrong"}, 0x86, 5),
        ({"username": "wrong", "password": b"x"}, 0x86, 5),
        ({"username": "wrong", "password": b"\xff"}, 0x86, 5),
        ({"username": None, "client_id": "nobody"}, 0x85, 2),
        ({"username": None, "client_id": ""}, 0x87, 5),
    ],
)
async def test_wrong_credentials_are_refused_by_table(
    site: Site, fields: dict[str, object], code_5: int, code_3: int
) -> None:
    for version, code in ((5, code_5), (4, code_3)):
        with pytest.raises(ConnectionRefused) as raised:
            await site.client(version, **fields)
        assert raised.value.code == code

    assert site.transport.stats.connects_refused == 2


@pytest.mark.parametrize(("version", "code"), [(5, 0x88), (4, 3)])
async def test_a_profile_of_another_transport_is_unavailable(
    site: Site, version: int, code: int
) -> None:
    site.world.device("coap", transport_type="COAP")

    with pytest.raises(ConnectionRefused) as raised:
        await site.client(version, username="coap")

    assert raised.value.code == code


@pytest.mark.parametrize(("version", "code"), [(5, 0x9F), (4, 3)])
async def test_a_rate_limit_is_told(
    site: Site, monkeypatch: pytest.MonkeyPatch, version: int, code: int
) -> None:
    async def limited(*_credentials: object) -> DeviceRecord:
        raise RateLimited("slower")

    monkeypatch.setattr(site.world.door, "authenticate_mqtt", limited)

    with pytest.raises(ConnectionRefused) as raised:
        await site.client(version)

    assert raised.value.code == code


async def test_a_failure_of_ours_ends_only_that_connection(
    site: Site, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    other = await site.client()

    async def broken(*_credentials: object) -> DeviceRecord:
        raise ZeroDivisionError

    monkeypatch.setattr(site.world.door, "authenticate_mqtt", broken)
    with pytest.raises(ConnectionRefused) as raised:
        await site.client()

    assert raised.value.code == 0x88
    assert "error id" in caplog.text
    assert other.is_open


async def test_publishes_sent_with_the_connect_are_taken_in_order(site: Site) -> None:
    site.world.bus.consume(site.world.save)
    reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
    publishes = [p.Publish("v1/devices/me/telemetry", b'{"a":%d}' % i, 1, i) for i in range(1, 301)]

    writer.write(_bytes(p.Connect("c", 4, username="token"), *publishes))
    answer = await reader.readexactly(4 + 4 * 300)

    assert answer[:4].hex() == "20020000"
    assert answer[4:8].hex() == "40020001"
    assert answer[-4:].hex() == "4002012c"
    writer.close()


async def test_a_second_connection_of_the_device_takes_over(site: Site) -> None:
    old = await site.client()
    old_3 = await site.client(4)

    await old.wait_closed()
    await site.client()
    await old_3.wait_closed()

    assert old.disconnect_code == 0x8E
    assert old_3.disconnect_code is None
    await until(lambda: site.transport.connections == 1)


async def test_connections_over_the_limit_are_closed_at_once(start: Start) -> None:
    site = await start(max_connections=1)
    first = await site.client()

    with pytest.raises(ConnectionError):
        await site.client()

    assert first.is_open
    assert site.transport.stats.connections_refused == 1


async def test_silence_before_connect_is_ended(site: Site) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
    await until(lambda: site.transport.connections == 1)

    site.clock.advance(10_000)
    site.transport.sweep()

    assert await reader.read() == b""
    writer.close()


async def test_a_sweep_reaches_every_connection(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fieldline.transports.mqtt.hub.SWEEP_AT_ONCE", 2)
    for number in range(5):
        site.world.device(f"token {number}")
        await site.client(username=f"token {number}", keep_alive_s=10)

    site.clock.advance(15_000)
    site.transport.sweep()

    await until(lambda: site.transport.connections == 0)
    for client in site.clients:
        await client.wait_closed()
    assert [client.disconnect_code for client in site.clients] == [0x8D] * 5


async def test_keep_alive_is_enforced_and_pings_keep_the_connection(site: Site) -> None:
    client = await site.client(keep_alive_s=10)
    site.clock.advance(14_000)
    await client.ping()
    await until(lambda: client.pongs == 1)

    site.clock.advance(14_000)
    site.transport.sweep()
    still_open = client.is_open
    site.clock.advance(1_000)
    site.transport.sweep()
    await client.wait_closed()

    assert still_open
    assert client.disconnect_code == 0x8D


async def test_an_unknown_protocol_level_gets_its_connack(site: Site) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", site.port)

    writer.write(bytes.fromhex("100D00044D5154540702003C000161"))

    assert (await reader.read()).hex() == "2003008400"
    writer.close()


async def test_an_mqtt_5_client_learns_its_id(site: Site) -> None:
    client = await site.client(client_id="", properties=Properties(session_expiry_interval=9))

    assert client.connack is not None
    assert client.connack.properties["assigned_client_identifier"].startswith("fieldline-")


async def test_a_port_that_is_taken_is_an_error(site: Site) -> None:
    other = MqttTransport(site.world.door, MqttOptions(port=site.port))

    with pytest.raises(OSError, match="in use"):
        await other.start()


async def test_stopping_waits_for_acknowledgements_and_says_good_bye(site: Site) -> None:
    client = await site.client()
    site.world.bus.consume(site.world.keep_open)
    await client.publish("v1/devices/me/telemetry", b'{"a":1}')
    await until(lambda: "POST_TELEMETRY_REQUEST" in site.world.types())

    stopping = asyncio.create_task(site.transport.stop())
    await asyncio.sleep(0)
    was_open = client.is_open
    for message in site.world.messages:
        if message.type == "POST_TELEMETRY_REQUEST":
            message.receipt.release()
    await stopping
    await client.wait_closed()

    assert was_open
    assert client.acknowledged == 1
    assert client.disconnect_code == 0x8B


async def test_stopping_does_not_wait_for_ever(start: Start) -> None:
    site = await start(close_timeout_s=0.05)
    client = await site.client()
    site.world.bus.consume(site.world.keep_open)
    await client.publish("v1/devices/me/telemetry", b'{"a":1}')
    await until(lambda: "POST_TELEMETRY_REQUEST" in site.world.types())

    await site.transport.stop()
    await client.wait_closed()

    assert client.acknowledged == 0
    assert client.disconnect_code == 0x8B


def _bytes(*packets: p.Packet) -> bytes:
    return b"".join(encode(packet, 4) for packet in packets)
