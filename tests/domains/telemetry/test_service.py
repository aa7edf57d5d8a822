"""Whose telemetry may be read and written, and what happens when the store is slow."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from uuid import uuid4

import pytest

from fieldline.database.engine import Database
from fieldline.domains.device_profile import service as device_profile_service
from fieldline.domains.telemetry import completion
from fieldline.domains.tenant_profile import service as tenant_profile_service
from fieldline.kit.clock import ManualClock
from fieldline.kit.errors import Forbidden, Invalid, NotFound, Unavailable
from fieldline.kit.ids import EntityRef, EntityType
from fieldline.messaging.events import AttributesSaved, KeysDeleted, ReadingsSaved
from fieldline.security.caller import Caller
from fieldline.timeseries.backends.memory import MemoryStore
from fieldline.timeseries.store import Deletion, Scope, WriteBatch, WriteResult
from fieldline.timeseries.writer import WriterLimits
from tests.domains.telemetry.platform import Platform, running_platform
from tests.people import SYS_ADMIN
from tests.waiting import until


@pytest.fixture
async def database(sqlite_url: str) -> AsyncIterator[Database]:
    database = Database(sqlite_url)
    yield database
    await database.close()


@pytest.fixture
async def platform(database: Database, clock: ManualClock) -> AsyncIterator[Platform]:
    async with running_platform(database, clock) as platform:
        yield platform


def tenant_of(caller: Caller) -> EntityRef:
    assert caller.tenant_id is not None
    return EntityRef(EntityType.TENANT, caller.tenant_id)


async def test_a_tenants_attributes_belong_to_its_administrator_and_the_system(
    platform: Platform,
) -> None:
    tenant = tenant_of(platform.admin)

    for caller in (platform.admin, SYS_ADMIN):
        await platform.telemetry.save_attributes(caller, tenant, Scope.SERVER, {"a": 1})
        found = await platform.telemetry.attributes(caller, tenant, [Scope.SERVER])
        assert [item.key for item in found[Scope.SERVER]] == ["a"]
    for caller in (platform.stranger, platform.customer_user):
        with pytest.raises(Forbidden):
            await platform.telemetry.attributes(caller, tenant)


async def test_a_customer_user_reads_its_customer_and_does_not_write_it(
    platform: Platform,
) -> None:
    customer = EntityRef(EntityType.CUSTOMER, platform.customer_id)

    await platform.telemetry.save_readings(platform.admin, customer, [(1, {"a": 1})])

    assert await platform.telemetry.keys(platform.customer_user, customer) == ["a"]
    with pytest.raises(Forbidden):
        await platform.telemetry.save_readings(platform.customer_user, customer, [(1, {"a": 1})])


async def test_a_customer_user_sees_no_telemetry_of_profiles(platform: Platform) -> None:
    async with platform.services.database.read() as session:
        profile = await device_profile_service.get_default(session, platform.admin)
    ref = EntityRef(EntityType.DEVICE_PROFILE, profile.id)

    assert await platform.telemetry.keys(platform.admin, ref) == []
    with pytest.raises(Forbidden):
        await platform.telemetry.keys(platform.customer_user, ref)


@pytest.mark.parametrize("kind", [EntityType.DEVICE, EntityType.CUSTOMER, EntityType.USER])
async def test_what_is_not_there_is_named_in_words(platform: Platform, kind: EntityType) -> None:
    with pytest.raises(NotFound, match=f"{kind.value.capitalize()} with requested id"):
        await platform.telemetry.keys(platform.admin, EntityRef(kind, uuid4()))


async def test_things_of_the_system_are_not_written(platform: Platform) -> None:
    async with platform.services.database.read() as session:
        profile = await tenant_profile_service.get_default(session)
    ref = EntityRef(EntityType.TENANT_PROFILE, profile.id)

    with pytest.raises(Invalid):
        await platform.telemetry.save_readings(SYS_ADMIN, ref, [(1, {"a": 1})])


async def test_what_is_stored_and_deleted_is_told(platform: Platform) -> None:
    told: list[object] = []
    for kind in (ReadingsSaved, AttributesSaved, KeysDeleted):
        platform.services.bus.listen(kind, told.append)
    device, admin = platform.device, platform.admin

    await platform.telemetry.save_readings(admin, device, [(5, {"a": 1})])
    await platform.telemetry.save_attributes(admin, device, Scope.SHARED, {"b": 2})
    await platform.telemetry.delete_attributes(admin, device, Scope.SHARED, ["b", "none"])
    await platform.telemetry.delete_readings(admin, device, Deletion(device.id, ("a",)))

    assert admin.tenant_id is not None
    now = platform.clock.now_ms()
    assert told == [
        ReadingsSaved([(admin.tenant_id, device, 5, {"a": 1})]),
        AttributesSaved(admin.tenant_id, device, "SHARED_SCOPE", now, {"b": 2}),
        KeysDeleted(admin.tenant_id, device, "SHARED_SCOPE", ("b",)),
        KeysDeleted(admin.tenant_id, device, None, ("a",)),
    ]


async def test_a_latest_value_that_is_rewritten_is_not_told_as_deleted(platform: Platform) -> None:
    told: list[KeysDeleted] = []
    platform.services.bus.listen(KeysDeleted, told.append)
    device, admin = platform.device, platform.admin
    await platform.telemetry.save_readings(admin, device, [(1, {"a": 1}), (5, {"a": 2})])

    deletion = Deletion(device.id, ("a",), 3, 9)
    await platform.telemetry.delete_readings(admin, device, replace(deletion, rewrite_latest=True))

    assert told == []


class StuckStore(MemoryStore):
    """A store that takes nothing until it is let go."""

    def __init__(self) -> None:
        super().__init__()
        self.go_on = asyncio.Event()

    async def write(self, batch: WriteBatch) -> WriteResult:
        await self.go_on.wait()
        return await super().write(batch)


async def test_a_full_writer_refuses_more_and_loses_nothing(
    database: Database, clock: ManualClock
) -> None:
    store = StuckStore()
    limits = WriterLimits(max_pending_rows=1)
    async with running_platform(database, clock, store=store, writer_limits=limits) as platform:
        save = platform.telemetry.save_readings
        first = asyncio.create_task(save(platform.admin, platform.device, [(1, {"a": 1})]))
        await until(lambda: platform.services.writer.is_full)

        with pytest.raises(Unavailable):
            await save(platform.admin, platform.device, [(2, {"a": 2})])
        async with platform.client(platform.admin) as client:
            path = f"/api/plugins/telemetry/DEVICE/{platform.device.id}/timeseries/ANY"
            refused = await client.post(path, json={"a": 2})

        store.go_on.set()
        await first
        found = await platform.telemetry.latest(platform.admin, platform.device)

    assert (refused.status_code, "retry-after" in refused.headers) == (503, True)
    assert found["a"] == (1, 1)


async def test_a_store_that_does_not_answer_is_told_in_time(
    database: Database, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(completion, "WRITE_TIMEOUT_S", 0.01)
    store = StuckStore()
    async with running_platform(database, clock, store=store) as platform:
        with pytest.raises(Unavailable, match="did not confirm"):
            await platform.telemetry.save_readings(platform.admin, platform.device, [(1, {"a": 1})])
        store.go_on.set()
