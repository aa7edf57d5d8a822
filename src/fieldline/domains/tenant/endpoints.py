"""Tenants in ThingsBoard's dialect."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends

from fieldline.domains.tenant import service
from fieldline.domains.tenant.schemas import Tenant, TenantInfo, TenantSave
from fieldline.rest.callers import SysAdmin, SysOrTenantAdmin
from fieldline.rest.dialects import tb_router
from fieldline.rest.paging import PageData, TbPage
from fieldline.rest.parameters import id_list
from fieldline.rest.services import ServicesDep
from fieldline.rest.sessions import ReadSession, WriteSession
from fieldline.rest.wire import values_of

router = tb_router("tenant")


@router.get("/tenant/{tenant_id}")
async def get_tenant(tenant_id: UUID, caller: SysOrTenantAdmin, session: ReadSession) -> Tenant:
    """Return one tenant; a tenant administrator sees the own one."""
    return Tenant.model_validate(await service.get(session, caller, tenant_id))


@router.get("/tenant/info/{tenant_id}")
async def get_tenant_info(
    tenant_id: UUID, caller: SysOrTenantAdmin, session: ReadSession
) -> TenantInfo:
    """Return one tenant with its profile's name."""
    tenant = await service.get(session, caller, tenant_id)
    names = await service.profile_names(session, [tenant])
    return _info(Tenant.model_validate(tenant), names)


@router.post("/tenant")
async def save_tenant(
    body: TenantSave, caller: SysAdmin, session: WriteSession, services: ServicesDep
) -> Tenant:
    """Create a tenant or, with an id, replace it; its region is always stored as Global."""
    fields: service.TenantFields = values_of(body, "id", "version")
    fields["region"] = service.GLOBAL
    if body.id is None:
        saved = await service.create(session, caller, fields, seeders=services.tenant_seeders)
    else:
        saved = await service.update(session, caller, body.id, fields, version=body.version)
    return Tenant.model_validate(saved)


@router.delete("/tenant/{tenant_id}")
async def delete_tenant(
    tenant_id: UUID, caller: SysOrTenantAdmin, session: WriteSession, services: ServicesDep
) -> None:
    """Delete a tenant with everything that belongs to it."""
    await service.delete(session, caller, tenant_id, tokens=services.tokens)


@router.get("/tenants")
async def list_tenants(page: TbPage, caller: SysAdmin, session: ReadSession) -> PageData[Tenant]:
    """List tenants."""
    found = await service.page(session, caller, page)
    return PageData.of(found.map(Tenant.model_validate), page)


@router.get("/tenantInfos")
async def list_tenant_infos(
    page: TbPage, caller: SysAdmin, session: ReadSession
) -> PageData[TenantInfo]:
    """List tenants with their profiles' names."""
    found = await service.page(session, caller, page)
    names = await service.profile_names(session, found.items)
    return PageData.of(found.map(lambda item: _info(Tenant.model_validate(item), names)), page)


@router.get("/tenants", include_in_schema=False)
@router.get("/tenants/list")
async def list_tenants_by_ids(
    ids: Annotated[list[UUID], Depends(id_list("tenantIds"))],
    caller: SysOrTenantAdmin,
    session: ReadSession,
) -> list[Tenant]:
    """List the tenants of these ids; missing and foreign ones are left out."""
    found = await service.by_ids(session, caller, ids)
    return [Tenant.model_validate(item) for item in found]


def _info(tenant: Tenant, profile_names: dict[UUID, str]) -> TenantInfo:
    name = profile_names.get(tenant.tenant_profile_id, "")
    return TenantInfo(**tenant.model_dump(exclude={"name"}), tenant_profile_name=name)
