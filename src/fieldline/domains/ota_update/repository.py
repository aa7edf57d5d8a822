"""Queries of updates."""

from collections.abc import Collection, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    FromClause,
    Select,
    TableClause,
    and_,
    bindparam,
    case,
    column,
    delete,
    func,
    or_,
    select,
    table,
    update,
)
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from fieldline.database.repository import upserting
from fieldline.database.types import Guid
from fieldline.domains.ota_package.kinds import OtaType
from fieldline.domains.ota_update.models import OtaRollout, OtaUpdate, State


def _user(name: str, *others: str) -> TableClause:
    columns = ("id", *others, *(kind.column for kind in OtaType))
    return table(name, *(column(each, Guid) for each in columns))


_DEVICE = _user("device", "tenant_id", "device_profile_id")
_PROFILE = _user("device_profile")


class Wanted(NamedTuple):
    """The package that a device has now, and the one that it was told of."""

    device_id: UUID
    package_id: UUID | None
    told_id: UUID | None


class OpenUpdate(NamedTuple):
    """An update that is not finished; ``revision`` says which one of its device.

    ``changed_ms`` is when it came into its state, and later than when it came into the one before.
    """

    device_id: UUID
    tenant_id: UUID
    type: OtaType
    package_id: UUID | None
    revision: int
    changed_ms: int

    def next_ms(self, now_ms: int) -> int:
        """Return the time of its next state: now, and later than of the one before in any case."""
        return max(now_ms, self.changed_ms + 1)


class OtaUpdateRepository:
    """Updates of one session."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def wanted_of(self, device_id: UUID) -> dict[OtaType, Wanted]:
        """Return what a device has and was told of, in one query."""
        rows = await self._session.execute(_OF_ONE, {"device_id": device_id})
        found = rows.one_or_none()
        if found is None:
            return {}
        return {
            kind: Wanted(device_id, found[2 * place], found[2 * place + 1])
            for place, kind in enumerate(OtaType)
        }

    async def lock(self, device_ids: Collection[UUID], *, wait: bool) -> set[UUID]:
        """Keep devices from being saved until the transaction ends; return those that are there.

        Whoever saves a device holds it as well before it writes its updates. Without ``wait``,
        devices that somebody holds are left out.
        """
        query = select(_DEVICE.c.id).where(_DEVICE.c.id.in_(device_ids)).order_by(_DEVICE.c.id)
        query = query.with_for_update(key_share=True, skip_locked=not wait)
        return set(await self._session.scalars(query))

    async def wanted_of_all(self, device_ids: Collection[UUID], kind: OtaType) -> Sequence[Wanted]:
        """Return those of some devices that were not told yet what they have."""
        query = _differing(kind).where(_DEVICE.c.id.in_(device_ids))
        return [Wanted(*row) for row in await self._session.execute(query)]

    async def wanted_in(
        self, profile_id: UUID, kind: OtaType, after: UUID | None, limit: int
    ) -> Sequence[Wanted]:
        """Return devices of a profile, by id, that were not told yet what they have."""
        query = _differing(kind).where(_DEVICE.c.device_profile_id == profile_id)
        if after is not None:
            query = query.where(_DEVICE.c.id > after)
        query = query.order_by(_DEVICE.c.id).limit(limit)
        return [Wanted(*row) for row in await self._session.execute(query)]

    async def want(self, kind: OtaType, wanted: Sequence[Wanted], now_ms: int) -> None:
        """Have devices told of the packages that they have."""
        if not wanted:
            return
        rows = [
            {
                "device_id": each.device_id,
                "type": kind.value,
                "package_id": each.package_id,
                "state": State.UNASSIGNED if each.package_id is None else State.ASSIGNED,
                "revision": 1,
                "changed_time": now_ms,
            }
            for each in wanted
        ]
        query = upserting(self._session, OtaUpdate)
        changed = {
            "package_id": query.excluded.package_id,
            "state": query.excluded.state,
            "changed_time": _later(query.excluded.changed_time),
            "revision": OtaUpdate.revision + 1,
        }
        await self._session.execute(
            query.on_conflict_do_update(index_elements=["device_id", "type"], set_=changed), rows
        )

    async def open_in(self, state: State, limit: int) -> Sequence[OpenUpdate]:
        """Return the oldest updates in a state; a queued one only while it is the current one."""
        query = (
            select(
                OtaUpdate.device_id,
                _DEVICE.c.tenant_id,
                OtaUpdate.type,
                OtaUpdate.package_id,
                OtaUpdate.revision,
                OtaUpdate.changed_time,
            )
            .join(_DEVICE, _DEVICE.c.id == OtaUpdate.device_id)
            .where(OtaUpdate.state == state)
            .order_by(OtaUpdate.changed_time, OtaUpdate.device_id)
            .limit(limit)
        )
        if state is State.QUEUED:
            query = query.join(_PROFILE, _PROFILE.c.id == _DEVICE.c.device_profile_id)
            query = query.where(or_(*(_is_current(kind) for kind in OtaType)))
        return [
            OpenUpdate(row[0], row[1], OtaType(row[2]), *row[3:])
            for row in await self._session.execute(query)
        ]

    async def move(self, done: Sequence[OpenUpdate], state: State, now_ms: int) -> None:
        """Note how far updates are, but for those that another package has replaced."""
        for each in done:
            values = {"state": state, "changed_time": each.next_ms(now_ms)}
            await self._session.execute(update(OtaUpdate).where(*_same(each)).values(values))

    async def remove(self, done: Sequence[OpenUpdate]) -> None:
        """Forget updates, but for those that another package has replaced."""
        for each in done:
            await self._session.execute(delete(OtaUpdate).where(*_same(each)))

    # Profiles

    async def rollout(self, profile_id: UUID, kind: OtaType) -> OtaRollout | None:
        return await self._session.get(OtaRollout, (profile_id, kind.value))

    async def add_rollout(self, rollout: OtaRollout) -> None:
        self._session.add(rollout)
        await self._session.flush()

    async def pending_rollouts(self, limit: int) -> Sequence[OtaRollout]:
        query = select(OtaRollout).where(OtaRollout.is_pending.is_(True))
        query = query.order_by(OtaRollout.changed_time, OtaRollout.device_profile_id).limit(limit)
        return (await self._session.scalars(query)).all()

    async def finish_rollout(self, profile_id: UUID, kind: OtaType, changed_ms: int) -> None:
        """Note that a profile's devices were looked through, unless it has changed since."""
        await self._session.execute(
            update(OtaRollout)
            .where(
                OtaRollout.device_profile_id == profile_id,
                OtaRollout.type == kind.value,
                OtaRollout.changed_time == changed_ms,
            )
            .values(is_pending=False)
        )


def _has(kind: OtaType) -> ColumnElement[Any]:
    """Return the package of a device: its own, else its profile's."""
    return func.coalesce(_DEVICE.c[kind.column], _PROFILE.c[kind.column])


def _of_one() -> Select[Any]:
    """Select what the device ``device_id`` has and was told of, for each kind of package."""
    told = {kind: aliased(OtaUpdate) for kind in OtaType}
    query = select(
        *(part for kind in OtaType for part in (_has(kind), told[kind].package_id))
    ).join_from(_DEVICE, _PROFILE, _PROFILE.c.id == _DEVICE.c.device_profile_id)
    for kind, row in told.items():
        query = query.outerjoin(row, and_(row.device_id == _DEVICE.c.id, row.type == kind.value))
    return query.where(_DEVICE.c.id == bindparam("device_id"))


_OF_ONE = _of_one()
"""Asked whenever a device is saved: to build it takes longer than its answer."""


def _is_current(kind: OtaType) -> ColumnElement[bool]:
    return and_(OtaUpdate.type == kind.value, OtaUpdate.package_id == _has(kind))


def _differing(kind: OtaType) -> Select[Any]:
    """Select the devices that have another package than they were told of."""
    has = _has(kind)
    told: FromClause = (
        select(OtaUpdate.device_id, OtaUpdate.package_id)
        .where(OtaUpdate.type == kind.value)
        .subquery()
    )
    return (
        select(_DEVICE.c.id, has, told.c.package_id)
        .join_from(_DEVICE, _PROFILE, _PROFILE.c.id == _DEVICE.c.device_profile_id)
        .outerjoin(told, told.c.device_id == _DEVICE.c.id)
        .where(has.is_distinct_from(told.c.package_id))
    )


def _later(now_ms: ColumnElement[int]) -> ColumnElement[int]:
    """Return a time for an update that changes: now, and later than before in any case."""
    former = OtaUpdate.changed_time
    return case((former < now_ms, now_ms), else_=former + 1)


def _same(each: OpenUpdate) -> tuple[ColumnElement[bool], ...]:
    return (
        OtaUpdate.device_id == each.device_id,
        OtaUpdate.type == each.type.value,
        OtaUpdate.revision == each.revision,
    )
