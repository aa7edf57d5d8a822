"""Entities found by relations, and v1's creation on the same paths."""

from typing import Any

import pytest

from tests.domains.relation.world import Ref, World, found, make_world, query
from tests.domains.support import expect_error, on_sqlite


@pytest.fixture
async def world(database_url: str) -> Any:
    async with make_world(database_url) as world:
        yield world


def asked(root: Ref, **more: object) -> dict[str, Any]:
    parameters = {"rootId": root["id"], "rootType": root["entityType"], "direction": "FROM"}
    return {"parameters": parameters, "deviceTypes": ["default"], **more}


async def names(world: World, body: dict[str, Any], *, is_users: bool = False) -> list[str]:
    client = world.user if is_users else world.admin
    return [each["name"] for each in found(await client.post("/api/devices", json=body))]


async def test_devices_are_found_by_what_contains_them(world: World) -> None:
    a, b, c = await world.devices("abc")
    await world.line([a, b])
    await world.relate(a, c, "Manages")

    assert await names(world, asked(a)) == ["b"]
    assert await names(world, asked(a, relationType="Manages")) == ["c"]


async def test_only_devices_of_the_types_are_found(world: World) -> None:
    a, b = await world.devices("ab")
    meter = await world.device("m", type="meter")
    await world.line([a, b])
    await world.relate(a, meter)
    await world.relate(a, await world.chain())

    assert await names(world, asked(a, deviceTypes=["meter"])) == ["m"]
    assert await names(world, asked(a, deviceTypes=[])) == []
    assert set(await names(world, asked(a, deviceTypes=["default", "meter"]))) == {"b", "m"}


async def test_a_device_that_two_ways_lead_to_is_found_once(world: World) -> None:
    a, b, c = await world.devices("abc")
    await world.line([a, b, c])
    await world.relate(a, c)
    body = asked(a)
    body["parameters"]["maxLevel"] = 0

    assert sorted(await names(world, body)) == ["b", "c"]


async def test_a_customer_user_finds_its_own_devices(world: World) -> None:
    own, shown = await world.devices("os", is_customers=True)
    await world.relate(own, await world.device("hidden"))
    await world.relate(own, shown)

    assert await names(world, asked(own), is_users=True) == ["s"]


async def test_assets_are_found_by_what_contains_them(world: World) -> None:
    building, floor = await world.asset("building"), await world.asset("floor")
    await world.line([building, floor])
    await world.relate(building, await world.device("meter"))
    other = await world.asset("other")
    await world.relate(building, other, "Manages")

    answer = await world.admin.post("/api/assets", json=asked(building, assetTypes=["default"]))

    assert [each["id"] for each in found(answer)] == [floor]


async def test_entity_views_are_found_by_what_contains_them(world: World) -> None:
    meter = await world.device("meter")
    contained, managed = [await world.view(name, meter) for name in ("contained", "managed")]
    await world.relate(meter, contained)
    await world.relate(meter, managed, "Manages")
    await world.relate(meter, await world.device("other"))

    answers = [
        found(await world.admin.post("/api/entityViews", json=asked(meter, entityViewTypes=types)))
        for types in (["part"], ["whole"])
    ]

    assert [[each["id"] for each in views] for views in answers] == [[contained], []]


async def test_a_customer_user_finds_its_own_entity_views(world: World) -> None:
    meter = await world.device("meter", is_customers=True)
    own = await world.view("own", meter, is_customers=True)
    await world.line([meter, own])
    await world.line([meter, await world.view("hidden", meter)])

    answer = await world.user.post("/api/entityViews", json=asked(meter, entityViewTypes=["part"]))

    assert [each["id"] for each in found(answer)] == [own]


async def test_a_related_entity_view_is_named_in_lists(world: World) -> None:
    meter = await world.device("meter")
    await world.relate(meter, await world.view("seen", meter))

    answer = await world.admin.get(f"/api/relations/info?{query('from', meter)}")

    assert [each["toName"] for each in found(answer)] == ["seen"]


async def test_a_body_without_parameters_makes_an_entity_view(world: World) -> None:
    meter = await world.device("meter")
    body = {"name": "new", "type": "part", "entity_type": "DEVICE", "entity_id": meter["id"]}

    made = await world.admin.post("/api/entityViews", json=body)
    bad = await world.admin.post("/api/entityViews", json={"parameters": {}})

    assert made.status_code == 201, made.text
    expect_error(bad, 400, 31, "entityViewTypes field required")


async def test_a_body_without_parameters_makes_an_asset(world: World) -> None:
    made = await world.admin.post("/api/assets", json={"name": "new"})
    bad = await world.admin.post("/api/assets", json={"parameters": {}})

    assert made.status_code == 201, made.text
    expect_error(bad, 400, 31, "assetTypes field required")


async def test_a_body_without_parameters_makes_a_device(world: World) -> None:
    made = await world.admin.post("/api/devices", json={"name": "new"})
    again = await world.admin.post("/api/devices", json={"name": "new"})
    refused = await world.user.post("/api/devices", json={"name": "other"})

    assert made.status_code == 201, made.text
    assert made.json()["name"] == "new"
    assert again.status_code == 409
    assert again.json()["detail"] == again.json()["message"]
    assert refused.status_code == 403


@on_sqlite
async def test_bad_bodies_get_the_error_of_their_dialect(world: World) -> None:
    a = await world.device("a")
    search = asked(a)
    del search["deviceTypes"]

    no_types = await world.admin.post("/api/devices", json=search)
    bad_parameters = await world.admin.post("/api/devices", json={"parameters": 5})
    bad_name = await world.admin.post("/api/devices", json={"name": 5})
    malformed = await world.admin.post(
        "/api/devices", content=b"{", headers={"Content-Type": "application/json"}
    )

    expect_error(no_types, 400, 31, "deviceTypes field required")
    expect_error(bad_parameters, 400, 31, "parameters")
    assert bad_name.status_code == 422
    assert bad_name.json()["detail"].startswith("Validation error: name")
    assert malformed.status_code == 400
    assert "Malformed JSON" in malformed.json()["detail"]


@on_sqlite
async def test_a_large_body_is_not_read_from_just_anybody(world: World) -> None:
    large = {"name": "x" * 100_000}

    answer = await world.platform.anybody.post("/api/devices", json=large)

    assert answer.status_code == 401


@on_sqlite
async def test_always_v1_makes_a_device_whatever_the_body_holds(world: World) -> None:
    answer = await world.admin.post("/api/v1/devices", json={"name": "x", "parameters": {}})

    assert answer.status_code == 201, answer.text
