"""What waits in the rules holds the devices back: of one tenant, or of all."""

import asyncio
from functools import partial
from pathlib import Path

import pytest

from fieldline.app import edges, rules
from fieldline.ingest.flow import Share
from fieldline.ingest.parts import IngestOptions
from fieldline.kit.ids import EntityRef, EntityType, new_id
from fieldline.kit.json import dumps
from fieldline.messaging.events import Change, EntityChanged
from fieldline.messaging.receipt import unattended
from tests.api.support import Client, created
from tests.app.plant import Plant, opened, settings_of
from tests.waiting import until

LIMIT = 50


async def test_a_packet_of_many_times_fills_the_rules(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rules, "MAX_WAITING_MESSAGES", LIMIT)
    async with opened(settings_of(database_url, tmp_path)) as plant:
        await plant.device(await plant.tenant(), "meter")
        door = plant.platform.door
        device = await door.authenticate_token("meter")
        payload = dumps([{"ts": ts, "values": {"n": ts}} for ts in range(1, LIMIT + 1)])
        has_room = asyncio.Event()
        reload = EntityChanged(
            device.tenant_id, EntityRef(EntityType.RULE_CHAIN, new_id()), Change.UPDATED
        )

        plant.platform.services.bus.emit(reload)  # messages wait until the chains are there
        door.telemetry(door.brief(device), payload, packet := unattended())
        packet.release()
        was_full = door.is_full
        door.when_room(has_room.set)
        async with asyncio.timeout(30):
            await has_room.wait()

        assert was_full
        assert not door.is_full


SLOW = "const end = Date.now() + 20; while (Date.now() < end); return true;"
SHARE = 20
MESSAGES = 120
ASKED_EVERY = 64
"""Messages of one connection before it asks again whether there is room."""
TELEMETRY = "v1/devices/me/telemetry"


async def slow_down(admin: Client) -> None:
    """Let every message of a tenant wait for a script."""
    chain = await created(admin, "/api/ruleChain", {"name": "slow"})
    script = {"scriptLang": "JS", "jsScript": SLOW, "tbelScript": ""}
    node = {
        "type": "org.thingsboard.rule.engine.filter.TbJsFilterNode",
        "name": "slow",
        "configuration": script,
        "additionalInfo": {},
    }
    body = {"ruleChainId": chain["id"], "firstNodeIndex": 0, "nodes": [node], "connections": []}
    await created(admin, "/api/ruleChain/metadata", body)
    await created(admin, f"/api/ruleChain/{chain['id']['id']}/root", {})


async def test_slow_rules_of_a_tenant_hold_nobody_else_back(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(edges, "IngestOptions", partial(IngestOptions, tenant_in_flight=SHARE))
    async with opened(settings_of(database_url, tmp_path)) as plant:
        slow, quick = await plant.tenant("slow"), await plant.tenant("quick")
        await slow_down(slow)
        await plant.device(slow, "snail")
        await plant.device(quick, "hare")
        snail, hare, http = (
            await plant.connect("snail"),
            await plant.connect("hare"),
            plant.client(),
        )
        share = await share_of(plant, "snail")

        for number in range(MESSAGES):
            await snail.publish(TELEMETRY, dumps({"n": number}))
        await until(lambda: share.is_used_up)
        most = share.in_flight
        await hare.publish(TELEMETRY, b'{"a":1}')
        await hare.drain()
        refused = await http.post("/api/v1/snail/telemetry", json={"a": 1})
        taken = await http.post("/api/v1/hare/telemetry", json={"a": 1})
        at_once = snail.acknowledged
        await snail.drain()

        assert SHARE <= most <= SHARE + ASKED_EVERY
        assert (refused.status_code, taken.status_code) == (503, 200)
        assert "through its rules as it may" in refused.text
        assert at_once < snail.acknowledged == MESSAGES
        assert share.in_flight == 0


async def test_large_payloads_fill_a_share_sooner(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    limits = partial(IngestOptions, tenant_in_flight=3 * 60)
    monkeypatch.setattr(edges, "IngestOptions", limits)
    async with opened(settings_of(database_url, tmp_path)) as plant:
        slow = await plant.tenant("slow")
        await slow_down(slow)
        await plant.device(slow, "snail")
        snail, http = await plant.connect("snail"), plant.client()
        share = await share_of(plant, "snail")
        large = dumps({"text": "x" * 60 * 1024})

        for _ in range(3):
            await snail.publish(TELEMETRY, large)
        await until(lambda: share.is_used_up)
        refused = await http.post("/api/v1/snail/telemetry", json={"a": 1})
        await snail.drain()
        posted = await http.post("/api/v1/snail/telemetry", content=large)

        assert refused.status_code == 503
        assert posted.status_code == 200
        assert share.in_flight == 0


async def share_of(plant: Plant, token: str) -> Share:
    device = await plant.platform.door.authenticate_token(token)
    return plant.platform.door.share_of(device.tenant_id)
