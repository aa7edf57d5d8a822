"""Relations in ThingsBoard's dialect: saved, read, listed and deleted."""

import pytest

from tests.api.support import created
from tests.domains.relation.world import Ref, World, ends, found, key, query
from tests.domains.support import expect_error, on_sqlite


async def test_a_relation_is_saved_with_an_empty_answer(world: World) -> None:
    a, b = await world.devices("ab")

    answer = await world.admin.post(
        "/api/relation", json={"from": a, "to": b, "type": "Contains", "additionalInfo": {"n": 1}}
    )

    assert (answer.status_code, answer.content) == (200, b"")
    assert await world.from_(a) == [
        {
            "from": a,
            "to": b,
            "type": "Contains",
            "typeGroup": "COMMON",
            "version": 1,
            "additionalInfo": {"n": 1},
        }
    ]


async def test_v2_answers_what_was_saved(world: World) -> None:
    a, b = await world.devices("ab")

    saved = await world.relate(a, b, "Manages", typeGroup=None)

    assert saved == (await world.admin.get(f"/api/relation?{key(a, b, 'Manages')}")).json()


async def test_saving_again_changes_the_relation(world: World) -> None:
    a, b = await world.devices("ab")
    await world.relate(a, b, additionalInfo={"n": 1})

    saved = await world.relate(a, b, additionalInfo={"n": 2})

    assert (saved["version"], saved["additionalInfo"]) == (2, {"n": 2})
    assert await world.from_(a) == [saved]


async def test_type_and_group_make_different_relations(world: World) -> None:
    a, b = await world.devices("ab")
    await world.relate(a, b)
    await world.relate(a, b, "Manages")
    await world.relate(a, b, typeGroup="EDGE")

    other = await world.admin.get(f"/api/relations?{query('from', a)}&relationTypeGroup=EDGE")

    assert {each["type"] for each in await world.from_(a)} == {"Contains", "Manages"}
    assert [each["typeGroup"] for each in found(other)] == ["EDGE"]


async def test_a_stale_version_is_a_conflict(world: World) -> None:
    a, b = await world.devices("ab")
    await world.relate(a, b)
    await world.relate(a, b, version=1)

    answer = await world.admin.post(
        "/api/v2/relation", json={"from": a, "to": b, "type": "Contains", "version": 1}
    )

    expect_error(answer, 409, 35, "already changed by someone else")


async def test_what_is_new_takes_any_version(world: World) -> None:
    a, b = await world.devices("ab")

    assert (await world.relate(a, b, version=7))["version"] == 1


async def test_kinds_that_may_be_ends(world: World) -> None:
    device = await world.device("a")
    customer = {"entityType": "CUSTOMER", "id": str(world.tenant.customer_id)}
    tenant = {"entityType": "TENANT", "id": str(world.tenant.id)}
    board = (await created(world.admin, "/api/dashboard", {"title": "board"}))["id"]
    for end in (customer, tenant, board, await world.chain(), await world.asset("asset")):
        await world.relate(device, end)

    answer = await world.admin.get(f"/api/relations/info?{query('from', device)}")

    assert {each["toName"] for each in found(answer)} == {
        "Customer A",
        "Tenant 1",
        "chain",
        "asset",
        "board",
    }


@pytest.mark.parametrize("prefix", ["/api/relation", "/api/v2/relation"])
async def test_a_relation_that_is_not_there(world: World, prefix: str) -> None:
    a, b = await world.devices("ab")

    answer = await world.admin.delete(f"{prefix}?{key(a, b)}")

    expect_error(answer, 404, 32, "Requested item wasn't found!")


async def test_getting_a_relation_that_is_not_there(world: World) -> None:
    a, b = await world.devices("ab")

    answer = await world.admin.get(f"/api/relation?{key(a, b)}")

    expect_error(answer, 404, 32, "Requested item wasn't found!")


async def test_deleting_a_relation(world: World) -> None:
    a, b = await world.devices("ab")
    await world.relate(a, b)
    kept = await world.relate(b, a)

    answer = await world.admin.delete(f"/api/relation?{key(a, b)}")

    assert (answer.status_code, answer.content) == (200, b"")
    assert await world.from_(a) == []
    assert await world.from_(b) == [kept]


async def test_v2_answers_what_was_deleted(world: World) -> None:
    a, b = await world.devices("ab")
    saved = await world.relate(a, b)

    answer = await world.admin.delete(f"/api/v2/relation?{key(a, b)}")

    assert answer.json() == saved


async def test_deleting_the_common_relations_of_an_entity(world: World) -> None:
    a, b, c = await world.devices("abc")
    await world.line([a, b, c])
    kept = await world.relate(a, c)
    edge = await world.relate(b, c, typeGroup="EDGE")

    answer = await world.admin.delete(f"/api/relations?{query('entity', b)}")

    assert (answer.status_code, answer.content) == (200, b"")
    assert await world.from_(a) == [kept]
    edges = await world.admin.get(f"/api/relations?{query('from', b)}&relationTypeGroup=EDGE")
    assert found(edges) == [edge]


@pytest.mark.parametrize("path", ["relations", "relations/info"])
async def test_listing_from_and_to_an_entity(world: World, path: str) -> None:
    a, b, c = await world.devices("abc")
    await world.line([a, b, c])

    leading_on = await world.admin.get(f"/api/{path}?{query('from', b)}")
    leading_here = await world.admin.get(f"/api/{path}?{query('to', b)}")

    assert ends(found(leading_on)) == {(b["id"], c["id"])}
    assert ends(found(leading_here)) == {(a["id"], b["id"])}


@pytest.mark.parametrize("path", ["relations", "relations/info"])
async def test_listing_by_the_paths_of_4_4(world: World, path: str) -> None:
    a, b, c = await world.devices("abc")
    await world.line([a, b, c])

    leading_on = await world.admin.get(f"/api/{path}/from/DEVICE/{b['id']}")
    leading_here = await world.admin.get(f"/api/{path}/to/DEVICE/{b['id']}")

    assert ends(found(leading_on)) == {(b["id"], c["id"])}
    assert ends(found(leading_here)) == {(a["id"], b["id"])}


async def test_listing_relations_of_one_type(world: World) -> None:
    a, b = await world.devices("ab")
    await world.relate(a, b)
    manages = await world.relate(a, b, "Manages")

    for path in (
        f"relations?{query('from', a)}&relationType=Manages",
        f"relations?{query('to', b)}&relationType=Manages",
        f"relations/from/DEVICE/{a['id']}/Manages",
        f"relations/to/DEVICE/{b['id']}/Manages",
    ):
        assert found(await world.admin.get(f"/api/{path}")) == [manages], path


async def test_infos_name_both_ends(world: World) -> None:
    a, b = await world.devices("ab")
    saved = await world.relate(a, b)

    answer = await world.admin.get(f"/api/relations/info?{query('from', a)}")

    assert found(answer) == [saved | {"fromName": "a", "toName": "b"}]


@on_sqlite
@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"type": None}, "Relation type should be specified!"),
        ({"type": " "}, "Relation type should be specified!"),
        ({"type": "x" * 256}, "Relation type length must be equal or less than 255"),
        ({"type": "a\0b"}, "Relation type holds the character U+0000"),
        ({"type": 5}, "type input should be a valid string"),
        ({"typeGroup": "FRIENDS"}, "typeGroup input should be 'COMMON'"),
        ({"from": None}, "from"),
        ({"to": {"id": "x"}}, "to"),
        ({"to": {"entityType": "SPOON", "id": "a" * 32}}, "'SPOON' is not a valid EntityType"),
        ({"version": "new"}, "version input should be a valid integer"),
        ({"version": 2**70}, "version"),
        ({"additionalInfo": "text"}, "additionalInfo input should be a valid dictionary"),
        ({"additionalInfo": {"a": "<script>"}}, "additionalInfo is malformed"),
    ],
)
async def test_a_bad_relation_is_refused(
    world: World, changed: dict[str, object], message: str
) -> None:
    a, b = await world.devices("ab")
    body = {"from": a, "to": b, "type": "Contains"} | changed

    for path in ("/api/relation", "/api/v2/relation"):
        expect_error(await world.admin.post(path, json=body), 400, 31, message)
    assert await world.from_(a) == []


async def test_an_entity_is_not_related_to_itself(world: World) -> None:
    a = await world.device("a")

    answer = await world.admin.post("/api/relation", json={"from": a, "to": a, "type": "Contains"})

    expect_error(answer, 400, 31, "An entity cannot have a relation to itself")


@pytest.mark.parametrize("kind", ["ALARM", "RULE_NODE"])
async def test_what_cannot_be_an_end(world: World, kind: str) -> None:
    a = await world.device("a")
    body = {"from": a, "to": {"entityType": kind, "id": a["id"]}, "type": "Contains"}

    expect_error(await world.admin.post("/api/relation", json=body), 400, 31, f"{kind} is not")


async def test_a_deleted_end_is_not_found(world: World) -> None:
    a, b = await world.devices("ab")
    await world.admin.delete(f"/api/device/{b['id']}")

    answer = await world.admin.post("/api/relation", json={"from": a, "to": b, "type": "Contains"})

    expect_error(answer, 404, 32, "Device with requested id wasn't found!")


async def test_ends_of_two_tenants_are_refused(world: World) -> None:
    sysadmin = await world.platform.sysadmin()
    start = {"entityType": "TENANT", "id": str(world.tenant.id)}
    end = {"entityType": "TENANT", "id": str(world.stranger.id)}

    answer = await sysadmin.post("/api/relation", json={"from": start, "to": end, "type": "x"})

    expect_error(answer, 400, 31, "must belong to the same tenant")


@on_sqlite
@pytest.mark.parametrize(
    ("query_", "message"),
    [
        ("fromId=x&fromType=DEVICE", "'x' is not a UUID"),
        ("fromId={a}&fromType=SPOON", "'SPOON' is not an entity type"),
        ("toId={a}&toType=DEVICE&relationTypeGroup=FRIENDS", "relationTypeGroup 'FRIENDS'"),
        ("fromId={a}&fromType=ALARM", "ALARM is not possible here"),
    ],
)
async def test_a_bad_query_of_a_list_is_refused(world: World, query_: str, message: str) -> None:
    a = await world.device("a")

    for path in ("relations", "relations/info"):
        answer = await world.admin.get(f"/api/{path}?{query_.format(a=a['id'])}")
        expect_error(answer, 400, 31, message)


@on_sqlite
async def test_a_missing_parameter_is_named(world: World) -> None:
    a, b = await world.devices("ab")
    cut = key(a, b).replace("&relationType=Contains", "")

    for method, path in (("GET", "relation"), ("DELETE", "relation"), ("DELETE", "v2/relation")):
        answer = await world.admin.request(method, f"/api/{path}?{cut}")
        expect_error(answer, 400, 31, "'relationType' is not present")


async def test_a_customer_user_relates_what_it_may_write(world: World) -> None:
    a, b = await world.devices("ab", is_customers=True)

    body = {"from": a, "to": b, "type": "Contains"}
    answer = await world.user.post("/api/v2/relation", json=body)

    assert answer.status_code == 200, answer.text


async def test_a_customer_user_relates_nothing_to_what_is_not_its_own(world: World) -> None:
    own = await world.device("own", is_customers=True)
    other = await world.device("other")
    customer = {"entityType": "CUSTOMER", "id": str(world.tenant.customer_id)}

    for end in (other, customer, await world.chain()):
        for start, target in ((own, end), (end, own)):
            body = {"from": start, "to": target, "type": "Contains"}
            expect_error(await world.user.post("/api/relation", json=body), 403, 20)


async def test_a_customer_user_sees_relations_of_which_it_sees_both_ends(world: World) -> None:
    own, shown = await world.devices("os", is_customers=True)
    hidden = await world.device("hidden")
    await world.relate(own, hidden)
    seen = await world.relate(own, shown)

    info = await world.user.get(f"/api/relations/info?{query('from', own)}")

    assert await world.from_(own, world.user) == [seen]
    assert [each["toName"] for each in found(info)] == ["s"]
    assert len(await world.from_(own)) == 2


async def test_a_system_administrator_sees_nothing_inside_of_a_tenant(world: World) -> None:
    tenant: Ref = {"entityType": "TENANT", "id": str(world.tenant.id)}
    await world.relate(tenant, await world.device("inside"))

    assert await world.from_(tenant, await world.platform.sysadmin()) == []
