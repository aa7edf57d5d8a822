"""The whole platform: an asset's readings, its profile's rules, and the alarms that they raise."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from fieldline.app.platform import open_platform
from fieldline.domains.bootstrap.service import DEFAULT_ADMIN_EMAIL
from fieldline.kit.ids import EntityType
from fieldline.messaging.events import EntityChanged
from fieldline.settings import load_settings
from tests.api.isolation.world import Maker, alarm_rule
from tests.api.support import Client, created
from tests.waiting import TIMEOUT_S, until

SWITCH = "org.thingsboard.rule.engine.filter.TbMsgTypeSwitchNode"
CREATE_ALARM = "org.thingsboard.rule.engine.action.TbCreateAlarmNode"
PAGE = "pageSize=10&page=0"


class World:
    """A tenant's administrator and the types of the alarms that were raised."""

    def __init__(self, made: Maker, admin: Client) -> None:
        self.made, self.admin = made, admin
        self.raised: list[str | None] = []
        made.services.bus.listen(EntityChanged, self._on_change)

    def _on_change(self, event: EntityChanged) -> None:
        if event.entity.type is EntityType.ALARM:
            self.raised.append((event.detail or {}).get("type"))

    async def chain(self, alarm_type: str) -> dict[str, Any]:
        """Make a chain that raises an alarm when telemetry or attributes are written."""
        chain: dict[str, Any] = await created(
            self.admin, "/api/ruleChain", {"name": f"raises {alarm_type}"}
        )
        body = {
            "ruleChainId": chain["id"],
            "firstNodeIndex": 0,
            "nodes": [
                {"type": SWITCH, "name": "switch", "configuration": {}},
                {
                    "type": CREATE_ALARM,
                    "name": "raise",
                    "configuration": {"alarmType": alarm_type, "severity": "MAJOR"},
                },
            ],
            "connections": [
                {"fromIndex": 0, "toIndex": 1, "type": "Timeseries Updated"},
                {"fromIndex": 0, "toIndex": 1, "type": "Attributes Updated"},
            ],
        }
        await created(self.admin, "/api/ruleChain/metadata", body)
        return chain

    async def asset(self, **fields: object) -> dict[str, Any]:
        asset: dict[str, Any] = await created(self.admin, "/api/asset", {"name": "a", **fields})
        return asset

    async def alarms_of(self, client: Client, asset: dict[str, Any]) -> list[dict[str, Any]]:
        answer = await client.get(f"/api/alarm/ASSET/{asset['id']['id']}?{PAGE}")
        assert answer.status_code == 200, answer.text
        return list(answer.json()["data"])


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    settings = load_settings(data_dir=tmp_path, mqtt_enabled=False, admin_password="a password")
    async with open_platform(settings, demo=False) as platform:
        made = Maker(platform)
        admin, _ = await made.tenant(await made.as_user(DEFAULT_ADMIN_EMAIL), "farm")
        yield World(made, admin)
        for client in made.clients:
            await client.aclose()


async def test_messages_enter_the_profiles_chain_which_may_change(world: World) -> None:
    first, second = await world.chain("first"), await world.chain("second")
    body = {"name": "tower", "defaultRuleChainId": first["id"]}
    profile = await created(world.admin, "/api/assetProfile", body)
    asset = await world.asset(assetProfileId=profile["id"])
    asset_id = asset["id"]["id"]
    path = f"/api/plugins/telemetry/ASSET/{asset_id}"

    assert (await world.admin.post(f"{path}/timeseries/ANY", json={"t": 1})).is_success
    await until(lambda: "first" in world.raised)
    changed = profile | {"defaultRuleChainId": second["id"]}
    await created(world.admin, "/api/assetProfile", changed)
    assert (await world.admin.post(f"{path}/SERVER_SCOPE", json={"floor": 3})).is_success
    await until(lambda: "second" in world.raised)

    alarms = await world.alarms_of(world.admin, asset)
    assert {(alarm["type"], alarm["originatorName"]) for alarm in alarms} == {
        ("first", "a"),
        ("second", "a"),
    }


async def test_without_a_chain_of_the_profile_the_root_chain_gets_them(world: World) -> None:
    chain = await world.chain("root")
    await created(world.admin, f"/api/ruleChain/{chain['id']['id']}/root", None)
    asset = await world.asset()

    path = f"/api/v1/telemetry/ASSET/{asset['id']['id']}"
    assert (await world.admin.post(f"{path}/timeseries/ANY", json={"t": 1})).is_success

    await until(lambda: "root" in world.raised)


async def test_telemetry_and_attributes_in_both_dialects(world: World) -> None:
    asset = await world.asset()
    tb = f"/api/plugins/telemetry/ASSET/{asset['id']['id']}"
    v1 = f"/api/v1/telemetry/ASSET/{asset['id']['id']}"

    assert (await world.admin.post(f"{tb}/timeseries/ANY", json={"t": 1})).is_success
    assert (await world.admin.post(f"{v1}/attributes/SERVER_SCOPE", json={"floor": 3})).is_success
    keys = (await world.admin.get(f"{v1}/keys/timeseries")).json()
    latest = (await world.admin.get(f"{tb}/values/timeseries?keys=t")).json()
    attributes = (await world.admin.get(f"{tb}/values/attributes/SERVER_SCOPE")).json()

    assert keys == ["t"]
    assert [point["value"] for point in latest["t"]] == ["1"]
    assert [(each["key"], each["value"]) for each in attributes] == [("floor", 3)]


async def test_active_alarms_follow_the_asset_and_go_with_it(world: World) -> None:
    user, customer = await world.made.customer(world.admin, "barn")
    asset = await world.asset()
    body = {"originator": asset["id"], "type": "dark", "severity": "MINOR"}
    alarm = await created(world.admin, "/api/alarm", body)
    asset_id = asset["id"]["id"]

    await created(world.admin, f"/api/customer/{customer}/asset/{asset_id}", None)
    async with asyncio.timeout(TIMEOUT_S):
        while not (stored := await world.alarms_of(user, asset)):
            pass  # each question lets the writer of alarms go on
    gone = await world.admin.delete(f"/api/asset/{asset_id}")
    left = await world.admin.get(f"/api/alarm/{alarm['id']['id']}")

    assert [(each["id"], each["originatorName"]) for each in stored] == [(alarm["id"], "a")]
    assert stored[0]["customerId"]["id"] == customer
    assert (gone.status_code, left.status_code) == (200, 404)


async def test_alarms_of_an_asset_profile_have_its_name(world: World) -> None:
    profile = await created(world.admin, "/api/assetProfile", {"name": "tower"})
    body = {"originator": profile["id"], "type": "dark", "severity": "MINOR"}
    alarm = await created(world.admin, "/api/alarm", body)

    info = (await world.admin.get(f"/api/alarm/info/{alarm['id']['id']}")).json()

    assert (info["originatorName"], info["originator"]) == ("tower", profile["id"])


async def test_alarm_rules_on_assets_are_refused(world: World) -> None:
    asset = await world.asset()

    answer = await world.admin.post("/api/alarm/rule", json=alarm_rule(asset["id"], "too hot"))

    assert (answer.status_code, answer.json()["errorCode"]) == (400, 31)


async def test_keys_of_a_profiles_devices(world: World) -> None:
    profile = await created(world.admin, "/api/deviceProfile", {"name": "meter"})
    profile_id = profile["id"]["id"]
    for name, fields in (("a", {"deviceProfileId": profile["id"]}), ("b", {"type": "other"})):
        device = await created(world.admin, "/api/device", {"name": name, **fields})
        path = f"/api/plugins/telemetry/DEVICE/{device['id']['id']}"
        assert (await world.admin.post(f"{path}/timeseries/ANY", json={f"t{name}": 1})).is_success
        assert (await world.admin.post(f"{path}/SHARED_SCOPE", json={f"k{name}": 1})).is_success

    async def ask(kind: str, query: str = "") -> Any:
        return (await world.admin.get(f"/api/deviceProfile/devices/keys/{kind}{query}")).json()

    async def keys(kind: str, query: str = "") -> list[str]:
        # The platform itself notes of each device whether it is active.
        return [key for key in await ask(kind, query) if key != "active"]

    of_profile = f"?deviceProfileId={profile_id}"
    assert await keys("timeseries", of_profile) == ["ta"]
    assert await keys("attributes", of_profile) == ["ka"]
    assert await keys("timeseries") == ["ta", "tb"]
    assert await keys("attributes", "?deviceProfileId=") == ["ka", "kb"]
    assert (await ask("timeseries", f"?deviceProfileId={uuid4()}"))["errorCode"] == 32
