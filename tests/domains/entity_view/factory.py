"""A platform with a real store, and views of its first device."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from fieldline.database.engine import Database
from fieldline.domains.entity_view import saving
from fieldline.domains.entity_view.schemas import AttributeKeys, ViewKeys
from fieldline.kit.clock import ManualClock
from fieldline.kit.ids import EntityRef, EntityType
from tests.domains.telemetry.platform import Platform, running_platform, store_of


@asynccontextmanager
async def stored_platform(database: Database, clock: ManualClock) -> AsyncIterator[Platform]:
    async with running_platform(database, clock, store=store_of(database, clock)) as platform:
        yield platform


def keys(timeseries: Sequence[str] = (), **attributes: list[str]) -> ViewKeys:
    return ViewKeys(timeseries=list(timeseries), attributes=AttributeKeys(**attributes))


async def make_view(platform: Platform, name: str = "view", **fields: Any) -> EntityRef:
    """Make a view of the platform's first device, for its customer."""
    given: Any = {
        "name": name,
        "type": "part",
        "target": platform.device,
        "customer_id": platform.customer_id,
        **fields,
    }
    view = await saving.create(platform.services, platform.admin, given)
    return EntityRef(EntityType.ENTITY_VIEW, view.id)


async def change(platform: Platform, view: EntityRef, **fields: Any) -> None:
    given: Any = fields
    await saving.update(platform.services, platform.admin, view.id, given)


async def save(platform: Platform, ts_ms: int, **values: Any) -> None:
    """Store readings of the device."""
    await platform.telemetry.save_readings(platform.admin, platform.device, [(ts_ms, values)])
