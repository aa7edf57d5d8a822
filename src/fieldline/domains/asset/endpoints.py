"""Assets in ThingsBoard's dialect."""

from dataclasses import replace
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query

from fieldline.database.things import Listed, ThingFilter
from fieldline.domains.asset import service
from fieldline.domains.asset.schemas import Asset, AssetInfo, AssetSave
from fieldline.domains.thing.parameters import TypeFilter
from fieldline.domains.thing.schemas import EntitySubtype
from fieldline.kit.ids import EntityType, parse_id
from fieldline.rest.callers import TenantAdmin, TenantOrCustomer
from fieldline.rest.dialects import tb_router
from fieldline.rest.paging import PageData, TbPage
from fieldline.rest.parameters import NamingQuery, id_list
from fieldline.rest.sessions import ReadSession, WriteSession

router = tb_router("asset")


async def _info_filter(
    wanted: TypeFilter,
    profile_id: Annotated[str | None, Query(alias="assetProfileId")] = None,
) -> ThingFilter:
    """Read the filters of the console's lists, which sends empty ones too."""
    return replace(wanted, profile_id=parse_id(profile_id) if profile_id else None)


InfoFilter = Annotated[ThingFilter, Depends(_info_filter)]
AssetIds = Annotated[list[UUID], Depends(id_list("assetIds"))]


@router.get("/asset/types")
async def list_asset_types(caller: TenantOrCustomer, session: ReadSession) -> list[EntitySubtype]:
    """List the types that the caller's assets have."""
    found = await service.types(session, caller)
    return EntitySubtype.of(caller.tenant_id, EntityType.ASSET, found)


@router.get("/asset/info/{asset_id}")
async def get_asset_info(
    asset_id: UUID, caller: TenantOrCustomer, session: ReadSession
) -> AssetInfo:
    """Return one asset with its customer and profile."""
    return _shown_info(await service.get_info(session, caller, asset_id))


@router.get("/asset/{asset_id}")
async def get_asset(asset_id: UUID, caller: TenantOrCustomer, session: ReadSession) -> Asset:
    """Return one asset."""
    return Asset.model_validate(await service.get(session, caller, asset_id))


@router.post("/asset")
async def save_asset(
    body: AssetSave, caller: TenantOrCustomer, session: WriteSession, naming: NamingQuery
) -> Asset:
    """Create an asset or, with an id, replace it."""
    if body.id is None:
        saved = await service.create(session, caller, body.fields(), naming=naming)
    else:
        saved = await service.update(session, caller, body.id, body.fields(), version=body.version)
    return Asset.model_validate(saved)


@router.delete("/asset/{asset_id}")
async def delete_asset(asset_id: UUID, caller: TenantAdmin, session: WriteSession) -> None:
    """Delete an asset with its readings and alarms."""
    await service.delete(session, caller, asset_id)


@router.post("/customer/public/asset/{asset_id}")
async def assign_asset_to_public(
    asset_id: UUID, caller: TenantAdmin, session: WriteSession
) -> Asset:
    """Make an asset visible to everybody."""
    return Asset.model_validate(await service.assign_to_public(session, caller, asset_id))


@router.post("/customer/{customer_id}/asset/{asset_id}")
async def assign_asset(
    customer_id: UUID, asset_id: UUID, caller: TenantAdmin, session: WriteSession
) -> Asset:
    """Assign an asset to a customer."""
    return Asset.model_validate(await service.assign(session, caller, asset_id, customer_id))


@router.delete("/customer/asset/{asset_id}")
async def unassign_asset(asset_id: UUID, caller: TenantAdmin, session: WriteSession) -> Asset:
    """Take an asset from its customer."""
    return Asset.model_validate(await service.unassign(session, caller, asset_id))


@router.get("/tenant/assets")
async def list_tenant_assets(
    page: TbPage, wanted: TypeFilter, caller: TenantAdmin, session: ReadSession
) -> PageData[Asset]:
    """List the tenant's assets."""
    found = await service.page(session, caller, page, wanted)
    return PageData.of(found.map(Asset.model_validate), page)


@router.get("/tenant/assets", include_in_schema=False)
@router.get("/tenant/asset")
async def get_asset_by_name(
    name: Annotated[str, Query(alias="assetName")], caller: TenantAdmin, session: ReadSession
) -> Asset:
    """Return the asset of exactly this name."""
    return Asset.model_validate(await service.get_by_name(session, caller, name))


@router.get("/tenant/assetInfos")
async def list_tenant_asset_infos(
    page: TbPage, wanted: InfoFilter, caller: TenantAdmin, session: ReadSession
) -> PageData[AssetInfo]:
    """List the tenant's assets with customer and profile."""
    found = await service.info_page(session, caller, page, wanted)
    return PageData.of(found.map(_shown_info), page)


@router.get("/customer/{customer_id}/assets")
async def list_customer_assets(
    customer_id: UUID,
    page: TbPage,
    wanted: TypeFilter,
    caller: TenantOrCustomer,
    session: ReadSession,
) -> PageData[Asset]:
    """List a customer's assets."""
    wanted = replace(wanted, customer_id=customer_id)
    found = await service.page(session, caller, page, wanted)
    return PageData.of(found.map(Asset.model_validate), page)


@router.get("/customer/{customer_id}/assetInfos")
async def list_customer_asset_infos(
    customer_id: UUID,
    page: TbPage,
    wanted: InfoFilter,
    caller: TenantOrCustomer,
    session: ReadSession,
) -> PageData[AssetInfo]:
    """List a customer's assets with customer and profile."""
    wanted = replace(wanted, customer_id=customer_id)
    found = await service.info_page(session, caller, page, wanted)
    return PageData.of(found.map(_shown_info), page)


@router.get("/assets", include_in_schema=False)
@router.get("/assets/list")
async def list_assets_by_ids(
    ids: AssetIds, caller: TenantOrCustomer, session: ReadSession
) -> list[Asset]:
    """List the assets of these ids; missing and foreign ones are left out."""
    found = await service.by_ids(session, caller, ids)
    return [Asset.model_validate(item) for item in found]


def _shown_info(info: Listed[service.Row]) -> AssetInfo:
    return AssetInfo(
        **dict(Asset.model_validate(info.thing)),
        customer_title=info.customer_title,
        customer_is_public=info.customer_is_public,
        asset_profile_name=info.thing.type,
    )
