"""Searches for entities by relations, in ThingsBoard's dialect.

They share their paths with v1's creation of an entity; the body says which is meant.
"""

from fieldline.domains.asset.schemas import Asset
from fieldline.domains.device.schemas import Device
from fieldline.domains.entity_view.schemas import EntityView
from fieldline.domains.relation_search import service
from fieldline.domains.relation_search.schemas import (
    AssetSearchQuery,
    DeviceSearchQuery,
    EntityViewSearchQuery,
)
from fieldline.kit.ids import EntityType
from fieldline.rest.callers import TenantOrCustomer
from fieldline.rest.dialects import SearchRoute, tb_router
from fieldline.rest.sessions import ReadSession

router = tb_router("relation", route_class=SearchRoute)


@router.post("/devices")
async def find_devices(
    body: DeviceSearchQuery, caller: TenantOrCustomer, session: ReadSession
) -> list[Device]:
    """Find the devices of some types that relations lead to."""
    wanted = body.search(EntityType.DEVICE)
    return await service.devices(session, caller, wanted, body.device_types)


@router.post("/assets")
async def find_assets(
    body: AssetSearchQuery, caller: TenantOrCustomer, session: ReadSession
) -> list[Asset]:
    """Find the assets of some types that relations lead to."""
    wanted = body.search(EntityType.ASSET)
    return await service.assets(session, caller, wanted, body.asset_types)


@router.post("/entityViews")
async def find_entity_views(
    body: EntityViewSearchQuery, caller: TenantOrCustomer, session: ReadSession
) -> list[EntityView]:
    """Find the entity views of some types that relations lead to."""
    wanted = body.search(EntityType.ENTITY_VIEW)
    return await service.entity_views(session, caller, wanted, body.entity_view_types)
