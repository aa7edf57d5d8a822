"""API usage through the whole platform: counted at the edges, shown, limited, kept."""

from pathlib import Path
from typing import Any

import pytest

from tests.api.support import Client, created
from tests.app.plant import Plant, opened, settings_of
from tests.transports.mqtt.client import ConnectionRefused
from tests.waiting import until

TELEMETRY = "v1/devices/me/telemetry"
FILTER = "org.thingsboard.rule.engine.filter.TbJsFilterNode"


async def limit(plant: Plant, **limits: object) -> None:
    """Change the default tenant profile."""
    sysadmin = await plant.user("sysadmin@thingsboard.org")
    info = (await sysadmin.get("/api/tenantProfileInfo/default")).json()
    whole = (await sysadmin.get(f"/api/tenantProfile/{info['id']['id']}")).json()
    whole["profileData"]["configuration"].update(limits)
    await created(sysadmin, "/api/tenantProfile", whole)


async def usage_of(admin: Client) -> dict[str, Any]:
    answer = await admin.get("/api/v1/usage")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def test_use_is_counted_and_shown(plant: Plant) -> None:
    admin, http = await plant.tenant(), plant.client()
    await plant.device(admin, "meter")
    mqtt = await plant.connect("meter")
    await mqtt.publish(TELEMETRY, b'{"a":1,"b":2}')
    await mqtt.drain()
    assert (await http.post("/api/v1/meter/telemetry", json={"a": 1})).status_code == 200

    found = await usage_of(admin)
    old = (await admin.get("/api/usage")).json()

    assert (found["transport_messages"], found["transport_data_points"]) == (2, 3)
    assert found["rule_engine_executions"] >= 4
    assert found["transport_state"] == found["js_execution_state"] == "ENABLED"
    assert (found["devices"], found["warn_threshold"]) == (1, 0.8)
    assert (old["transportMessages"], old["maxTransportMessages"]) == (2, 0)


async def test_a_tenant_over_its_limit_is_refused_on_every_edge(plant: Plant) -> None:
    admin, http = await plant.tenant(), plant.client()
    await plant.device(admin, "meter")
    await plant.device(admin, "box", additionalInfo={"gateway": True})
    mqtt, gateway = await plant.connect("meter"), await plant.connect("box")
    await gateway.publish("v1/gateway/connect", b'{"device":"x"}')
    await gateway.drain()
    await limit(plant, maxTransportMessages=5)
    counted = plant.platform.door.rates
    await until(lambda: all(each.is_limited for each in counted._tenants.values()))

    for _ in range(4):
        await mqtt.publish(TELEMETRY, b'{"a":1}')
    await mqtt.drain()
    warned = await usage_of(admin)
    for _ in range(2):
        await mqtt.publish(TELEMETRY, b'{"a":1}')
    await mqtt.wait_closed()
    refused = await http.post("/api/v1/meter/telemetry", json={"a": 1})
    read = await http.get("/api/v1/meter/attributes")
    await gateway.publish("v1/gateway/telemetry", b'{"x":[{"a":1}]}')
    await gateway.wait_closed()
    connack: dict[int, int] = {}
    for version in (4, 5):
        with pytest.raises(ConnectionRefused) as caught:
            await plant.connect("meter", version=version)
        connack[version] = caught.value.code
    found = await usage_of(admin)

    assert warned["transport_state"] == "WARNING"
    assert (found["transport_state"], found["transport_messages"]) == ("DISABLED", 5)
    assert (mqtt.acknowledged, mqtt.disconnect_code) == (5, 0x83)
    assert gateway.disconnect_code == 0x97
    assert refused.status_code == read.status_code == 429
    assert 0 < int(refused.headers["retry-after"]) <= 60
    assert "used the 5 messages of devices that its profile allows" in refused.text
    assert connack == {4: 3, 5: 0x9F}

    await limit(plant, maxTransportMessages=0)
    await until(lambda: not any(each.is_limited for each in counted._tenants.values()))
    assert (await http.post("/api/v1/meter/telemetry", json={"a": 1})).status_code == 200


async def test_gateways_make_no_devices_for_a_tenant_over_its_limit(plant: Plant) -> None:
    admin = await plant.tenant()
    await plant.device(admin, "box", additionalInfo={"gateway": True})
    gateway = await plant.connect("box")
    await limit(plant, maxTransportMessages=1)
    counted = plant.platform.door.rates
    await until(lambda: all(each.is_limited for each in counted._tenants.values()))
    await gateway.publish(TELEMETRY, b'{"a":1}')
    await gateway.drain()

    await gateway.publish("v1/gateway/telemetry", b'{"x":[{"a":1}]}')
    await gateway.wait_closed()
    found = await admin.get("/api/tenant/devices", params={"deviceName": "x"})

    assert (gateway.last_refusal, gateway.disconnect_code) == (0x97, 0x97)
    assert found.status_code == 404


async def test_scripts_are_refused_over_their_limit(plant: Plant) -> None:
    await limit(plant, maxJSExecutions=1)
    admin, http = await plant.tenant(), plant.client()
    await plant.device(admin, "meter")
    chain = await created(admin, "/api/ruleChain", {"name": "scripted"})
    script = {"scriptLang": "JS", "jsScript": "return true;", "tbelScript": ""}
    body = {
        "ruleChainId": chain["id"],
        "firstNodeIndex": 0,
        "nodes": [
            {"type": FILTER, "name": "filter", "configuration": script, "additionalInfo": {}}
        ],
        "connections": [],
    }
    await created(admin, "/api/ruleChain/metadata", body)
    await created(admin, f"/api/ruleChain/{chain['id']['id']}/root", {})

    for _ in range(3):
        assert (await http.post("/api/v1/meter/telemetry", json={"a": 1})).status_code == 200
    found = await usage_of(admin)

    assert (found["js_executions"], found["js_execution_state"]) == (1, "DISABLED")


async def test_months_are_listed_and_outlive_a_restart(database_url: str, tmp_path: Path) -> None:
    settings = settings_of(database_url, tmp_path)
    async with opened(settings) as plant:
        admin, http = await plant.tenant(), plant.client()
        await plant.device(admin, "meter")
        await http.post("/api/v1/meter/telemetry", json={"a": 1, "b": 2})
        first = await usage_of(admin)
    async with opened(settings) as plant:
        admin, http = await plant.user("admin@acme.org"), plant.client()
        await http.post("/api/v1/meter/telemetry", json={"a": 1})
        second = await usage_of(admin)
        months = (await admin.get("/api/v1/usage/months")).json()
        none = (await admin.get("/api/v1/usage/months?offset=1")).json()

    assert (first["transport_messages"], first["transport_data_points"]) == (1, 2)
    assert (second["transport_messages"], second["transport_data_points"]) == (2, 3)
    assert [(each["month"], each["transport_data_points"]) for each in months] == [
        (second["month"], 3)
    ]
    assert none == []
