"""Queries on tenant profiles."""

from collections.abc import Collection, Sequence
from uuid import UUID

from sqlalchemy import column, select, table
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm.attributes import flag_modified

from fieldline.database.repository import fetch_page
from fieldline.database.types import Guid
from fieldline.domains.tenant_profile.models import TenantProfile
from fieldline.kit.paging import Page, PageRequest

# Which profile a tenant has is asked from below the tenants' domain, by every domain that counts;
# this is the one join that names the table without its model.
_TENANT = table("tenant", column("id", Guid), column("tenant_profile_id", Guid))
_SORTABLE = {
    "id": TenantProfile.id,
    "created_time": TenantProfile.created_time,
    "name": TenantProfile.name,
    "description": TenantProfile.description,
    "is_default": TenantProfile.is_default,
}


class TenantProfileRepository:
    """All queries of one session."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def get(self, profile_id: UUID, *, lock: bool = False) -> TenantProfile | None:
        """Return a profile; ``lock`` keeps others from changing it until the transaction ends."""
        return await self._session.get(TenantProfile, profile_id, with_for_update=lock or None)

    async def by_ids(self, ids: Collection[UUID]) -> Sequence[TenantProfile]:
        query = select(TenantProfile).where(TenantProfile.id.in_(ids)).order_by(TenantProfile.id)
        return (await self._session.scalars(query)).all()

    async def all(self) -> Sequence[TenantProfile]:
        return (await self._session.scalars(select(TenantProfile))).all()

    async def by_name(self, name: str) -> TenantProfile | None:
        return await self._session.scalar(select(TenantProfile).where(TenantProfile.name == name))

    async def default(self) -> TenantProfile | None:
        query = select(TenantProfile).where(TenantProfile.is_default)
        return await self._session.scalar(query.limit(1))

    async def of_tenant(self, tenant_id: UUID) -> TenantProfile | None:
        query = select(TenantProfile).join(_TENANT, _TENANT.c.tenant_profile_id == TenantProfile.id)
        return await self._session.scalar(query.where(_TENANT.c.id == tenant_id))

    async def lock_tenant(self, tenant_id: UUID) -> None:
        """Make others who count this tenant's entities wait for the end of this transaction."""
        query = select(_TENANT.c.id).where(_TENANT.c.id == tenant_id)
        await self._session.execute(query.with_for_update())

    async def is_used(self, profile_id: UUID) -> bool:
        query = select(_TENANT.c.id).where(_TENANT.c.tenant_profile_id == profile_id).limit(1)
        return await self._session.scalar(query) is not None

    async def page(self, request: PageRequest) -> Page[TenantProfile]:
        return await fetch_page(
            self._session,
            select(TenantProfile),
            request,
            sortable=_SORTABLE,
            tie_breaker=TenantProfile.id,
            searched=[TenantProfile.name],
        )

    async def add(self, profile: TenantProfile) -> None:
        self._session.add(profile)
        await self._session.flush()

    async def save(self, profile: TenantProfile) -> None:
        flag_modified(profile, "name")
        await self._session.flush()

    async def delete(self, profile: TenantProfile) -> None:
        await self._session.delete(profile)
        await self._session.flush()
