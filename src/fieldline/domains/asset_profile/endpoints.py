"""Asset profiles in ThingsBoard's dialect."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query

from fieldline.domains.asset_profile import service
from fieldline.domains.asset_profile.schemas import (
    AssetProfile,
    AssetProfileInfo,
    AssetProfileName,
    AssetProfileSave,
)
from fieldline.rest.callers import TenantAdmin, TenantOrCustomer
from fieldline.rest.dialects import tb_router
from fieldline.rest.paging import PageData, TbPage
from fieldline.rest.parameters import id_list
from fieldline.rest.sessions import ReadSession, WriteSession
from fieldline.rest.wire import values_of

router = tb_router("asset-profile")
ProfileIds = Annotated[list[UUID], Depends(id_list("assetProfileIds"))]


@router.get("/assetProfile/names")
async def list_asset_profile_names(
    caller: TenantOrCustomer,
    session: ReadSession,
    active_only: Annotated[bool, Query(alias="activeOnly")] = False,
) -> list[AssetProfileName]:
    """List id and name of every profile, or of those that assets use."""
    found = await service.names(session, caller, active_only=active_only)
    return [AssetProfileName(id=profile_id, name=name) for profile_id, name in found]


@router.get("/assetProfile/{profile_id}")
async def get_asset_profile(
    profile_id: UUID, caller: TenantAdmin, session: ReadSession
) -> AssetProfile:
    """Return one profile."""
    return AssetProfile.model_validate(await service.get(session, caller, profile_id))


@router.get("/assetProfileInfo/default")
async def get_default_asset_profile_info(
    caller: TenantOrCustomer, session: WriteSession
) -> AssetProfileInfo:
    """Return what choosers show of the default profile, which is made where there is none."""
    return AssetProfileInfo.model_validate(await service.get_default(session, caller))


@router.get("/assetProfileInfo/{profile_id}")
async def get_asset_profile_info(
    profile_id: UUID, caller: TenantOrCustomer, session: ReadSession
) -> AssetProfileInfo:
    """Return what choosers show of one profile."""
    return AssetProfileInfo.model_validate(await service.get(session, caller, profile_id))


@router.post("/assetProfile")
async def save_asset_profile(
    body: AssetProfileSave, caller: TenantAdmin, session: WriteSession
) -> AssetProfile:
    """Create a profile or, with an id, replace it; a new name is given to its assets as type."""
    fields = values_of(body, "id", "version")
    if body.id is None:
        saved = await service.create(session, caller, fields)
    else:
        saved = await service.update(session, caller, body.id, fields, version=body.version)
    return AssetProfile.model_validate(saved)


@router.delete("/assetProfile/{profile_id}")
async def delete_asset_profile(
    profile_id: UUID, caller: TenantAdmin, session: WriteSession
) -> None:
    """Delete a profile that is not the default one and that no asset uses."""
    await service.delete(session, caller, profile_id)


@router.post("/assetProfile/{profile_id}/default")
async def set_default_asset_profile(
    profile_id: UUID, caller: TenantAdmin, session: WriteSession
) -> AssetProfile:
    """Make it the profile of assets that name none."""
    return AssetProfile.model_validate(await service.set_default(session, caller, profile_id))


@router.get("/assetProfiles")
async def list_asset_profiles(
    page: TbPage, caller: TenantAdmin, session: ReadSession
) -> PageData[AssetProfile]:
    """List profiles."""
    found = await service.page(session, caller, page)
    return PageData.of(found.map(AssetProfile.model_validate), page)


@router.get("/assetProfileInfos")
async def list_asset_profile_infos(
    page: TbPage, caller: TenantOrCustomer, session: ReadSession
) -> PageData[AssetProfileInfo]:
    """List what choosers show of profiles."""
    found = await service.page(session, caller, page)
    return PageData.of(found.map(AssetProfileInfo.model_validate), page)


@router.get("/assetProfileInfos", include_in_schema=False)
@router.get("/assetProfileInfos/list")
async def list_asset_profile_infos_by_ids(
    ids: ProfileIds, caller: TenantAdmin, session: ReadSession
) -> list[AssetProfileInfo]:
    """List what choosers show of the profiles of these ids; missing ones are left out."""
    found = await service.by_ids(session, caller, ids)
    return [AssetProfileInfo.model_validate(item) for item in found]
