"""Tenant profiles in ThingsBoard's dialect; for system administrators."""

from uuid import UUID

from fieldline.domains.tenant_profile import service
from fieldline.domains.tenant_profile.schemas import (
    TenantProfile,
    TenantProfileInfo,
    TenantProfileSave,
)
from fieldline.rest.callers import SysAdmin
from fieldline.rest.dialects import tb_router
from fieldline.rest.paging import PageData, TbPage
from fieldline.rest.parameters import IdList
from fieldline.rest.sessions import ReadSession, WriteSession

router = tb_router("tenant-profile")


@router.get("/tenantProfile/{tenant_profile_id}")
async def get_tenant_profile(
    tenant_profile_id: UUID, caller: SysAdmin, session: ReadSession
) -> TenantProfile:
    """Return one profile."""
    found = await service.get(session, caller, tenant_profile_id)
    return TenantProfile.model_validate(found)


@router.get("/tenantProfileInfo/default")
async def get_default_info(caller: SysAdmin, session: ReadSession) -> TenantProfileInfo:  # noqa: ARG001
    """Return id and name of the default profile."""
    return TenantProfileInfo.model_validate(await service.get_default(session))


@router.get("/tenantProfileInfo/{tenant_profile_id}")
async def get_tenant_profile_info(
    tenant_profile_id: UUID, caller: SysAdmin, session: ReadSession
) -> TenantProfileInfo:
    """Return id and name of one profile."""
    found = await service.get(session, caller, tenant_profile_id)
    return TenantProfileInfo.model_validate(found)


@router.post("/tenantProfile")
async def save_tenant_profile(
    body: TenantProfileSave, caller: SysAdmin, session: WriteSession
) -> TenantProfile:
    """Create a profile or, with an id, replace it; ``default`` is set by its own call."""
    fields = service.TenantProfileFields(
        name=body.name,
        description=body.description,
        isolated_tb_rule_engine=body.isolated_tb_rule_engine,
        profile_data=body.profile_data,
    )
    if body.id is None:
        saved = await service.create(session, caller, fields)
    else:
        saved = await service.update(session, caller, body.id, fields)
    return TenantProfile.model_validate(saved)


@router.delete("/tenantProfile/{tenant_profile_id}")
async def delete_tenant_profile(
    tenant_profile_id: UUID, caller: SysAdmin, session: WriteSession
) -> None:
    """Delete a profile that no tenant has."""
    await service.delete(session, caller, tenant_profile_id)


@router.post("/tenantProfile/{tenant_profile_id}/default")
async def set_default_tenant_profile(
    tenant_profile_id: UUID, caller: SysAdmin, session: WriteSession
) -> TenantProfile:
    """Make it the profile of new tenants."""
    saved = await service.set_default(session, caller, tenant_profile_id)
    return TenantProfile.model_validate(saved)


@router.get("/tenantProfiles")
async def list_tenant_profiles(
    page: TbPage, caller: SysAdmin, session: ReadSession
) -> PageData[TenantProfile]:
    """List profiles."""
    found = await service.page(session, caller, page)
    return PageData.of(found.map(TenantProfile.model_validate), page)


@router.get("/tenantProfileInfos")
async def list_tenant_profile_infos(
    page: TbPage, caller: SysAdmin, session: ReadSession
) -> PageData[TenantProfileInfo]:
    """List ids and names of profiles."""
    found = await service.page(session, caller, page)
    return PageData.of(found.map(TenantProfileInfo.model_validate), page)


@router.get("/tenantProfiles", include_in_schema=False)
@router.get("/tenantProfiles/list")
async def list_tenant_profiles_by_ids(
    ids: IdList, caller: SysAdmin, session: ReadSession
) -> list[TenantProfile]:
    """List the profiles of these ids; missing ones are left out."""
    found = await service.by_ids(session, caller, ids)
    return [TenantProfile.model_validate(item) for item in found]
