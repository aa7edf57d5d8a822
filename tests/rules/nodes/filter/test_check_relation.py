"""The filter that asks whether the originator has a relation."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest

from fieldline.database.engine import Database
from fieldline.domains.device import service as device_service
from fieldline.domains.relation import service as relation_service
from fieldline.domains.relation.kinds import Key
from fieldline.kit.ids import EntityRef, EntityType
from fieldline.rules.nodes.filter.check_relation import CheckRelation
from fieldline.rules.relations import StoredRelations
from fieldline.security.caller import Caller
from tests.people import VAULT, make_tenant
from tests.rules.support import TAPS, World, graph, message_of
from tests.waiting import until

CHECK = "org.thingsboard.rule.engine.filter.TbCheckRelationNode"
RELATIONS = ("True", "False", "Failure")


@dataclass
class Related:
    """Three devices, the first containing the second, and an engine that sees their relations."""

    rules: World
    admin: Caller
    first: EntityRef
    second: EntityRef
    third: EntityRef

    async def asked(self, originator: EntityRef, **configuration: Any) -> str:
        """Send a message through the node; returns which relation it followed."""
        tenant_id = self.admin.tenant_id
        assert tenant_id is not None
        nodes = {"check": (CHECK, configuration)}
        nodes |= {relation: ("test.Tap", {}) for relation in RELATIONS}
        links = [("check", relation, relation) for relation in RELATIONS]
        self.rules.graphs = [graph(nodes, links, tenant_id=tenant_id)]
        await self.rules.ready(tenant_id)
        message, receipt = message_of({}, originator=originator, tenant_id=tenant_id)
        self.rules.publish(message)
        await until(lambda: receipt.is_done)
        (followed,) = (relation for relation in RELATIONS if TAPS[relation].seen)
        return followed


def single(entity: EntityRef) -> dict[str, Any]:
    return {"entityType": entity.type.value, "entityId": str(entity.id)}


@pytest.fixture
async def related(database: Database) -> AsyncIterator[Related]:
    admin = await make_tenant(database, "Farm")
    async with database.write() as session:
        devices = [
            await device_service.create(session, admin, {"name": name}, vault=VAULT)
            for name in "abc"
        ]
        first, second, third = (EntityRef(EntityType.DEVICE, device.id) for device in devices)
        key = Key(first, second, "Contains")
        await relation_service.save(session, admin, key, additional_info=None)
    rules = World(relations=StoredRelations(database))
    yield Related(rules, admin, first, second, third)
    await rules.stop()


async def test_from_the_originator_to_an_entity(related: Related) -> None:
    assert await related.asked(related.first, **single(related.second)) == "True"


async def test_another_entity_is_not_meant(related: Related) -> None:
    assert await related.asked(related.first, **single(related.third)) == "False"


async def test_to_the_originator_from_an_entity(related: Related) -> None:
    asked = {"direction": "TO", **single(related.first)}

    assert await related.asked(related.second, **asked) == "True"


async def test_the_direction_counts(related: Related) -> None:
    assert await related.asked(related.second, **single(related.first)) == "False"


async def test_with_any_entity(related: Related) -> None:
    assert await related.asked(related.first, checkForSingleEntity=False) == "True"


async def test_another_type_is_not_meant(related: Related) -> None:
    asked = {"checkForSingleEntity": False, "relationType": "Manages"}

    assert await related.asked(related.first, **asked) == "False"


async def test_without_the_entity_that_it_needs_it_fails(related: Related) -> None:
    assert await related.asked(related.first) == "Failure"


def test_the_direction_of_the_first_version_is_turned_round() -> None:
    assert CheckRelation.upgrade({"direction": "FROM"}, 0) == {"direction": "TO"}
    assert CheckRelation.upgrade({"direction": "TO"}, 1) == {"direction": "TO"}
