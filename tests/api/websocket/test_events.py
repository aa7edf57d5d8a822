"""Presence of devices, alarms and events of rule chains over a socket."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID, uuid4

import pytest

from fieldline.domains.alarm import service as alarm_service
from fieldline.domains.alarm.status import Severity
from fieldline.domains.device import service as device_service
from fieldline.domains.event.record import EventType, Record
from fieldline.domains.event.writer import EventWriter
from fieldline.domains.rule_chain import service as rule_chain_service
from fieldline.kit.ids import EntityRef, EntityType, new_id
from fieldline.messaging.events import PresenceChanged
from fieldline.security.caller import Caller
from tests.api.websocket.server import Client, watching
from tests.domains.telemetry.platform import Json, Platform
from tests.people import make_customer

UNAUTHORIZED = 3


def _cmds(**command: Json) -> Json:
    return {"cmds": [{"cmdId": 1, **command}]}


def _presence(*devices: EntityRef) -> Json:
    ids = {"entityIds": [str(device.id) for device in devices]} if devices else {}
    return _cmds(type="DEVICE_PRESENCE", **ids)


def _alarms(*devices: EntityRef, **wanted: Json) -> Json:
    ids = {"entityIds": [str(device.id) for device in devices]} if devices else {}
    return _cmds(type="ALARM_EVENTS", **ids, **wanted)


def _ref(device: EntityRef) -> Json:
    return {"entityType": device.type.value, "id": str(device.id)}


def _is_refused(answer: Json) -> bool:
    return (answer["subscriptionId"], answer["errorCode"]) == (1, UNAUTHORIZED)


async def _is_silent(client: Client) -> bool:
    """Whether nothing comes before the answer to a frame that cannot be read."""
    answer = await client.ask("{")
    return bool(answer.get("errorMsg") == "Failed to parse the payload")


def _online(platform: Platform, device: EntityRef, customer_id: UUID | None = None) -> None:
    tenant_id = platform.admin.tenant_id
    assert tenant_id is not None
    event = PresenceChanged(tenant_id, customer_id, device, "Sensor", True, 7)
    platform.services.bus.emit(event)


async def _alarm(platform: Platform, device: EntityRef, type_: str = "Hot") -> UUID:
    async with platform.services.database.write() as session:
        content = alarm_service.Content(Severity.MAJOR)
        made = await alarm_service.create(
            session, platform.admin, device, type_, content, now_ms=1_000
        )
    return made.id


class TestPresence:
    async def test_how_it_is_then_what_happens(self, platform: Platform) -> None:
        async with watching(platform, platform.admin) as client:
            first = await client.ask(_presence(platform.device))
            _online(platform, platform.device)
            second = await client.receive()

        shown = {"entityId": _ref(platform.device), "name": "Sensor 1", "active": False}
        assert first == {
            "cmdId": 1,
            "cmdUpdateType": "DEVICE_PRESENCE",
            "errorCode": 0,
            "errorMsg": None,
            "data": [shown],
            "totalElements": 1,
            "update": None,
        }
        online = {**shown, "name": "Sensor", "active": True, "ts": 7}
        assert (second["data"], second["update"]) == (None, [online])

    async def test_all_that_the_caller_may_see(self, platform: Platform) -> None:
        async with watching(platform, platform.customer_user) as client:
            first = await client.ask(_presence())
            _online(platform, platform.device)
            _online(platform, platform.customer_device, platform.customer_id)
            second = await client.receive()

        assert [each["entityId"] for each in first["data"]] == [_ref(platform.customer_device)]
        assert [each["entityId"] for each in second["update"]] == [_ref(platform.customer_device)]

    async def test_another_device_is_not_told_of(self, platform: Platform) -> None:
        async with watching(platform, platform.admin) as client:
            await client.ask(_presence(platform.device))
            _online(platform, platform.customer_device)
            assert await _is_silent(client)

    async def test_it_ends(self, platform: Platform) -> None:
        async with watching(platform, platform.admin) as client:
            await client.ask(_presence())
            await client.send(_cmds(type="DEVICE_PRESENCE_UNSUBSCRIBE"))
            assert await _is_silent(client)
            _online(platform, platform.device)
            assert await _is_silent(client)

    async def test_a_device_that_leaves_the_customer(self, platform: Platform) -> None:
        async with watching(platform, platform.customer_user) as client:
            await client.ask(_presence(platform.customer_device))
            await platform.assign(platform.customer_device, None)
            assert _is_refused(await client.receive())
            _online(platform, platform.customer_device)
            assert await _is_silent(client)

    async def test_a_subscription_to_all_outlives_a_refused_one(self, platform: Platform) -> None:
        async with watching(platform, platform.customer_user) as client:
            await client.ask({"cmds": [{"type": "DEVICE_PRESENCE", "cmdId": 2}]})
            await client.ask(_presence(platform.customer_device))
            await platform.assign(platform.customer_device, None)
            assert _is_refused(await client.receive())
            _online(platform, platform.device, platform.customer_id)
            assert (await client.receive())["cmdId"] == 2

    async def test_a_deleted_device(self, platform: Platform) -> None:
        async with watching(platform, platform.admin) as client:
            await client.ask(_presence(platform.device))
            async with platform.services.database.write() as session:
                await device_service.delete(session, platform.admin, platform.device.id)
            assert _is_refused(await client.receive())


class TestAlarms:
    async def test_the_active_ones_then_what_happens(self, platform: Platform) -> None:
        first_id = await _alarm(platform, platform.device, "Hot")
        async with watching(platform, platform.admin) as client:
            first = await client.ask(_alarms())
            async with platform.services.database.write() as session:
                await alarm_service.clear(session, platform.admin, first_id, now_ms=2_000)
            second = await client.receive()

        (shown,) = first["data"]
        assert (shown["action"], shown["alarm"]["id"]["id"]) == ("ACTIVE", str(first_id))
        (update,) = second["update"]
        assert update["action"] == "CLEARED"
        assert (update["alarm"]["status"], update["alarm"]["clearTs"]) == ("CLEARED_UNACK", 2_000)

    async def test_only_what_was_asked_for(self, platform: Platform) -> None:
        async with watching(platform, platform.admin) as client:
            await client.ask(_alarms(platform.device, typeList=["Cold"]))
            await _alarm(platform, platform.device, "Hot")
            await _alarm(platform, platform.customer_device, "Cold")
            await _alarm(platform, platform.device, "Cold")
            answer = await client.receive()

        assert [each["alarm"]["type"] for each in answer["update"]] == ["Cold"]
        assert answer["update"][0]["alarm"]["originator"] == _ref(platform.device)

    async def test_a_customer_user_gets_its_customers(self, platform: Platform) -> None:
        async with watching(platform, platform.customer_user) as client:
            await client.ask(_alarms())
            await _alarm(platform, platform.device)
            await _alarm(platform, platform.customer_device)
            answer = await client.receive()

        originators = [each["alarm"]["originator"] for each in answer["update"]]
        assert originators == [_ref(platform.customer_device)]

    async def test_a_severity_that_there_is_not(self, platform: Platform) -> None:
        async with watching(platform, platform.admin) as client:
            answer = await client.ask(_alarms(severityList=["AWFUL"]))

        assert answer["errorMsg"] == "Failed to parse the payload"

    async def test_a_kind_of_entity_that_there_is_not(self, platform: Platform) -> None:
        async with watching(platform, platform.admin) as client:
            answer = await client.ask(_alarms(platform.device, entityType="CAR"))

        assert (answer["errorCode"], "'CAR' is not" in answer["errorMsg"]) == (2, True)


class Recorded:
    """A rule chain of the tenant, and a writer of its events."""

    def __init__(self, platform: Platform, writer: EventWriter, chain_id: UUID) -> None:
        self.platform, self.writer, self.chain_id = platform, writer, chain_id
        self.node_id = new_id()

    def command(self, **fields: Json) -> Json:
        return _cmds(type="RULE_CHAIN_EVENTS", ruleChainId=str(self.chain_id), **fields)

    async def record(self, data: str, node_id: UUID | None = None) -> None:
        tenant_id = self.platform.admin.tenant_id
        assert tenant_id is not None
        node = EntityRef(EntityType.RULE_NODE, node_id or self.node_id)
        kind = EventType.DEBUG_RULE_NODE
        self.writer.put(Record(tenant_id, self.chain_id, node, kind, 5, direction="IN", data=data))
        await self.writer.flush()


@pytest.fixture
async def recorded(platform: Platform) -> AsyncIterator[Recorded]:
    database = platform.services.database
    async with database.write() as session:
        chain = await rule_chain_service.create(session, platform.admin, {"name": "Chain"})
    writer = EventWriter(database, platform.clock)
    await writer.start()
    yield Recorded(platform, writer, chain.id)
    await writer.stop()


class TestRuleChainEvents:
    async def test_the_last_ones_then_what_is_recorded(self, recorded: Recorded) -> None:
        for data in ("1", "2", "3"):
            await recorded.record(data)
        async with watching(recorded.platform, recorded.platform.admin) as client:
            first = await client.ask(recorded.command(limit=2))
            await recorded.record("4")
            second = await client.receive()

        assert [each["body"]["data"] for each in first["data"]] == ["2", "3"]
        assert first["totalElements"] == 3
        (event,) = second["update"]
        assert (event["body"]["data"], event["type"]) == ("4", "DEBUG_RULE_NODE")

    async def test_of_one_node(self, recorded: Recorded) -> None:
        async with watching(recorded.platform, recorded.platform.admin) as client:
            await client.ask(recorded.command(ruleNodeId=str(recorded.node_id)))
            await recorded.record("other", new_id())
            await recorded.record("mine")
            answer = await client.receive()

        assert [each["body"]["data"] for each in answer["update"]] == ["mine"]

    async def test_a_changed_chain_goes_on_and_a_deleted_one_ends(self, recorded: Recorded) -> None:
        platform = recorded.platform
        async with watching(platform, platform.admin) as client:
            await client.ask(recorded.command())
            async with platform.services.database.write() as session:
                fields: rule_chain_service.ChainFields = {"debug_mode": True}
                await rule_chain_service.update(session, platform.admin, recorded.chain_id, fields)
            await recorded.record("still")
            assert (await client.receive())["update"][0]["body"]["data"] == "still"
            async with platform.services.database.write() as session:
                await rule_chain_service.delete(session, platform.admin, recorded.chain_id)
            assert _is_refused(await client.receive())

    async def test_no_chain_is_named(self, recorded: Recorded) -> None:
        async with watching(recorded.platform, recorded.platform.admin) as client:
            answer = await client.ask(_cmds(type="RULE_CHAIN_EVENTS"))

        assert answer["errorMsg"] == "Failed to parse the payload"


class TestWhoMayNot:
    @asynccontextmanager
    async def _refused(
        self, platform: Platform, caller: Caller, command: Json
    ) -> AsyncIterator[Client]:
        async with watching(platform, caller) as client:
            assert _is_refused(await client.ask(command))
            yield client
            assert await _is_silent(client)

    async def test_a_stranger(self, recorded: Recorded) -> None:
        platform = recorded.platform
        for command in (_presence(platform.device), _alarms(platform.device), recorded.command()):
            async with self._refused(platform, platform.stranger, command):
                _online(platform, platform.device)
                await recorded.record("secret")

    async def test_a_neighbour(self, recorded: Recorded) -> None:
        platform = recorded.platform
        neighbour = await make_customer(platform.services.database, platform.admin, "Customer B")
        device = platform.customer_device
        for command in (_presence(device), _alarms(device), recorded.command()):
            async with self._refused(platform, neighbour, command):
                _online(platform, device, platform.customer_id)

    async def test_a_stranger_with_everything_sees_nothing(self, platform: Platform) -> None:
        async with watching(platform, platform.stranger) as client:
            for kind in ("DEVICE_PRESENCE", "ALARM_EVENTS"):
                assert (await client.ask(_cmds(type=kind)))["data"] == []
                _online(platform, platform.device)
                await _alarm(platform, platform.device, kind)
                assert await _is_silent(client)

    async def test_one_unknown_device_refuses_all(self, platform: Platform) -> None:
        unknown = EntityRef(EntityType.DEVICE, uuid4())
        async with self._refused(platform, platform.admin, _presence(platform.device, unknown)):
            _online(platform, platform.device)


async def test_an_ended_socket_follows_nothing(platform: Platform) -> None:
    topics = platform.app.state.sockets.topics
    async with watching(platform, platform.admin) as client:
        await client.ask(_presence())
        assert len(topics._followers) == 1

    assert topics._followers == {}
