"""Assets in the v1 dialect."""

from typing import Annotated
from uuid import UUID

from fastapi import Query, Response

from fieldline.api.v1.shapes import Thing, ThingBody
from fieldline.database.things import ThingFilter
from fieldline.domains.asset import service
from fieldline.rest.callers import TenantAdmin, TenantOrCustomer
from fieldline.rest.dialects import v1_router
from fieldline.rest.paging import V1Page
from fieldline.rest.sessions import ReadSession, WriteSession
from fieldline.rest.wire import values_of

router = v1_router("assets")


class AssetBody(ThingBody):
    """The fields of an asset that may be set."""

    asset_profile_id: UUID | None = None


class AssetOut(Thing):
    """An asset."""

    asset_profile_id: UUID


@router.post("/assets", status_code=201)
async def create_asset(body: AssetBody, caller: TenantAdmin, session: WriteSession) -> AssetOut:
    """Create an asset."""
    return AssetOut.of(await service.create(session, caller, values_of(body, only_set=True)))


@router.get("/assets", response_model=list[AssetOut])
async def list_assets(
    page: V1Page,
    caller: TenantOrCustomer,
    session: ReadSession,
    kind: Annotated[str | None, Query(alias="type")] = None,
    customer_id: UUID | None = None,
    asset_profile_id: UUID | None = None,
) -> Response:
    """List assets, the newest first."""
    wanted = ThingFilter(customer_id, kind or None, asset_profile_id)
    names = tuple(AssetOut.model_fields)
    found = await service.page_of_values(session, caller, page, wanted, names)
    return AssetOut.answer(found.items)


@router.get("/assets/{asset_id}", response_model=AssetOut)
async def get_asset(asset_id: UUID, caller: TenantOrCustomer, session: ReadSession) -> Response:
    """Return one asset."""
    names = tuple(AssetOut.model_fields)
    return AssetOut.answer_one(await service.get_values(session, caller, asset_id, names))


@router.put("/assets/{asset_id}")
async def update_asset(
    asset_id: UUID, body: AssetBody, caller: TenantOrCustomer, session: WriteSession
) -> AssetOut:
    """Change the given fields; ``customer_id`` assigns, null unassigns."""
    fields = values_of(body, only_set=True)
    return AssetOut.of(await service.update(session, caller, asset_id, fields))


@router.delete("/assets/{asset_id}", status_code=204)
async def delete_asset(asset_id: UUID, caller: TenantAdmin, session: WriteSession) -> Response:
    """Delete an asset with its readings and alarms."""
    await service.delete(session, caller, asset_id)
    return Response(status_code=204)
