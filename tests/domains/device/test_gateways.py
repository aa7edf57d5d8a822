"""Gateways: how many of their devices are active, and what older devices are taken for."""

import importlib
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import text

from fieldline.database import migrations
from fieldline.database.engine import Database
from fieldline.domains.device import gateways
from fieldline.domains.device import service as device_service
from fieldline.domains.device.lists import DeviceCount, DeviceFilter
from fieldline.kit.clock import ManualClock
from fieldline.kit.ids import EntityRef, EntityType
from fieldline.kit.paging import PageRequest
from fieldline.timeseries.store import Scope
from tests.domains.telemetry.platform import Platform, running_platform, store_of


@pytest.fixture
async def platform(database: Database, clock: ManualClock) -> AsyncIterator[Platform]:
    async with running_platform(database, clock, store=store_of(database, clock)) as platform:
        yield platform


async def make_gateway(platform: Platform, *devices: EntityRef) -> UUID:
    services = platform.services
    async with services.database.write() as session:
        made = await gateways.create(
            session, platform.admin, {"name": "gate"}, vault=services.vault
        )
        gateway_id = made.listed.thing.id
        for each in devices:
            await gateways.attach(session, platform.admin, gateway_id, each.id)
    return gateway_id


async def activate(platform: Platform, entity: EntityRef) -> None:
    values = {"active": True}
    await platform.telemetry.save_attributes(platform.admin, entity, Scope.SERVER, values)


async def test_active_devices_are_counted(platform: Platform) -> None:
    gateway_id = await make_gateway(platform, platform.device, platform.customer_device)
    await activate(platform, platform.device)
    await activate(platform, EntityRef(EntityType.DEVICE, gateway_id))

    async with platform.services.database.read() as session:
        found = await gateways.get(session, platform.admin, gateway_id)
        listed = await gateways.page(session, platform.admin, PageRequest(), DeviceFilter())

    assert found.listed.is_active
    assert found.connected == DeviceCount(devices=2, active=1)
    assert listed.items == [found]


async def test_devices_from_before_are_gateways_and_attached_by_what_they_say(
    platform: Platform,
) -> None:
    gateway_id = await make_gateway(platform, platform.device)
    database = platform.services.database
    (path,) = Path(migrations.__path__[0]).glob("versions/*_entity_views_and_gateways.py")
    migration = importlib.import_module(f"{migrations.__name__}.versions.{path.stem}")

    async with database.write() as session:
        await session.execute(text("UPDATE device SET is_gateway = false, gateway_id = NULL"))
        connection = await session.connection()
        await connection.run_sync(migration._fill_from_additional_info)
    async with database.read() as session:
        gateway = await device_service.get(session, platform.admin, gateway_id)
        attached = await device_service.get(session, platform.admin, platform.device.id)
        other = await device_service.get(session, platform.admin, platform.customer_device.id)

    assert (gateway.is_gateway, gateway.gateway_id) == (True, None)
    assert (attached.is_gateway, attached.gateway_id) == (False, gateway_id)
    assert (other.is_gateway, other.gateway_id) == (False, None)
