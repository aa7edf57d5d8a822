"""Queries on customers."""

from collections.abc import Collection, Sequence
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm.attributes import flag_modified

from fieldline.database.repository import fetch_page
from fieldline.domains.customer.models import Customer
from fieldline.kit.paging import Page, PageRequest

_SORTABLE = {
    name: getattr(Customer, name)
    for name in ("id", "created_time", "title", "country", "city", "email", "phone")
} | {"name": Customer.title}


class CustomerRepository:
    """All queries of one session."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def get(self, customer_id: UUID, *, lock: bool = False) -> Customer | None:
        """Return a customer; ``lock`` keeps others from changing it until the transaction ends."""
        return await self._session.get(Customer, customer_id, with_for_update=lock or None)

    async def by_ids(self, ids: Collection[UUID]) -> Sequence[Customer]:
        query = select(Customer).where(Customer.id.in_(ids)).order_by(Customer.id)
        return (await self._session.scalars(query)).all()

    async def by_title(self, tenant_id: UUID, title: str) -> Customer | None:
        query = select(Customer).where(Customer.tenant_id == tenant_id, Customer.title == title)
        return await self._session.scalar(query)

    async def titles_from(self, tenant_id: UUID, prefix: str) -> set[str]:
        """Return the titles that begin so."""
        query = select(Customer.title).where(
            Customer.tenant_id == tenant_id, Customer.title.startswith(prefix, autoescape=True)
        )
        return set(await self._session.scalars(query))

    async def public(self, tenant_id: UUID) -> Customer | None:
        query = select(Customer).where(Customer.tenant_id == tenant_id, Customer.is_public)
        return await self._session.scalar(query)

    async def page(
        self, tenant_id: UUID, request: PageRequest, *, only_id: UUID | None = None
    ) -> Page[Customer]:
        query = select(Customer).where(Customer.tenant_id == tenant_id)
        if only_id is not None:
            query = query.where(Customer.id == only_id)
        return await fetch_page(
            self._session,
            query,
            request,
            sortable=_SORTABLE,
            tie_breaker=Customer.id,
            searched=[Customer.title],
        )

    async def count(self, tenant_id: UUID) -> int:
        query = select(func.count(Customer.id)).where(Customer.tenant_id == tenant_id)
        return await self._session.scalar(query) or 0

    async def add(self, customer: Customer) -> None:
        self._session.add(customer)
        await self._session.flush()

    async def save(self, customer: Customer) -> None:
        flag_modified(customer, "title")
        await self._session.flush()

    async def delete(self, customer: Customer) -> None:
        await self._session.delete(customer)
        await self._session.flush()
