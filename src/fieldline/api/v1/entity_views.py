"""Entity views in the v1 dialect."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import Query, Response

from fieldline.api.v1.shapes import Body, Entity
from fieldline.domains.entity_view import saving, service
from fieldline.domains.entity_view.fields import ViewFields
from fieldline.domains.entity_view.lists import ViewFilter
from fieldline.domains.entity_view.schemas import TimeMs, ViewKeys
from fieldline.kit.errors import Invalid
from fieldline.kit.ids import EntityRef, EntityType
from fieldline.rest.callers import TenantAdmin, TenantOrCustomer
from fieldline.rest.dialects import v1_router
from fieldline.rest.paging import V1Page
from fieldline.rest.services import ServicesDep
from fieldline.rest.sessions import ReadSession, WriteSession
from fieldline.rest.wire import values_of

router = v1_router("entity views")


class EntityViewBody(Body):
    """The fields of an entity view that may be set; times are ms, 0 leaves a side open."""

    name: str | None = None
    type: str | None = None
    customer_id: UUID | None = None
    entity_type: EntityType | None = None
    entity_id: UUID | None = None
    keys: ViewKeys | None = None
    start_ts: TimeMs | None = None
    end_ts: TimeMs | None = None
    external_id: UUID | None = None
    additional_info: dict[str, Any] | None = None


class EntityViewOut(Entity):
    """An entity view."""

    type: str
    entity_type: EntityType
    entity_id: UUID
    keys: dict[str, Any]
    start_ts: int
    end_ts: int
    external_id: UUID | None


@router.post("/entityViews", status_code=201)
async def create_entity_view(
    body: EntityViewBody, caller: TenantAdmin, services: ServicesDep
) -> EntityViewOut:
    """Create an entity view; the attributes that it lists are copied into it."""
    return _out(await saving.create(services, caller, _given(body)))


@router.get("/entityViews")
async def list_entity_views(
    page: V1Page,
    caller: TenantOrCustomer,
    session: ReadSession,
    kind: Annotated[str | None, Query(alias="type")] = None,
    customer_id: UUID | None = None,
) -> list[EntityViewOut]:
    """List entity views, the newest first."""
    wanted = ViewFilter(type=kind or None, customer_id=customer_id)
    found = await service.page(session, caller, page, wanted)
    return [_out(item) for item in found.items]


@router.get("/entityViews/{view_id}")
async def get_entity_view(
    view_id: UUID, caller: TenantOrCustomer, session: ReadSession
) -> EntityViewOut:
    """Return one entity view."""
    return _out(await service.get(session, caller, view_id))


@router.put("/entityViews/{view_id}")
async def update_entity_view(
    view_id: UUID, body: EntityViewBody, caller: TenantOrCustomer, services: ServicesDep
) -> EntityViewOut:
    """Change the given fields and copy the listed attributes anew; ``customer_id`` assigns."""
    return _out(await saving.update(services, caller, view_id, _given(body)))


@router.delete("/entityViews/{view_id}", status_code=204)
async def delete_entity_view(view_id: UUID, caller: TenantAdmin, session: WriteSession) -> Response:
    """Delete an entity view; the entity that it shows stays as it is."""
    await service.delete(session, caller, view_id)
    return Response(status_code=204)


def _given(body: EntityViewBody) -> ViewFields:
    fields: Any = values_of(body, "entity_type", "entity_id", only_set=True)
    if {"entity_type", "entity_id"} & body.model_fields_set:
        if body.entity_type is None or body.entity_id is None:
            msg = "entity_type and entity_id go together: give both, or neither to change neither"
            raise Invalid(msg)
        fields["target"] = EntityRef(body.entity_type, body.entity_id)
    given: ViewFields = fields
    return given


def _out(view: Any) -> EntityViewOut:  # noqa: ANN401 - the domain's own row
    values = {name: getattr(view, name) for name in EntityViewOut.model_fields}
    return EntityViewOut(**{**values, "additional_info": view.additional_info or {}})
