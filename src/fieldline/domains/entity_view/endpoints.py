"""Entity views in ThingsBoard's dialect."""

from dataclasses import replace
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query

from fieldline.domains.entity_view import saving, service
from fieldline.domains.entity_view.fields import ViewFields
from fieldline.domains.entity_view.lists import ListedView, ViewFilter
from fieldline.domains.entity_view.schemas import (
    EntityView,
    EntityViewInfo,
    EntityViewSave,
    ViewSubtype,
)
from fieldline.kit.ids import EntityType
from fieldline.kit.paging import PageRequest
from fieldline.rest.callers import TenantAdmin, TenantOrCustomer
from fieldline.rest.dialects import tb_router
from fieldline.rest.paging import PageData, TbPage
from fieldline.rest.parameters import NamingQuery, id_list
from fieldline.rest.services import ServicesDep
from fieldline.rest.sessions import ReadSession, WriteSession
from fieldline.rest.wire import values_of
from fieldline.security.caller import Caller

router = tb_router("entity view")


async def _type_filter(kind: Annotated[str | None, Query(alias="type")] = None) -> ViewFilter:
    return ViewFilter(type=kind or None)


TypeFilter = Annotated[ViewFilter, Depends(_type_filter)]
ViewIds = Annotated[list[UUID], Depends(id_list("entityViewIds"))]


@router.get("/entityView/types")
async def list_entity_view_types(
    caller: TenantOrCustomer, session: ReadSession
) -> list[ViewSubtype]:
    """List the types that the caller's entity views have."""
    found = await service.types(session, caller)
    return [
        ViewSubtype(tenant_id=caller.tenant_id, entity_type=EntityType.ENTITY_VIEW, type=name)
        for name in found
    ]


@router.get("/entityView/info/{view_id}")
async def get_entity_view_info(
    view_id: UUID, caller: TenantOrCustomer, session: ReadSession
) -> EntityViewInfo:
    """Return one entity view with its customer's name."""
    return _shown_info(await service.get_info(session, caller, view_id))


@router.get("/entityView/{view_id}")
async def get_entity_view(
    view_id: UUID, caller: TenantOrCustomer, session: ReadSession
) -> EntityView:
    """Return one entity view."""
    return EntityView.model_validate(await service.get(session, caller, view_id))


@router.post("/entityView")
async def save_entity_view(
    body: EntityViewSave, caller: TenantOrCustomer, services: ServicesDep, naming: NamingQuery
) -> EntityView:
    """Create an entity view or, with an id, replace it; the listed attributes are copied."""
    fields = _fields(body)
    if body.id is None:
        saved = await saving.create(services, caller, fields, naming=naming)
    else:
        saved = await saving.update(services, caller, body.id, fields, version=body.version)
    return EntityView.model_validate(saved)


@router.delete("/entityView/{view_id}")
async def delete_entity_view(view_id: UUID, caller: TenantAdmin, session: WriteSession) -> None:
    """Delete an entity view; the entity that it shows stays as it is."""
    await service.delete(session, caller, view_id)


@router.post("/customer/public/entityView/{view_id}")
async def assign_entity_view_to_public(
    view_id: UUID, caller: TenantAdmin, session: WriteSession
) -> EntityView:
    """Make an entity view visible to everybody."""
    return EntityView.model_validate(await service.assign_to_public(session, caller, view_id))


@router.post("/customer/{customer_id}/entityView/{view_id}")
async def assign_entity_view(
    customer_id: UUID, view_id: UUID, caller: TenantAdmin, session: WriteSession
) -> EntityView:
    """Assign an entity view to a customer."""
    return EntityView.model_validate(await service.assign(session, caller, view_id, customer_id))


@router.delete("/customer/entityView/{view_id}")
async def unassign_entity_view(
    view_id: UUID, caller: TenantAdmin, session: WriteSession
) -> EntityView:
    """Take an entity view from its customer."""
    return EntityView.model_validate(await service.unassign(session, caller, view_id))


@router.get("/tenant/entityViews")
async def list_tenant_entity_views(
    page: TbPage, wanted: TypeFilter, caller: TenantAdmin, session: ReadSession
) -> PageData[EntityView]:
    """List the tenant's entity views."""
    return await _page(session, caller, page, wanted)


@router.get("/tenant/entityViews", include_in_schema=False)
@router.get("/tenant/entityView")
async def get_entity_view_by_name(
    name: Annotated[str, Query(alias="entityViewName")], caller: TenantAdmin, session: ReadSession
) -> EntityView:
    """Return the entity view of exactly this name."""
    return EntityView.model_validate(await service.get_by_name(session, caller, name))


@router.get("/tenant/entityViewInfos")
async def list_tenant_entity_view_infos(
    page: TbPage, wanted: TypeFilter, caller: TenantAdmin, session: ReadSession
) -> PageData[EntityViewInfo]:
    """List the tenant's entity views with their customers' names."""
    return await _info_page(session, caller, page, wanted)


@router.get("/customer/{customer_id}/entityViews")
async def list_customer_entity_views(
    customer_id: UUID,
    page: TbPage,
    wanted: TypeFilter,
    caller: TenantOrCustomer,
    session: ReadSession,
) -> PageData[EntityView]:
    """List a customer's entity views."""
    return await _page(session, caller, page, replace(wanted, customer_id=customer_id))


@router.get("/customer/{customer_id}/entityViewInfos")
async def list_customer_entity_view_infos(
    customer_id: UUID,
    page: TbPage,
    wanted: TypeFilter,
    caller: TenantOrCustomer,
    session: ReadSession,
) -> PageData[EntityViewInfo]:
    """List a customer's entity views with the customer's name."""
    return await _info_page(session, caller, page, replace(wanted, customer_id=customer_id))


@router.get("/entityViews", include_in_schema=False)
@router.get("/entityViews/list")
async def list_entity_views_by_ids(
    ids: ViewIds, caller: TenantOrCustomer, session: ReadSession
) -> list[EntityView]:
    """List the entity views of these ids; missing and foreign ones are left out."""
    found = await service.by_ids(session, caller, ids)
    return [EntityView.model_validate(item) for item in found]


def _fields(body: EntityViewSave) -> ViewFields:
    """Return the fields to set: all of them, but the customer only when the body names it."""
    fields: ViewFields = values_of(body, "id", "version")
    if "customer_id" not in body.model_fields_set:
        del fields["customer_id"]
    return fields


async def _page(
    session: ReadSession, caller: Caller, request: PageRequest, wanted: ViewFilter
) -> PageData[EntityView]:
    found = await service.page(session, caller, request, wanted)
    return PageData.of(found.map(EntityView.model_validate), request)


async def _info_page(
    session: ReadSession, caller: Caller, request: PageRequest, wanted: ViewFilter
) -> PageData[EntityViewInfo]:
    found = await service.info_page(session, caller, request, wanted)
    return PageData.of(found.map(_shown_info), request)


def _shown_info(info: ListedView) -> EntityViewInfo:
    return EntityViewInfo(
        **values_of(EntityView.model_validate(info.view)),
        customer_title=info.customer_title,
        customer_is_public=info.customer_is_public,
    )
