"""A tenant with a rule chain of which events are recorded, on both databases."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest

from fieldline.domains.event.record import EventType, Record
from fieldline.domains.event.writer import EventWriter
from fieldline.domains.rule_chain import metadata
from fieldline.kit.ids import EntityRef, EntityType, new_id
from fieldline.rules.registry import discover
from tests.api.support import Client, Platform, Tenant, created, running

LOG = "org.thingsboard.rule.engine.action.TbLogNode"


@dataclass
class Debugged:
    """The platform, its writer of events, and a chain of one node."""

    platform: Platform
    writer: EventWriter
    tenant: Tenant
    chain_id: UUID
    node_id: UUID

    @property
    def admin(self) -> Client:
        return self.tenant.admin

    def record(self, **fields: Any) -> Record:
        """Return a record of a message at the node."""
        values: dict[str, Any] = {
            "tenant_id": self.tenant.id,
            "rule_chain_id": self.chain_id,
            "entity": EntityRef(EntityType.RULE_NODE, self.node_id),
            "type": EventType.DEBUG_RULE_NODE,
            "created_time": self.platform.clock.now_ms(),
            "direction": "IN",
            "originator": EntityRef(EntityType.DEVICE, new_id()),
            "message_id": new_id(),
            "message_type": "POST_TELEMETRY_REQUEST",
            "relation": "Success",
            "data": '{"a":1}',
            "message_metadata": '{"deviceName":"sensor"}',
        }
        return Record(**(values | fields))

    async def stored(self, *records: Record) -> None:
        for record in records:
            self.writer.put(record)
        await self.writer.flush()

    async def shown(self, query: str = "") -> list[dict[str, Any]]:
        """Return the chain's events as v1 lists them."""
        answer = await self.admin.get(f"/api/v1/ruleChains/{self.chain_id}/events{query}")
        assert answer.status_code == 200, answer.text
        found: list[dict[str, Any]] = answer.json()
        return found

    def path(self, kind: str = "RULE_NODE", tail: str = "", query: str = "") -> str:
        """Return ThingsBoard's path of the events of the node, or the chain."""
        entity_id = self.node_id if kind == "RULE_NODE" else self.chain_id
        page = f"tenantId={self.tenant.id}&pageSize=100&page=0{query}"
        return f"/api/events/{kind}/{entity_id}{tail}?{page}"


@pytest.fixture
async def debugged(database_url: str) -> AsyncIterator[Debugged]:
    async with running(
        database_url,
        seeders=[metadata.seed],
        prepare=lambda app: setattr(app.state, "node_catalogue", discover()),
    ) as platform:
        writer = EventWriter(platform.services.database, platform.clock)
        await writer.start()
        tenant = await platform.tenant()
        chain_id, node_id = await make_chain(tenant.admin)
        yield Debugged(platform, writer, tenant, chain_id, node_id)
        await writer.stop()


async def make_chain(admin: Client) -> tuple[UUID, UUID]:
    """Make a chain of one node; returns the ids of both."""
    chain = await created(admin, "/api/v1/ruleChains", {"name": "Debugged"}, 201)
    node = {"type": LOG, "name": "log"}
    answer = await admin.put(
        f"/api/v1/ruleChains/{chain['id']}/metadata", json={"nodes": [node], "first_node_index": 0}
    )
    assert answer.status_code == 200, answer.text
    return UUID(chain["id"]), UUID(answer.json()["nodes"][0]["id"])
