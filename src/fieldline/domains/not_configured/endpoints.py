"""What ThingsBoard's clients ask about features that are not there; see the package's text."""

from typing import Annotated, Any

from fastapi import Query
from starlette.responses import Response

from fieldline.kit.paging import Page
from fieldline.rest.callers import (
    AnyUser,
    SysAdmin,
    SysOrTenantAdmin,
    TenantAdmin,
    TenantOrCustomer,
    public,
)
from fieldline.rest.dialects import tb_router
from fieldline.rest.paging import PageData, TbPage

router = tb_router("not configured")
Nothing = PageData[dict[str, Any]]


@router.post("/noauth/oauth2Clients", dependencies=[public])
async def list_oauth2_logins() -> list[dict[str, str]]:
    """List the other log-ins that the log-in page offers: none."""
    return []


@router.get("/noauth/mobile", dependencies=[public])
async def get_mobile_login(
    _package: Annotated[str, Query(alias="pkgName")],
    _platform: Annotated[str, Query(alias="platform")],
) -> dict[str, Any]:
    """Return what a mobile application's log-in page offers: nothing, since none is known."""
    return {"oAuth2ClientLoginInfos": [], "storeInfo": None, "versionInfo": None}


@router.get("/2fa/providers")
async def list_two_factor_providers(_caller: AnyUser) -> list[str]:
    """List the ways to a second factor: none."""
    return []


@router.get("/2fa/account/settings")
async def get_two_factor_settings(_caller: AnyUser) -> Response:
    """Return the caller's second factors; empty, since there are none."""
    return Response()


@router.get("/admin/repositorySettings/info")
async def get_repository_info(_caller: TenantAdmin) -> dict[str, bool | None]:
    """Say that entities are kept in no Git repository."""
    return {"configured": False, "readOnly": None}


@router.get("/admin/repositorySettings/exists")
async def has_repository(_caller: TenantAdmin) -> bool:
    """Say that entities are kept in no Git repository."""
    return False


@router.get("/admin/autoCommitSettings/exists")
async def has_auto_commit(_caller: TenantAdmin) -> bool:
    """Say that no change is committed to a Git repository."""
    return False


@router.get("/trendz/settings")
async def get_trendz_settings(_caller: TenantOrCustomer) -> dict[str, bool | str | None]:
    """Say that no Trendz is connected."""
    return {"enabled": False, "baseUrl": None, "apiKey": None}


@router.get("/iot-hub/installedItems")
async def list_hub_items(page: TbPage, _caller: TenantAdmin) -> Nothing:
    """List what was installed from ThingsBoard's hub: nothing."""
    return _nothing(page)


@router.get("/iot-hub/installedItems/count")
async def count_hub_items(_caller: TenantAdmin) -> int:
    """Count what was installed from ThingsBoard's hub: nothing."""
    return 0


@router.get("/iot-hub/installedItems/itemIds")
async def list_hub_item_ids(_caller: TenantAdmin) -> list[str]:
    """List what was installed from ThingsBoard's hub: nothing."""
    return []


@router.get("/iot-hub/installedItems/counts")
async def count_hub_items_by_id(
    _kinds: Annotated[list[str], Query(alias="itemType")], _caller: TenantAdmin
) -> dict[str, int]:
    """Count how often items of the hub were installed: none was."""
    return {}


@router.get("/domain/infos")
async def list_domains(page: TbPage, _caller: SysAdmin) -> Nothing:
    """List the domains with a log-in of their own: none."""
    return _nothing(page)


@router.get("/oauth2/client/infos")
async def list_oauth2_clients(page: TbPage, _caller: SysOrTenantAdmin) -> Nothing:
    """List the OAuth 2 providers that people log in by: none."""
    return _nothing(page)


@router.get("/mobile/bundle/infos")
async def list_mobile_bundles(page: TbPage, _caller: SysOrTenantAdmin) -> Nothing:
    """List the bundles of mobile applications: none."""
    return _nothing(page)


@router.get("/mobile/app")
async def list_mobile_apps(page: TbPage, _caller: SysOrTenantAdmin) -> Nothing:
    """List the mobile applications: none."""
    return _nothing(page)


@router.get("/queueStats")
async def list_queue_statistics(page: TbPage, _caller: SysOrTenantAdmin) -> Nothing:
    """List the statistics of queues: none are kept."""
    return _nothing(page)


def _nothing(page: TbPage) -> Nothing:
    return PageData.of(Page([], 0), page)
