"""Queries on users and their credentials."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Select, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm.attributes import flag_modified

from fieldline.database.repository import fetch_page
from fieldline.domains.user.models import User, UserCredentials
from fieldline.kit.paging import Page, PageRequest

_SORTABLE = {
    name: getattr(User, name)
    for name in ("id", "created_time", "email", "authority", "first_name", "last_name", "phone")
} | {"name": User.email}


@dataclass(frozen=True, slots=True)
class UserFilter:
    """Which users; None is any. ``or_of_tenant`` adds those without a customer."""

    tenant_id: UUID | None = None
    customer_id: UUID | None = None
    authorities: tuple[str, ...] | None = None
    or_of_tenant: bool = False

    def apply(self, query: Select[User]) -> Select[User]:
        if self.tenant_id is not None:
            query = query.where(User.tenant_id == self.tenant_id)
        if self.or_of_tenant:
            is_near = or_(User.customer_id == self.customer_id, User.customer_id.is_(None))
            query = query.where(is_near)
        elif self.customer_id is not None:
            query = query.where(User.customer_id == self.customer_id)
        if self.authorities is not None:
            query = query.where(User.authority.in_(self.authorities))
        return query


class UserRepository:
    """All queries of one session."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def get(self, user_id: UUID) -> User | None:
        return await self._session.get(User, user_id)

    async def by_email(self, email: str) -> User | None:
        return await self._session.scalar(select(User).where(User.email == email))

    async def by_ids(self, ids: Collection[UUID]) -> Sequence[User]:
        query = select(User).where(User.id.in_(ids)).order_by(User.id)
        return (await self._session.scalars(query)).all()

    async def of_customer(self, customer_id: UUID) -> Sequence[User]:
        query = select(User).where(User.customer_id == customer_id).order_by(User.id)
        return (await self._session.scalars(query)).all()

    async def has_authority(self, authority: str) -> bool:
        query = select(User.id).where(User.authority == authority).limit(1)
        return await self._session.scalar(query) is not None

    async def page(self, which: UserFilter, request: PageRequest) -> Page[User]:
        return await fetch_page(
            self._session,
            which.apply(select(User)),
            request,
            sortable=_SORTABLE,
            tie_breaker=User.id,
            searched=[User.email, User.first_name, User.last_name],
        )

    async def count(self, tenant_id: UUID) -> int:
        query = select(func.count(User.id)).where(User.tenant_id == tenant_id)
        return await self._session.scalar(query) or 0

    async def add(self, user: User, credentials: UserCredentials) -> None:
        self._session.add(user)
        await self._session.flush()
        credentials.user_id = user.id
        self._session.add(credentials)
        await self._session.flush()

    async def save(self, user: User) -> None:
        flag_modified(user, "email")
        await self._session.flush()

    async def delete(self, user: User) -> None:
        await self._session.delete(user)
        await self._session.flush()

    async def credentials(self, user_id: UUID, *, lock: bool = False) -> UserCredentials | None:
        """Return the user's credentials; ``lock`` lets nobody else change them meanwhile."""
        query = select(UserCredentials).where(UserCredentials.user_id == user_id)
        if lock:
            query = query.with_for_update().execution_options(populate_existing=True)
        return await self._session.scalar(query)

    async def enabled(self, ids: Collection[UUID]) -> set[UUID]:
        """Return which of these users may log in."""
        query = select(UserCredentials.user_id).where(
            UserCredentials.user_id.in_(ids), UserCredentials.enabled
        )
        return set(await self._session.scalars(query))

    async def credentials_by_activate_token(self, token_hash: bytes) -> UserCredentials | None:
        query = select(UserCredentials).where(UserCredentials.activate_token_hash == token_hash)
        return await self._session.scalar(query)

    async def credentials_by_reset_token(self, token_hash: bytes) -> UserCredentials | None:
        query = select(UserCredentials).where(UserCredentials.reset_token_hash == token_hash)
        return await self._session.scalar(query)
