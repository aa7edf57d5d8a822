"""Several save one relation, or delete an end of it, at a time."""

import asyncio

from tests.domains.relation.world import World, key

SAVES = 20


async def test_twenty_saves_of_one_relation_all_succeed(world: World) -> None:
    a, b = await world.devices("ab")

    saved = await asyncio.gather(
        *(world.relate(a, b, additionalInfo={"n": n}) for n in range(SAVES))
    )

    assert sorted(each["version"] for each in saved) == list(range(1, SAVES + 1))
    (stored,) = await world.from_(a)
    assert stored == max(saved, key=lambda each: each["version"])


async def test_of_many_saves_of_one_version_one_wins(world: World) -> None:
    a, b = await world.devices("ab")
    await world.relate(a, b)
    body = {"from": a, "to": b, "type": "Contains", "version": 1}

    answers = await asyncio.gather(
        *(world.admin.post("/api/relation", json=body) for _ in range(SAVES))
    )

    assert sorted(each.status_code for each in answers) == [200, *[409] * (SAVES - 1)]


async def test_no_relation_is_left_of_an_entity_that_goes_meanwhile(world: World) -> None:
    a, b = await world.devices("ab")
    bodies = [{"from": a, "to": b, "type": f"t{n}"} for n in range(SAVES)]

    *answers, deleted = await asyncio.gather(
        *(world.admin.post("/api/relation", json=body) for body in bodies),
        world.admin.delete(f"/api/device/{b['id']}"),
    )

    assert deleted.status_code == 200, deleted.text
    assert {each.status_code for each in answers} <= {200, 404}
    assert await world.from_(a) == []


async def test_a_relation_is_deleted_once(world: World) -> None:
    a, b = await world.devices("ab")
    await world.relate(a, b)

    answers = await asyncio.gather(
        *(world.admin.delete(f"/api/relation?{key(a, b)}") for _ in range(5))
    )

    assert sorted(each.status_code for each in answers) == [200, 404, 404, 404, 404]
