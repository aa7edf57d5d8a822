"""Queries of relations."""

from collections.abc import Collection, Iterator, Sequence
from itertools import islice
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, delete, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from fieldline.database.repository import upserting
from fieldline.domains.relation.kinds import Direction, Key, TypeGroup, Wanted
from fieldline.domains.relation.models import Relation
from fieldline.kit.ids import EntityRef

_KEY = [
    Relation.from_id,
    Relation.from_type,
    Relation.type_group,
    Relation.type,
    Relation.to_id,
    Relation.to_type,
]
_LOCK_SPACE = 0x0052_454C
"""First number of the advisory locks on ends of relations; the second is a bucket of ids."""
_LOCK_BUCKETS = 1024
"""Bounds how many locks one transaction takes: PostgreSQL's table of locks is finite."""
_BATCH = 1000
"""Entities whose relations one statement asks for."""


class RelationRepository:
    """Relations of one session."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def hold(self, ends: Collection[EntityRef], *, alone: bool) -> None:
        """Keep ends of relations from being deleted, or ``alone`` from getting new relations.

        Until the transaction ends; whoever makes a relation and whoever deletes an end of it thus
        see each other. SQLite has one writer anyway.
        """
        if not self._is_postgresql:
            return
        lock = func.pg_advisory_xact_lock if alone else func.pg_advisory_xact_lock_shared
        for bucket in sorted({end.id.int % _LOCK_BUCKETS for end in ends}):
            await self._session.execute(select(lock(_LOCK_SPACE, bucket)))

    async def get(self, key: Key) -> Relation | None:
        return await self._session.scalar(select(Relation).where(*_is(key)))

    async def save(
        self, tenant_id: UUID, key: Key, additional_info: dict[str, Any] | None, version: int | None
    ) -> Relation | None:
        """Make the relation, or change it; None when its version is not the one given."""
        row = upserting(self._session, Relation).values(
            tenant_id=tenant_id,
            from_id=key.from_ref.id,
            from_type=key.from_ref.type.value,
            to_id=key.to_ref.id,
            to_type=key.to_ref.type.value,
            type=key.type,
            type_group=key.type_group.value,
            additional_info=additional_info,
        )
        changed = {
            "additional_info": row.excluded.additional_info,
            "version": Relation.version + 1,
        }
        statement = row.on_conflict_do_update(
            index_elements=_KEY,
            set_=changed,
            where=None if version is None else Relation.version == version,
        ).returning(Relation)
        fresh = {"populate_existing": True}
        return (await self._session.scalars(statement, execution_options=fresh)).one_or_none()

    async def delete(self, key: Key) -> Relation | None:
        """Delete a relation and return it as it was; None when there is none."""
        statement = delete(Relation).where(*_is(key)).returning(Relation)
        return (await self._session.scalars(statement)).one_or_none()

    async def delete_all(self, end: EntityRef, type_group: TypeGroup | None = None) -> None:
        """Delete the relations from and to an entity, of one group or of all."""
        conditions = [or_(_from(end), _to(end))]
        if type_group is not None:
            conditions.append(Relation.type_group == type_group.value)
        await self._session.execute(delete(Relation).where(*conditions))

    async def page(
        self, tenant_id: UUID | None, wanted: Wanted, *, limit: int, offset: int = 0
    ) -> Sequence[Relation]:
        """Return relations, the newest first."""
        query = select(Relation).where(
            Relation.tenant_id == tenant_id, Relation.type_group == wanted.type_group.value
        )
        if wanted.from_ref is not None:
            query = query.where(_from(wanted.from_ref))
        if wanted.to_ref is not None:
            query = query.where(_to(wanted.to_ref))
        if wanted.type:
            query = query.where(Relation.type == wanted.type)
        query = query.order_by(Relation.created_time.desc(), *_KEY).limit(limit).offset(offset)
        return (await self._session.scalars(query)).all()

    async def level(
        self,
        tenant_id: UUID | None,
        wanted: Wanted,
        direction: Direction,
        ends: Collection[EntityRef],
        limit: int,
    ) -> list[Relation]:
        """Return relations of these entities in one direction, at most ``limit``, the oldest first.

        ``wanted`` says of which group and type.
        """
        end_id = Relation.from_id if direction is Direction.FROM else Relation.to_id
        query = select(Relation).where(
            Relation.tenant_id == tenant_id, Relation.type_group == wanted.type_group.value
        )
        if wanted.type:
            query = query.where(Relation.type == wanted.type)
        query = query.order_by(Relation.created_time, *_KEY)
        found: list[Relation] = []
        for some in _batches(ends):
            ids = [end.id for end in some]
            part = query.where(end_id.in_(ids)).limit(limit - len(found))
            found += (await self._session.scalars(part)).all()
            if len(found) >= limit:
                break
        return found

    @property
    def _is_postgresql(self) -> bool:
        return self._session.get_bind().dialect.name == "postgresql"


def _from(end: EntityRef) -> ColumnElement[bool]:
    return and_(Relation.from_id == end.id, Relation.from_type == end.type.value)


def _to(end: EntityRef) -> ColumnElement[bool]:
    return and_(Relation.to_id == end.id, Relation.to_type == end.type.value)


def _is(key: Key) -> tuple[ColumnElement[bool], ...]:
    return (
        _from(key.from_ref),
        _to(key.to_ref),
        Relation.type == key.type,
        Relation.type_group == key.type_group.value,
    )


def _batches(ends: Collection[EntityRef]) -> Iterator[list[EntityRef]]:
    waiting = iter(ends)
    while batch := list(islice(waiting, _BATCH)):
        yield batch
