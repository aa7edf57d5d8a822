import asyncio
import json
from functools import partial

import aiomqtt
import pytest

from fieldline.kit.ids import EntityRef
from fieldline.kit.values import JsonText
from fieldline.messaging.events import AttributesSaved, Change, EntityChanged, KeysDeleted
from fieldline.protocols.mqtt.packets import Publish
from fieldline.timeseries.store import Scope
from tests.transports.mqtt.conftest import Site, Start
from tests.waiting import until

ATTRIBUTES = "v1/devices/me/attributes"


def ref(site: Site) -> EntityRef:
    return site.world.devices.by_token["token"].ref


def share(site: Site, **values: object) -> None:
    """Tell the platform that shared attributes of the device were saved."""
    site.world.bus.emit(
        AttributesSaved(site.world.tenant_id, ref(site), Scope.SHARED, 1, values)  # type: ignore[arg-type]
    )


@pytest.mark.parametrize(
    ("request_topic", "response_topic"),
    [
        (f"{ATTRIBUTES}/request/7", f"{ATTRIBUTES}/response/7"),
        ("v2/a/req/7", "v2/a/res/7"),
        ("v2/a/req/j/7", "v2/a/res/j/7"),
    ],
)
async def test_an_attribute_request_is_answered_unsubscribed(
    site: Site, request_topic: str, response_topic: str
) -> None:
    site.world.bus.consume(site.world.save)
    client = await site.client()
    await client.publish(ATTRIBUTES, b'{"serial":"x1","mode":{"a":1}}')
    await client.drain()

    await client.publish(request_topic, b'{"clientKeys":"serial,mode","sharedKeys":"none"}')
    await until(lambda: bool(site.heard))

    [answer] = site.heard
    assert (answer.topic, answer.qos) == (response_topic, 1)
    assert json.loads(answer.payload) == {"client": {"serial": "x1", "mode": {"a": 1}}}


async def test_a_request_for_nothing_asks_for_everything(site: Site) -> None:
    client = await site.client()

    await client.publish(f"{ATTRIBUTES}/request/1", b"{}")
    await until(lambda: bool(site.heard))

    assert site.heard[0].payload == b"{}"


@pytest.mark.parametrize("request_id", ["x", "", "1/2", "99999999999"])
async def test_a_request_id_that_is_no_number_is_refused(site: Site, request_id: str) -> None:
    client = await site.client()

    await client.publish(f"{ATTRIBUTES}/request/{request_id}", b"{}")
    await client.publish(f"v1/devices/me/rpc/response/{request_id}", b"{}")
    await client.drain()
    await client.publish(f"v1/devices/me/rpc/request/{request_id}", b'{"method":"m"}')
    await client.wait_closed()

    assert (client.refused, client.last_refusal) == (2, 0x99)
    assert client.disconnect_code == 0x90


async def test_a_negative_request_id_stays_unanswered(site: Site) -> None:
    client = await site.client()

    await client.publish(f"{ATTRIBUTES}/request/-1", b"{}")
    await client.publish(f"{ATTRIBUTES}/request/2", b"{}")
    await until(lambda: bool(site.heard))

    assert [message.topic for message in site.heard] == [f"{ATTRIBUTES}/response/2"]


@pytest.mark.parametrize("topic", [ATTRIBUTES, "v2/a", "v2/a/j"])
@pytest.mark.parametrize("qos", [0, 1])
async def test_shared_attributes_are_pushed_to_who_subscribed(
    site: Site, topic: str, qos: int
) -> None:
    client = await site.client()
    share(site, before=1)
    codes = await client.subscribe(topic, qos=qos)

    share(site, limit=5, layout=JsonText('{"x":[1]}'))
    site.world.bus.emit(KeysDeleted(site.world.tenant_id, ref(site), Scope.SHARED, ("limit",)))
    await until(lambda: len(site.heard) == 2)

    assert codes == [qos]
    assert [(m.topic, m.qos) for m in site.heard] == [(topic, qos)] * 2
    bodies = [json.loads(message.payload) for message in site.heard]
    assert bodies == [{"limit": 5, "layout": {"x": [1]}}, {"deleted": ["limit"]}]


async def test_nothing_is_pushed_after_unsubscribe(site: Site) -> None:
    client = await site.client()
    await client.subscribe(ATTRIBUTES)

    codes = await client.unsubscribe(ATTRIBUTES, "v2/a")
    share(site, limit=5)
    await client.ping()
    await until(lambda: client.pongs == 1)

    assert codes == [0x00, 0x11]
    assert site.heard == []


def heard(site: Site, count: int) -> bool:
    return len(site.heard) == count


async def test_pushes_follow_the_last_subscription_that_is_left(site: Site) -> None:
    client = await site.client()
    await client.subscribe("v2/a/j")
    await client.subscribe(ATTRIBUTES)
    await client.subscribe("v2/a")
    await client.subscribe("v2/a/j", qos=0)
    for number, topic in enumerate(("v2/a/j", "v2/a", ATTRIBUTES), 1):
        share(site, limit=number)
        await until(partial(heard, site, number))
        await client.unsubscribe(topic)

    share(site, limit=3)
    await client.ping()
    await until(lambda: client.pongs == 1)

    sent = [(message.topic, message.qos) for message in site.heard]
    assert sent == [("v2/a/j", 0), ("v2/a", 1), (ATTRIBUTES, 1)]


async def test_filters_are_granted_by_list(site: Site) -> None:
    filters = (
        "v1/devices/me/rpc/request/+",
        "v1/devices/me/rpc/response/+",
        f"{ATTRIBUTES}/response/+",
        "v2/r/req/+",
        "#",
        "v1/devices/me/#",
        "$share/g/v2/a",
        "v2/a/p",
        "v2/a/x",
    )
    client = await site.client()
    codes_5 = await client.subscribe(*filters, qos=2)
    client_3 = await site.client(4)
    codes_3 = await client_3.subscribe(*filters, qos=2)

    assert codes_5 == [1, 1, 1, 1, 0x8F, 0x8F, 0x9E, 1, 0x8F]
    assert codes_3 == [1, 1, 1, 1, 0x80, 0x80, 0x80, 1, 0x80]
    assert client_3.is_open


async def test_a_custom_filter_is_granted_and_updates_come_on_the_standard_topic(
    site: Site,
) -> None:
    configuration = {"type": "MQTT", "deviceAttributesSubscribeTopic": "plant/updates"}
    device = site.world.device("own", transport_configuration=configuration)
    client = await site.client(username="own")

    codes = await client.subscribe("plant/updates")
    site.world.bus.emit(
        AttributesSaved(site.world.tenant_id, device.ref, Scope.SHARED, 1, {"a": 1})
    )
    await until(lambda: bool(site.heard))

    assert codes == [1]
    assert site.heard[0].topic == ATTRIBUTES


async def test_session_limits_are_told(site: Site) -> None:
    site.world.tenant_profile["transportDeviceMsgRateLimit"] = "20:1"
    client = await site.client()

    await client.publish(
        "v1/devices/me/rpc/request/1", b'{"method":"getSessionLimits","params":{}}'
    )
    await until(lambda: bool(site.heard))

    assert site.heard[0].topic == "v1/devices/me/rpc/response/1"
    limits = json.loads(site.heard[0].payload)
    assert limits["maxPayloadSize"] == 65_536
    assert limits["rateLimits"]["messages"] == "20:1"


@pytest.mark.parametrize("flavour", ["v1/devices/me/rpc/request", "v2/r/req", "v2/r/req/j"])
async def test_a_client_rpc_is_answered_by_a_rule(site: Site, flavour: str) -> None:
    client = await site.client(4)

    await client.publish(f"{flavour}/3", b'{"method":"time"}')
    await until(lambda: "TO_SERVER_RPC_REQUEST" in site.world.types())
    [message] = [m for m in site.world.messages if m.type == "TO_SERVER_RPC_REQUEST"]
    site.world.door.answer_client_rpc(
        message.originator.id, int(message.metadata["requestId"]), b'{"now":1}'
    )
    await until(lambda: bool(site.heard))

    response = flavour.replace("request", "response").replace("req", "res")
    assert (site.heard[0].topic, site.heard[0].payload) == (f"{response}/3", b'{"now":1}')


async def test_a_client_rpc_without_method_ends_the_connection(site: Site) -> None:
    client = await site.client()

    await client.publish("v1/devices/me/rpc/request/3", b"{}")
    await client.wait_closed()

    assert client.disconnect_code == 0x99


@pytest.mark.parametrize("change", [Change.DELETED, Change.CREDENTIALS_UPDATED])
async def test_a_device_that_is_gone_is_disconnected(site: Site, change: Change) -> None:
    client = await site.client()

    site.world.bus.emit(EntityChanged(site.world.tenant_id, ref(site), change))
    await client.wait_closed()

    assert client.disconnect_code == 0x98


async def test_a_client_that_does_not_acknowledge_is_given_up(start: Start) -> None:
    site = await start(max_downlinks_in_flight=2, max_downlinks_queued=3)
    client = await site.client()
    await client.subscribe(ATTRIBUTES)
    client.acknowledges = False

    for value in range(6):
        share(site, a=value)
    await client.wait_closed()

    assert client.disconnect_code == 0x97
    assert len(site.heard) == 2


async def test_a_client_that_does_not_read_is_cut_off(start: Start) -> None:
    site = await start(max_write_buffer=200_000)
    client = await site.client()
    await client.subscribe(ATTRIBUTES, qos=0)
    client.pause_reading()

    for _ in range(200):
        share(site, a="x" * 60_000)
        await asyncio.sleep(0)
        if site.transport.stats.slow_readers:
            break

    assert site.transport.stats.slow_readers == 1
    await until(lambda: site.transport.connections == 0)


async def test_a_client_that_leaves_the_socket_full_is_cut_off_in_time(start: Start) -> None:
    site = await start(max_write_buffer=10**9)
    client = await site.client()
    await client.subscribe(ATTRIBUTES, qos=0)
    client.pause_reading()
    for _ in range(200):
        share(site, a="x" * 60_000)

    await asyncio.sleep(0)
    site.clock.advance(59_000)
    site.transport.sweep()
    still_there = site.transport.connections
    site.clock.advance(2_000)
    site.transport.sweep()

    assert still_there == 1
    await until(lambda: site.transport.connections == 0)


async def test_aiomqtt_talks_to_it(site: Site) -> None:
    site.world.bus.consume(site.world.save)
    for protocol in (aiomqtt.ProtocolVersion.V311, aiomqtt.ProtocolVersion.V5):
        async with aiomqtt.Client(
            "127.0.0.1", site.port, username="token", protocol=protocol
        ) as client:
            await client.publish("v1/devices/me/telemetry", b'{"a":1}', qos=1)
            await client.subscribe(ATTRIBUTES, qos=1)
            share(site, limit=5)
            message: Publish | aiomqtt.Message = await anext(aiter(client.messages))

            assert message.payload == b'{"limit":5}'
