"""Relations in the v1 dialect."""

from typing import Any

import pytest

from tests.domains.relation.world import Ref, World, found, make_world
from tests.domains.support import expect_v1_error, on_sqlite

RELATIONS = "/api/v1/relations"


@pytest.fixture
async def world(database_url: str) -> Any:
    async with make_world(database_url) as world:
        yield world


def body(start: Ref, end: Ref, kind: str = "Contains", **more: object) -> dict[str, Any]:
    return {
        "from_type": start["entityType"],
        "from_id": start["id"],
        "to_type": end["entityType"],
        "to_id": end["id"],
        "relation_type": kind,
        **more,
    }


def query(name: str, ref: Ref) -> str:
    return f"{name}_type={ref['entityType']}&{name}_id={ref['id']}"


async def test_a_relation_is_made_changed_listed_and_deleted(world: World) -> None:
    a, b = await world.devices("ab")
    between = f"{RELATIONS}?{query('from', a)}&{query('to', b)}&relation_type=Contains"

    made = await world.admin.post(RELATIONS, json=body(a, b))
    changed = await world.admin.post(RELATIONS, json=body(a, b, additional_info={"n": 1}))
    listed = await world.admin.get(between)
    deleted = await world.admin.delete(between)

    assert made.status_code == 201, made.text
    assert made.json() == {
        **body(a, b),
        "created_time": made.json()["created_time"],
        "from_name": "a",
        "to_name": "b",
        "type_group": "COMMON",
        "additional_info": {},
        "version": 1,
    }
    assert changed.status_code == 200, changed.text
    assert changed.json() == made.json() | {"additional_info": {"n": 1}, "version": 2}
    assert found(listed) == [changed.json()]
    assert (deleted.status_code, deleted.content) == (204, b"")
    assert found(await world.admin.get(between)) == []


async def test_a_list_is_newest_first_and_in_pages(world: World) -> None:
    a, *others = await world.devices("abcd")
    for other in others:
        await world.admin.post(RELATIONS, json=body(a, other))
    path = f"{RELATIONS}?{query('from', a)}"

    everything = found(await world.admin.get(path))
    page = found(await world.admin.get(f"{path}&limit=1&offset=1"))

    times = [each["created_time"] for each in everything]
    assert times == sorted(times, reverse=True)
    assert {each["to_name"] for each in everything} == set("bcd")
    assert page == everything[1:2]


async def test_a_customer_user_pages_through_what_it_may_see(world: World) -> None:
    a, b, c = await world.devices("abc", is_customers=True)
    hidden = await world.device("hidden")
    for end in (b, hidden, c):
        await world.admin.post(RELATIONS, json=body(a, end))
    path = f"{RELATIONS}?{query('from', a)}"

    pages = [found(await world.user.get(f"{path}&limit=1&offset={n}")) for n in range(3)]

    assert {each["to_name"] for page in pages for each in page} == {"b", "c"}
    assert [len(page) for page in pages] == [1, 1, 0]


async def test_a_list_by_type_and_group(world: World) -> None:
    a, b = await world.devices("ab")
    for kind, group in (("Contains", "COMMON"), ("Manages", "COMMON"), ("Contains", "EDGE")):
        await world.admin.post(RELATIONS, json=body(a, b, kind, type_group=group))
    path = f"{RELATIONS}?{query('to', b)}"

    by_type = found(await world.admin.get(f"{path}&relation_type=Manages"))
    by_group = found(await world.admin.get(f"{path}&type_group=EDGE"))

    assert [each["relation_type"] for each in by_type] == ["Manages"]
    assert [each["type_group"] for each in by_group] == ["EDGE"]


async def test_the_shared_path_serves_both_dialects(world: World) -> None:
    a, b = await world.devices("ab")
    parameters = {"rootId": a["id"], "rootType": "DEVICE", "direction": "FROM"}

    made = await world.admin.post("/api/relations", json=body(a, b))
    searched = await world.admin.post("/api/relations", json={"parameters": parameters})
    v1 = await world.admin.get(f"/api/relations?{query('from', a)}")
    thingsboard = await world.admin.get(f"/api/relations?fromType=DEVICE&fromId={a['id']}")
    deleted = await world.admin.delete(
        f"/api/relations?{query('from', a)}&{query('to', b)}&relation_type=Contains"
    )

    assert made.status_code == 201, made.text
    assert found(v1) == [made.json()]
    assert found(searched) == found(thingsboard)
    assert found(searched)[0]["to"] == b
    assert deleted.status_code == 204


async def test_bad_bodies_on_the_shared_path_are_told_in_the_form_of_both(world: World) -> None:
    a = await world.device("a")

    for content, status in ((body(a, a), 400), ({"from_id": 5}, 422), ({"parameters": {}}, 400)):
        answer = await world.admin.post("/api/relations", json=content)
        told = answer.json()
        assert answer.status_code == status, answer.text
        assert told["detail"] == told["message"]
        assert told["status_code"] == told["status"] == status
    malformed = await world.admin.post(
        "/api/relations", content=b'{"parameters"', headers={"Content-Type": "application/json"}
    )
    assert malformed.status_code == 400
    assert "Malformed JSON" in malformed.json()["detail"]


@on_sqlite
@pytest.mark.parametrize(
    ("changed", "status", "detail"),
    [
        ({"relation_type": ""}, 400, "Relation type should be specified!"),
        ({"relation_type": "x" * 256}, 400, "length must be equal or less than 255"),
        ({"relation_type": 5}, 422, "relation_type input should be a valid string"),
        ({"to_type": "SPOON"}, 422, "to_type input should be"),
        ({"to_type": "ALARM"}, 400, "ALARM is not possible here"),
        ({"to_id": "x"}, 422, "to_id"),
        ({"to_id": "784f394c-42b6-435a-983c-b7beff2784f9"}, 404, "wasn't found"),
        ({"type_group": "FRIENDS"}, 422, "type_group"),
        ({"additional_info": []}, 422, "additional_info"),
        ({"version": 9}, 409, "already changed by someone else"),
    ],
)
async def test_a_bad_relation_is_refused(
    world: World, changed: dict[str, object], status: int, detail: str
) -> None:
    a, b = await world.devices("ab")
    await world.admin.post(RELATIONS, json=body(a, b))

    answer = await world.admin.post(RELATIONS, json=body(a, b) | changed)

    expect_v1_error(answer, status, detail)


@on_sqlite
async def test_a_missing_field_is_named(world: World) -> None:
    a, b = await world.devices("ab")
    for name in body(a, b):
        content = {key: value for key, value in body(a, b).items() if key != name}
        expect_v1_error(
            await world.admin.post(RELATIONS, json=content), 422, f"{name} field required"
        )


@on_sqlite
@pytest.mark.parametrize(
    ("query_", "status", "detail"),
    [
        ("", 400, "Say of which entity"),
        ("from_type=DEVICE", 400, "from_type and from_id belong together"),
        ("to_id=784f394c-42b6-435a-983c-b7beff2784f9", 400, "to_type and to_id belong together"),
        ("from_type=DEVICE&from_id=x", 400, "'x' is not a UUID"),
        ("from_type=SPOON&from_id=784f394c-42b6-435a-983c-b7beff2784f9", 400, "SPOON"),
        ("from_type=DEVICE&from_id=784f394c-42b6-435a-983c-b7beff2784f9", 404, "wasn't found"),
        ("type_group=FRIENDS", 422, "type_group"),
        ("limit=0", 422, "limit"),
    ],
)
async def test_a_bad_query_is_refused(world: World, query_: str, status: int, detail: str) -> None:
    expect_v1_error(await world.admin.get(f"{RELATIONS}?{query_}"), status, detail)


@on_sqlite
async def test_deleting_needs_to_know_which(world: World) -> None:
    a, b = await world.devices("ab")

    vague = await world.admin.delete(f"{RELATIONS}?{query('from', a)}")
    absent = await world.admin.delete(
        f"{RELATIONS}?{query('from', a)}&{query('to', b)}&relation_type=Contains"
    )

    expect_v1_error(vague, 400, "say which to delete")
    expect_v1_error(absent, 404, "wasn't found")


async def test_a_search(world: World) -> None:
    a, b, c = await world.devices("abc")
    chain = await world.chain()
    await world.line([a, b, c])
    await world.relate(b, chain, "Uses")
    asked = {
        "root_type": "DEVICE",
        "root_id": a["id"],
        "max_level": 0,
        "last_level_only": True,
        "filters": [{"entity_types": ["DEVICE"]}],
    }

    last = await world.admin.post(f"{RELATIONS}/search", json=asked)
    upwards = await world.admin.post(
        f"{RELATIONS}/search?limit=1",
        json={"root_type": "DEVICE", "root_id": c["id"], "direction": "TO", "max_level": 2},
    )

    assert [each["to_name"] for each in found(last)] == ["c"]
    assert [each["from_name"] for each in found(upwards)] == ["b"]


@on_sqlite
@pytest.mark.parametrize(
    ("changed", "status", "detail"),
    [
        ({"root_type": "SPOON"}, 422, "root_type"),
        ({"root_id": None}, 422, "root_id"),
        ({"direction": "UP"}, 422, "direction"),
        ({"max_level": 51}, 422, "max_level input should be less than or equal to 50"),
        ({"max_level": -1}, 422, "max_level"),
        ({"filters": [{"entity_types": "DEVICE"}]}, 422, "entity_types"),
        ({"filters": [{}] * 101}, 422, "filters"),
        ({"root_id": "784f394c-42b6-435a-983c-b7beff2784f9"}, 404, "wasn't found"),
    ],
)
async def test_a_bad_search_is_refused(
    world: World, changed: dict[str, object], status: int, detail: str
) -> None:
    a = await world.device("a")
    asked = {"root_type": "DEVICE", "root_id": a["id"]} | changed

    expect_v1_error(await world.admin.post(f"{RELATIONS}/search", json=asked), status, detail)


def tree(node: dict[str, Any]) -> Any:
    """Return names only: ``[name, children]``, or the name where it was not looked further."""
    below = node["children"]
    return node["name"] if below is None else [node["name"], [tree(each) for each in below]]


async def hierarchy(world: World, root: Ref, asked: str = "", *, is_users: bool = False) -> Any:
    client = world.user if is_users else world.admin
    path = f"{RELATIONS}/hierarchy/{root['entityType']}/{root['id']}?{asked}"
    return found(await client.get(path))


async def test_a_hierarchy_is_a_tree_of_what_an_entity_contains(world: World) -> None:
    a, b, c, d = await world.devices("abcd")
    await world.line([a, b, d])
    await world.relate(a, c, "Manages")

    top: Any = await hierarchy(world, a)

    assert tree(top) == ["a", [["b", [["d", []]]]]]
    assert top["relation_type"] is None
    assert {key: top["children"][0][key] for key in ("entity_type", "entity_id")} == {
        "entity_type": "DEVICE",
        "entity_id": b["id"],
    }
    assert top["children"][0]["relation_type"] == "Contains"
    assert tree(await hierarchy(world, a, "relation_type=Manages")) == ["a", [["c", []]]]


async def test_the_hierarchy_of_an_asset(world: World) -> None:
    building, floor = await world.asset("building"), await world.asset("floor")
    await world.line([building, floor, await world.device("meter")])
    path = f"/api/v1/assets/{building['id']}/hierarchy"

    top: Any = found(await world.admin.get(path))
    low: Any = found(await world.admin.get(f"{path}?max_level=1"))
    unknown = await world.admin.get("/api/v1/assets/784f394c-42b6-435a-983c-b7beff2784f9/hierarchy")

    assert tree(top) == ["building", [["floor", [["meter", []]]]]]
    assert tree(low) == ["building", ["floor"]]
    expect_v1_error(unknown, 404, "wasn't found")


async def test_a_hierarchy_ends_at_the_last_level(world: World) -> None:
    a, b, c = await world.devices("abc")
    await world.line([a, b, c])

    assert tree(await hierarchy(world, a, "max_level=1")) == ["a", ["b"]]
    assert tree(await hierarchy(world, a, "max_level=2")) == ["a", [["b", ["c"]]]]
    assert tree(await hierarchy(world, a, "max_level=3")) == ["a", [["b", [["c", []]]]]]


async def test_in_a_cycle_the_second_time_is_not_gone_on_from(world: World) -> None:
    a, b, c = await world.devices("abc")
    await world.line([a, b, c, a])
    await world.relate(a, c)

    assert tree(await hierarchy(world, a)) == ["a", [["b", ["c"]], ["c", ["a"]]]]


async def test_a_customer_user_does_not_see_what_hangs_on_something_hidden(world: World) -> None:
    top, below = await world.devices("tb", is_customers=True)
    hidden, shown = await world.device("hidden"), await world.device("shown", is_customers=True)
    await world.line([top, hidden, below])
    await world.line([top, shown])

    assert tree(await hierarchy(world, top, is_users=True)) == ["t", [["shown", []]]]


@on_sqlite
async def test_a_hierarchy_as_deep_as_may_be_asked_for(world: World) -> None:
    devices = [await world.device(f"d{number:02}") for number in range(51)]
    await world.line(devices)

    node: Any = await hierarchy(world, devices[0], "max_level=50")

    for number in range(50):
        assert node["name"] == f"d{number:02}"
        (node,) = node["children"]
    assert (node["name"], node["children"]) == ("d50", None)


@on_sqlite
@pytest.mark.parametrize(
    ("path", "status", "detail"),
    [
        ("SPOON/784f394c-42b6-435a-983c-b7beff2784f9", 400, "SPOON"),
        ("DEVICE/x", 400, "'x' is not a UUID"),
        ("ALARM/784f394c-42b6-435a-983c-b7beff2784f9", 400, "ALARM is not possible here"),
        ("DEVICE/784f394c-42b6-435a-983c-b7beff2784f9", 404, "wasn't found"),
        ("DEVICE/784f394c-42b6-435a-983c-b7beff2784f9?max_level=51", 422, "max_level"),
        ("DEVICE/784f394c-42b6-435a-983c-b7beff2784f9?max_level=0", 422, "max_level"),
    ],
)
async def test_a_bad_hierarchy_is_refused(
    world: World, path: str, status: int, detail: str
) -> None:
    expect_v1_error(await world.admin.get(f"{RELATIONS}/hierarchy/{path}"), status, detail)
