"""Customers in the v1 dialect."""

from typing import Any
from uuid import UUID

from fieldline.api.v1.shapes import Contact, ContactBody
from fieldline.domains.customer import service
from fieldline.domains.customer.service import CustomerFields
from fieldline.rest.callers import TenantAdmin, TenantOrCustomer
from fieldline.rest.dialects import v1_router
from fieldline.rest.paging import V1Page
from fieldline.rest.services import ServicesDep
from fieldline.rest.sessions import ReadSession, WriteSession
from fieldline.rest.wire import values_of

router = v1_router("customers")


class CustomerBody(ContactBody):
    """A customer's fields; ``name`` and ``title`` are the same."""

    name: str | None = None
    title: str | None = None


class Customer(Contact):
    """A customer."""

    is_public: bool


@router.post("/customers", status_code=201)
async def create_customer(
    body: CustomerBody, caller: TenantAdmin, session: WriteSession
) -> Customer:
    """Create a customer of the caller's tenant."""
    return _shown(await service.create(session, caller, _fields(body)))


@router.get("/customers/{customer_id}")
async def get_customer(
    customer_id: UUID, caller: TenantOrCustomer, session: ReadSession
) -> Customer:
    """Return one customer; a customer user sees the own one."""
    return _shown(await service.get(session, caller, customer_id))


@router.get("/customers")
async def list_customers(
    page: V1Page, caller: TenantOrCustomer, session: ReadSession
) -> list[Customer]:
    """List customers, newest first; a customer user sees the own one."""
    found = await service.page(session, caller, page)
    return [_shown(item) for item in found.items]


@router.put("/customers/{customer_id}")
async def update_customer(
    customer_id: UUID, body: CustomerBody, caller: TenantAdmin, session: WriteSession
) -> Customer:
    """Change the fields given."""
    return _shown(await service.update(session, caller, customer_id, _fields(body)))


@router.delete("/customers/{customer_id}", status_code=204)
async def delete_customer(
    customer_id: UUID, caller: TenantAdmin, session: WriteSession, services: ServicesDep
) -> None:
    """Delete a customer and its users; what was assigned to it is unassigned."""
    await service.delete(session, caller, customer_id, tokens=services.tokens)


def _fields(body: CustomerBody) -> CustomerFields:
    given: dict[str, Any] = values_of(body, "name", only_set=True)
    if "name" in body.model_fields_set and given.get("title") is None:
        given["title"] = body.name
    fields: CustomerFields = given  # type: ignore[assignment]
    return fields


def _shown(customer: Any) -> Customer:  # noqa: ANN401 - a row, which only its domain may name
    row = {
        name: getattr(customer, name, None)
        for name in Customer.model_fields
        if name not in {"name", "customer_id", "additional_info"}
    }
    return Customer(**row, name=customer.title, additional_info=customer.additional_info or {})
