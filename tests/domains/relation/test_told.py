"""The audit log and the rules are told of both ends of a relation."""

from uuid import UUID

from sqlalchemy import select

from fieldline.domains.audit_log.models import AuditLog
from fieldline.messaging.message import Message
from tests.domains.outbox.telling import telling
from tests.domains.relation.world import Ref, World, key, query


async def test_rules_are_told_of_both_ends(world: World) -> None:
    a, b = await world.devices("ab")

    saved = await world.relate(a, b)
    await world.admin.delete(f"/api/relation?{key(a, b)}")

    assert [(act.type, str(act.originator.id)) for act in world.acts] == [
        (kind, ref["id"])
        for kind in ("RELATION_ADD_OR_UPDATE", "RELATION_DELETED")
        for ref in (a, b)
    ]
    assert all(act.data == saved for act in world.acts)
    assert {act.metadata["userName"] for act in world.acts} == {"admin1@example.com"}


async def test_rules_are_told_that_all_are_deleted(world: World) -> None:
    a, b = await world.devices("ab")
    await world.relate(a, b)
    world.acts.clear()

    await world.admin.delete(f"/api/relations?{query('entity', a)}")

    (act,) = world.acts
    assert (act.type, str(act.originator.id)) == ("RELATIONS_DELETED", a["id"])


async def test_a_message_goes_to_the_rules(world: World) -> None:
    told: list[Message] = []
    world.platform.bus.consume(told.append)
    a, b = await world.devices("ab")

    async with telling(world.platform.services):
        told.clear()
        saved = await world.relate(a, b)

    assert [(each.type, str(each.originator.id)) for each in told] == [
        ("RELATION_ADD_OR_UPDATE", a["id"]),
        ("RELATION_ADD_OR_UPDATE", b["id"]),
    ]
    assert told[0].data == saved
    assert told[0].profile_id is not None


async def test_nothing_is_told_of_a_save_that_is_refused(world: World) -> None:
    a = await world.device("a")

    await world.admin.post("/api/relation", json={"from": a, "to": a, "type": "Contains"})

    assert world.acts == []
    assert await actions(world, a) == []


async def test_the_audit_log_holds_both_ends(world: World) -> None:
    a, b = await world.devices("ab")

    await world.relate(a, b)
    await world.admin.delete(f"/api/relation?{key(a, b)}")
    await world.admin.delete(f"/api/relations?{query('entity', a)}")

    assert await actions(world, a) == [
        ("RELATION_ADD_OR_UPDATE", "a"),
        ("RELATION_DELETED", "a"),
        ("RELATIONS_DELETED", "a"),
    ]
    assert await actions(world, b) == [("RELATION_ADD_OR_UPDATE", "b"), ("RELATION_DELETED", "b")]


async def actions(world: World, ref: Ref) -> list[tuple[str, str]]:
    """Return action and entity name of what was done to the relations of an entity."""
    query_ = (
        select(AuditLog.action_type, AuditLog.entity_name)
        .where(AuditLog.entity_id == UUID(ref["id"]), AuditLog.action_type.like("RELATION%"))
        .order_by(AuditLog.id)
    )
    async with world.platform.services.database.read() as session:
        return [(kind, name or "") for kind, name in await session.execute(query_)]
