"""Rule chains over both dialects."""

from typing import Any
from uuid import uuid4

import pytest

from fieldline.messaging.events import Change
from tests.domains.rule_chain.platform import Platform

SWITCH = "org.thingsboard.rule.engine.filter.TbMsgTypeSwitchNode"
LOG = "org.thingsboard.rule.engine.action.TbLogNode"
SCRIPT = "org.thingsboard.rule.engine.filter.TbJsFilterNode"
SAVE = "org.thingsboard.rule.engine.telemetry.TbMsgTimeseriesNode"


def _node(kind: str, name: str, **fields: object) -> dict[str, Any]:
    return {"type": kind, "name": name, "configuration": {}, **fields}


def _metadata(chain: dict[str, Any], **fields: object) -> dict[str, Any]:
    body: dict[str, Any] = {
        "ruleChainId": chain["id"],
        "firstNodeIndex": 0,
        "nodes": [_node(SWITCH, "switch"), _node(LOG, "log", configuration=None)],
        "connections": [{"fromIndex": 0, "toIndex": 1, "type": "Other"}],
    }
    return {**body, **fields}


class TestRootChain:
    async def test_a_new_tenant_has_the_default_one(self, platform: Platform) -> None:
        root = await platform.root()
        answer = await platform.as_admin.get(f"/api/ruleChain/{root['id']['id']}/metadata")

        found = answer.json()
        assert root["name"] == "Root Rule Chain"
        assert [node["name"] for node in found["nodes"]] == [
            "Save Timeseries",
            "Save Client Attributes",
            "Message Type Switch",
            "Log RPC from Device",
            "Log Other",
            "RPC Call Request",
        ]
        assert found["firstNodeIndex"] == 2
        assert root["firstRuleNodeId"] == found["nodes"][2]["id"]
        assert [(c["fromIndex"], c["toIndex"], c["type"]) for c in found["connections"]] == [
            (2, 0, "Post telemetry"),
            (2, 1, "Post attributes"),
            (2, 3, "RPC Request from Device"),
            (2, 4, "Other"),
            (2, 5, "RPC Request to Device"),
        ]
        assert found["ruleChainConnections"] == []
        assert "notes" not in found

    async def test_saving_it_as_it_is_changes_only_the_version(self, platform: Platform) -> None:
        root = await platform.root()
        path = f"/api/ruleChain/{root['id']['id']}/metadata"
        before = (await platform.as_admin.get(path)).json()

        answer = await platform.as_admin.post("/api/ruleChain/metadata", json=before)

        assert answer.status_code == 200
        assert answer.json() == {**before, "version": before["version"] + 1}

    async def test_another_chain_can_be_made_the_root(self, platform: Platform) -> None:
        old, new = await platform.root(), await platform.make()

        answer = await platform.as_admin.post(f"/api/ruleChain/{new['id']['id']}/root")

        assert answer.json()["root"] is True
        assert (await platform.root())["id"] == new["id"]
        deleted = await platform.as_admin.delete(f"/api/ruleChain/{old['id']['id']}")
        assert deleted.status_code == 200

    async def test_it_cannot_be_deleted(self, platform: Platform) -> None:
        root = await platform.root()

        answer = await platform.as_admin.delete(f"/api/ruleChain/{root['id']['id']}")

        assert (answer.status_code, answer.json()["errorCode"]) == (400, 31)


class TestChain:
    async def test_is_created_changed_and_deleted(self, platform: Platform) -> None:
        made = await platform.make("First")
        path = f"/api/ruleChain/{made['id']['id']}"
        changed = await platform.as_admin.post(
            "/api/ruleChain", json={**made, "name": "Second", "root": True}
        )
        deleted = await platform.as_admin.delete(path)
        gone = await platform.as_admin.get(path)

        assert made["version"] == 1
        assert (changed.json()["name"], changed.json()["version"]) == ("Second", 2)
        assert changed.json()["root"] is False
        assert deleted.status_code == 200
        assert (gone.status_code, gone.json()["errorCode"]) == (404, 32)
        assert [event.change for event in platform.events] == [
            Change.CREATED,
            Change.UPDATED,
            Change.DELETED,
        ]

    @pytest.mark.parametrize("name", [None, "", "  ", "<b>", "x" * 256])
    async def test_needs_a_decent_name(self, platform: Platform, name: str | None) -> None:
        answer = await platform.as_admin.post("/api/ruleChain", json={"name": name})

        assert answer.status_code == 400

    @pytest.mark.parametrize(
        "fields",
        [
            {"configuration": {"a": "\0"}},
            {"additionalInfo": {"description": "<script>"}},
            {"additionalInfo": []},
            {"id": {"entityType": "RULE_CHAIN", "id": "no uuid"}},
        ],
    )
    async def test_refuses_what_cannot_be_stored(
        self, platform: Platform, fields: dict[str, Any]
    ) -> None:
        answer = await platform.as_admin.post("/api/ruleChain", json={"name": "n", **fields})

        assert answer.status_code == 400

    async def test_refuses_an_unknown_type(self, platform: Platform) -> None:
        answer = await platform.as_admin.post("/api/ruleChain", json={"name": "n", "type": "X"})

        assert answer.status_code == 400

    async def test_refuses_a_stale_version(self, platform: Platform) -> None:
        made = await platform.make()

        answer = await platform.as_admin.post("/api/ruleChain", json={**made, "version": 7})

        assert (answer.status_code, answer.json()["errorCode"]) == (409, 35)

    async def test_lists_by_search_and_type(self, platform: Platform) -> None:
        await platform.make("Alpha")
        await platform.make("Beta")

        found = await platform.as_admin.get(
            "/api/ruleChains?pageSize=1&page=0&textSearch=a&sortProperty=name&sortOrder=DESC"
        )
        edges = await platform.as_admin.get("/api/ruleChains?pageSize=9&page=0&type=EDGE")

        assert [chain["name"] for chain in found.json()["data"]] == ["Root Rule Chain"]
        assert found.json()["totalElements"] == 3
        assert edges.json()["totalElements"] == 0

    async def test_finds_several_by_id(self, platform: Platform) -> None:
        made = await platform.make()
        ids = f"{made['id']['id']},{uuid4()}"

        for path in ("/api/ruleChains", "/api/ruleChains/list"):
            answer = await platform.as_admin.get(f"{path}?ruleChainIds={ids}")
            assert [chain["id"] for chain in answer.json()] == [made["id"]]

    async def test_a_default_one_is_made_for_a_profile(self, platform: Platform) -> None:
        answer = await platform.as_admin.post("/api/ruleChain/device/default", json={"name": "P"})

        made = answer.json()
        found = await platform.as_admin.get(f"/api/ruleChain/{made['id']['id']}/metadata")
        assert (made["name"], made["root"], made["type"]) == ("P", False, "CORE")
        assert len(found.json()["nodes"]) == 6


class TestMetadata:
    async def test_nodes_are_added_kept_and_deleted(self, platform: Platform) -> None:
        chain = await platform.make()
        first = (
            await platform.as_admin.post("/api/ruleChain/metadata", json=_metadata(chain))
        ).json()
        switch = {**first["nodes"][0], "name": "renamed"}

        answer = await platform.as_admin.post(
            "/api/ruleChain/metadata",
            json=_metadata(chain, nodes=[switch, _node(SAVE, "save")], connections=None),
        )

        found = answer.json()
        assert answer.status_code == 200
        assert [node["name"] for node in found["nodes"]] == ["renamed", "save"]
        assert found["nodes"][0]["id"] == first["nodes"][0]["id"]
        assert found["connections"] == []
        assert found["version"] == first["version"] + 1

    async def test_a_node_without_configuration_gets_the_defaults(self, platform: Platform) -> None:
        chain = await platform.make()

        answer = await platform.as_admin.post("/api/ruleChain/metadata", json=_metadata(chain))

        log = answer.json()["nodes"][1]
        assert log["configuration"]["scriptLang"] == "TBEL"

    async def test_an_old_configuration_is_brought_up_to_date(self, platform: Platform) -> None:
        chain = await platform.make()
        old = {"defaultTTL": 5, "skipLatestPersistence": "true"}
        nodes = [_node(SAVE, "save", configuration=old)]

        answer = await platform.as_admin.post(
            "/api/ruleChain/metadata", json=_metadata(chain, nodes=nodes, connections=[])
        )

        saved = answer.json()["nodes"][0]
        assert saved["configurationVersion"] == 1
        assert saved["configuration"]["processingSettings"]["latest"] == {"type": "SKIP"}

    async def test_debugging_everything_ends_by_itself(self, platform: Platform) -> None:
        chain = await platform.make()
        nodes = [_node(SWITCH, "switch", debugMode=True)]

        answer = await platform.as_admin.post(
            "/api/ruleChain/metadata", json=_metadata(chain, nodes=nodes, connections=[])
        )

        assert answer.json()["nodes"][0]["debugSettings"] == {
            "failuresEnabled": True,
            "allEnabled": False,
            "allEnabledUntil": platform.services.clock.now_ms() + 15 * 60_000,
        }

    async def test_notes_are_kept(self, platform: Platform) -> None:
        chain = await platform.make()
        notes = [{"id": "1", "x": 1, "y": 2, "width": 3, "height": 4, "content": "hi"}]

        answer = await platform.as_admin.post(
            "/api/ruleChain/metadata", json=_metadata(chain, notes=notes)
        )

        assert answer.json()["notes"] == notes

    @pytest.mark.parametrize(
        "fields",
        [
            {"connections": [{"fromIndex": 0, "toIndex": 0, "type": "Other"}]},
            {"connections": [{"fromIndex": 0, "toIndex": 9, "type": "Other"}]},
            {
                "connections": [
                    {"fromIndex": 0, "toIndex": 1, "type": "a"},
                    {"fromIndex": 1, "toIndex": 0, "type": "b"},
                ]
            },
            {"firstNodeIndex": 2},
            {"nodes": [_node("org.example.Nothing", "odd")], "connections": []},
            {"nodes": [_node(SWITCH, " ")], "connections": []},
            {"nodes": [_node(SWITCH, "<img src=x>")], "connections": []},
            {
                "nodes": [_node(SWITCH, "s", id={"entityType": "RULE_NODE", "id": str(uuid4())})],
                "connections": [],
            },
            {"ruleChainConnections": [{"fromIndex": 0, "type": "Success"}]},
            {"connections": [{"fromIndex": 0, "toIndex": 1, "type": "a\0b"}]},
            {"connections": [{"fromIndex": 0, "toIndex": 1, "type": ""}]},
            {"notes": ["a\0b"]},
            {
                "nodes": [_node(SWITCH, "s", configuration={"version": 0, "a": ["\0"]})],
                "connections": [],
            },
            {
                "nodes": [_node(SWITCH, "s", debugSettings={"allEnabledUntil": "soon"})],
                "connections": [],
            },
            {"nodes": [_node(SWITCH, "s", configuration={"version": "x"})], "connections": []},
        ],
    )
    async def test_refuses_what_cannot_run(
        self, platform: Platform, fields: dict[str, Any]
    ) -> None:
        chain = await platform.make()

        answer = await platform.as_admin.post(
            "/api/ruleChain/metadata", json=_metadata(chain, **fields)
        )

        assert (answer.status_code, answer.json()["errorCode"]) == (400, 31)

    async def test_an_error_in_a_configuration_names_the_node(self, platform: Platform) -> None:
        chain = await platform.make()
        tbel = {"scriptLang": "TBEL", "jsScript": "", "tbelScript": "return msg.a contains 5;"}
        nodes = [_node(SCRIPT, "Too warm?", configuration=tbel)]

        answer = await platform.as_admin.post(
            "/api/ruleChain/metadata", json=_metadata(chain, nodes=nodes, connections=[])
        )

        text = answer.json()["message"]
        assert answer.status_code == 400
        assert text.startswith("'Too warm?' node configuration is invalid:")
        assert "JavaScript" in text

    async def test_refuses_a_stale_version(self, platform: Platform) -> None:
        chain = await platform.make()

        answer = await platform.as_admin.post(
            "/api/ruleChain/metadata", json=_metadata(chain, version=9)
        )

        assert (answer.status_code, answer.json()["errorCode"]) == (409, 35)

    async def test_a_refused_save_changes_nothing(self, platform: Platform) -> None:
        root = await platform.root()
        path = f"/api/ruleChain/{root['id']['id']}/metadata"
        before = (await platform.as_admin.get(path)).json()

        await platform.as_admin.post(
            "/api/ruleChain/metadata",
            json={**before, "nodes": [_node("org.example.Nothing", "x")], "connections": []},
        )

        assert (await platform.as_admin.get(path)).json() == before


class TestWhoMay:
    @pytest.mark.parametrize("suffix", ["", "/metadata"])
    async def test_another_tenant_reads_nothing(self, platform: Platform, suffix: str) -> None:
        root = await platform.root()

        answer = await platform.as_stranger.get(f"/api/ruleChain/{root['id']['id']}{suffix}")

        assert answer.status_code == 403

    async def test_another_tenant_changes_nothing(self, platform: Platform) -> None:
        chain = await platform.make()
        path = f"/api/ruleChain/{chain['id']['id']}"
        stranger = platform.as_stranger

        answers = [
            await stranger.post("/api/ruleChain", json={**chain, "name": "theirs"}),
            await stranger.post("/api/ruleChain/metadata", json=_metadata(chain)),
            await stranger.post(f"{path}/root"),
            await stranger.delete(path),
        ]

        assert [answer.status_code for answer in answers] == [403] * 4
        assert (await platform.as_admin.get(path)).json() == chain

    async def test_a_customer_user_may_not_even_look(self, platform: Platform) -> None:
        answer = await platform.as_customer.get("/api/ruleChains?pageSize=10&page=0")

        assert answer.status_code == 403


class TestComponents:
    async def test_describes_nodes_by_kind(self, platform: Platform) -> None:
        answer = await platform.as_admin.get("/api/components?componentTypes=FILTER,ACTION")
        one = await platform.as_admin.get("/api/components/FILTER")

        found = {item["clazz"]: item for item in answer.json()}
        definition = found[SWITCH]["configurationDescriptor"]["nodeDefinition"]
        assert found[SWITCH]["type"] == "FILTER"
        assert definition["relationTypes"][-2:] == ["Other", "Failure"]
        assert SAVE in found
        assert {item["type"] for item in one.json()} == {"FILTER"}

    async def test_refuses_an_unknown_kind(self, platform: Platform) -> None:
        answer = await platform.as_admin.get("/api/components/ODD")

        assert answer.status_code == 400


class TestV1:
    async def test_lists_newest_first(self, platform: Platform) -> None:
        await platform.make("Newer")

        for path in ("/api/v1/ruleChains", "/api/ruleChains"):
            answer = await platform.as_admin.get(path)
            assert [chain["name"] for chain in answer.json()] == ["Newer", "Root Rule Chain"]

    async def test_is_created_changed_and_deleted(self, platform: Platform) -> None:
        made = await platform.as_admin.post("/api/v1/ruleChains", json={"name": "One"})
        path = f"/api/v1/ruleChains/{made.json()['id']}"
        changed = await platform.as_admin.put(path, json={"additional_info": {"a": 1}})
        rooted = await platform.as_admin.put(path, json={"root": True})
        refused = await platform.as_admin.delete(path)

        assert made.status_code == 201
        assert (changed.json()["name"], changed.json()["additional_info"]) == ("One", {"a": 1})
        assert rooted.json()["root"] is True
        assert (refused.status_code, refused.json()["status_code"]) == (409, 409)

    async def test_deletes(self, platform: Platform) -> None:
        made = await platform.as_admin.post("/api/v1/ruleChains", json={"name": "One"})
        path = f"/api/v1/ruleChains/{made.json()['id']}"

        deleted = await platform.as_admin.delete(path)

        assert deleted.status_code == 204
        assert (await platform.as_admin.get(path)).status_code == 404

    async def test_metadata_comes_back_as_it_was_saved(self, platform: Platform) -> None:
        made = (await platform.as_admin.post("/api/v1/ruleChains", json={"name": "One"})).json()
        path = f"/api/v1/ruleChains/{made['id']}/metadata"
        body = {
            "first_node_index": 0,
            "nodes": [{"type": SWITCH, "name": "switch"}, {"type": LOG, "name": "log"}],
            "connections": [{"from_index": 0, "to_index": 1, "type": "Other"}],
        }

        saved = await platform.as_admin.put(path, json=body)
        found = (await platform.as_admin.get(path)).json()

        assert saved.json() == found
        assert [node["name"] for node in found["nodes"]] == ["switch", "log"]
        assert found["connections"] == body["connections"]

    async def test_a_stale_version_is_a_conflict(self, platform: Platform) -> None:
        made = (await platform.as_admin.post("/api/v1/ruleChains", json={"name": "One"})).json()

        answer = await platform.as_admin.put(
            f"/api/v1/ruleChains/{made['id']}/metadata", json={"version": 12}
        )

        assert answer.status_code == 409


class TestV1Metadata:
    async def test_what_a_put_leaves_out_stays(self, platform: Platform) -> None:
        root = await platform.root()
        path = f"/api/v1/ruleChains/{root['id']['id']}/metadata"
        shared = {"ruleChainId": root["id"], "notes": [{"text": "n"}]}
        before = (await platform.as_admin.get(f"/api/ruleChain/{root['id']['id']}/metadata")).json()
        await platform.as_admin.post("/api/ruleChain/metadata", json=before | shared)
        found = (await platform.as_admin.get(path)).json()

        nothing = await platform.as_admin.put(path, json={})
        fewer = await platform.as_admin.put(path, json={"nodes": found["nodes"][1:4]})
        after = await platform.as_admin.get(f"/api/ruleChain/{root['id']['id']}/metadata")

        assert nothing.json() == found | {"version": found["version"] + 1}
        assert [node["id"] for node in fewer.json()["nodes"]] == [
            node["id"] for node in found["nodes"][1:4]
        ]
        assert fewer.json()["first_node_index"] == 1
        assert [(c["from_index"], c["to_index"]) for c in fewer.json()["connections"]] == [
            (1, 0),
            (1, 2),
        ]
        assert after.json()["notes"] == [{"text": "n"}]
