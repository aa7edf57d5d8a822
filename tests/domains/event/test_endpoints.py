"""Events of rule chains over both dialects."""

from typing import Any
from uuid import uuid4

import pytest

from fieldline.domains.event.record import EventType
from fieldline.kit.ids import EntityRef, EntityType, new_id
from tests.domains.event.conftest import Debugged
from tests.domains.support import expect_error, expect_v1_error, on_sqlite


class TestThingsBoardsList:
    """``GET /api/events/{entityType}/{entityId}/{eventType}`` and without the type."""

    async def test_a_message_at_a_node(self, debugged: Debugged) -> None:
        record = debugged.record(error="it was bad", direction="OUT", relation="Failure")
        await debugged.stored(record)
        answer = await debugged.admin.get(debugged.path(tail="/DEBUG_RULE_NODE"))

        body = answer.json()
        (event,) = body["data"]
        assert (body["totalElements"], body["hasNext"]) == (1, False)
        assert event["id"] == {"id": str(record.id)}
        assert event["uid"] == str(record.id)
        assert event["createdTime"] == record.created_time
        assert event["tenantId"] == {"entityType": "TENANT", "id": str(debugged.tenant.id)}
        assert event["entityId"] == {"entityType": "RULE_NODE", "id": str(debugged.node_id)}
        assert event["type"] == "DEBUG_RULE_NODE"
        originator = record.originator
        assert originator is not None
        assert event["body"] == {
            "server": record.server,
            "type": "OUT",
            "entityId": str(originator.id),
            "entityType": "DEVICE",
            "msgId": str(record.message_id),
            "msgType": "POST_TELEMETRY_REQUEST",
            "relationType": "Failure",
            "dataType": "JSON",
            "data": '{"a":1}',
            "metadata": '{"deviceName":"sensor"}',
            "error": "it was bad",
        }

    async def test_a_message_without_an_error_has_none(self, debugged: Debugged) -> None:
        await debugged.stored(debugged.record())
        answer = await debugged.admin.get(debugged.path(tail="/DEBUG_RULE_NODE"))

        assert "error" not in answer.json()["data"][0]["body"]

    async def test_only_the_type_that_was_asked_for(self, debugged: Debugged) -> None:
        life = debugged.record(type=EventType.LC_EVENT, name="STARTED", success=True)
        await debugged.stored(debugged.record(), life)
        answer = await debugged.admin.get(debugged.path(tail="/LC_EVENT"))

        (event,) = answer.json()["data"]
        assert event["body"] == {"server": life.server, "event": "STARTED", "success": True}

    async def test_every_type(self, debugged: Debugged) -> None:
        life = debugged.record(type=EventType.LC_EVENT, name="STARTED", success=True)
        await debugged.stored(debugged.record(), life)
        answer = await debugged.admin.get(debugged.path())

        assert {event["type"] for event in answer.json()["data"]} == {"DEBUG_RULE_NODE", "LC_EVENT"}

    async def test_newest_first_when_sorted_so(self, debugged: Debugged) -> None:
        times = [10, 30, 20]
        await debugged.stored(*(debugged.record(created_time=time) for time in times))
        query = "&sortProperty=createdTime&sortOrder=DESC"
        answer = await debugged.admin.get(debugged.path(query=query))

        assert [event["createdTime"] for event in answer.json()["data"]] == [30, 20, 10]

    async def test_a_period(self, debugged: Debugged) -> None:
        await debugged.stored(*(debugged.record(created_time=time) for time in range(5)))
        answer = await debugged.admin.get(debugged.path(query="&startTime=1&endTime=3"))

        assert {event["createdTime"] for event in answer.json()["data"]} == {1, 2, 3}

    async def test_of_a_chain_only_its_own(self, debugged: Debugged) -> None:
        chain = EntityRef(EntityType.RULE_CHAIN, debugged.chain_id)
        note = debugged.record(type=EventType.DEBUG_RULE_CHAIN, entity=chain, name="too many")
        await debugged.stored(debugged.record(), note)
        answer = await debugged.admin.get(debugged.path("RULE_CHAIN"))

        (event,) = answer.json()["data"]
        assert event["body"] == {"server": note.server, "message": "too many"}

    async def test_of_an_entity_that_has_none(self, debugged: Debugged) -> None:
        path = f"/api/events/TENANT/{debugged.tenant.id}"
        query = f"?tenantId={debugged.tenant.id}&pageSize=10&page=0"
        answer = await debugged.admin.get(path + query)

        assert answer.json()["data"] == []

    @on_sqlite
    @pytest.mark.parametrize(
        ("tail", "query", "told"),
        [
            ("/NONSENSE", "", "'NONSENSE' is no type of event; one of ERROR"),
            ("", "&startTime=yesterday", "startTime"),
            ("", f"&endTime={2**63}", "endTime"),
            ("", "&sortProperty=colour", "Cannot sort by 'colour'"),
        ],
    )
    async def test_bad_input(self, debugged: Debugged, tail: str, query: str, told: str) -> None:
        answer = await debugged.admin.get(debugged.path(tail=tail, query=query))

        assert answer.status_code == 400, answer.text
        assert told in answer.json()["message"]

    @on_sqlite
    async def test_a_missing_tenant_or_page(self, debugged: Debugged) -> None:
        for query in ("pageSize=1&page=0", f"tenantId={debugged.tenant.id}&page=0"):
            path = f"/api/events/RULE_NODE/{debugged.node_id}?{query}"
            body = {"eventType": "DEBUG_RULE_NODE"}
            expect_error(await debugged.admin.get(path), 400, 31)
            expect_error(await debugged.admin.post(path, json=body), 400, 31)

    @on_sqlite
    async def test_a_kind_of_entity_without_events(self, debugged: Debugged) -> None:
        query = f"?tenantId={debugged.tenant.id}&pageSize=1&page=0"
        answer = await debugged.admin.get(f"/api/events/ALARM/{uuid4()}{query}")

        expect_error(answer, 400, 31, "Entities of type ALARM have no events")

    async def test_an_unknown_node(self, debugged: Debugged) -> None:
        query = f"?tenantId={debugged.tenant.id}&pageSize=1&page=0"
        answer = await debugged.admin.get(f"/api/events/RULE_NODE/{uuid4()}{query}")

        expect_error(answer, 404, 32, "is not found")

    async def test_another_tenant(self, debugged: Debugged) -> None:
        await debugged.stored(debugged.record())
        other = await debugged.platform.tenant()
        query = f"?tenantId={other.id}&pageSize=1&page=0"
        foreign = f"/api/events/RULE_NODE/{debugged.node_id}"

        assert (await other.admin.get(foreign + query)).status_code == 403
        assert (await debugged.admin.get(foreign + query)).status_code == 403
        assert (await debugged.tenant.customer_user.get(debugged.path())).status_code == 403


class TestFilter:
    """``POST /api/events/{entityType}/{entityId}``."""

    @pytest.mark.parametrize(
        "wanted",
        [
            {"msgDirectionType": "OUT"},
            {"msgType": "attributes"},
            {"relationType": "fail"},
            {"dataSearch": "NEEDLE"},
            {"metadataSearch": "pump"},
            {"isError": True},
            {"errorStr": "broken"},
            {"entityType": "ASSET"},
            {"server": ""},
        ],
    )
    async def test_each_field(self, debugged: Debugged, wanted: dict[str, Any]) -> None:
        match = debugged.record(
            direction="OUT",
            message_type="POST_ATTRIBUTES_REQUEST",
            relation="Failure",
            data='{"needle":1}',
            message_metadata='{"deviceName":"pump"}',
            error="a broken thing",
            originator=EntityRef(EntityType.ASSET, new_id()),
        )
        others = [] if "server" in wanted else [debugged.record()]
        await debugged.stored(match, *others)
        body = {"eventType": "DEBUG_RULE_NODE", **wanted}
        answer = await debugged.admin.post(debugged.path(), json=body)

        assert [event["uid"] for event in answer.json()["data"]] == [str(match.id)]

    async def test_ids(self, debugged: Debugged) -> None:
        match = debugged.record()
        await debugged.stored(match, debugged.record())
        assert match.originator is not None
        for wanted in ({"msgId": match.message_id}, {"entityId": match.originator.id}):
            body = {"eventType": "DEBUG_RULE_NODE"} | {k: str(v) for k, v in wanted.items()}
            answer = await debugged.admin.post(debugged.path(), json=body)
            assert [event["uid"] for event in answer.json()["data"]] == [str(match.id)]

    async def test_the_status_of_a_life_cycle(self, debugged: Debugged) -> None:
        fields: dict[str, Any] = {"type": EventType.LC_EVENT, "name": "STARTED"}
        bad = debugged.record(**fields, success=False, error="no such type")
        await debugged.stored(debugged.record(**fields, success=True), bad)
        body = {"eventType": "LC_EVENT", "status": "Failure", "event": "start"}
        answer = await debugged.admin.post(debugged.path(), json=body)

        assert [event["uid"] for event in answer.json()["data"]] == [str(bad.id)]

    async def test_types_that_are_not_recorded(self, debugged: Debugged) -> None:
        await debugged.stored(debugged.record())
        for kind in ("ERROR", "STATS", "DEBUG_CALCULATED_FIELD", "DEBUG_RULE_CHAIN"):
            answer = await debugged.admin.post(debugged.path(), json={"eventType": kind})
            assert answer.json()["data"] == []

    @on_sqlite
    @pytest.mark.parametrize(
        ("body", "told"),
        [
            ({}, "eventType"),
            ({"eventType": "NONSENSE"}, "NONSENSE"),
            ({"eventType": "DEBUG_RULE_NODE", "msgId": "7"}, "'7' is not a UUID"),
            ({"eventType": "DEBUG_RULE_NODE", "entityType": "CAR"}, "'CAR' is not an entity type"),
            ({"eventType": "DEBUG_RULE_NODE", "msgDirectionType": "UP"}, "'IN' or 'OUT'"),
            ({"eventType": "LC_EVENT", "status": "maybe"}, "neither Success nor Failure"),
            ({"eventType": "DEBUG_RULE_NODE", "isError": "perhaps"}, "isError"),
        ],
    )
    async def test_bad_input(self, debugged: Debugged, body: dict[str, Any], told: str) -> None:
        answer = await debugged.admin.post(debugged.path(), json=body)

        assert answer.status_code == 400, answer.text
        assert told in answer.json()["message"]


class TestClear:
    """``POST /api/events/{entityType}/{entityId}/clear``."""

    async def test_everything(self, debugged: Debugged) -> None:
        await debugged.stored(*(debugged.record() for _ in range(3)))
        answer = await debugged.admin.post(debugged.path(tail="/clear"))

        assert answer.status_code == 200, answer.text
        assert await debugged.shown() == []

    async def test_what_a_filter_lets_through(self, debugged: Debugged) -> None:
        kept = debugged.record(direction="OUT")
        await debugged.stored(kept, debugged.record(direction="IN"))
        body = {"eventType": "DEBUG_RULE_NODE", "msgDirectionType": "IN"}
        await debugged.admin.post(debugged.path(tail="/clear"), json=body)

        assert [event["id"] for event in await debugged.shown()] == [str(kept.id)]

    async def test_a_period(self, debugged: Debugged) -> None:
        await debugged.stored(*(debugged.record(created_time=time) for time in range(4)))
        await debugged.admin.post(debugged.path(tail="/clear", query="&startTime=1&endTime=2"))

        assert [event["created_time"] for event in await debugged.shown()] == [3, 0]

    async def test_more_than_one_transaction_deletes(self, debugged: Debugged) -> None:
        await debugged.stored(*(debugged.record() for _ in range(2_100)))
        await debugged.admin.post(debugged.path(tail="/clear"))

        assert await debugged.shown() == []

    async def test_not_what_is_somebody_elses(self, debugged: Debugged) -> None:
        await debugged.stored(debugged.record())
        other = await debugged.platform.tenant()
        for client in (other.admin, debugged.tenant.customer_user):
            answer = await client.post(debugged.path(tail="/clear"))
            assert answer.status_code == 403, answer.text

        assert len(await debugged.shown()) == 1


class TestLatestInput:
    """``GET /api/ruleNode/{ruleNodeId}/debugIn``."""

    async def test_the_newest(self, debugged: Debugged) -> None:
        await debugged.stored(
            debugged.record(created_time=1, data="old"),
            debugged.record(created_time=2, data="new"),
            debugged.record(created_time=3, direction="OUT"),
        )
        answer = await debugged.admin.get(f"/api/ruleNode/{debugged.node_id}/debugIn")

        assert answer.json()["data"] == "new"

    async def test_none(self, debugged: Debugged) -> None:
        answer = await debugged.admin.get(f"/api/ruleNode/{debugged.node_id}/debugIn")

        assert (answer.status_code, answer.json()) == (200, None)

    async def test_an_unknown_node(self, debugged: Debugged) -> None:
        answer = await debugged.admin.get(f"/api/ruleNode/{uuid4()}/debugIn")

        expect_error(answer, 404, 32, "is not found")


class TestV1:
    """``GET`` and ``DELETE /api/v1/ruleChains/{rule_chain_id}/events``."""

    async def test_newest_first_with_a_page(self, debugged: Debugged) -> None:
        await debugged.stored(*(debugged.record(created_time=time) for time in range(5)))
        shown = await debugged.shown("?limit=2&offset=1")

        assert [event["created_time"] for event in shown] == [3, 2]

    async def test_the_fields(self, debugged: Debugged) -> None:
        record = debugged.record()
        await debugged.stored(record)
        (event,) = await debugged.shown()

        assert record.originator is not None
        assert event == {
            "id": str(record.id),
            "created_time": record.created_time,
            "type": "DEBUG_RULE_NODE",
            "rule_chain_id": str(debugged.chain_id),
            "entity_type": "RULE_NODE",
            "entity_id": str(debugged.node_id),
            "server": record.server,
            "name": None,
            "success": None,
            "direction": "IN",
            "originator_type": "DEVICE",
            "originator_id": str(record.originator.id),
            "message_id": str(record.message_id),
            "message_type": "POST_TELEMETRY_REQUEST",
            "relation": "Success",
            "data": '{"a":1}',
            "metadata": '{"deviceName":"sensor"}',
            "error": None,
        }

    @pytest.mark.parametrize(
        "query", ["direction=OUT", "is_error=true", "startTs=7", "type=LC_EVENT", "search=NEEDLE"]
    )
    async def test_each_filter(self, debugged: Debugged, query: str) -> None:
        match = debugged.record(
            type=EventType.LC_EVENT,
            direction="OUT",
            error="bad",
            created_time=7,
            data="a needle",
        )
        await debugged.stored(match, debugged.record(created_time=3))

        assert [event["id"] for event in await debugged.shown(f"?{query}")] == [str(match.id)]

    async def test_one_node(self, debugged: Debugged) -> None:
        gone = EntityRef(EntityType.RULE_NODE, new_id())
        match = debugged.record(entity=gone)
        await debugged.stored(match, debugged.record())
        shown = await debugged.shown(f"?node_id={gone.id}&endTs={match.created_time}")

        assert [event["id"] for event in shown] == [str(match.id)]

    async def test_they_are_cleared(self, debugged: Debugged) -> None:
        await debugged.stored(debugged.record(created_time=1), debugged.record(created_time=2))
        path = f"/api/v1/ruleChains/{debugged.chain_id}/events"
        answer = await debugged.admin.delete(f"{path}?endTs=1")

        assert answer.status_code == 204
        assert [event["created_time"] for event in await debugged.shown()] == [2]

    @on_sqlite
    @pytest.mark.parametrize(
        "query",
        ["limit=0", "offset=-1", "node_id=7", "type=CAR", "direction=UP", f"startTs={2**63}"],
    )
    async def test_bad_input(self, debugged: Debugged, query: str) -> None:
        path = f"/api/v1/ruleChains/{debugged.chain_id}/events?{query}"
        answer = await debugged.admin.get(path)

        assert answer.status_code == 422, answer.text
        assert query.split("=", maxsplit=1)[0] in answer.json()["detail"]

    async def test_an_unknown_or_foreign_chain(self, debugged: Debugged) -> None:
        other = await debugged.platform.tenant()
        path = f"/api/v1/ruleChains/{debugged.chain_id}/events"
        unknown = f"/api/v1/ruleChains/{uuid4()}/events"

        expect_v1_error(await debugged.admin.get(unknown), 404, "is not found")
        expect_v1_error(await debugged.admin.delete(unknown), 404, "is not found")
        expect_v1_error(await other.admin.get(path), 403)
        expect_v1_error(await other.admin.delete(path), 403)
        expect_v1_error(await debugged.tenant.customer_user.get(path), 403)

    async def test_they_go_with_the_chain(self, debugged: Debugged) -> None:
        await debugged.stored(debugged.record())
        path = f"/api/v1/ruleChains/{debugged.chain_id}"
        assert (await debugged.admin.delete(path)).status_code == 204

        expect_v1_error(await debugged.admin.get(f"{path}/events"), 404)
