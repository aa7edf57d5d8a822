"""Customers of a tenant."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Protocol, TypedDict, TypeVar
from uuid import UUID

from fieldline.database.contact import CONTACT_FIELDS
from fieldline.database.engine import announce
from fieldline.domains.customer import schemas
from fieldline.domains.customer.errors import CustomerNotFound, CustomerTitleTaken, ReservedTitle
from fieldline.domains.customer.models import Customer
from fieldline.domains.customer.repository import CustomerRepository
from fieldline.domains.revocation import service as revocation_service
from fieldline.domains.tenant_profile import service as tenant_profile_service
from fieldline.kit.errors import Forbidden
from fieldline.kit.ids import EntityRef, EntityType
from fieldline.kit.paging import Page, PageRequest
from fieldline.kit.text import check_text
from fieldline.kit.unique_name import NameConflict, Naming, unique_name
from fieldline.kit.versions import check_version
from fieldline.messaging.events import Change, EntityChanged
from fieldline.rest.contact import check_contact
from fieldline.rest.wire import wire_json
from fieldline.security.caller import Caller
from fieldline.security.permissions import DENIED, Operation, check, tenant_of
from fieldline.security.tokens import Tokens

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

PUBLIC_TITLE = "Public"
_PLAIN = (*CONTACT_FIELDS, "external_id", "additional_info")


class ByCustomer(Protocol):
    """The filter of a list that may be asked for one customer: a dataclass."""

    __dataclass_fields__: ClassVar[dict[str, Any]]

    @property
    def customer_id(self) -> UUID | None:
        """Return whose things are wanted, None for everybody's."""


W = TypeVar("W", bound=ByCustomer)


class CustomerFields(TypedDict, total=False):
    """Fields to set; what is left out stays as it is, or takes its default."""

    title: str | None
    external_id: UUID | None
    country: str | None
    state: str | None
    city: str | None
    address: str | None
    address2: str | None
    zip: str | None
    phone: str | None
    email: str | None
    additional_info: dict[str, Any] | None


class CustomerName(NamedTuple):
    """What lists of assigned things show of a customer."""

    title: str
    is_public: bool


async def get(session: "AsyncSession", caller: Caller, customer_id: UUID) -> Customer:
    return await _find(session, caller, customer_id, Operation.READ)


async def require(session: "AsyncSession", tenant_id: UUID, customer_id: UUID) -> Customer:
    """Return a customer of that tenant, for those who assign things to it.

    Raises:
        CustomerNotFound: the tenant has no such customer.
    """
    customer = await CustomerRepository(session).get(customer_id)
    if customer is None or customer.tenant_id != tenant_id:
        raise CustomerNotFound(customer_id)
    return customer


async def names(session: "AsyncSession", ids: Collection[UUID]) -> dict[UUID, CustomerName]:
    """Return id -> name, for the lists of those who have read the ids already."""
    found = await CustomerRepository(session).by_ids(ids)
    return {item.id: CustomerName(item.title, item.is_public) for item in found}


async def by_title(session: "AsyncSession", caller: Caller, title: str) -> Customer | None:
    """Return the tenant's customer of exactly this title, if there is one."""
    tenant_id = tenant_of(caller, Operation.READ, EntityType.CUSTOMER)
    return await CustomerRepository(session).by_title(tenant_id, title)


async def page(session: "AsyncSession", caller: Caller, request: PageRequest) -> Page[Customer]:
    """Return a page of the tenant's customers, to a customer user of the own one."""
    tenant_id = tenant_of(
        caller, Operation.READ, EntityType.CUSTOMER, customer_id=caller.customer_id
    )
    return await CustomerRepository(session).page(tenant_id, request, only_id=caller.customer_id)


async def by_ids(
    session: "AsyncSession", caller: Caller, ids: Collection[UUID]
) -> Sequence[Customer]:
    """Return the customers of these ids; one that the caller may not see is left out."""
    tenant_id = tenant_of(caller, Operation.READ, EntityType.CUSTOMER)
    found = await CustomerRepository(session).by_ids(ids)
    return [customer for customer in found if customer.tenant_id == tenant_id]


async def narrowed(
    session: "AsyncSession", caller: Caller, kind: EntityType, wanted: W
) -> tuple[UUID, W]:
    """Return the caller's tenant, and the filter of a list narrowed to what the caller may see.

    Args:
        session: where the customer that the filter names is looked for.
        caller: who lists; a customer user sees what is of the own customer.
        kind: what is listed.
        wanted: a filter, a dataclass with a ``customer_id``.

    Raises:
        Forbidden: the caller may not list these, or not another customer's.
        CustomerNotFound: the tenant has no such customer as the filter names.
    """
    tenant_id = tenant_of(caller, Operation.READ, kind, customer_id=caller.customer_id)
    if caller.is_customer_user:
        if wanted.customer_id not in {None, caller.customer_id}:
            raise Forbidden(DENIED)
        wanted = replace(wanted, customer_id=caller.customer_id)
    elif wanted.customer_id is not None:
        await get(session, caller, wanted.customer_id)
    return tenant_id, wanted


async def create(
    session: "AsyncSession", caller: Caller, fields: CustomerFields, naming: Naming | None = None
) -> Customer:
    """Make a customer; ``naming`` says what to do when the title is taken.

    Raises:
        CustomerTitleTaken: the tenant has one of this title.
        LimitReached: the tenant's profile allows no more.
    """
    tenant_id = tenant_of(caller, Operation.CREATE, EntityType.CUSTOMER)
    repository = CustomerRepository(session)
    await tenant_profile_service.require_room(
        session, tenant_id, EntityType.CUSTOMER, lambda: repository.count(tenant_id)
    )
    if naming is not None and naming.conflict is NameConflict.UNIQUIFY:
        fields = {**fields, "title": await _free_title(session, tenant_id, fields, naming)}
    customer = Customer(tenant_id=tenant_id, is_public=False)
    await _set(session, customer, {"title": None, **fields})
    await repository.add(customer)
    await _tell(session, caller, customer, Change.CREATED)
    return customer


async def public_customer(session: "AsyncSession", tenant_id: UUID) -> Customer:
    """Return the customer that stands for everybody; the first call makes it."""
    repository = CustomerRepository(session)
    customer = await repository.public(tenant_id)
    if customer is None:
        customer = Customer(
            tenant_id=tenant_id,
            title=PUBLIC_TITLE,
            is_public=True,
            additional_info={"isPublic": True},
        )
        await repository.add(customer)
        await _tell(session, None, customer, Change.CREATED)
    return customer


async def find_public(session: "AsyncSession", customer_id: UUID) -> Customer | None:
    """Return the customer if it is a tenant's public one (for the public log-in)."""
    customer = await CustomerRepository(session).get(customer_id)
    return customer if customer is not None and customer.is_public else None


async def update(
    session: "AsyncSession",
    caller: Caller,
    customer_id: UUID,
    fields: CustomerFields,
    *,
    version: int | None = None,
) -> Customer:
    """Change the given fields.

    Raises:
        StaleVersion: ``version`` is given and is not the stored one.
    """
    customer = await _find(session, caller, customer_id, Operation.WRITE)
    check_version("Customer", version, customer.version)
    await _set(session, customer, fields)
    await CustomerRepository(session).save(customer)
    await _tell(session, caller, customer, Change.UPDATED)
    return customer


async def delete(
    session: "AsyncSession", caller: Caller, customer_id: UUID, *, tokens: Tokens
) -> None:
    """Delete a customer and its users; what was assigned to it stays, unassigned."""
    customer = await _find(session, caller, customer_id, Operation.DELETE)
    await _tell(session, caller, customer, Change.DELETED)
    await CustomerRepository(session).delete(customer)
    await revocation_service.revoke(session, tokens, customer_id)


async def _find(
    session: "AsyncSession", caller: Caller, customer_id: UUID, operation: Operation
) -> Customer:
    lock = operation is not Operation.READ
    customer = await CustomerRepository(session).get(customer_id, lock=lock)
    if customer is None:
        raise CustomerNotFound(customer_id)
    check(
        caller,
        operation,
        EntityType.CUSTOMER,
        tenant_id=customer.tenant_id,
        customer_id=customer.id,
    )
    return customer


async def _set(session: "AsyncSession", customer: Customer, fields: CustomerFields) -> None:
    if "title" in fields:
        await _set_title(session, customer, fields["title"])
    check_contact(fields)
    for name, value in fields.items():
        if name in _PLAIN:
            setattr(customer, name, value)
    if customer.is_public:
        # Clients tell the public customer by this mark; it cannot be edited away.
        customer.additional_info = {**(customer.additional_info or {}), "isPublic": True}


async def _set_title(session: "AsyncSession", customer: Customer, title: str | None) -> None:
    check_text("Customer title", title)
    if (title == PUBLIC_TITLE) != customer.is_public:
        raise ReservedTitle
    with session.no_autoflush:
        other = await CustomerRepository(session).by_title(customer.tenant_id, title or "")
    if other is not None and other is not customer:
        raise CustomerTitleTaken
    customer.title = title or ""


async def _free_title(
    session: "AsyncSession", tenant_id: UUID, fields: CustomerFields, naming: Naming
) -> str:
    title = fields.get("title") or ""
    taken = await CustomerRepository(session).titles_from(tenant_id, title)
    return unique_name(title, taken, separator=naming.separator, strategy=naming.strategy)


async def _tell(
    session: "AsyncSession", caller: Caller | None, customer: Customer, change: Change
) -> None:
    event = EntityChanged(
        customer.tenant_id,
        EntityRef(EntityType.CUSTOMER, customer.id),
        change,
        by=caller.actor if caller else None,
        name=customer.title,
        customer_id=customer.id,
        data=wire_json(schemas.Customer, customer),
    )
    await announce(session, event)
