"""A tenant with devices, a rule chain and relations between them, behind the real application."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import httpx

from fieldline.domains.asset_profile import service as asset_profile_service
from fieldline.domains.device_profile import service as device_profile_service
from fieldline.domains.relation.events import RelationActed
from fieldline.domains.rule_chain import metadata
from tests.api.support import Client, Platform, Tenant, created, running

Ref = dict[str, str]
SEEDERS = [device_profile_service.seed, asset_profile_service.seed, metadata.seed]


@dataclass
class World:
    """Who there is; ``acts`` are what the rules would be told."""

    platform: Platform
    tenant: Tenant
    stranger: Tenant
    acts: list[RelationActed] = field(default_factory=list)

    @property
    def admin(self) -> Client:
        return self.tenant.admin

    @property
    def user(self) -> Client:
        """A user of the tenant's customer."""
        return self.tenant.customer_user

    async def device(self, name: str, *, is_customers: bool = False, **fields: object) -> Ref:
        body = {"name": name, **fields}
        if is_customers:
            body["customerId"] = {"entityType": "CUSTOMER", "id": str(self.tenant.customer_id)}
        made: Ref = (await created(self.admin, "/api/device", body))["id"]
        return made

    async def devices(self, names: str, *, is_customers: bool = False) -> list[Ref]:
        """Make a device for each letter."""
        return [await self.device(name, is_customers=is_customers) for name in names]

    async def asset(self, name: str) -> Ref:
        made: Ref = (await created(self.admin, "/api/asset", {"name": name}))["id"]
        return made

    async def view(self, name: str, of: Ref, *, is_customers: bool = False) -> Ref:
        body: dict[str, Any] = {"name": name, "type": "part", "entityId": of}
        if is_customers:
            body["customerId"] = {"entityType": "CUSTOMER", "id": str(self.tenant.customer_id)}
        made: Ref = (await created(self.admin, "/api/entityView", body))["id"]
        return made

    async def chain(self, name: str = "chain") -> Ref:
        made: Ref = (await created(self.admin, "/api/ruleChain", {"name": name}))["id"]
        return made

    async def relate(self, start: Ref, end: Ref, kind: str = "Contains", **more: object) -> Any:
        body = {"from": start, "to": end, "type": kind, **more}
        return await created(self.admin, "/api/v2/relation", body)

    async def line(self, refs: list[Ref]) -> None:
        """Relate each to the next one."""
        for start, end in pairwise(refs):
            await self.relate(start, end)

    async def from_(self, start: Ref, client: Client | None = None) -> list[Any]:
        """Return the relations from an entity."""
        answer = await (client or self.admin).get(f"/api/relations?{query('from', start)}")
        assert answer.status_code == 200, answer.text
        found: list[Any] = answer.json()
        return found


def query(name: str, ref: Ref) -> str:
    """Return the query parameters that name an end, as ``fromId`` and ``fromType``."""
    return f"{name}Id={ref['id']}&{name}Type={ref['entityType']}"


def key(start: Ref, end: Ref, kind: str = "Contains") -> str:
    """Return the query parameters that name a relation."""
    return f"{query('from', start)}&{query('to', end)}&relationType={kind}"


def ends(relations: list[Any]) -> set[tuple[str, str]]:
    """Return the ids of the ends of relations of ThingsBoard's dialect."""
    return {(each["from"]["id"], each["to"]["id"]) for each in relations}


def found(answer: httpx.Response) -> list[Any]:
    assert answer.status_code == 200, answer.text
    body: list[Any] = answer.json()
    return body


@asynccontextmanager
async def make_world(database_url: str) -> AsyncIterator[World]:
    async with running(database_url, seeders=SEEDERS) as platform:
        world = World(platform, await platform.tenant(), await platform.tenant())
        platform.bus.listen(RelationActed, world.acts.append)
        yield world
