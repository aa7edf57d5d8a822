"""The columns and queries that the tables of device profiles and of asset profiles share."""

from collections.abc import Collection, Sequence
from typing import Any, Generic, TypeVar
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    ForeignKey,
    Index,
    Select,
    String,
    UniqueConstraint,
    column,
    exists,
    select,
    table,
    update,
)
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, declared_attr, mapped_column
from sqlalchemy.orm.attributes import flag_modified

from fieldline.database.base import Entity, only_where
from fieldline.database.repository import Column, fetch_page
from fieldline.database.types import Guid
from fieldline.kit.paging import Page, PageRequest

_TENANT = table("tenant", column("id", Guid))
_RULE_CHAIN = table("rule_chain", column("id", Guid), column("tenant_id", Guid))
_DASHBOARD = table("dashboard", column("id", Guid), column("tenant_id", Guid))


class Profile(Entity):
    """A kind of thing of one tenant; one of each tenant is the default."""

    __abstract__ = True

    tenant_id: Mapped[UUID] = mapped_column(ForeignKey("tenant.id", ondelete="CASCADE"), index=True)
    name: Mapped[str] = mapped_column(String(255))
    description: Mapped[str | None]
    image: Mapped[str | None]
    is_default: Mapped[bool] = mapped_column(default=False)
    default_rule_chain_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("rule_chain.id"), index=True
    )
    default_edge_rule_chain_id: Mapped[UUID | None] = mapped_column(ForeignKey("rule_chain.id"))
    default_dashboard_id: Mapped[UUID | None]
    default_queue_name: Mapped[str | None] = mapped_column(String(255))
    external_id: Mapped[UUID | None]

    @declared_attr.directive
    @classmethod
    def __table_args__(cls) -> tuple[Any, ...]:
        return (
            UniqueConstraint("tenant_id", "name"),
            UniqueConstraint("id", "name"),  # what a thing's profile and type point at
            UniqueConstraint("tenant_id", "external_id"),
            Index(
                f"uq_{cls.__tablename__}_default",
                "tenant_id",
                unique=True,
                **only_where("is_default"),
            ),
        )


P = TypeVar("P", bound=Profile)


class ProfileRepository(Generic[P]):
    """Profiles of one kind, in one session.

    A kind says its ``model``, and the column of its things that names the profile (``used_by``).
    """

    model: type[P]
    used_by: ColumnElement[UUID]

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def get(self, profile_id: UUID, *, lock: bool = False) -> P | None:
        """Return a profile; ``lock`` keeps others from changing it until the transaction ends."""
        return await self._session.get(self.model, profile_id, with_for_update=lock or None)

    async def by_ids(self, tenant_id: UUID, ids: Collection[UUID]) -> Sequence[P]:
        query = self._of(tenant_id).where(self.model.id.in_(ids)).order_by(self.model.name)
        return (await self._session.scalars(query)).all()

    async def by_name(self, tenant_id: UUID, name: str) -> P | None:
        query = self._of(tenant_id).where(self.model.name == name)
        return (await self._session.scalars(query)).one_or_none()

    async def default(self, tenant_id: UUID) -> P | None:
        query = self._of(tenant_id).where(self.model.is_default)
        return (await self._session.scalars(query)).one_or_none()

    async def page(
        self, tenant_id: UUID, request: PageRequest, *conditions: ColumnElement[bool]
    ) -> Page[P]:
        return await fetch_page(
            self._session,
            self._of(tenant_id).where(*conditions),
            request,
            sortable=self._sortable(),
            tie_breaker=self.model.id,
            searched=[self.model.name],
        )

    async def names(self, tenant_id: UUID, *, active_only: bool) -> list[tuple[UUID, str]]:
        model = self.model
        query = select(model.id, model.name).where(model.tenant_id == tenant_id)
        if active_only:
            query = query.where(exists().where(self.used_by == model.id))
        rows = await self._session.execute(query.order_by(model.name))
        return [(row.id, row.name) for row in rows]

    async def is_used(self, profile_id: UUID) -> bool:
        """Tell whether things have the profile."""
        return bool(await self._session.scalar(select(exists().where(self.used_by == profile_id))))

    async def rule_chains(self, ids: Collection[UUID]) -> dict[UUID, UUID | None]:
        """Return profile -> its default rule chain, of those that exist."""
        query = select(self.model.id, self.model.default_rule_chain_id)
        rows = await self._session.execute(query.where(self.model.id.in_(ids)))
        return {row[0]: row[1] for row in rows}

    async def tenant_of_rule_chain(self, rule_chain_id: UUID) -> UUID | None:
        query = select(_RULE_CHAIN.c.tenant_id).where(_RULE_CHAIN.c.id == rule_chain_id)
        return await self._session.scalar(query)

    async def tenant_of_dashboard(self, dashboard_id: UUID) -> UUID | None:
        """Return whose a dashboard is, and keep it from being deleted in the meantime."""
        query = select(_DASHBOARD.c.tenant_id).where(_DASHBOARD.c.id == dashboard_id)
        return await self._session.scalar(query.with_for_update(read=True))

    async def lock_default(self, tenant_id: UUID) -> None:
        """Let nobody else choose a default of the tenant until the transaction ends.

        Taken before any profile is locked, as by those who count the tenant's things.
        """
        tenant = select(_TENANT.c.id).where(_TENANT.c.id == tenant_id)
        await self._session.execute(tenant.with_for_update(key_share=True))

    async def clear_default(self, tenant_id: UUID) -> None:
        """Leave the tenant without a default, which the caller sets next: there may be one."""
        await self._session.execute(
            update(self.model)
            .where(self.model.tenant_id == tenant_id, self.model.is_default)
            .values(is_default=False, version=self.model.version + 1)
        )

    async def add(self, profile: P) -> None:
        self._session.add(profile)
        await self._session.flush()

    async def add_if_free(self, profile: P) -> bool:
        """Add a profile; false when somebody else has just added one of its name."""
        try:
            async with self._session.begin_nested():
                self._session.add(profile)
        except IntegrityError:
            return False
        return True

    async def save(self, profile: P) -> None:
        """Write the profile; its version rises even when nothing else changed."""
        flag_modified(profile, "name")
        await self._session.flush()

    async def delete(self, profile: P) -> None:
        await self._session.delete(profile)
        await self._session.flush()

    def _sortable(self) -> dict[str, Column]:
        model = self.model
        return {
            "id": model.id,
            "created_time": model.created_time,
            "name": model.name,
            "description": model.description,
            "is_default": model.is_default,
            "default": model.is_default,
        }

    def _of(self, tenant_id: UUID) -> Select[P]:
        return select(self.model).where(self.model.tenant_id == tenant_id)
