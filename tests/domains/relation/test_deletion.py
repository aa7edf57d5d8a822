"""Relations go with either of their ends, in the same transaction."""

from tests.api.support import PASSWORD, created
from tests.domains.relation.world import Ref, World, found, query


async def test_relations_go_with_a_device(world: World) -> None:
    a, b, c = await world.devices("abc")
    await world.line([a, b, c])
    await world.relate(b, a, typeGroup="EDGE")

    await world.admin.delete(f"/api/device/{b['id']}")

    assert await world.from_(a) == []
    for group in ("COMMON", "EDGE"):
        for end in (a, c):
            path = f"/api/relations?{query('to', end)}&relationTypeGroup={group}"
            assert found(await world.admin.get(path)) == []


async def test_relations_go_with_a_rule_chain(world: World) -> None:
    a, chain = await world.device("a"), await world.chain()
    await world.relate(a, chain, "Uses")

    answer = await world.admin.delete(f"/api/ruleChain/{chain['id']}")

    assert answer.status_code == 200
    assert await world.from_(a) == []


async def test_relations_of_users_go_with_their_customer(world: World) -> None:
    device = await world.device("a")
    customer = await created(world.admin, "/api/customer", {"title": "leaving"})
    body = {"email": "u@leaving.org", "authority": "CUSTOMER_USER", "password": PASSWORD}
    user = await created(
        world.admin, "/api/v1/users", body | {"customer_id": customer["id"]["id"]}, 201
    )
    for end in (customer["id"], {"entityType": "USER", "id": user["id"]}):
        await world.relate(device, end)

    await world.admin.delete(f"/api/customer/{customer['id']['id']}")

    assert await world.from_(device) == []


async def test_a_deletion_that_is_refused_leaves_the_relations(world: World) -> None:
    profiles = await world.admin.get("/api/deviceProfileInfos?pageSize=1&page=0")
    profile: Ref = profiles.json()["data"][0]["id"]
    device = await world.device("a")
    kept = await world.relate(device, profile)

    answer = await world.admin.delete(f"/api/deviceProfile/{profile['id']}")

    assert answer.status_code == 400
    assert await world.from_(device) == [kept]


async def test_a_tenant_goes_with_its_relations(world: World) -> None:
    a, b = await world.devices("ab")
    await world.relate(a, b)

    answer = await (await world.platform.sysadmin()).delete(f"/api/tenant/{world.tenant.id}")

    assert answer.status_code == 200, answer.text
