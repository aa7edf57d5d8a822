"""Alarms are shown at the owner, the tenant and what is above their originator where wanted."""

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import event, func, select

from fieldline.domains.alarm import handlers
from fieldline.domains.alarm.changes import Forget, Raise
from fieldline.domains.alarm.models import EntityAlarm
from fieldline.domains.alarm.status import Propagation, Severity
from fieldline.domains.device import service as device_service
from fieldline.domains.relation import service as relation_service
from fieldline.domains.relation.kinds import Key
from fieldline.kit.ids import EntityRef, EntityType
from tests.domains.alarm.platform import Platform
from tests.domains.alarm.test_endpoints import PAGE, customers_device, make
from tests.domains.alarm.test_writer import put_all
from tests.domains.alarm.world import World

OWNER, TENANT = Propagation(to_owner=True), Propagation(to_tenant=True)


def customer_of(world: World) -> EntityRef:
    assert world.customer.customer_id is not None
    return EntityRef(EntityType.CUSTOMER, world.customer.customer_id)


def tenant_of(world: World) -> EntityRef:
    return EntityRef(EntityType.TENANT, world.tenant_id)


async def shown_at(platform: Platform, entity: EntityRef, *, version: str = "") -> list[str]:
    """Return the types of the alarms that the list of an entity shows, sorted."""
    path = f"/api{version}/alarm/{entity.type.value}/{entity.id}?{PAGE}"
    answer = await platform.as_admin.get(path)
    assert answer.status_code == 200, answer.text
    return sorted(alarm["type"] for alarm in answer.json()["data"])


async def kept(world: World) -> int:
    async with world.database.read() as session:
        return await session.scalar(select(func.count()).select_from(EntityAlarm)) or 0


@pytest.mark.parametrize("version", ["", "/v2"])
async def test_the_owner_and_the_tenant_show_what_is_propagated_to_them(
    platform: Platform, version: str
) -> None:
    world = platform.world
    device = await customers_device(platform)
    await make(platform, device, "to nobody")
    await make(platform, device, "to owner", propagateToOwner=True)
    await make(platform, device, "to tenant", propagateToTenant=True)
    await make(platform, device, "to both", propagateToOwner=True, propagateToTenant=True)

    assert await shown_at(platform, customer_of(world), version=version) == ["to both", "to owner"]
    assert await shown_at(platform, tenant_of(world), version=version) == ["to both", "to tenant"]
    assert len(await shown_at(platform, device, version=version)) == 4


async def test_the_owner_of_a_device_of_no_customer_is_the_tenant(platform: Platform) -> None:
    await make(platform, await platform.world.device(), propagateToOwner=True)

    assert await shown_at(platform, tenant_of(platform.world)) == ["Too hot"]


async def test_a_changed_propagation_counts_from_then_on(platform: Platform) -> None:
    device = await customers_device(platform)
    await make(platform, device, propagateToOwner=True)

    await make(platform, device, propagateToTenant=True)

    assert await shown_at(platform, customer_of(platform.world)) == []
    assert await shown_at(platform, tenant_of(platform.world)) == ["Too hot"]


async def test_an_alarm_of_the_tenant_itself_is_listed_once(platform: Platform) -> None:
    tenant = tenant_of(platform.world)
    await make(platform, tenant, propagateToTenant=True, propagateToOwner=True)

    assert await shown_at(platform, tenant) == ["Too hot"]


async def test_the_worst_severity_counts_propagated_alarms(platform: Platform) -> None:
    device = await customers_device(platform)
    await make(platform, device, severity="CRITICAL", propagateToOwner=True)
    customer = customer_of(platform.world)

    answer = await platform.as_admin.get(f"/api/alarm/highestSeverity/CUSTOMER/{customer.id}")

    assert answer.json() == "CRITICAL"


async def test_users_of_the_customer_see_it_and_others_do_not(platform: Platform) -> None:
    device = await customers_device(platform)
    await make(platform, device, propagateToOwner=True, propagateToTenant=True)
    path = f"/api/alarm/CUSTOMER/{customer_of(platform.world).id}?{PAGE}"

    own = (await platform.as_customer.get(path)).json()["data"]
    refused = [await platform.as_other_customer.get(path), await platform.as_stranger.get(path)]

    assert [alarm["type"] for alarm in own] == ["Too hot"]
    assert [answer.status_code for answer in refused] == [403, 403]


async def test_a_deleted_alarm_is_shown_nowhere(platform: Platform) -> None:
    made = await make(platform, await customers_device(platform), propagateToOwner=True)

    await platform.as_admin.delete(f"/api/alarm/{made['id']['id']}")

    assert await kept(platform.world) == 0


async def relate(
    world: World, from_ref: EntityRef, to_ref: EntityRef, type_: str = "Contains"
) -> None:
    async with world.database.write() as session:
        key = Key(from_ref, to_ref, type_)
        await relation_service.save(session, world.admin, key, additional_info=None)


async def chain_of(world: World) -> tuple[EntityRef, EntityRef, EntityRef]:
    """Make a building that contains a room, which manages a meter, which contains the building."""
    building, room, meter = [await world.device(name) for name in ("building", "room", "meter")]
    await relate(world, building, room)
    await relate(world, room, meter, "Manages")
    await relate(world, meter, building)
    return building, room, meter


async def test_entities_above_show_what_is_propagated_at_any_distance(platform: Platform) -> None:
    building, room, meter = await chain_of(platform.world)

    await make(platform, meter, propagate=True)

    assert await shown_at(platform, building) == ["Too hot"]
    assert await shown_at(platform, room) == ["Too hot"]
    assert await shown_at(platform, meter) == ["Too hot"]


async def test_only_relations_of_the_wanted_types_count(platform: Platform) -> None:
    building, room, meter = await chain_of(platform.world)

    await make(platform, meter, propagate=True, propagateRelationTypes=["Contains"])

    assert await shown_at(platform, building) == ["Too hot"]
    assert await shown_at(platform, room) == []


async def test_entities_below_show_nothing(platform: Platform) -> None:
    world = platform.world
    building, room = await world.device("building"), await world.device("room")
    await relate(world, building, room)

    await make(platform, building, propagate=True)

    assert await shown_at(platform, room) == []


async def test_rules_propagate_along_relations_too(platform: Platform) -> None:
    world = platform.world
    building, room, meter = await chain_of(world)

    await put_all(
        world,
        raising(world, meter, "a", Propagation(to_related=True, relation_types=("Manages",))),
        raising(world, room, "b", Propagation(to_related=True)),
    )

    assert await shown_at(platform, room) == ["a", "b"]
    assert await shown_at(platform, building) == ["b"]


def raising(world: World, device: EntityRef, type_: str, propagation: Propagation) -> Raise:
    return Raise(
        world.tenant_id,
        device,
        world.customer.customer_id,
        type_,
        Severity.MAJOR,
        10,
        propagation=propagation,
    )


async def test_alarms_made_by_rules_are_propagated_in_one_batch(platform: Platform) -> None:
    world = platform.world
    device = await customers_device(platform)

    await put_all(
        world,
        raising(world, device, "to nobody", Propagation()),
        raising(world, device, "to owner", OWNER),
        raising(world, device, "changed", OWNER),
        raising(world, device, "changed", TENANT),
    )

    assert await shown_at(platform, customer_of(world)) == ["to owner"]
    assert await shown_at(platform, tenant_of(world)) == ["changed"]


async def test_a_rule_that_changes_the_propagation_of_a_stored_alarm(platform: Platform) -> None:
    world = platform.world
    device = await customers_device(platform)
    await put_all(world, raising(world, device, "a", OWNER))

    await put_all(world, raising(world, device, "a", Propagation()))

    assert await shown_at(platform, customer_of(world)) == []


async def test_an_originator_that_goes_in_the_same_batch_is_shown_nowhere(world: World) -> None:
    device = await world.device()

    await put_all(world, raising(world, device, "a", OWNER), Forget(world.tenant_id, device))

    assert await kept(world) == 0


async def test_alarms_that_nobody_else_is_shown_cost_no_statement(world: World) -> None:
    device = await world.device()
    statements: list[str] = []

    def note(_conn: Any, _cursor: Any, statement: str, *_more: Any) -> None:
        statements.append(statement)

    event.listen(world.database.engine.sync_engine, "before_cursor_execute", note)
    await put_all(world, *(raising(world, device, str(n), Propagation()) for n in range(50)))
    await put_all(world, *(raising(world, device, str(n), Propagation()) for n in range(50)))
    event.remove(world.database.engine.sync_engine, "before_cursor_execute", note)

    assert statements
    assert [text for text in statements if "entity_alarm" in text or "comment" in text] == []


async def test_the_owner_is_followed_to_another_customer(platform: Platform) -> None:
    world = platform.world
    handlers.listen(world.bus, world.alarms)
    device = await customers_device(platform)
    await put_all(world, raising(world, device, "a", OWNER))

    async with world.database.write() as session:
        await device_service.unassign(session, world.admin, device.id)
    await world.alarms.flush()

    assert await shown_at(platform, customer_of(world)) == []
    assert await shown_at(platform, tenant_of(world)) == ["a"]


async def test_a_severity_that_rules_change_is_noted_as_a_comment(platform: Platform) -> None:
    world = platform.world
    device = await customers_device(platform)
    change = raising(world, device, "a", Propagation())

    stored = await put_all(world, change, replace(change, severity=Severity.CRITICAL))

    assert stored[0].alarm is not None
    alarm_id = stored[0].alarm["id"]["id"]
    path = f"/api/alarm/{alarm_id}/comment?{PAGE}"
    (comment,) = (await platform.as_admin.get(path)).json()["data"]
    assert comment["comment"]["subtype"] == "SEVERITY_CHANGED"
    assert comment["comment"]["text"] == "Alarm severity was updated from MAJOR to CRITICAL"
    assert (comment["type"], comment["userId"]) == ("SYSTEM", None)
