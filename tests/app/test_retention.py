"""What is older than the settings allow is deleted, and nothing else."""

import asyncio

import pytest

from fieldline.app import retention
from fieldline.app.retention import Aging, Retention, audit_logs
from fieldline.database.base import now_ms
from fieldline.database.engine import Database
from fieldline.domains.audit_log.actions import Action
from fieldline.domains.audit_log.filters import AuditLogFilter
from fieldline.domains.audit_log.service import Deed, record
from fieldline.domains.audit_log.service import page as page_of
from fieldline.kit.actor import Actor
from fieldline.kit.clock import ManualClock
from fieldline.kit.ids import EntityRef, EntityType, new_id
from fieldline.kit.paging import PageRequest
from tests.people import SYS_ADMIN

DAYS_30_MS = 30 * retention.DAY_MS


async def add(database: Database, count: int) -> None:
    entity = EntityRef(EntityType.CUSTOMER, new_id())
    async with database.write() as session:
        for _ in range(count):
            await record(session, Actor(new_id(), "a@example.org"), Deed(Action.ADDED, entity))


async def kept(database: Database) -> int:
    async with database.read() as session:
        found = await page_of(session, SYS_ADMIN, AuditLogFilter(), PageRequest())
    return found.total


async def test_old_records_of_the_audit_log_go_in_batches(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "BATCH_RECORDS", 2)
    monkeypatch.setattr(retention, "PAUSE_S", 0.0)
    await add(database, 5)
    aging = audit_logs(database, 30)
    made_ms = now_ms()

    young = ManualClock(made_ms + DAYS_30_MS - 60_000)
    assert await Retention(young, aging).expire(aging) == 0
    old = ManualClock(made_ms + DAYS_30_MS + 60_000)
    assert await Retention(old, aging).expire(aging) == 5
    assert await kept(database) == 0


@pytest.mark.parametrize(("days", "is_asked"), [(0, False), (1, True)])
async def test_only_what_has_a_limit_is_looked_at(days: int, is_asked: bool) -> None:
    asked = asyncio.Event()

    async def expire(_before_ms: int) -> int:
        asked.set()
        return 0

    keeper = Retention(ManualClock(), Aging("things", "THINGS_TTL_DAYS", days, expire))
    keeper.start()
    for _ in range(5):
        await asyncio.sleep(0)
    await keeper.stop()

    assert asked.is_set() is is_asked
