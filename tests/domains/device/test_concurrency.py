"""Several change one device or need one new profile at a time: all succeed, on both databases.

Without a version the last change wins.
"""

import asyncio

from fieldline.domains.device import service
from fieldline.domains.device_credentials.content import check_content
from tests.domains.device.factory import World
from tests.people import VAULT

CHANGES = 8
CREATIONS = 24


async def test_changes_without_a_version_all_succeed(world: World) -> None:
    device = await world.device()

    await asyncio.gather(*(world.update(device.id, label=str(n)) for n in range(CHANGES)))

    async with world.database.read() as session:
        stored = await service.get(session, world.admin, device.id)
    assert stored.version == device.version + CHANGES


async def test_credentials_may_be_replaced_by_several(world: World) -> None:
    device = await world.device()

    async def replace(number: int) -> None:
        content = check_content("ACCESS_TOKEN", f"token-{number}", None)
        async with world.database.write() as session:
            await service.replace_credentials(session, world.admin, device.id, content, vault=VAULT)

    await asyncio.gather(*(replace(n) for n in range(CHANGES)))

    async with world.database.write() as session:
        stored = await service.get_credentials(session, world.admin, device.id, vault=VAULT)
    assert stored.credentials_id in {f"token-{n}" for n in range(CHANGES)}


async def test_a_new_type_may_be_used_by_many_at_once(world: World) -> None:
    made = await asyncio.gather(
        *(world.device(f"meter {n}", type="water") for n in range(CREATIONS))
    )

    assert {device.type for device in made} == {"water"}
    assert len({device.device_profile_id for device in made}) == 1
