"""Notifications, of which there are none, through the real application."""

from uuid import uuid4

from tests.api.support import Platform
from tests.domains.support import expect_error, on_sqlite

pytestmark = on_sqlite
"""No SQL runs."""
NOTHING = {"data": [], "totalPages": 0, "totalElements": 0, "hasNext": False}


async def test_nobody_has_notifications(platform: Platform) -> None:
    tenant = await platform.tenant()

    for client in (await platform.sysadmin(), tenant.admin, tenant.customer_user):
        listed = await client.get("/api/notifications?pageSize=10&page=0&unreadOnly=true")
        count = await client.get("/api/notifications/unread/count?deliveryMethod=WEB")
        read = await client.put("/api/notifications/read")
        methods = await client.get("/api/notification/deliveryMethods")
        settings = await client.get("/api/notification/settings/user")

        assert listed.json() == NOTHING
        assert count.json() == 0
        assert (read.status_code, read.content) == (200, b"")
        assert methods.json() == []
        assert settings.json() == {"prefs": {}}


async def test_a_notification_that_is_named_is_not_found(platform: Platform) -> None:
    tenant, wanted = await platform.tenant(), uuid4()

    for method, path in (
        ("PUT", f"/api/notification/{wanted}/read"),
        ("DELETE", f"/api/notification/{wanted}"),
    ):
        answer = await tenant.admin.request(method, path)
        expect_error(answer, 404, 32, f"Notification with id [{wanted}] is not found")


async def test_bad_requests_are_refused(platform: Platform) -> None:
    tenant = await platform.tenant()

    for method, path in (
        ("GET", "/api/notifications?pageSize=0&page=0"),
        ("GET", "/api/notifications"),
        ("PUT", "/api/notification/nonsense/read"),
        ("DELETE", "/api/notification/nonsense"),
    ):
        expect_error(await tenant.admin.request(method, path), 400, 31)
