import copy
from typing import Any

import httpx
import pytest

from fieldline.domains.device import service as device_service
from fieldline.kit.ids import EntityRef, EntityType, new_id
from fieldline.messaging.events import EntityChanged
from tests.domains.alarm.platform import Platform

Json = dict[str, Any]
PAGE = "pageSize=10&page=0"


def condition(operation: str) -> Json:
    predicate = {
        "type": "NUMERIC",
        "operation": operation,
        "value": {"staticValue": 1000, "dynamicValueArgument": None},
    }
    filter_ = {
        "argument": "co2",
        "valueType": "NUMERIC",
        "operation": "AND",
        "predicates": [predicate],
    }
    return {
        "type": "SIMPLE",
        "expression": {"type": "SIMPLE", "filters": [filter_], "operation": "AND"},
        "schedule": None,
    }


def definition(entity: EntityRef, name: str = "High CO2") -> Json:
    return {
        "entityId": {"entityType": entity.type.value, "id": str(entity.id)},
        "name": name,
        "configuration": {
            "type": "ALARM",
            "arguments": {
                "co2": {"refEntityKey": {"key": "CO2", "type": "TS_LATEST"}, "defaultValue": ""}
            },
            "createRules": {
                "CRITICAL": {"condition": condition("GREATER"), "alarmDetails": "${co2} ppm"}
            },
            "clearRule": {"condition": condition("LESS_OR_EQUAL"), "unknown": 1},
            "propagate": False,
        },
    }


async def save(platform: Platform, body: Json) -> httpx.Response:
    return await platform.as_admin.post("/api/alarm/rule", json=body)


async def test_a_saved_rule_comes_back_as_it_was_sent(platform: Platform) -> None:
    device = await platform.world.device()

    made = (await save(platform, definition(device))).json()
    got = (await platform.as_admin.get(f"/api/alarm/rule/{made['id']['id']}")).json()

    assert got == made
    assert made["id"]["entityType"] == "CALCULATED_FIELD"
    assert "type" not in made
    assert (made["name"], made["version"], made["configurationVersion"]) == ("High CO2", 1, 0)
    settings = made["configuration"]
    assert settings["arguments"]["co2"] == {
        "refEntityKey": {"key": "CO2", "type": "TS_LATEST"},
        "defaultValue": "",
    }
    rule = settings["createRules"]["CRITICAL"]
    assert rule["alarmDetails"] == "${co2} ppm"
    assert rule["condition"] == condition("GREATER")
    assert "unknown" not in settings["clearRule"]
    assert settings["propagateRelationTypes"] is None


async def test_an_id_changes_the_rule_and_a_stale_version_is_refused(platform: Platform) -> None:
    device = await platform.world.device()
    made = (await save(platform, definition(device))).json()

    renamed = await save(platform, made | {"name": "CO2"})
    stale = await save(platform, made | {"name": "Other"})

    assert (renamed.json()["id"], renamed.json()["version"]) == (made["id"], 2)
    assert (stale.status_code, stale.json()["errorCode"]) == (409, 35)


async def test_names_are_unique_on_one_entity(platform: Platform) -> None:
    device, other = await platform.world.device(), await platform.world.device("other")
    await save(platform, definition(device))

    again = await save(platform, definition(device))
    elsewhere = await save(platform, definition(other))

    assert (again.status_code, again.json()["errorCode"]) == (400, 31)
    assert "High CO2" in again.json()["message"]
    assert elsewhere.status_code == 200


async def test_lists_and_names(platform: Platform) -> None:
    world = platform.world
    device = await world.device()
    profile = EntityRef(EntityType.DEVICE_PROFILE, await world.profile_id(device))
    await save(platform, definition(device, "A"))
    await save(platform, definition(profile, "B"))
    await save(platform, definition(profile, "A"))
    get = platform.as_admin.get

    every = (await get(f"/api/alarm/rules?{PAGE}")).json()
    of_kind = (await get(f"/api/alarm/rules?{PAGE}&entityType=DEVICE_PROFILE")).json()
    of_one = (await get(f"/api/alarm/rules?{PAGE}&entities={device.id}")).json()
    listed = (await get(f"/api/alarm/rules/DEVICE/{device.id}?{PAGE}")).json()
    names = (await get(f"/api/alarm/rules/names?{PAGE}&textSearch=a")).json()

    # Not in an order: some are made in the same millisecond.
    assert {(r["name"], r["entityName"]) for r in every["data"]} == {
        ("A", "meter"),
        ("B", "default"),
        ("A", "default"),
    }
    assert of_kind["totalElements"] == 2
    assert [r["name"] for r in of_one["data"]] == ["A"]
    assert [r["name"] for r in listed["data"]] == ["A"]
    assert names == {"data": ["A"], "totalPages": 1, "totalElements": 1, "hasNext": False}


async def test_a_deleted_rule_is_gone_and_its_owner_told(platform: Platform) -> None:
    device = await platform.world.device()
    made = (await save(platform, definition(device))).json()
    events: list[EntityChanged] = []
    platform.world.bus.listen(EntityChanged, events.append)

    deleted = await platform.as_admin.delete(f"/api/alarm/rule/{made['id']['id']}")
    missing = await platform.as_admin.get(f"/api/alarm/rule/{made['id']['id']}")

    assert (deleted.status_code, missing.status_code) == (200, 404)
    (event,) = events
    assert (event.detail or {})["owners"] == (device,)


async def test_rules_go_with_their_device(platform: Platform) -> None:
    world = platform.world
    device = await world.device()
    made = (await save(platform, definition(device))).json()

    async with world.database.write() as session:
        await device_service.delete(session, world.admin, device.id)

    answer = await platform.as_admin.get(f"/api/alarm/rule/{made['id']['id']}")
    assert answer.status_code == 404


async def test_only_administrators_of_the_tenant_may(platform: Platform) -> None:
    device = await platform.world.device(
        "barn", {"customer_id": platform.world.customer.customer_id}
    )
    made = (await save(platform, definition(device))).json()
    path = f"/api/alarm/rule/{made['id']['id']}"

    for client in (platform.as_customer, platform.as_stranger, platform.as_sys_admin):
        assert (await client.get(path)).status_code == 403
        assert (await client.delete(path)).status_code == 403
        answer = await client.post("/api/alarm/rule", json=definition(device, "Mine"))
        assert answer.status_code in {403, 404}
    others = (await platform.as_stranger.get(f"/api/alarm/rules?{PAGE}")).json()
    assert others["data"] == []


def changed(path: str, value: object) -> Json:
    """Return a definition with one place of its configuration changed."""
    made = definition(EntityRef(EntityType.DEVICE, new_id()))
    place: Any = made["configuration"]
    *parents, last = path.split("/")
    for part in parents:
        place = place[int(part) if part.isdigit() else part]
    place[last] = copy.deepcopy(value)
    return made


RULE = "createRules/CRITICAL/condition"
SAID = f"{RULE}/expression/filters/0"


@pytest.mark.parametrize(
    ("path", "value", "named"),
    [
        ("arguments", {}, "argument"),
        ("arguments/ctx", {"refEntityKey": {"key": "a", "type": "TS_LATEST"}}, "ctx"),
        ("arguments/co2/refEntityKey/type", "TS_ROLLING", "TS_ROLLING"),
        ("arguments/co2/refEntityKey/type", "ATTRIBUTE", "scope"),
        ("arguments/co2/refEntityKey/key", " ", "key"),
        ("arguments/co2/refEntityId", {"entityType": "TENANT", "id": "x"}, "another entity"),
        ("arguments/co2/refDynamicSourceConfiguration", {"type": "CURRENT_OWNER"}, "another"),
        ("createRules", {}, "create rule"),
        (f"{RULE}/schedule", {"staticValue": {"type": "CUSTOM"}}, "ANY_TIME"),
        (f"{RULE}/schedule", {"dynamicValueArgument": "co2"}, "ANY_TIME"),
        (f"{RULE}/expression", {"type": "TBEL", "expression": "return true;"}, "TBEL"),
        (f"{RULE}/expression/filters", [], "filter"),
        (f"{SAID}/predicates", [], "predicate"),
        (f"{SAID}/argument", "h2o", "h2o"),
        (f"{SAID}/predicates/0/value", {}, "staticValue"),
        (f"{SAID}/predicates/0/value", {"dynamicValueArgument": "h2o"}, "h2o"),
        (f"{SAID}/predicates/0/value", {"staticValue": "NaN"}, "finite"),
        (f"{SAID}/predicates/0/value", {"staticValue": "-Infinity"}, "finite"),
    ],
)
async def test_what_cannot_be_evaluated_is_refused(
    platform: Platform, path: str, value: object, named: str
) -> None:
    answer = await save(platform, changed(path, value))

    assert (answer.status_code, answer.json()["errorCode"]) == (400, 31)
    assert named in answer.json()["message"]


@pytest.mark.parametrize(
    "more",
    [
        {"type": "DURATION", "unit": "MINUTES", "value": {"staticValue": 5}},
        {"type": "REPEATING", "count": {"staticValue": 5}},
    ],
)
async def test_conditions_other_than_simple_are_refused(platform: Platform, more: Json) -> None:
    answer = await save(platform, changed(RULE, condition("GREATER") | more))

    assert answer.status_code == 400
    assert answer.json()["message"] == (
        f"Conditions of type {more['type']} are not supported; SIMPLE is"
    )


async def test_no_data_and_unknown_shapes_are_refused(platform: Platform) -> None:
    no_data = {"type": "NO_DATA", "unit": "MINUTES", "duration": {"staticValue": 5}}
    device = await platform.world.device()
    bodies = [
        changed(f"{SAID}/predicates", [no_data]),
        changed(f"{SAID}/predicates/0/type", "GEO"),
        changed(f"{SAID}/predicates/0/operation", "CONTAINS"),
        changed("createRules", {"AWFUL": {"condition": condition("GREATER")}}),
        definition(device, "<b>"),
        definition(EntityRef(EntityType.CUSTOMER, new_id())),
    ]

    answers = [await save(platform, body) for body in bodies]
    missing = await save(platform, definition(EntityRef(EntityType.DEVICE, new_id())))

    assert [answer.status_code for answer in answers] == [400] * len(bodies)
    assert missing.status_code == 404
