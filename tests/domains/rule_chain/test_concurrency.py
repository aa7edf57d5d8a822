"""Several change or make chains at a time, on both databases."""

import asyncio

from fieldline.database.engine import Database
from fieldline.domains.rule_chain import metadata, service
from fieldline.domains.tenant import service as tenant_service
from fieldline.domains.tenant_profile import service as tenant_profile_service
from fieldline.kit.errors import LimitReached
from fieldline.security.caller import Authority, Caller
from tests.people import SYS_ADMIN, make_tenant

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


async def test_a_profile_limits_the_number_of_chains(database: Database) -> None:
    data = {"configuration": {"maxRuleChains": 3}}
    async with database.write() as session:
        await tenant_profile_service.seed(session)
        profile = await tenant_profile_service.create(
            session, SYS_ADMIN, {"name": "small", "profile_data": data}
        )
        tenant = await tenant_service.create(
            session,
            SYS_ADMIN,
            {"title": "Small", "tenant_profile_id": profile.id},
            seeders=[metadata.seed],
        )
    admin = Caller(SYS_ADMIN.user_id, Authority.TENANT_ADMIN, tenant.id)

    async def make(number: int) -> str:
        try:
            async with database.write() as session:
                if number % 2:
                    await metadata.create_default(session, admin, f"chain {number}")
                else:
                    await service.create(session, admin, {"name": f"chain {number}"})
        except LimitReached as error:
            return error.message
        return "made"

    found = await asyncio.gather(*(make(n) for n in range(6)))

    assert sorted(found) == [*["Rule chains limit reached"] * 4, "made", "made"]
