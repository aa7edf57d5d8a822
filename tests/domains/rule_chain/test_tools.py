"""What an editor of rule chains asks beside the chains: trying scripts, kinds of node, labels."""

from typing import Any
from uuid import UUID, uuid4

import pytest

from fieldline.domains.rule_chain.labels import INPUT, OUTPUT
from fieldline.domains.rule_chain.models import RuleChain, RuleNode
from tests.domains.rule_chain.platform import Platform
from tests.domains.rule_chain.test_endpoints import LOG
from tests.domains.support import expect_error, on_sqlite

pytestmark = on_sqlite


async def _tried(platform: Platform, script: str, kind: str, **fields: Any) -> tuple[str, str]:
    body = {"script": script, "scriptType": kind, "msg": '{"t":25}', "metadata": {"a": "b"}}
    answer = await platform.as_admin.post(
        "/api/ruleChain/testScript?scriptLang=JS", json=body | fields
    )
    assert answer.status_code == 200, answer.text
    return answer.json()["output"], answer.json()["error"]


class TestTryingScripts:
    """``POST /api/ruleChain/testScript``."""

    @pytest.mark.parametrize(
        ("script", "kind", "output"),
        [
            ("return msg.t > 20;", "filter", "true"),
            ("return 'one';", "switch", '["one"]'),
            ("return ['one', 'two'];", "switch", '["one","two"]'),
            ("return 'it is ' + msg.t;", "string", "it is 25"),
            ("return {t: msg.t, m: metadata.a, k: msgType};", "json", '{"t":25,"m":"b","k":"X"}'),
            (
                "return {msg: {t: 1}};",
                "update",
                '{"msg":{"t":1},"metadata":{"a":"b"},"msgType":"X"}',
            ),
        ],
    )
    async def test_each_kind(self, platform: Platform, script: str, kind: str, output: str) -> None:
        assert await _tried(platform, script, kind, msgType="X") == (output, "")

    async def test_arguments_by_other_names(self, platform: Platform) -> None:
        names = ["prevMsg", "prevMetadata", "prevMsgType"]
        found = await _tried(platform, "return prevMsg.t;", "json", argNames=names)

        assert found == ("25", "")

    @pytest.mark.parametrize(
        ("script", "kind", "fields", "told"),
        [
            ("return 1;", "filter", {}, "a filter script needs true or false"),
            ("throw new Error('oh');", "json", {}, "oh"),
            ("return (;", "json", {}, "does not compile"),
            ("while (true) {}", "json", {}, "was stopped after"),
            ("return 1;", "json", {"msg": "{"}, "msg is not JSON"),
            ("return 1;", "json", {"argNames": ["a;b", "c", "d"]}, "names of JavaScript"),
            ("return [];", "update", {}, "needs an object or a list of objects"),
        ],
    )
    async def test_what_fails_is_told(
        self, platform: Platform, script: str, kind: str, fields: dict[str, Any], told: str
    ) -> None:
        output, error = await _tried(platform, script, kind, **fields)

        assert output == ""
        assert told in error

    async def test_tbel_is_refused(self, platform: Platform) -> None:
        body = {"script": "return 1;", "scriptType": "json"}
        answer = await platform.as_admin.post(
            "/api/ruleChain/testScript?scriptLang=TBEL", json=body
        )

        expect_error(answer, 400, 31, "TBEL are not supported")

    @pytest.mark.parametrize("body", [{}, {"script": "x"}, {"script": "x", "scriptType": "poem"}])
    async def test_bad_input(self, platform: Platform, body: dict[str, Any]) -> None:
        answer = await platform.as_admin.post("/api/ruleChain/testScript", json=body)

        assert answer.status_code == 400, answer.text


class TestComponent:
    """``GET /api/component/{componentDescriptorClazz}``."""

    async def test_one_kind(self, platform: Platform) -> None:
        answer = await platform.as_admin.get(f"/api/component/{LOG}")

        assert (answer.json()["clazz"], answer.json()["type"]) == (LOG, "ACTION")

    async def test_an_unknown_one(self, platform: Platform) -> None:
        answer = await platform.as_admin.get("/api/component/no.such.Node")

        expect_error(answer, 404, 32, "no rule node of type 'no.such.Node'")


class TestLabels:
    """``GET /api/ruleChain/{ruleChainId}/output/labels`` and ``/usage``."""

    async def test_names_of_output_nodes_and_who_goes_on_by_them(self, platform: Platform) -> None:
        inner, outer = await platform.make("Inner"), await platform.make("Outer")
        await self._store(platform, inner, outer)
        path = f"/api/ruleChain/{inner['id']['id']}/output/labels"
        labels = (await platform.as_admin.get(path)).json()
        (usage,) = (await platform.as_admin.get(f"{path}/usage")).json()

        assert labels == ["Bad", "Good"]
        assert usage["ruleChainId"] == outer["id"]
        assert (usage["ruleChainName"], usage["ruleNodeName"]) == ("Outer", "into")
        assert usage["labels"] == ["Good"]

    async def _store(self, platform: Platform, inner: Any, outer: Any) -> None:
        """Store nodes as a later version makes them; this one has no such kinds."""
        inner_id, outer_id = inner["id"]["id"], outer["id"]["id"]
        async with platform.services.database.write() as session:
            for name in ("Good", "Bad"):
                session.add(
                    RuleNode(rule_chain_id=UUID(inner_id), type=OUTPUT, name=name, configuration={})
                )
            into = RuleNode(
                rule_chain_id=UUID(outer_id),
                type=INPUT,
                name="into",
                configuration={"ruleChainId": inner_id},
            )
            session.add(into)
            await session.flush()
            chain = await session.get(RuleChain, UUID(outer_id))
            assert chain is not None
            chain.connections = [[str(into.id), str(into.id), label] for label in ("Good", "Old")]

    async def test_a_chain_without_any(self, platform: Platform) -> None:
        made = await platform.make()
        path = f"/api/ruleChain/{made['id']['id']}/output/labels"

        assert (await platform.as_admin.get(path)).json() == []
        assert (await platform.as_admin.get(f"{path}/usage")).json() == []

    async def test_an_unknown_chain(self, platform: Platform) -> None:
        for tail in ("", "/usage"):
            path = f"/api/ruleChain/{uuid4()}/output/labels{tail}"
            expect_error(await platform.as_admin.get(path), 404, 32, "is not found")
