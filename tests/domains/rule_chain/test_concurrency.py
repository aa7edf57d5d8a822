"""Several change one chain at a time: without a version the last one wins, on both databases."""

import asyncio

from fieldline.database.engine import Database
from fieldline.domains.rule_chain import service
from tests.people import make_tenant

CHANGES = 8


async def test_changes_without_a_version_all_succeed(database: Database) -> None:
    admin = await make_tenant(database, "Plant")
    async with database.write() as session:
        chain = await service.create(session, admin, {"name": "chain"})

    async def rename(number: int) -> None:
        async with database.write() as session:
            await service.update(session, admin, chain.id, {"name": f"chain {number}"})

    await asyncio.gather(*(rename(n) for n in range(CHANGES)))

    async with database.read() as session:
        stored = await service.get(session, admin, chain.id)
    assert stored.version == chain.version + CHANGES
