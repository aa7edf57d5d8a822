"""What clients ask about features that are not there, through the real application."""

import pytest

from tests.api.support import Platform
from tests.domains.support import expect_error, on_sqlite

pytestmark = on_sqlite
"""No SQL runs."""
PAGE = "pageSize=10&page=0"
NOTHING = {"data": [], "totalPages": 0, "totalElements": 0, "hasNext": False}
ASKED_BY_TENANTS = [
    ("/api/2fa/providers", []),
    ("/api/admin/repositorySettings/info", {"configured": False, "readOnly": None}),
    ("/api/admin/repositorySettings/exists", False),
    ("/api/admin/autoCommitSettings/exists", False),
    ("/api/trendz/settings", {"enabled": False, "baseUrl": None, "apiKey": None}),
    (f"/api/iot-hub/installedItems?{PAGE}", NOTHING),
    ("/api/iot-hub/installedItems/count", 0),
    ("/api/iot-hub/installedItems/itemIds", []),
    ("/api/iot-hub/installedItems/counts?itemType=WIDGET", {}),
    (f"/api/oauth2/client/infos?{PAGE}", NOTHING),
    (f"/api/mobile/bundle/infos?{PAGE}", NOTHING),
    (f"/api/mobile/app?{PAGE}", NOTHING),
    (f"/api/queueStats?{PAGE}", NOTHING),
]


@pytest.mark.parametrize(("path", "expected"), ASKED_BY_TENANTS)
async def test_a_tenant_administrator_is_told_that_there_is_none(
    platform: Platform, path: str, expected: object
) -> None:
    answer = await (await platform.tenant()).admin.get(path)

    assert answer.status_code == 200
    assert answer.json() == expected


async def test_nobody_has_a_second_factor(platform: Platform) -> None:
    answer = await (await platform.sysadmin()).get("/api/2fa/account/settings")

    assert (answer.status_code, answer.content) == (200, b"")


async def test_there_are_no_domains(platform: Platform) -> None:
    sysadmin, tenant = await platform.sysadmin(), await platform.tenant()

    assert (await sysadmin.get(f"/api/domain/infos?{PAGE}")).json() == NOTHING
    expect_error(await tenant.admin.get(f"/api/domain/infos?{PAGE}"), 403, 20)


async def test_the_log_in_page_offers_nothing_else(platform: Platform) -> None:
    logins = await platform.anybody.post("/api/noauth/oauth2Clients?platform=WEB")
    mobile = await platform.anybody.get("/api/noauth/mobile?pkgName=org.x&platform=ANDROID")

    assert logins.json() == []
    assert mobile.json() == {
        "oAuth2ClientLoginInfos": [],
        "storeInfo": None,
        "versionInfo": None,
    }
    expect_error(await platform.anybody.get("/api/noauth/mobile?pkgName=org.x"), 400, 31)
