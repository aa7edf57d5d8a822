"""A Sparkplug edge node and its devices on one connection."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from fieldline.domains.device.directory import DeviceRecord
from fieldline.domains.rpc.command import Answer, Command
from fieldline.ingest.parts import IngestOptions
from fieldline.ingest.session import CloseReason
from fieldline.kit.errors import LimitReached
from fieldline.kit.ids import new_id
from fieldline.kit.values import JsonText
from fieldline.messaging.events import AttributesSaved, KeysDeleted
from fieldline.messaging.message import Message
from fieldline.protocols.mqtt.packets import Disconnect, Will
from fieldline.protocols.mqtt.properties import Properties
from fieldline.timeseries.store import Scope
from tests.ingest.world import Listener
from tests.protocols.sparkplug import wire
from tests.protocols.sparkplug.wire import (
    BOOLEAN,
    DOUBLE,
    INT32,
    INT64,
    STRING,
    death,
    metric,
    payload,
)
from tests.transports.mqtt.client import ConnectionRefused, MqttClient
from tests.transports.mqtt.conftest import Site, Start
from tests.waiting import until

WILL = Will("spBv1.0/G/NDEATH/E", death(3), 1)
BD_SEQ = metric("bdSeq", INT64, 3)
STATE = "sparkplugConnectionState"
NOT_WHOLE = 0x83


def be_edge_node(site: Site, **configuration: Any) -> DeviceRecord:
    [device] = site.world.devices.records.values()
    device.transport_type = "MQTT"
    device.transport_configuration = {"type": "MQTT", "sparkplug": True, **configuration}
    return device


@pytest.fixture
async def site(start: Start) -> Site:
    site = await start()
    be_edge_node(site)
    return site


class Edge:
    """An edge node that counts its messages."""

    def __init__(self, client: MqttClient, site: Site) -> None:
        self.client = client
        self.site = site
        self.seq = 0

    async def says(
        self, kind: str, *metrics: bytes, device: str = "", seq: int | None = None, qos: int = 1
    ) -> None:
        self.seq = self.seq if seq is None else seq
        await self.client.publish(topic(kind, device), payload(metrics, seq=self.seq), qos=qos)
        self.seq = (self.seq + 1) % 256
        if qos:
            await self.client.drain()

    async def is_born(self, *metrics: bytes) -> None:
        await self.says("NBIRTH", BD_SEQ, *metrics, seq=0)


def topic(kind: str, device: str = "") -> str:
    return f"spBv1.0/G/{kind}/E" + (f"/{device}" if device else "")


Connect = Callable[..., Any]


@pytest.fixture
def connect(site: Site) -> Connect:
    async def begin(version: int = 5) -> Edge:
        return Edge(await site.client(version, will=WILL), site)

    return begin


def node(site: Site) -> DeviceRecord:
    return site.world.devices.by_token["token"]


def device(site: Site, name: str = "D") -> DeviceRecord:
    return site.world.sub_devices.made[f"G:E:{name}"]


def said(site: Site, whose: DeviceRecord, kind: str = "POST_TELEMETRY_REQUEST") -> list[Message]:
    return [m for m in site.world.messages if m.type == kind and m.originator.id == whose.id]


def values(site: Site, whose: DeviceRecord) -> dict[str, Any]:
    """Return the last value of each key that was published for a device."""
    return {key: value for m in said(site, whose) for key, value in m.data.items()}


def states(site: Site, whose: DeviceRecord) -> list[str]:
    return [m.data[STATE] for m in said(site, whose) if STATE in m.data]


def commands(site: Site) -> list[tuple[str, list[dict[int, list[Any]]]]]:
    """Return what the platform sent: topics, and the fields of the metrics."""
    return [
        (packet.topic, [wire.read(each) for each in wire.read(packet.payload)[2]])
        for packet in site.heard
    ]


def rebirths(site: Site) -> int:
    wanted = wire.read(metric("Node Control/Rebirth", BOOLEAN, True))
    return sum(
        where == topic("NCMD")
        and [{k: v for k, v in each.items() if k != 3} for each in metrics] == [wanted]
        for where, metrics in commands(site)
    )


# Signing on


@pytest.mark.parametrize("version", [4, 5])
@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"will": Will("spBv1.0/G/NDEATH/E", death(), 0)},
        {"will": Will("spBv1.0/G/NDEATH/E", b"", 1)},
        {"will": Will("spBv1.0/G/NDEATH/E", b"\xff", 1)},
        {"will": Will("spBv1.0/G/NBIRTH/E", death(), 1)},
        {"will": Will("spBv1.0/G/DDEATH/E/D", death(), 1)},
        {"will": Will("G/NDEATH/E", death(), 1)},
        {"will": WILL, "clean_start": False},
    ],
)
async def test_a_will_that_is_no_death(site: Site, version: int, fields: dict[str, Any]) -> None:
    with pytest.raises(ConnectionRefused) as refused:
        await site.client(version, **fields)

    assert refused.value.code == (0x88 if version == 5 else 3)


async def test_operators_are_told_why_a_node_is_refused(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(3):
        with pytest.raises(ConnectionRefused):
            await site.client(4, will=Will("spBv1.0/G/NDEATH/E", death(), 0))
    once = caplog.text.count("device 'meter token': The will of a Sparkplug edge node has QoS 1")
    site.clock.advance(10_000)
    with pytest.raises(ConnectionRefused):
        await site.client(4)

    assert once == 1
    assert "(and 2 more of such)" in caplog.text


async def test_a_session_that_would_outlive_the_connection(site: Site) -> None:
    lasting = Properties(session_expiry_interval=60)
    ended = Properties(session_expiry_interval=0)

    with pytest.raises(ConnectionRefused) as refused:
        await site.client(5, will=WILL, properties=lasting)

    assert refused.value.code == 0x88
    assert (await site.client(5, will=WILL, properties=ended)).is_open


async def test_a_retained_death(site: Site) -> None:
    with pytest.raises(ConnectionRefused) as refused:
        await site.client(4, will=Will("spBv1.0/G/NDEATH/E", death(), 1, retain=True))

    assert refused.value.code == 3


async def test_who_is_refused_takes_nobodys_place(site: Site, connect: Connect) -> None:
    edge = await connect()

    with pytest.raises(ConnectionRefused):
        await site.client(5)

    await edge.is_born()
    assert edge.client.is_open


# Births and data


@pytest.mark.parametrize("version", [4, 5])
async def test_a_birth_and_data(site: Site, connect: Connect, version: int) -> None:
    edge = await connect(version)

    await edge.is_born(metric("t", DOUBLE, 20.5, alias=1, ts=10), metric("s", STRING, "21"))
    await edge.says("NDATA", metric(alias=1, datatype=-DOUBLE, given=21.5, ts=20))

    found = [(m.metadata.get("ts"), m.data) for m in said(site, node(site))]
    now = str(site.world.clock.now_ms())
    assert found == [
        (now, {STATE: "ONLINE"}),
        ("10", {"t": 20.5, "NBIRTH seq": 0, "NBIRTH bdSeq": 3}),
        (now, {"s": "21"}),
        ("20", {"t": 21.5, "NDATA seq": 1}),
    ]
    assert said(site, node(site))[3].metadata["mqttTopic"] == topic("NDATA")
    assert (edge.client.refused, rebirths(site)) == (0, 0)


async def test_a_device_is_made_when_it_is_born(site: Site, connect: Connect) -> None:
    edge = await connect()
    await edge.is_born()

    await edge.says("DBIRTH", metric("h", INT32, 40, alias=1), device="D")
    await edge.says("DDATA", metric(alias=1, datatype=-INT32, given=41), device="D")
    await site.world.door.activity.report_urgent()

    assert site.world.sub_devices.types == {"G:E:D": "meter device"}
    assert device(site).label == "D"
    assert values(site, device(site)) == {
        STATE: "ONLINE", "h": 41, "DBIRTH seq": 1, "DDATA seq": 2
    }  # fmt: skip
    assert len(said(site, device(site), "CONNECT_EVENT")) == 1
    assert edge.client.refused == 0


async def test_metrics_that_are_attributes(site: Site, connect: Connect) -> None:
    be_edge_node(site, sparkplugAttributesMetricNames=["Node Control/*", "serial"])
    edge = await connect()

    await edge.is_born(
        metric("Node Control/Rebirth", BOOLEAN, False), metric("serial", STRING, "7"),
        metric("serial2", INT32, 1),
    )  # fmt: skip
    await edge.says("NDATA", metric("serial", STRING, "6", ts=5, historical=True))

    [message] = said(site, node(site), "POST_ATTRIBUTES_REQUEST")
    assert message.data == {"Node Control/Rebirth": False, "serial": "7"}
    assert message.metadata["scope"] == "SHARED_SCOPE"
    assert message.metadata["notifyDevice"] == "false"
    assert values(site, node(site))["serial2"] == 1
    assert values(site, node(site))["serial"] == "6", "history is a reading"


async def test_attribute_names_of_a_profile_change_for_who_is_connected(
    site: Site, connect: Connect
) -> None:
    edge = await connect()
    await edge.is_born(metric("t", INT32, 1))
    be_edge_node(site, sparkplugAttributesMetricNames=["t"])

    await edge.says("NDATA", metric("t", -INT32, 2))

    assert said(site, node(site), "POST_ATTRIBUTES_REQUEST")[0].data == {"t": 2}


async def test_a_name_that_is_no_key(
    site: Site, connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    edge = await connect()

    await edge.is_born(metric("<b>", INT32, 1), metric("a/b ü {x}", INT32, 2))
    await edge.says("NDATA", metric("<b>", -INT32, 3), metric("a/b ü {x}", -INT32, 4))

    assert values(site, node(site)) == {
        STATE: "ONLINE", "a/b ü {x}": 4, "NBIRTH seq": 0, "NBIRTH bdSeq": 3, "NDATA seq": 1
    }  # fmt: skip
    assert (edge.client.refused, rebirths(site)) == (0, 0)
    assert caplog.text.count("device 'meter token': NBIRTH: 1 metrics are not stored: a name") == 1


async def test_quality_of_service_0(site: Site, connect: Connect) -> None:
    edge = await connect(4)

    await edge.says("NBIRTH", BD_SEQ, metric("t", INT32, 1), qos=0)
    await edge.says("DBIRTH", metric("h", INT32, 1), device="D", qos=0)
    await edge.says("DDATA", metric("h", INT32, 2), device="D", qos=0)
    await until(lambda: "G:E:D" in site.world.sub_devices.made and values(site, device(site)))

    await until(lambda: values(site, device(site)).get("h") == 2)
    assert values(site, node(site))["t"] == 1


async def test_an_edge_node_speaks_as_a_device_too(site: Site, connect: Connect) -> None:
    edge = await connect()

    await edge.client.publish("v1/devices/me/telemetry", b'{"plain":1}')
    await edge.client.drain()

    assert values(site, node(site)) == {"plain": 1}


async def test_many_devices_are_asked_for_together(site: Site, connect: Connect) -> None:
    edge = await connect()
    await edge.is_born()

    for number in range(300):
        data = payload([metric("n", INT32, number)], seq=(number + 1) % 256)
        await edge.client.publish(topic("DBIRTH", f"D{number}"), data)
    await edge.client.drain()

    assert [values(site, device(site, f"D{n}"))["n"] for n in range(300)] == list(range(300))
    assert len(site.world.sub_devices.asked) < 50
    assert (edge.client.refused, rebirths(site)) == (0, 0)


# What cannot be understood


@pytest.mark.parametrize("version", [4, 5])
async def test_data_before_a_birth(site: Site, connect: Connect, version: int) -> None:
    edge = await connect(version)

    await edge.says("NDATA", metric("t", INT32, 1), metric(alias=5, datatype=INT32, given=2))
    await until(lambda: rebirths(site))
    await edge.says("NDATA", metric("t", INT32, 3))

    assert values(site, node(site))["t"] == 3, "what explains itself is taken"
    assert rebirths(site) == 1, "not for every message"
    assert edge.client.last_refusal == (NOT_WHOLE if version == 5 else 0)
    assert edge.client.is_open


async def test_a_device_that_was_not_born(site: Site, connect: Connect) -> None:
    edge = await connect()
    await edge.is_born()

    await edge.says("DDATA", metric(alias=1, datatype=-INT32, given=41), device="D")
    await until(lambda: rebirths(site))

    assert site.world.sub_devices.made == {}
    assert edge.client.last_refusal == NOT_WHOLE


async def test_a_gap_in_the_sequence(site: Site, connect: Connect) -> None:
    edge = await connect()
    await edge.is_born(metric("t", INT32, 1))

    await edge.says("NDATA", metric("t", -INT32, 2), seq=2)
    await until(lambda: rebirths(site))
    await edge.is_born(metric("t", INT32, 3))
    await edge.says("NDATA", metric("t", -INT32, 4))

    assert values(site, node(site))["t"] == 4
    assert (edge.client.refused, rebirths(site)) == (1, 1)


@pytest.mark.parametrize(
    "where",
    [
        "spBv1.0/X/NDATA/E", "spBv1.0/G/NDATA/X", "spBv1.0/G/DDATA/X/D", "spBv1.0/G/NCMD/E",
        "spBv1.0/G/DCMD/E/D", "spBv1.0/STATE/host", "spBv1.0/G/NRECORD/E", "spBv1.0/G",
    ],
)  # fmt: skip
@pytest.mark.parametrize("version", [4, 5])
async def test_topics_of_others(site: Site, connect: Connect, where: str, version: int) -> None:
    edge = await connect(version)
    await edge.is_born()
    before = len(site.world.messages)

    await edge.client.publish(where, payload([metric("t", INT32, 1)], seq=1))
    await edge.client.drain()

    assert len(site.world.messages) == before
    assert edge.client.last_refusal == (0x90 if version == 5 else 0)
    assert edge.client.is_open


BAD = [
    b"\xff",
    payload([metric("t", INT32, raw=wire.blob(15, b"x"))], seq=1),
    payload([metric("t", INT32, 1)], seq=1)[:-3],
]


@pytest.mark.parametrize("data", BAD)
async def test_bytes_that_are_no_payload(site: Site, connect: Connect, data: bytes) -> None:
    edge = await connect()
    await edge.is_born()

    await edge.client.publish(topic("NDATA"), data)
    await edge.client.drain()

    assert (edge.client.last_refusal, edge.client.is_open) == (0x99, True)


async def test_bytes_that_are_no_payload_end_an_older_client(
    site: Site, connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    edge = await connect(4)

    await edge.client.publish(topic("NBIRTH"), b"\xff")
    await edge.client.wait_closed()

    await until(lambda: states(site, node(site)) == ["OFFLINE"])
    assert "device 'meter token': NBIRTH: The bytes are no Sparkplug B payload" in caplog.text


async def test_as_many_metrics_as_a_packet_holds(site: Site, connect: Connect) -> None:
    edge = await connect()
    names = [metric(f"{n}", INT32, null=True, alias=n) for n in range(4_000)]
    await edge.is_born(*names)

    await edge.says("NDATA", *(metric(alias=n, datatype=-INT32, given=n) for n in range(4_000)))

    assert sum(values(site, node(site))[f"{n}"] for n in range(4_000)) == 7_998_000
    assert edge.client.refused == 0


async def test_more_metrics_than_a_node_may_have(site: Site, connect: Connect) -> None:
    edge = await connect()
    await edge.is_born()

    for number in range(5):
        many = [metric(f"{n}", INT32, null=True) for n in range(4_500)]
        await edge.says("DBIRTH", *many, device=f"D{number}")

    assert (edge.client.refused, edge.client.last_refusal) == (1, 0x99)
    assert edge.client.is_open


# Deaths


async def test_a_cut_connection_is_a_death(site: Site, connect: Connect) -> None:
    edge = await connect()
    await edge.is_born()
    await edge.says("DBIRTH", metric("h", INT32, 40), device="D")

    edge.client.abort()
    await until(lambda: len(site.world.door._sessions) == 0)
    await site.world.door.activity.report_urgent()

    assert states(site, node(site)) == states(site, device(site)) == ["ONLINE", "OFFLINE"]
    assert values(site, node(site))["NDEATH bdSeq"] == 3
    for whose in (node(site), device(site)):
        assert len(said(site, whose, "DISCONNECT_EVENT")) == 1


@pytest.mark.parametrize(("code", "has_death"), [(0, False), (4, True)])
async def test_a_good_bye_drops_the_will(
    site: Site, connect: Connect, code: int, has_death: bool
) -> None:
    edge = await connect()
    await edge.is_born()

    edge.client._send(Disconnect(code))
    await edge.client.wait_closed()
    await until(lambda: len(site.world.door._sessions) == 0)

    assert states(site, node(site)) == ["ONLINE", "OFFLINE"], "it is gone, one way or the other"
    assert ("NDEATH bdSeq" in values(site, node(site))) is has_death


async def test_a_published_death(site: Site, connect: Connect) -> None:
    edge = await connect()
    await edge.is_born()
    await edge.says("DBIRTH", metric("h", INT32, 40), device="D")

    await edge.client.publish(topic("NDEATH"), death(2))
    await edge.client.drain()
    assert states(site, node(site)) == ["ONLINE"], "of an earlier life"
    await edge.client.publish(topic("NDEATH"), death(3))
    await edge.client.drain()
    assert states(site, node(site)) == states(site, device(site)) == ["ONLINE", "OFFLINE"]
    await edge.client.close()
    await until(lambda: len(site.world.door._sessions) == 0)

    assert states(site, node(site)) == ["ONLINE", "OFFLINE"], "once"
    assert edge.client.refused == 1


async def test_a_device_dies_alone(site: Site, connect: Connect) -> None:
    edge = await connect()
    await edge.is_born()
    await edge.says("DBIRTH", metric("h", INT32, 40), device="D")

    await edge.says("DDEATH", device="D")
    await edge.says("DDEATH", device="unknown")
    await site.world.door.activity.report_urgent()

    assert states(site, device(site)) == ["ONLINE", "OFFLINE"]
    assert values(site, device(site))["DDEATH seq"] == 2
    assert len(said(site, device(site), "DISCONNECT_EVENT")) == 1
    assert states(site, node(site)) == ["ONLINE"]
    assert [*site.world.sub_devices.made] == ["G:E:D"]


async def test_a_death_after_a_lost_message(site: Site, connect: Connect) -> None:
    edge = await connect()
    await edge.is_born()
    await edge.says("DBIRTH", metric("h", INT32, 40), device="D")

    await edge.says("DDEATH", device="D", seq=9)
    await edge.says("DBIRTH", metric("h", INT32, null=True), device="D", seq=20)

    assert states(site, device(site)) == ["ONLINE", "OFFLINE", "ONLINE"]
    assert edge.client.refused == 2, "both tell that something is missing"


async def test_who_comes_again_is_offline_before_it_is_born(site: Site, connect: Connect) -> None:
    first = await connect()
    await first.is_born()
    await first.says("DBIRTH", metric("h", INT32, 40), device="D")

    second = await connect()
    await second.is_born()
    await second.says("DBIRTH", metric("h", INT32, 40), device="D")
    await first.client.wait_closed()

    assert states(site, node(site)) == states(site, device(site)) == ["ONLINE", "OFFLINE", "ONLINE"]
    assert first.client.disconnect_code == 0x8E
    assert len(site.world.door._sessions) == 2


@pytest.mark.parametrize("qos", [0, 1])
async def test_who_is_born_and_hangs_up_is_heard(site: Site, connect: Connect, qos: int) -> None:
    edge = await connect()

    await edge.client.publish(topic("NBIRTH"), payload([BD_SEQ], seq=0), qos=qos)
    for number, kind in enumerate(("DBIRTH", "DDATA"), start=1):
        data = payload([metric("h", INT32, number)], seq=number)
        await edge.client.publish(topic(kind, "D"), data, qos=qos)
    await edge.client.publish(topic("NDATA"), payload([metric("t", INT32, 3)], seq=3), qos=qos)
    await edge.client.close()
    await until(lambda: len(site.world.door._sessions) == 0)

    assert (values(site, device(site))["h"], values(site, node(site))["t"]) == (2, 3)
    assert states(site, node(site)) == states(site, device(site)) == ["ONLINE", "OFFLINE"]
    assert STATE in said(site, node(site))[-1].data, "the death comes last"


async def test_who_comes_again_while_a_birth_waits(
    site: Site, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fieldline.transports.mqtt.sub_devices.RETRY_S", 0.01)
    first = await connect()
    await first.is_born()
    site.world.sub_devices.is_away = True
    await first.client.publish(topic("DBIRTH", "D"), payload([metric("h", INT32, 1)], seq=1))
    await first.client.ping()
    await until(lambda: first.client.pongs)

    second = await connect()
    await first.client.wait_closed()
    site.world.sub_devices.is_away = False
    await second.is_born()
    await second.says("DBIRTH", metric("h", INT32, 2), device="D")

    assert (first.client.in_flight, first.client.disconnect_code) == (1, 0x8E)
    assert states(site, node(site)) == ["ONLINE", "OFFLINE", "ONLINE"]
    assert [m.data.get("h") for m in said(site, device(site)) if "h" in m.data] == [2]


async def test_a_death_does_not_make_a_device_active(site: Site, connect: Connect) -> None:
    edge = await connect()
    await edge.is_born()
    presence = site.world.door.activity.presence(node(site))
    before = presence.last_activity_ms
    site.world.clock.advance(5_000)

    edge.client.abort()
    await until(lambda: len(site.world.door._sessions) == 0)

    assert states(site, node(site)) == ["ONLINE", "OFFLINE"]
    assert presence.last_activity_ms == before


# Commands


def rpc(whose: DeviceRecord, method: str, params: Any, **fields: Any) -> Command:
    return Command(new_id(), whose.tenant_id, whose.id, method, params, 2**50, **fields)


async def test_commands(site: Site, connect: Connect) -> None:
    answers: list[Answer] = []
    edge = await connect()
    early = rpc(node(site), "NCMD", {"metricName": "t", "value": 1})
    site.world.door.send_rpc(early, answers.append)
    await edge.is_born(metric("t", DOUBLE, 1.0, alias=4))
    await edge.says("DBIRTH", metric("on", BOOLEAN, False), device="D")

    site.world.door.send_rpc(
        rpc(device(site), "DCMD", {"metricName": "on", "value": True}), answers.append
    )
    await until(lambda: len(answers) == 2)

    now = site.world.clock.now_ms()
    assert commands(site) == [
        (topic("NCMD"), [wire.read(metric("t", DOUBLE, 1.0, alias=4, ts=now))]),
        (topic("DCMD", "D"), [wire.read(metric("on", BOOLEAN, True, ts=now))]),
    ]
    assert [packet.qos for packet in site.heard] == [1, 1]
    assert answers == [Answer('{"result":"Success: NCMD"}'), Answer('{"result":"Success: DCMD"}')]


async def test_commands_wait_for_a_birth(site: Site, connect: Connect) -> None:
    answers: list[Answer] = []
    edge = await connect()
    await edge.is_born()
    await edge.says("DDATA", metric("on", BOOLEAN, False), device="D")
    params = {"metricName": "on", "value": True}
    kept = rpc(device(site), "DCMD", params, is_persistent=True)

    for command in (rpc(device(site), "DCMD", params), kept):
        site.world.door.send_rpc(command, answers.append)
    before = site.world.kept.moves[kept.id][-1]
    await edge.is_born()
    await edge.says("DBIRTH", metric("on", BOOLEAN, False), device="D")
    await until(lambda: site.world.kept.moves[kept.id][-1] == "SUCCESSFUL")
    await edge.says("DBIRTH", metric("on", BOOLEAN, False), device="D")
    await edge.client.ping()
    await until(lambda: edge.client.pongs)

    told = [where for where, _ in commands(site) if where == topic("DCMD", "D")]
    assert before == "QUEUED"
    assert Answer('{"result":"Success: DCMD"}') in answers
    assert len(told) == 2, "each of them once"


async def test_a_command_to_a_node_between_its_lives(site: Site, connect: Connect) -> None:
    answers: list[Answer] = []
    edge = await connect()
    await edge.is_born(metric("on", BOOLEAN, False))
    await edge.client.publish(topic("NDEATH"), death(3))
    await edge.client.drain()

    command = rpc(node(site), "NCMD", {"metricName": "on", "value": True})
    site.world.door.send_rpc(command, answers.append)
    before = len(site.heard)
    await edge.is_born(metric("on", BOOLEAN, False))
    await until(lambda: answers)

    assert (before, len(site.heard)) == (0, 1)
    assert answers == [Answer('{"result":"Success: NCMD"}')]


@pytest.mark.parametrize(
    ("method", "params", "error"),
    [
        ("NCMD", {"metricName": "x", "value": 1}, "born without a metric 'x'"),
        ("NCMD", {"metricName": "on", "value": 1}, "A Boolean takes true or false"),
        ("NCMD", {"metricName": "on"}, "The params of a command are"),
        ("NCMD", {"value": True}, "The params of a command are"),
        ("NCMD", None, "The params of a command are"),
        ("DCMD", {"metricName": "on", "value": True}, "is NCMD, not DCMD"),
        ("reboot", {}, "is NCMD, not reboot"),
    ],
)
async def test_commands_that_cannot_be(
    site: Site, connect: Connect, method: str, params: Any, error: str
) -> None:
    answers: list[Answer] = []
    edge = await connect()
    await edge.is_born(metric("on", BOOLEAN, False))

    for fields in ({}, {"is_oneway": True}, {"is_persistent": True}):
        command = rpc(node(site), method, params, **fields)
        site.world.door.send_rpc(command, answers.append)

    texts = [answers[0].response, answers[1].response, site.world.kept.responses[command.id]]
    for text in texts:
        found = json.loads(text or "")
        assert found["result"] == "BAD_REQUEST_PARAMS"
        assert error in found["error"]
    assert site.world.kept.moves[command.id] == ["QUEUED", "FAILED"]
    assert site.heard == []


async def test_kept_commands(site: Site, connect: Connect) -> None:
    edge = await connect()
    await edge.is_born(metric("on", BOOLEAN, False))
    params = {"metricName": "on", "value": True}
    twoway = rpc(node(site), "NCMD", params, is_persistent=True)
    oneway = rpc(node(site), "NCMD", params, is_persistent=True, is_oneway=True)

    for command in (twoway, oneway):
        site.world.door.send_rpc(command, lambda _answer: None)
    await until(lambda: site.world.kept.moves[oneway.id][-1] == "DELIVERED")

    assert site.world.kept.moves[twoway.id] == ["QUEUED", "SENT", "DELIVERED", "SUCCESSFUL"]
    assert site.world.kept.responses[twoway.id] == '{"result":"Success: NCMD"}'
    assert site.world.kept.moves[oneway.id] == ["QUEUED", "SENT", "DELIVERED"]


async def test_what_gateways_are_told_is_nothing_to_an_edge_node(
    site: Site, connect: Connect
) -> None:
    edge = await connect()
    await edge.is_born()
    note = rpc(node(site), "gateway_device_deleted", "D", is_persistent=True, is_oneway=True)

    site.world.door.send_rpc(note, lambda _answer: None)

    assert site.world.kept.moves[note.id] == ["QUEUED", "DELIVERED"]
    assert site.heard == []


async def test_shared_attributes_are_written_to_metrics(site: Site, connect: Connect) -> None:
    edge = await connect()
    await edge.is_born(metric("t", DOUBLE, 1.0), metric("s", STRING, "x"))
    await edge.says("DBIRTH", metric("on", BOOLEAN, False), device="D")

    for whose, changed in (
        (node(site), {"t": 5, "s": 7, "other": 1}),
        (node(site), {"NCMD": '{"t":6}'}),
        (node(site), {"other": 1}),
        (device(site), {"on": True}),
    ):
        parsed = {k: _json(v) for k, v in changed.items()}
        site.world.bus.emit(AttributesSaved(whose.tenant_id, whose.ref, Scope.SHARED, 1, parsed))
    tenant = node(site).tenant_id
    site.world.bus.emit(KeysDeleted(tenant, node(site).ref, Scope.SHARED, ("t",)))
    await until(lambda: len(site.heard) == 3)

    now = site.world.clock.now_ms()
    five, six, on = commands(site)
    assert five == (
        topic("NCMD"),
        [wire.read(metric("t", DOUBLE, 5.0, ts=now)), wire.read(metric("s", STRING, "7", ts=now))],
    )
    assert six == (topic("NCMD"), [wire.read(metric("t", DOUBLE, 6.0, ts=now))])
    assert on == (topic("DCMD", "D"), [wire.read(metric("on", BOOLEAN, True, ts=now))])


def _json(value: Any) -> Any:
    return JsonText(value) if isinstance(value, str) and value.startswith("{") else value


# Subscriptions


@pytest.mark.parametrize("version", [4, 5])
async def test_subscriptions(site: Site, connect: Connect, version: int) -> None:
    edge = await connect(version)

    codes = await edge.client.subscribe("spBv1.0/G/NCMD/E", "spBv1.0/G/DCMD/E/+", "other/#", qos=2)
    ended = await edge.client.unsubscribe("spBv1.0/G/NCMD/E", "spBv1.0/x")
    await edge.is_born(metric("on", BOOLEAN, False))
    site.world.door.send_rpc(
        rpc(node(site), "NCMD", {"metricName": "on", "value": True}), lambda _answer: None
    )
    await until(lambda: site.heard)

    assert codes == ([1, 1, 0x8F] if version == 5 else [1, 1, 0x80])
    assert ended == ([0, 0x11] if version == 5 else [])
    assert site.heard[0].topic == topic("NCMD"), "commands need no subscription"


async def test_the_host_is_online(site: Site, connect: Connect) -> None:
    edge = await connect()

    await edge.client.subscribe("spBv1.0/STATE/scada", "spBv1.0/STATE/+", qos=1)
    await until(lambda: site.heard)

    [packet] = site.heard
    assert packet.topic == "spBv1.0/STATE/scada"
    assert json.loads(packet.payload) == {
        "online": True, "timestamp": site.world.clock.now_ms()
    }  # fmt: skip


# Devices that cannot be connected, and limits


async def test_a_device_beyond_the_limit(site: Site, connect: Connect) -> None:
    site.world.sub_devices.errors["G:E:D"] = LimitReached("too many", entity_type="DEVICE", limit=1)
    edge = await connect()
    await edge.is_born()

    await edge.says("DBIRTH", metric("h", INT32, 1), device="D")
    asked = len(site.world.sub_devices.asked)
    await edge.says("DDATA", metric("h", -INT32, 2), device="D")

    assert (edge.client.refused, edge.client.last_refusal, edge.client.is_open) == (2, 0x97, True)
    assert len(site.world.sub_devices.asked) == asked, "that is remembered"


async def test_a_device_that_connects_elsewhere_is_taken_back(site: Site, connect: Connect) -> None:
    edge = await connect()
    await edge.is_born()
    await edge.says("DBIRTH", metric("h", INT32, 1), device="D")
    elsewhere = Listener()
    site.world.door.open(device(site), elsewhere)

    await edge.says("DDATA", metric("h", -INT32, 2), device="D")

    assert elsewhere.closed == [CloseReason.TAKEN_OVER]
    assert values(site, device(site))["h"] == 2


async def test_what_is_over_the_rate_ends_the_connection(start: Start) -> None:
    site = await start(IngestOptions(is_rate_limited=True))
    be_edge_node(site)
    site.world.tenant_profile["transportDeviceTelemetryDataPointsRateLimit"] = "5:60"
    edge = Edge(await site.client(will=WILL), site)
    await edge.is_born(*(metric(f"{n}", INT32, n) for n in range(2)))

    await edge.client.publish(
        topic("NDATA"), payload([metric(f"{n}", INT32, n) for n in range(9)], seq=1)
    )
    await edge.client.wait_closed()

    assert edge.client.disconnect_code == 0x83
    await until(lambda: states(site, node(site)) == ["ONLINE", "OFFLINE"])


async def test_a_database_that_is_away_stops_the_reading(
    site: Site, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fieldline.transports.mqtt.sub_devices.RETRY_S", 0.01)
    monkeypatch.setattr("fieldline.transports.mqtt.sub_devices.MAX_WAITING", 50)
    site.world.sub_devices.is_away = True
    client = (await connect()).client
    await client.publish(topic("NBIRTH"), payload([BD_SEQ], seq=0))

    for number in range(90):
        data = payload([metric("n", INT32, number)], seq=(number + 1) % 256)
        await client.publish(topic("DBIRTH", f"D{number % 50}"), data)
    await until(lambda: client.acknowledged == 1)
    assert client.in_flight == 90
    site.world.sub_devices.is_away = False
    await client.drain()

    assert client.refused == 0
    assert values(site, device(site, "D39"))["n"] == 89
