"""Customers in the v1 dialect."""

from uuid import UUID

from fieldline.api.v1.shapes import Contact, ContactBody
from fieldline.domains.customer import service
from fieldline.rest.callers import TenantAdmin, TenantOrCustomer
from fieldline.rest.dialects import v1_router
from fieldline.rest.paging import V1Page
from fieldline.rest.services import ServicesDep
from fieldline.rest.sessions import ReadSession, WriteSession

router = v1_router("customers")


class CustomerBody(ContactBody):
    """A customer's fields."""


class Customer(Contact):
    """A customer."""

    is_public: bool


@router.post("/customers", status_code=201)
async def create_customer(
    body: CustomerBody, caller: TenantAdmin, session: WriteSession
) -> Customer:
    """Create a customer of the caller's tenant."""
    return Customer.of(await service.create(session, caller, body.fields()))


@router.get("/customers/{customer_id}")
async def get_customer(
    customer_id: UUID, caller: TenantOrCustomer, session: ReadSession
) -> Customer:
    """Return one customer; a customer user sees the own one."""
    return Customer.of(await service.get(session, caller, customer_id))


@router.get("/customers")
async def list_customers(
    page: V1Page, caller: TenantOrCustomer, session: ReadSession
) -> list[Customer]:
    """List customers, newest first; a customer user sees the own one."""
    found = await service.page(session, caller, page)
    return [Customer.of(item) for item in found.items]


@router.put("/customers/{customer_id}")
async def update_customer(
    customer_id: UUID, body: CustomerBody, caller: TenantAdmin, session: WriteSession
) -> Customer:
    """Change the fields given."""
    return Customer.of(await service.update(session, caller, customer_id, body.fields()))


@router.delete("/customers/{customer_id}", status_code=204)
async def delete_customer(
    customer_id: UUID, caller: TenantAdmin, session: WriteSession, services: ServicesDep
) -> None:
    """Delete a customer and its users; what was assigned to it is unassigned."""
    await service.delete(session, caller, customer_id, tokens=services.tokens)
