"""Which rule chain an asset's messages enter follows every change, on both databases."""

from collections.abc import AsyncIterator

import pytest

from fieldline.domains.asset import service as asset_service
from fieldline.domains.asset_profile import service as profile_service
from fieldline.domains.profile.chains import ChainDirectory, Target
from fieldline.domains.rule_chain import service as rule_chain_service
from fieldline.kit.ids import EntityType, new_id
from tests.domains.device.factory import World, make_world

ASSET, PROFILE = EntityType.ASSET, EntityType.ASSET_PROFILE
ROOT = Target(None)


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[World]:
    async with make_world(database_url) as world:
        yield world


@pytest.fixture
async def chains(world: World) -> AsyncIterator[ChainDirectory]:
    directory = ChainDirectory(
        world.database, world.bus, asset_service.rule_chains, kind=ASSET, profile_kind=PROFILE
    )
    yield directory
    await directory.close()


async def test_it_follows_the_profile_and_the_asset(world: World, chains: ChainDirectory) -> None:
    async with world.database.write() as session:
        chain = await rule_chain_service.create(session, world.admin, {"name": "of towers"})
        asset = await asset_service.create(session, world.admin, {"name": "a", "type": "hall"})
        tower = await profile_service.create(
            session, world.admin, {"name": "tower", "default_rule_chain_id": chain.id}
        )
    before = await chains.by_id(asset.id)

    async with world.database.write() as session:
        await profile_service.update(
            session, world.admin, asset.asset_profile_id, {"default_rule_chain_id": chain.id}
        )
    of_hall = await chains.by_id(asset.id)
    async with world.database.write() as session:
        await profile_service.update(
            session, world.admin, asset.asset_profile_id, {"default_rule_chain_id": None}
        )
    again = await chains.by_id(asset.id)
    async with world.database.write() as session:
        await asset_service.update(session, world.admin, asset.id, {"asset_profile_id": tower.id})
    of_tower = await chains.by_id(asset.id)

    assert (before, of_hall, again, of_tower) == (ROOT, Target(chain.id), ROOT, Target(chain.id))
    assert chains.cached_by_id(asset.id) == of_tower


async def test_a_deleted_asset_is_forgotten(world: World, chains: ChainDirectory) -> None:
    async with world.database.write() as session:
        asset = await asset_service.create(session, world.admin, {"name": "a"})
    assert await chains.by_id(asset.id) == ROOT

    async with world.database.write() as session:
        await asset_service.delete(session, world.admin, asset.id)

    assert chains.cached_by_id(asset.id) is None
    assert await chains.by_id(asset.id) is None


async def test_profiles_have_the_chain_that_they_name(world: World) -> None:
    directory = ChainDirectory(
        world.database, world.bus, profile_service.rule_chains, kind=PROFILE, profile_kind=PROFILE
    )
    async with world.database.write() as session:
        chain = await rule_chain_service.create(session, world.admin, {"name": "of towers"})
        fields = {"name": "tower", "default_rule_chain_id": chain.id}
        tower = await profile_service.create(session, world.admin, fields)
        default = await profile_service.get_default(session, world.admin)

    found = [await directory.by_id(each) for each in (tower.id, default.id, new_id())]
    async with world.database.write() as session:
        await profile_service.update(
            session, world.admin, tower.id, {"default_rule_chain_id": None}
        )

    assert found == [Target(chain.id), ROOT, None]
    assert await directory.by_id(tower.id) == ROOT
    await directory.close()
