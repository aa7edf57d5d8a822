"""Rules that hang, raise, loop or allocate without end harm neither others nor the readings."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.chaos.fleet import Fleet
from tests.chaos.watched import Watched, await_log
from tests.e2e.server import Rest, Server

NODES = '''
import asyncio

from fieldline.rules.node import AsyncNode, EmptyConfig, Node


class HangNode(AsyncNode[EmptyConfig]):
    """Never ends."""

    name = "hang"
    type = "chaos.HangNode"

    async def process(self, message, context):
        await asyncio.Event().wait()


class RaiseNode(Node[EmptyConfig]):
    """Raises."""

    name = "raise"
    type = "chaos.RaiseNode"

    def process(self, message, context):
        raise RuntimeError("raised on purpose")
'''
SCRIPT = "org.thingsboard.rule.engine.transform.TbTransformMsgNode"
FILTER = "org.thingsboard.rule.engine.filter.TbJsFilterNode"
SAVE = "org.thingsboard.rule.engine.telemetry.TbMsgTimeseriesNode"
FAULTS: dict[str, tuple[str, dict[str, Any], str]] = {
    "hangs": ("chaos.HangNode", {}, "did not finish within"),
    "raises": ("chaos.RaiseNode", {}, "raised on purpose"),
    "loops": (FILTER, {"scriptLang": "JS", "jsScript": "while (true) {}"}, "stopped after"),
    "allocates": (
        FILTER,
        {"scriptLang": "JS", "jsScript": "const a = []; while (true) a.push('x'.repeat(9999));"},
        "memory",
    ),
}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """A server that has the bad nodes, installed as anybody's are."""
    site = tmp_path / "site"
    about = site / "chaos_nodes-1.0.dist-info"
    about.mkdir(parents=True)
    (site / "chaos_nodes.py").write_text(NODES)
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: chaos-nodes\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text(
        "[fieldline.rule_nodes]\n"
        "action.hang = chaos_nodes:HangNode\naction.raise = chaos_nodes:RaiseNode\n"
    )
    server = Server(tmp_path / "data", PYTHONPATH=str(site), RULE_NODE_TIMEOUT_SECONDS="1")
    server.start()
    yield server
    server.stop()


def make_chain(rest: Rest, kind: str, configuration: dict[str, Any]) -> str:
    """Make a chain that saves a reading, and also gives it to the bad node."""
    chain_id: str = rest.post("/api/ruleChain", {"name": "bad"})["id"]["id"]
    rest.post(
        "/api/ruleChain/metadata",
        {
            "ruleChainId": {"entityType": "RULE_CHAIN", "id": chain_id},
            "firstNodeIndex": 0,
            "nodes": [
                {"type": SAVE, "name": "save", "configuration": {"defaultTTL": 0}},
                {"type": kind, "name": "bad", "configuration": configuration},
            ],
            "connections": [{"fromIndex": 0, "toIndex": 1, "type": "Success"}],
        },
    )
    return chain_id


def use_chain(rest: Rest, chain_id: str, *device_ids: str) -> None:
    """Have the devices' messages go to that chain, by a profile."""
    profile = rest.post(
        "/api/deviceProfile",
        {
            "name": "bad",
            "type": "DEFAULT",
            "transportType": "DEFAULT",
            "defaultRuleChainId": {"entityType": "RULE_CHAIN", "id": chain_id},
            "profileData": {
                "configuration": {"type": "DEFAULT"},
                "transportConfiguration": {"type": "DEFAULT"},
            },
        },
    )
    for device_id in device_ids:
        device = rest.get(f"/api/device/{device_id}")
        rest.post("/api/device", device | {"deviceProfileId": profile["id"], "type": "bad"})


@pytest.mark.parametrize("fault", FAULTS)
def test_a_bad_rule_harms_nobody_else(server: Server, fault: str) -> None:
    kind, configuration, reason = FAULTS[fault]
    rest = server.login()
    other = server.login(*_other_tenant(server))
    fleet = Fleet(server, other, "OTHER")
    device_ids = [rest.create_device(f"BAD_{n}", f"BAD_{n}") for n in range(2)]
    use_chain(rest, make_chain(rest, kind, configuration), *device_ids)
    fleet.await_more()
    memory = Watched(server)

    # In the end the device has its acknowledgement: what the rule did is recorded as a failure.
    for number in range(5):
        for token in ("BAD_0", "BAD_1"):
            path = f"{server.url}/api/v1/{token}/telemetry"
            answer = httpx.post(path, json={"n": number}, timeout=30)
            assert answer.status_code == 200, answer.text
        memory.check_bound()
    fleet.await_more(200)

    for device_id in device_ids:
        path = f"/api/plugins/telemetry/DEVICE/{device_id}/values/timeseries"
        assert rest.get(path, keys="n")["n"][0]["value"] == "4"
    assert await_log(server, reason)
    fleet.finish()
    fleet.check(other, is_equal=True)
    memory.check_return()


def test_what_was_told_before_a_crash_reaches_the_rules_after_it(server: Server) -> None:
    rest = server.login()
    chain_id = make_chain(rest, "chaos.HangNode", {})
    metadata = rest.get(f"/api/ruleChain/{chain_id}/metadata")
    rest.post("/api/ruleChain/metadata", metadata | {"firstNodeIndex": 1, "connections": []})
    rest.post(f"/api/ruleChain/{chain_id}/root")

    rest.create_device("made before the crash", "BEFORE")
    server.kill()
    server.log.write_text("")
    server.start()

    # The rules had hung with it; now they do so again, to the end: a failure of that node.
    assert await_log(server, "did not finish within")
    assert rest.token


def _other_tenant(server: Server) -> tuple[str, str]:
    """Make a tenant with an administrator; returns how that one logs in."""
    system = server.login("sysadmin@thingsboard.org", "sysadmin")
    tenant = system.post("/api/tenant", {"title": "other"})
    email, password = "other@example.com", "other tenant's password"
    user = {"email": email, "authority": "TENANT_ADMIN", "tenantId": tenant["id"]}
    made = system.post("/api/user", user, sendActivationMail=False)
    link = system.http.get(f"/api/user/{made['id']['id']}/activationLink").text
    system.post(
        "/api/noauth/activate",
        {"activateToken": link.rpartition("=")[2], "password": password},
        sendActivationMail=False,
    )
    return email, password
