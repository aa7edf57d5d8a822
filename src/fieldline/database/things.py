"""The columns and queries that the tables of devices and of assets share."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Generic, NamedTuple, TypeVar
from uuid import UUID

from sqlalchemy import (
    Boolean,
    ColumnElement,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Row,
    Select,
    String,
    UniqueConstraint,
    bindparam,
    column,
    func,
    select,
    table,
    text,
)
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, declared_attr, mapped_column, synonym
from sqlalchemy.orm.attributes import flag_modified

from fieldline.database.base import Entity
from fieldline.database.repository import Column, fetch_rows
from fieldline.database.types import Guid
from fieldline.kit.paging import Page, PageRequest

_CUSTOMER = table(
    "customer",
    column("id", Guid),
    column("title"),
    column("is_public", Boolean),
)


class Thing(Entity):
    """A thing of one tenant with a profile, perhaps assigned to one of the tenant's customers.

    The profiles of a table ``device`` are in ``device_profile``. ``type`` is the name of the
    profile; the foreign key keeps it so when the profile is renamed. ``search_text`` is name and
    label in lower case (SQLite's own ``lower`` knows only ASCII).
    """

    __abstract__ = True

    tenant_id: Mapped[UUID] = mapped_column(ForeignKey("tenant.id", ondelete="CASCADE"))
    customer_id: Mapped[UUID | None] = mapped_column(ForeignKey("customer.id", ondelete="SET NULL"))
    name: Mapped[str] = mapped_column(String(255))
    type: Mapped[str] = mapped_column(String(255))
    label: Mapped[str | None] = mapped_column(String(255))
    external_id: Mapped[UUID | None]
    additional_info: Mapped[dict[str, Any] | None]
    search_text: Mapped[str]

    @declared_attr
    @classmethod
    def profile_id(cls) -> Mapped[UUID]:
        """Name the profile's id, whose column is called after the kind of profile."""
        return synonym(f"{cls.__tablename__}_profile_id")

    @declared_attr.directive
    @classmethod
    def __table_args__(cls) -> tuple[Any, ...]:
        name = cls.__tablename__
        profile = f"{name}_profile"
        return (
            UniqueConstraint("tenant_id", "name"),
            UniqueConstraint("tenant_id", "external_id"),
            ForeignKeyConstraint(
                [f"{profile}_id", "type"], [f"{profile}.id", f"{profile}.name"], onupdate="CASCADE"
            ),
            Index(f"ix_{profile}_type", f"{profile}_id", "type"),
            Index(f"ix_{name}_tenant_created", "tenant_id", "created_time"),
            Index(f"ix_{name}_tenant_type", "tenant_id", "type"),
            Index(f"ix_{name}_customer_created", "customer_id", "created_time"),
            # Cut to 200 characters: an index entry of PostgreSQL may have 2,704 bytes.
            Index(f"ix_{name}_search", "tenant_id", text("substr(search_text, 1, 200)")),
        )


T = TypeVar("T", bound=Thing)


@dataclass(frozen=True, slots=True)
class ThingFilter:
    """Which things of a tenant; None asks nothing."""

    customer_id: UUID | None = None
    type: str | None = None
    profile_id: UUID | None = None
    is_active: bool | None = None
    """Of devices alone."""


class Listed(NamedTuple, Generic[T]):
    """A thing with what lists show beside its own fields; the profile's name is the type."""

    thing: T
    customer_title: str | None
    customer_is_public: bool
    is_active: bool = False
    """Of devices alone."""


class ThingRepository(Generic[T]):
    """Things of one kind, in one session.

    A kind says its ``model``; ``is_active`` is the condition of those that have such a state.
    """

    model: type[T]
    is_active: ColumnElement[bool] | None = None

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def get(self, thing_id: UUID, *, lock: bool = False) -> T | None:
        """Return a thing; ``lock`` keeps others from changing it until the transaction ends."""
        return await self._session.get(self.model, thing_id, with_for_update=lock or None)

    async def values(self, thing_id: UUID, names: tuple[str, ...]) -> dict[str, Any] | None:
        """Return some columns of a thing, at a fraction of the cost of the thing itself."""
        query = _columns_of(self.model, names)
        row = (await self._session.execute(query, {"thing_id": thing_id})).one_or_none()
        return None if row is None else dict(zip(names, row, strict=True))

    async def by_ids(
        self, tenant_id: UUID, ids: Collection[UUID], customer_id: UUID | None
    ) -> Sequence[T]:
        query = select(self.model).where(self.model.tenant_id == tenant_id, self.model.id.in_(ids))
        if customer_id is not None:
            query = query.where(self.model.customer_id == customer_id)
        return (await self._session.scalars(query)).all()

    async def by_name(self, tenant_id: UUID, name: str) -> T | None:
        query = select(self.model).where(self.model.tenant_id == tenant_id, self.model.name == name)
        return (await self._session.scalars(query)).one_or_none()

    async def page(self, tenant_id: UUID, request: PageRequest, wanted: ThingFilter) -> Page[T]:
        page = await self._rows(tenant_id, request, wanted, self.model)
        return page.map(lambda row: row[0])

    async def page_of_values(
        self, tenant_id: UUID, request: PageRequest, wanted: ThingFilter, names: Sequence[str]
    ) -> Page[dict[str, Any]]:
        """Return some columns of a page, at a third of the cost of the things themselves."""
        columns = [getattr(self.model, name) for name in names]
        page = await self._rows(tenant_id, request, wanted, *columns)
        return page.map(lambda row: dict(zip(names, row, strict=False)))

    async def _rows(
        self,
        tenant_id: UUID,
        request: PageRequest,
        wanted: ThingFilter,
        *selected: Any,  # noqa: ANN401 - the model or its columns
    ) -> Page[Row[Any]]:
        return await fetch_rows(
            self._session,
            select(*selected)
            .select_from(self.model)
            .outerjoin(_CUSTOMER, _CUSTOMER.c.id == self.model.customer_id)
            .where(self.model.tenant_id == tenant_id, *self._conditions(wanted)),
            request,
            sortable=self._sortable(),
            tie_breaker=self.model.id,
            searched=[self.model.search_text, self.model.type],
        )

    async def info_page(
        self, tenant_id: UUID, request: PageRequest, wanted: ThingFilter
    ) -> Page[Listed[T]]:
        """Return a page of a tenant's things, searched by the customer's title too."""
        page = await fetch_rows(
            self._session,
            self._infos().where(self.model.tenant_id == tenant_id, *self._conditions(wanted)),
            request,
            sortable=self._sortable(),
            tie_breaker=self.model.id,
            searched=[self.model.search_text, self.model.type, _CUSTOMER.c.title],
        )
        return page.map(_listed)

    async def info(self, thing_id: UUID) -> Listed[T] | None:
        query = self._infos().where(self.model.id == thing_id)
        found = (await self._session.execute(query)).one_or_none()
        return None if found is None else _listed(found)

    async def names_from(self, tenant_id: UUID, prefix: str) -> set[str]:
        """Return the names that begin with ``prefix``."""
        query = select(self.model.name).where(
            self.model.tenant_id == tenant_id, self.model.name.startswith(prefix, autoescape=True)
        )
        return set(await self._session.scalars(query))

    async def types(self, tenant_id: UUID, customer_id: UUID | None) -> list[str]:
        query = select(self.model.type).distinct().where(self.model.tenant_id == tenant_id)
        if customer_id is not None:
            query = query.where(self.model.customer_id == customer_id)
        return list(await self._session.scalars(query.order_by(self.model.type)))

    async def count(self, tenant_id: UUID) -> int:
        query = select(func.count()).select_from(self.model)
        return await self._session.scalar(query.where(self.model.tenant_id == tenant_id)) or 0

    async def add(self, thing: T) -> None:
        self._session.add(thing)
        await self._session.flush()

    async def save(self, thing: T) -> None:
        """Write the thing; its version rises even when nothing else changed."""
        flag_modified(thing, "name")
        await self._session.flush()

    async def delete(self, thing: T) -> None:
        await self._session.delete(thing)
        await self._session.flush()

    def _infos(self) -> Select[Any]:
        query = select(
            self.model,
            _CUSTOMER.c.title.label("customer_title"),
            _CUSTOMER.c.is_public.label("customer_is_public"),
        ).outerjoin(_CUSTOMER, _CUSTOMER.c.id == self.model.customer_id)
        if self.is_active is not None:
            query = query.add_columns(self.is_active.label("is_active"))
        return query

    def _sortable(self) -> dict[str, Column]:
        model, profile = self.model, f"{self.model.__tablename__}_profile"
        found: dict[str, Column] = {
            "id": model.id,
            "created_time": model.created_time,
            "name": model.name,
            "type": model.type,
            "label": model.label,
            "customer_id": model.customer_id,
            "tenant_id": model.tenant_id,
            f"{profile}_id": model.profile_id,
            f"{profile}_name": model.type,
            "customer_title": _CUSTOMER.c.title,
            "customer_is_public": _CUSTOMER.c.is_public,
        }
        return found if self.is_active is None else found | {"active": self.is_active}

    def _conditions(self, wanted: ThingFilter) -> list[ColumnElement[bool]]:
        found: list[ColumnElement[bool]] = []
        if wanted.customer_id is not None:
            found.append(self.model.customer_id == wanted.customer_id)
        if wanted.type:
            found.append(self.model.type == wanted.type)
        if wanted.profile_id is not None:
            found.append(self.model.profile_id == wanted.profile_id)
        if wanted.is_active is not None and self.is_active is not None:
            found.append(self.is_active if wanted.is_active else ~self.is_active)
        return found


@lru_cache(16)
def _columns_of(model: type[Thing], names: tuple[str, ...]) -> Select[Any]:
    """Make a query once, not for every request."""
    columns = model.__table__.c
    return select(*(columns[name] for name in names)).where(columns.id == bindparam("thing_id"))


def _listed(row: Row[Any]) -> Listed[Any]:
    is_active = bool(getattr(row, "is_active", False))
    return Listed(row[0], row.customer_title, bool(row.customer_is_public), is_active)
