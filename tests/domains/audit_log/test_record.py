"""What users do is recorded in the transaction of the deed."""

from sqlalchemy import select

from fieldline.database.engine import Database
from fieldline.domains.audit_log.models import AuditLog
from tests.api.support import Platform, created


async def _records(database: Database) -> list[AuditLog]:
    async with database.read() as session:
        return list(await session.scalars(select(AuditLog).order_by(AuditLog.id)))


async def test_creating_a_customer_is_recorded_with_its_content(platform: Platform) -> None:
    tenant = await platform.tenant()

    made = await created(tenant.admin, "/api/customer", {"title": "Acme"})

    (record,) = [
        item for item in await _records(platform.services.database) if item.entity_name == "Acme"
    ]
    assert record.action_type == "ADDED"
    assert record.tenant_id == tenant.id
    assert str(record.entity_id) == made["id"]["id"]
    assert record.action_status == "SUCCESS"
    assert record.action_data is not None
    assert record.action_data["entity"]["title"] == "Acme"


async def test_what_was_refused_leaves_no_record(platform: Platform) -> None:
    tenant = await platform.tenant()
    before = len(await _records(platform.services.database))

    answer = await tenant.admin.post("/api/customer", json={"title": "Customer A"})

    assert answer.status_code == 400
    assert len(await _records(platform.services.database)) == before


async def test_what_the_platform_does_itself_is_not_recorded(platform: Platform) -> None:
    names = {item.user_name for item in await _records(platform.services.database)}

    assert names == set()
