"""Customers in ThingsBoard's dialect."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query
from starlette.responses import Response

from fieldline.domains.customer import service
from fieldline.domains.customer.schemas import Customer, CustomerSave, ShortCustomer
from fieldline.kit.errors import NotFound
from fieldline.rest.callers import TenantAdmin, TenantOrCustomer
from fieldline.rest.dialects import tb_router
from fieldline.rest.paging import PageData, TbPage
from fieldline.rest.parameters import NamingQuery, id_list
from fieldline.rest.services import ServicesDep
from fieldline.rest.sessions import ReadSession, WriteSession
from fieldline.rest.wire import values_of

router = tb_router("customer")


@router.get("/customer/{customer_id}")
async def get_customer(
    customer_id: UUID, caller: TenantOrCustomer, session: ReadSession
) -> Customer:
    """Return one customer; a customer user sees the own one."""
    return Customer.model_validate(await service.get(session, caller, customer_id))


@router.get("/customer/{customer_id}/shortInfo")
async def get_short_customer(
    customer_id: UUID, caller: TenantOrCustomer, session: ReadSession
) -> ShortCustomer:
    """Return the customer's title and whether it is the public one."""
    found = await service.get(session, caller, customer_id)
    return ShortCustomer(title=found.title, is_public=found.is_public)


@router.get(
    "/customer/{customer_id}/title",
    responses={200: {"content": {"application/text": {"schema": {"type": "string"}}}}},
)
async def get_customer_title(
    customer_id: UUID, caller: TenantOrCustomer, session: ReadSession
) -> Response:
    """Return the bare title."""
    found = await service.get(session, caller, customer_id)
    return Response(found.title, media_type="application/text")


@router.post("/customer")
async def save_customer(
    body: CustomerSave, caller: TenantAdmin, session: WriteSession, naming: NamingQuery
) -> Customer:
    """Create a customer or, with an id, replace it."""
    fields: service.CustomerFields = values_of(body, "id", "version")
    if body.id is None:
        saved = await service.create(session, caller, fields, naming)
    else:
        saved = await service.update(session, caller, body.id, fields, version=body.version)
    return Customer.model_validate(saved)


@router.delete("/customer/{customer_id}")
async def delete_customer(
    customer_id: UUID, caller: TenantAdmin, session: WriteSession, services: ServicesDep
) -> None:
    """Delete a customer and its users; what was assigned to it is unassigned."""
    await service.delete(session, caller, customer_id, tokens=services.tokens)


@router.get("/customers")
async def list_customers(
    page: TbPage, caller: TenantAdmin, session: ReadSession
) -> PageData[Customer]:
    """List the tenant's customers."""
    found = await service.page(session, caller, page)
    return PageData.of(found.map(Customer.model_validate), page)


@router.get("/tenant/customers")
async def get_customer_by_title(
    title: Annotated[str, Query(alias="customerTitle")], caller: TenantAdmin, session: ReadSession
) -> Customer:
    """Return the customer of exactly this title."""
    found = await service.by_title(session, caller, title)
    if found is None:
        raise NotFound("Requested item wasn't found!")
    return Customer.model_validate(found)


@router.get("/customers", include_in_schema=False)
@router.get("/customers/list")
async def list_customers_by_ids(
    ids: Annotated[list[UUID], Depends(id_list("customerIds"))],
    caller: TenantAdmin,
    session: ReadSession,
) -> list[Customer]:
    """List the customers of these ids; missing and foreign ones are left out."""
    found = await service.by_ids(session, caller, ids)
    return [Customer.model_validate(item) for item in found]
