"""A page of devices with the names of customer and profile is one statement."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import event

from fieldline.database.engine import Database
from tests.api.support import Platform, created


@contextmanager
def statements(database: Database) -> Iterator[list[str]]:
    """Collect what is sent to the database, but for what begins and ends transactions."""
    seen: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        if not statement.startswith(("BEGIN", "COMMIT", "ROLLBACK")):
            seen.append(statement)

    event.listen(database.engine.sync_engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(database.engine.sync_engine, "before_cursor_execute", note)


@pytest.mark.parametrize(
    "path",
    [
        "/api/tenant/deviceInfos?pageSize=100&page=0&sortProperty=createdTime&sortOrder=DESC",
        "/api/v1/devices?limit=100",
    ],
)
async def test_a_page_of_devices_is_one_statement(platform: Platform, path: str) -> None:
    tenant = await platform.tenant()
    body = {"customerId": {"entityType": "CUSTOMER", "id": str(tenant.customer_id)}}
    for number in range(3):
        await created(tenant.admin, "/api/device", {"name": f"device {number}", **body})

    with statements(platform.services.database) as seen:
        answer = await tenant.admin.get(path)

    assert answer.status_code == 200
    assert len(seen) == 1
    assert seen[0].startswith("SELECT")
