"""The migration that brings assets: tenants get what they lack, alarms stay as they are."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from alembic import command
from sqlalchemy import Connection, text

from fieldline.database.engine import Database
from fieldline.database.migrate import make_config, upgrade

BEFORE = "0003"
ROWS = """
INSERT INTO tenant_profile (id, name, is_default, isolated_tb_rule_engine, profile_data,
    created_time, version) VALUES (:id, 'Default', 1, 0, '{}', 1, 1);
INSERT INTO tenant (id, title, tenant_profile_id, created_time, version, isolated_tb_core,
    isolated_tb_rule_engine) VALUES (:id, 'Farm', :id, 1, 1, 0, 0);
INSERT INTO alarm (id, created_time, version, tenant_id, originator_type, originator_id,
    type, severity, acknowledged, cleared, start_ts, end_ts, ack_ts, clear_ts, assign_ts,
    propagate, propagate_to_owner, propagate_to_tenant) VALUES (:id, 1, 1, :id, 'TENANT',
    :id, 'dark', 'MINOR', 0, 0, 1, 1, 0, 0, 0, 0, 0, 0)
"""
ID = b"\x01" * 16


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    """A database from before, with a tenant and an alarm."""
    database = Database(f"sqlite+aiosqlite:///{tmp_path}/old.db")
    async with database.write() as session:
        await (await session.connection()).run_sync(_upgrade_to, BEFORE)
    async with database.write() as session:
        for row in ROWS.split(";"):
            await session.execute(text(row), {"id": ID})
    yield database
    await database.close()


def _upgrade_to(connection: Connection, revision: str) -> None:
    config = make_config()
    config.attributes["connection"] = connection
    command.upgrade(config, revision)


async def test_a_tenant_gets_its_default_profile(database: Database) -> None:
    await upgrade(database)

    query = "SELECT title, name, is_default FROM asset_profile JOIN tenant t ON t.id = tenant_id"
    async with database.read() as session:
        found = (await session.execute(text(query))).all()
    assert [tuple(row) for row in found] == [("Farm", "default", 1)]


async def test_alarms_stay(database: Database) -> None:
    await upgrade(database)

    async with database.read() as session:
        found = (await session.execute(text("SELECT id, type, asset_id FROM alarm"))).all()
    assert [tuple(row) for row in found] == [(ID, "dark", None)]
