"""Events in ThingsBoard's dialect."""

from dataclasses import replace
from typing import Annotated, Any
from uuid import UUID

from fastapi import Body, Depends, Query
from starlette.routing import Match
from starlette.types import Scope

from fieldline.domains.event import service
from fieldline.domains.event.filters import EventFilter
from fieldline.domains.event.record import EventType
from fieldline.domains.event.schemas import AnyFilter, EventInfo, event_body, event_info
from fieldline.kit.errors import Forbidden, Invalid
from fieldline.kit.ids import EntityRef, parse_ref
from fieldline.rest.callers import AnyUser, TenantAdmin
from fieldline.rest.dialects import Route, TbRoute, tb_router
from fieldline.rest.paging import PageData, TbPage
from fieldline.rest.parameters import Int64
from fieldline.rest.services import ServicesDep
from fieldline.rest.sessions import ReadSession
from fieldline.security.permissions import DENIED

router = tb_router("event")


class FilterRoute(TbRoute):
    """A route that answers what is missing in the query itself, as no other has its path.

    Stepping back, it would leave the answer to the list of the same path: 405.
    """

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        return Route.matches(self, scope)


async def entity_path(entity_type: str, entity_id: str) -> EntityRef:
    return parse_ref(entity_type, entity_id)


async def own_tenant(
    tenant_id: Annotated[UUID, Query(alias="tenantId")], caller: AnyUser
) -> UUID | None:
    """Read ``tenantId``, which says nothing that the entity does not say.

    Raises:
        Forbidden: it is another tenant.
    """
    if caller.tenant_id is not None and tenant_id != caller.tenant_id:
        raise Forbidden(DENIED)
    return caller.tenant_id


async def period(
    start_ms: Annotated[Int64 | None, Query(alias="startTime")] = None,
    end_ms: Annotated[Int64 | None, Query(alias="endTime")] = None,
) -> EventFilter:
    return EventFilter(from_ms=start_ms, to_ms=end_ms)


EntityPath = Annotated[EntityRef, Depends(entity_path)]
Period = Annotated[EventFilter, Depends(period)]


@router.get("/events/{entity_type}/{entity_id}/{event_type}", dependencies=[Depends(own_tenant)])
async def list_events_of_type(
    entity: EntityPath,
    event_type: str,
    page: TbPage,
    wanted: Period,
    caller: AnyUser,
    session: ReadSession,
) -> PageData[EventInfo]:
    """List an entity's events of one type."""
    wanted = replace(wanted, type=_event_type(event_type))
    found = await service.page(session, caller, entity, wanted, page)
    return PageData.of(found.map(event_info), page)


@router.get("/events/{entity_type}/{entity_id}", dependencies=[Depends(own_tenant)])
async def list_events(
    entity: EntityPath, page: TbPage, wanted: Period, caller: AnyUser, session: ReadSession
) -> PageData[EventInfo]:
    """List an entity's events of every type."""
    found = await service.page(session, caller, entity, wanted, page)
    return PageData.of(found.map(event_info), page)


async def find_events(
    entity: EntityPath,
    page: TbPage,
    within: Period,
    body: AnyFilter,
    caller: AnyUser,
    session: ReadSession,
) -> PageData[EventInfo]:
    """List an entity's events that a filter lets through."""
    found = await service.page(session, caller, entity, _both(body.wanted(), within), page)
    return PageData.of(found.map(event_info), page)


@router.post("/events/{entity_type}/{entity_id}/clear")
async def clear_events(
    entity: EntityPath,
    within: Period,
    caller: AnyUser,
    services: ServicesDep,
    body: Annotated[AnyFilter | None, Body()] = None,
) -> None:
    """Delete an entity's events that a filter lets through; without one, all."""
    wanted = body.wanted() if body is not None else EventFilter()
    await service.clear(services.database.write, caller, entity, _both(wanted, within))


@router.get("/ruleNode/{rule_node_id}/debugIn")
async def get_latest_debug_input(
    rule_node_id: UUID, caller: TenantAdmin, session: ReadSession
) -> dict[str, Any] | None:
    """Return the newest recorded message that came to a node, or null."""
    event = await service.last_in(session, caller, rule_node_id)
    return event_body(event) if event is not None else None


router.add_api_route(
    "/events/{entity_type}/{entity_id}",
    find_events,
    methods=["POST"],
    dependencies=[Depends(own_tenant)],
    route_class_override=FilterRoute,
)


def _event_type(name: str) -> EventType:
    try:
        return EventType(name.upper())
    except ValueError as error:
        msg = f"'{name}' is no type of event; one of {', '.join(EventType)} is possible"
        raise Invalid(msg) from error


def _both(wanted: EventFilter, within: EventFilter) -> EventFilter:
    return replace(wanted, from_ms=within.from_ms, to_ms=within.to_ms)
