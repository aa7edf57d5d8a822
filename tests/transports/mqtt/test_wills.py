"""What a client leaves to be said when its connection is lost."""

import pytest

from fieldline.domains.device.directory import DeviceRecord
from fieldline.messaging.events import Change, EntityChanged
from fieldline.protocols.mqtt import packets as p
from fieldline.protocols.mqtt.encoder import encode
from fieldline.protocols.mqtt.reason_codes import ReasonCode
from tests.transports.mqtt.client import ConnectionRefused
from tests.transports.mqtt.conftest import Site, Start
from tests.waiting import until

TELEMETRY = "v1/devices/me/telemetry"
WILL = p.Will(TELEMETRY, b'{"lost":true}', 1)


def device(site: Site) -> DeviceRecord:
    [record] = site.world.devices.records.values()
    return record


def said(site: Site) -> list[object]:
    return [each.data for each in site.world.messages if each.type == "POST_TELEMETRY_REQUEST"]


@pytest.mark.parametrize("version", [3, 4, 5])
async def test_a_lost_connection_has_its_will_said_before_its_end(site: Site, version: int) -> None:
    client = await site.client(version, will=WILL)

    client.abort()
    await until(lambda: "DISCONNECT_EVENT" in site.world.types())

    types = site.world.types()
    assert types.index("POST_TELEMETRY_REQUEST") < types.index("DISCONNECT_EVENT")
    assert said(site) == [{"lost": True}]
    assert site.transport.stats.wills_said == 1


async def test_a_broken_protocol_is_a_loss(site: Site) -> None:
    client = await site.client(will=WILL)

    client.send_raw(b"\x00\x00")
    await until(lambda: said(site) == [{"lost": True}])


@pytest.mark.parametrize(
    ("version", "code", "expected"),
    [
        (4, 0, []),
        (5, 0, []),
        (5, ReasonCode.DISCONNECT_WITH_WILL, [{"lost": True}]),
    ],
)
async def test_a_good_bye_takes_the_will_back(
    site: Site, version: int, code: int, expected: list[object]
) -> None:
    client = await site.client(version, will=WILL)

    client.send_raw(encode(p.Disconnect(code), version))
    await until(lambda: "DISCONNECT_EVENT" in site.world.types())

    assert said(site) == expected


async def test_a_take_over_has_the_will_said_before_the_new_connection(site: Site) -> None:
    old = await site.client(will=WILL)

    new = await site.client()
    await new.publish(TELEMETRY, b'{"lost":false}')
    await new.drain()
    await old.wait_closed()

    assert said(site) == [{"lost": True}, {"lost": False}]


@pytest.mark.parametrize("change", [Change.DELETED, Change.CREDENTIALS_UPDATED])
async def test_who_may_not_speak_has_no_will(site: Site, change: Change) -> None:
    client = await site.client(will=WILL)

    site.world.bus.emit(EntityChanged(site.world.tenant_id, device(site).ref, change))
    await client.wait_closed()
    await until(lambda: site.transport.connections == 0)

    assert said(site) == []


async def test_a_refused_client_has_no_will(site: Site) -> None:
    with pytest.raises(ConnectionRefused):
        await site.client(username="nobody", will=WILL)
    await until(lambda: site.transport.connections == 0)

    assert said(site) == []


async def test_a_stop_of_the_server_is_no_loss(site: Site) -> None:
    await site.client(will=WILL)

    await site.transport.stop()

    assert said(site) == []


async def test_a_will_is_no_sign_of_activity(site: Site) -> None:
    client = await site.client(will=WILL)
    presence = site.world.door.activity.presence(device(site))
    before_ms = presence.last_activity_ms

    site.world.clock.advance(1_000)
    client.abort()
    await until(lambda: said(site) == [{"lost": True}])

    assert presence.last_activity_ms == before_ms


@pytest.mark.parametrize("payload", [b"no JSON", b'{"ts":"x","values":{"a":1}}'])
async def test_a_will_that_is_refused_is_counted_and_logged(
    site: Site, payload: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG", "fieldline.transports.mqtt.wills")
    client = await site.client(will=p.Will(TELEMETRY, payload))

    client.abort()
    await until(lambda: site.transport.stats.wills_refused == 1)

    assert str(device(site).id) in caplog.text
    assert payload.decode() not in caplog.text
    assert site.transport.stats.unexpected_errors == 0


async def test_the_will_of_a_gateway_speaks_for_its_devices(site: Site) -> None:
    device(site).is_gateway = True
    will = p.Will("v1/gateway/telemetry", b'{"A":[{"lost":true}]}')
    client = await site.client(will=will)
    await client.publish("v1/gateway/connect", b'{"device":"A"}')
    await client.drain()

    client.abort()
    await until(lambda: said(site) == [{"lost": True}])

    [message] = [each for each in site.world.messages if each.type == "POST_TELEMETRY_REQUEST"]
    assert message.originator.id == site.world.sub_devices.made["A"].id


async def test_while_too_many_wills_wait_none_is_added(start: Start) -> None:
    site = await start(max_wills=1)
    site.world.bus.consume(site.world.keep_open)
    client = await site.client(will=WILL)
    client.abort()
    await until(lambda: said(site) == [{"lost": True}])

    with pytest.raises(ConnectionRefused) as refused:
        await site.client(will=WILL)
    await site.client()
    [message] = [each for each in site.world.messages if each.type == "POST_TELEMETRY_REQUEST"]
    message.receipt.release()
    await site.client(will=WILL)

    assert refused.value.code == 0x88
