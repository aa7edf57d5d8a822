"""ALARM_DATA, ALARM_COUNT and ALARM_STATUS, and their answers when alarms change."""

from uuid import UUID

import pytest

from fieldline.api.websocket import alarm_queries
from fieldline.domains.alarm import service as alarm_service
from fieldline.domains.alarm.status import Severity
from fieldline.kit.ids import EntityRef
from tests.api.websocket.server import Client, watching
from tests.domains.telemetry.platform import Json, Platform


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alarm_queries, "REQUERY_S", 0)


def _ref(device: EntityRef) -> Json:
    return {"entityType": device.type.value, "id": str(device.id)}


def _single(device: EntityRef) -> Json:
    return {"type": "singleEntity", "singleEntity": _ref(device)}


def _data(entity_filter: Json, **page_link: Json) -> Json:
    link = {"pageSize": 10, "page": 0, **page_link}
    name = [{"type": "ENTITY_FIELD", "key": "name"}]
    query = {"entityFilter": entity_filter, "pageLink": link, "latestValues": name}
    return {"cmds": [{"type": "ALARM_DATA", "cmdId": 1, "query": query}]}


def _count(**query: Json) -> Json:
    return {"cmds": [{"type": "ALARM_COUNT", "cmdId": 1, "query": query}]}


def _status(device: EntityRef, **wanted: Json) -> Json:
    command = {"type": "ALARM_STATUS", "cmdId": 1, "originatorId": _ref(device), **wanted}
    return {"cmds": [command]}


async def _alarm(platform: Platform, device: EntityRef, type_: str = "Hot") -> UUID:
    async with platform.services.database.write() as session:
        content = alarm_service.Content(Severity.MAJOR)
        now_ms = platform.clock.now_ms()
        made = await alarm_service.create(
            session, platform.admin, device, type_, content, now_ms=now_ms
        )
    return made.id


async def _clear(platform: Platform, alarm_id: UUID) -> None:
    async with platform.services.database.write() as session:
        await alarm_service.clear(session, platform.admin, alarm_id, now_ms=2_000)


async def _is_silent(client: Client) -> bool:
    answer = await client.ask("{")
    return bool(answer.get("errorMsg") == "Failed to parse the payload")


DEVICES = {"type": "entityType", "entityType": "DEVICE"}


class TestData:
    async def test_a_page_then_what_changes_in_it(self, platform: Platform) -> None:
        alarm_id = await _alarm(platform, platform.device)
        async with watching(platform, platform.admin) as client:
            first = await client.ask(_data(DEVICES))
            await _clear(platform, alarm_id)
            second = await client.receive()
            await _alarm(platform, platform.device, "Cold")
            third = await client.receive()

        (item,) = first["data"]["data"]
        assert (first["cmdUpdateType"], first["totalEntities"]) == ("ALARM_DATA", 2)
        assert (first["update"], first["data"]["totalElements"]) == (None, 1)
        assert (item["type"], item["originatorName"]) == ("Hot", "Sensor 1")
        assert item["entityId"] == _ref(platform.device)
        assert item["latest"]["ENTITY_FIELD"]["name"]["value"] == "Sensor 1"
        assert second["data"] is None
        assert [each["status"] for each in second["update"]] == ["CLEARED_UNACK"]
        assert {each["type"] for each in third["data"]["data"]} == {"Hot", "Cold"}

    async def test_only_what_is_wanted(self, platform: Platform) -> None:
        await _clear(platform, await _alarm(platform, platform.device, "Cold"))
        await _alarm(platform, platform.customer_device, "Hot")
        await _alarm(platform, platform.device, "Hot")
        async with watching(platform, platform.admin) as client:
            single = await client.ask(_data(_single(platform.device), statusList=["ACTIVE"]))
            cold = await client.ask(_data(DEVICES, typeList=["Cold"]))
            window = await client.ask(_data(DEVICES, timeWindow=60_000, severityList=["MINOR"]))

        originators = [each["originator"] for each in single["data"]["data"]]
        assert originators == [_ref(platform.device)]
        assert [each["type"] for each in cold["data"]["data"]] == ["Cold"]
        assert window["data"]["data"] == []

    async def test_a_customer_user_sees_its_customers(self, platform: Platform) -> None:
        await _alarm(platform, platform.device)
        await _alarm(platform, platform.customer_device)
        async with watching(platform, platform.customer_user) as client:
            shown = await client.ask(_data(DEVICES))
            await platform.assign(platform.customer_device, None)
            after = await client.receive()

        originators = [each["originator"] for each in shown["data"]["data"]]
        assert originators == [_ref(platform.customer_device)]
        assert after["data"]["data"] == []

    async def test_it_is_sorted(self, platform: Platform) -> None:
        for name in ("b", "a", "c"):
            await _alarm(platform, platform.device, name)
        order = {"key": {"type": "ALARM_FIELD", "key": "type"}, "direction": "ASC"}
        async with watching(platform, platform.admin) as client:
            shown = await client.ask(_data(DEVICES, sortOrder=order, pageSize=2))

        assert [each["type"] for each in shown["data"]["data"]] == ["a", "b"]
        assert (shown["data"]["totalPages"], shown["data"]["hasNext"]) == (2, True)

    @pytest.mark.parametrize(
        ("change", "told"),
        [
            ({"pageSize": 0}, "needs a pageSize of 1 or more"),
            ({"page": 2**40}, "needs a pageSize of 1 or more"),
            ({"sortOrder": {"key": {"type": "ALARM_FIELD", "key": "colour"}}}, "Cannot sort by"),
        ],
    )
    async def test_bad_input(self, platform: Platform, change: Json, told: str) -> None:
        async with watching(platform, platform.admin) as client:
            answer = await client.ask(_data(DEVICES, **change))

        assert answer["errorCode"] == 1
        assert told in answer["errorMsg"]

    async def test_a_filter_that_is_not_served(self, platform: Platform) -> None:
        async with watching(platform, platform.admin) as client:
            answer = await client.ask(_data({"type": "relationsQuery"}))
            empty = await client.ask({"cmds": [{"type": "ALARM_DATA", "cmdId": 1}]})

        assert "'relationsQuery' is not served" in answer["errorMsg"]
        assert (empty["errorCode"], empty["errorMsg"]) == (2, "Query is empty!")


class TestCount:
    async def test_at_once_and_when_it_changes(self, platform: Platform) -> None:
        async with watching(platform, platform.admin) as client:
            first = await client.ask(_count(statusList=["ACTIVE"]))
            alarm_id = await _alarm(platform, platform.device)
            second = await client.receive()
            await _clear(platform, alarm_id)
            third = await client.receive()

        assert [each["count"] for each in (first, second, third)] == [0, 1, 0]
        assert first["cmdUpdateType"] == "ALARM_COUNT_DATA"

    async def test_of_the_entities_of_a_filter(self, platform: Platform) -> None:
        await _alarm(platform, platform.device)
        async with watching(platform, platform.admin) as client:
            first = await client.ask(_count(entityFilter=_single(platform.customer_device)))
            await _alarm(platform, platform.device, "Cold")
            assert await _is_silent(client)

        assert first["count"] == 0

    async def test_a_used_id_is_ignored(self, platform: Platform) -> None:
        async with watching(platform, platform.admin) as client:
            await client.ask(_count())
            await client.send(_count())
            assert await _is_silent(client)

    async def test_it_ends(self, platform: Platform) -> None:
        async with watching(platform, platform.admin) as client:
            await client.ask(_count())
            await client.send({"cmds": [{"type": "ALARM_COUNT_UNSUBSCRIBE", "cmdId": 1}]})
            assert await _is_silent(client)
            await _alarm(platform, platform.device)
            assert await _is_silent(client)


class TestStatus:
    async def test_at_once_and_when_it_changes(self, platform: Platform) -> None:
        async with watching(platform, platform.admin) as client:
            first = await client.ask(_status(platform.device, typeList=["Hot"]))
            await _alarm(platform, platform.device, "Hot")
            second = await client.receive()

        assert [each["active"] for each in (first, second)] == [False, True]
        assert first["cmdUpdateType"] == "ALARM_STATUS"

    async def test_a_device_that_leaves_the_customer(self, platform: Platform) -> None:
        async with watching(platform, platform.customer_user) as client:
            await client.ask(_status(platform.customer_device))
            await platform.assign(platform.customer_device, None)
            answer = await client.receive()

        assert (answer["subscriptionId"], answer["errorCode"]) == (1, 3)

    async def test_somebody_elses_device(self, platform: Platform) -> None:
        for caller in (platform.stranger, platform.customer_user):
            async with watching(platform, caller) as client:
                answer = await client.ask(_status(platform.device))
                await _alarm(platform, platform.device)
                assert await _is_silent(client)
            assert answer["errorCode"] == 3
