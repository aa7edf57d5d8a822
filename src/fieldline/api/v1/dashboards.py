"""Dashboards in the v1 dialect."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from fieldline.api.v1.shapes import Body, Entity
from fieldline.domains.dashboard import assignment, service
from fieldline.domains.dashboard.answers import json_answer
from fieldline.domains.dashboard.fields import DashboardFields
from fieldline.domains.dashboard.lists import DashboardFilter, ListedDashboard, WholeDashboard
from fieldline.domains.dashboard.schemas import MobileOrder
from fieldline.kit.json import raw
from fieldline.rest.callers import TenantAdmin, TenantOrCustomer
from fieldline.rest.dialects import v1_router
from fieldline.rest.paging import V1Page
from fieldline.rest.sessions import ReadSession, WriteSession
from fieldline.rest.wire import values_of

router = v1_router("dashboards")
_ASSIGNING = ("assigned_customers", "customer_id")


class AssignedCustomer(Body):
    """A customer to assign to."""

    customer_id: UUID


class DashboardBody(Body):
    """The fields of a dashboard that may be set; ``name`` and ``title`` are the same."""

    name: str | None = None
    title: str | None = None
    image: str | None = None
    mobile_hide: bool | None = None
    mobile_order: MobileOrder | None = None
    configuration: Any = None
    assigned_customers: list[UUID | AssignedCustomer] | None = Field(
        default=None, description="Ids, or objects with `customer_id`; it is shown to no others."
    )
    customer_id: UUID | None = Field(
        default=None, description="The only customer to assign to; null unassigns from all."
    )
    additional_info: dict[str, Any] | None = None
    external_id: UUID | None = None

    def fields(self) -> DashboardFields:
        """Return what was sent, for the service."""
        given: DashboardFields = values_of(self, "name", *_ASSIGNING, only_set=True)
        if "name" in self.model_fields_set and given.get("title") is None:
            given["title"] = self.name
        return given

    def customers(self) -> list[UUID] | None:
        """Return whom to assign to, None when the body does not say it."""
        if "assigned_customers" in self.model_fields_set:
            return [
                each if isinstance(each, UUID) else each.customer_id
                for each in self.assigned_customers or ()
            ]
        if "customer_id" in self.model_fields_set:
            return [] if self.customer_id is None else [self.customer_id]
        return None


class ShownCustomer(BaseModel):
    """A customer that a dashboard is assigned to."""

    model_config = ConfigDict(from_attributes=True)

    customer_id: UUID
    title: str
    is_public: bool


class ListedOut(Entity):
    """A dashboard as lists show it; ``customer_id`` is its customer when it has only one."""

    title: str
    image: str | None
    mobile_hide: bool
    mobile_order: int | None
    assigned_customers: list[ShownCustomer]
    external_id: UUID | None


class DashboardOut(ListedOut):
    """A dashboard with its widgets and layout."""

    configuration: Any


@router.post("/dashboards", status_code=201, response_model=DashboardOut)
async def create_dashboard(
    request: Request, body: DashboardBody, caller: TenantAdmin, session: WriteSession
) -> Response:
    """Create a dashboard, perhaps assigned to customers."""
    saved = await service.create(session, caller, body.fields())
    customers = body.customers()
    if customers:
        saved = await assignment.assign(session, caller, saved.id, customers)
    answer = await json_answer(request, _whole(saved))
    answer.status_code = 201
    return answer


@router.get("/dashboards")
async def list_dashboards(
    page: V1Page,
    caller: TenantOrCustomer,
    session: ReadSession,
    customer_id: Annotated[UUID | None, Query()] = None,
) -> list[ListedOut]:
    """List dashboards without their configurations, the newest first."""
    found = await service.page(session, caller, page, DashboardFilter(customer_id))
    return [_listed(each) for each in found.items]


@router.get("/dashboards/{dashboard_id}", response_model=DashboardOut)
async def get_dashboard(
    request: Request, dashboard_id: UUID, caller: TenantOrCustomer, session: ReadSession
) -> Response:
    """Return one dashboard."""
    return await json_answer(
        request, _whole(await service.get_whole(session, caller, dashboard_id))
    )


@router.put("/dashboards/{dashboard_id}", response_model=DashboardOut)
async def update_dashboard(
    request: Request,
    dashboard_id: UUID,
    body: DashboardBody,
    caller: TenantAdmin,
    session: WriteSession,
) -> Response:
    """Change the given fields; ``assigned_customers`` are then the only ones."""
    fields, customers = body.fields(), body.customers()
    if fields or customers is None:
        saved = await service.update(session, caller, dashboard_id, fields)
    if customers is not None:
        saved = await assignment.assign_exactly(session, caller, dashboard_id, customers)
    return await json_answer(request, _whole(saved))


@router.delete("/dashboards/{dashboard_id}", status_code=204)
async def delete_dashboard(
    dashboard_id: UUID, caller: TenantAdmin, session: WriteSession
) -> Response:
    """Delete a dashboard; one that profiles have as their default is kept."""
    await service.delete(session, caller, dashboard_id)
    return Response(status_code=204)


@router.post("/dashboards/{dashboard_id}/customers/{customer_id}", response_model=DashboardOut)
async def assign_dashboard(
    request: Request,
    dashboard_id: UUID,
    customer_id: UUID,
    caller: TenantAdmin,
    session: WriteSession,
) -> Response:
    """Assign a dashboard to one more customer."""
    saved = await assignment.assign(session, caller, dashboard_id, [customer_id])
    return await json_answer(request, _whole(saved))


@router.delete("/dashboards/{dashboard_id}/customers/{customer_id}", status_code=204)
async def unassign_dashboard(
    dashboard_id: UUID, customer_id: UUID, caller: TenantAdmin, session: WriteSession
) -> Response:
    """Take a dashboard from a customer."""
    await assignment.unassign(session, caller, dashboard_id, [customer_id])
    return Response(status_code=204)


def _parts(listed: ListedDashboard) -> dict[str, Any]:
    row, customers = listed
    given: dict[str, Any] = {
        "name": row.title,
        "additional_info": row.additional_info or {},
        "assigned_customers": customers,
        "customer_id": customers[0].customer_id if len(customers) == 1 else None,
    }
    own = (name for name in ListedOut.model_fields if name not in given)
    return given | {name: getattr(row, name) for name in own}


def _listed(listed: ListedDashboard) -> ListedOut:
    return ListedOut.model_validate(_parts(listed))


def _whole(whole: WholeDashboard) -> dict[str, Any]:
    """Return a dashboard for ``kit.json.dumps``; the configuration is passed on as it is stored."""
    shown = _listed(whole.listed).model_dump(mode="json", by_alias=True)
    return shown | {"configuration": raw(whole.configuration)}
