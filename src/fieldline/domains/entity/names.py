"""What many entities are called, in a few queries, and which of them the caller may see."""

from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import UUID

from fieldline.domains.asset import service as asset_service
from fieldline.domains.asset_profile import service as asset_profile_service
from fieldline.domains.customer import service as customer_service
from fieldline.domains.dashboard import service as dashboard_service
from fieldline.domains.device import service as device_service
from fieldline.domains.device_profile import service as device_profile_service
from fieldline.domains.entity.access import FINDERS, Known
from fieldline.domains.entity_view import service as entity_view_service
from fieldline.domains.rule_chain import service as rule_chain_service
from fieldline.domains.tenant import service as tenant_service
from fieldline.domains.tenant_profile import service as tenant_profile_service
from fieldline.domains.user import service as user_service
from fieldline.kit.errors import Forbidden
from fieldline.kit.ids import EntityRef, EntityType
from fieldline.security.caller import Caller

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

List = Callable[["AsyncSession", Caller, Collection[UUID]], Awaitable[Sequence[Any]]]
"""Returns those of the entities that the caller may see, or raises Forbidden if it may see none."""
_BATCH = 1000
"""Entities that one query asks for."""


async def _customers(
    session: "AsyncSession", caller: Caller, ids: Collection[UUID]
) -> Sequence[Any]:
    """Return customers; a customer user sees its own."""
    if caller.customer_id is None:
        return await customer_service.by_ids(session, caller, ids)
    if caller.customer_id not in ids:
        return []
    return [await customer_service.get(session, caller, caller.customer_id)]


class _Dashboard(NamedTuple):
    """A dashboard as ``access.FINDERS`` describes one, with its id."""

    id: UUID
    tenant_id: UUID
    title: str
    customer_id: UUID | None


async def _dashboards(
    session: "AsyncSession", caller: Caller, ids: Collection[UUID]
) -> Sequence[Any]:
    found = await dashboard_service.by_ids(session, caller, ids)
    return [
        _Dashboard(row.id, row.tenant_id, row.title, caller.customer_id) for row, _assigned in found
    ]


LISTS: dict[EntityType, List] = {
    EntityType.DEVICE: device_service.by_ids,
    EntityType.DEVICE_PROFILE: device_profile_service.by_ids,
    EntityType.ASSET: asset_service.by_ids,
    EntityType.ASSET_PROFILE: asset_profile_service.by_ids,
    EntityType.CUSTOMER: _customers,
    EntityType.DASHBOARD: _dashboards,
    EntityType.USER: user_service.by_ids,
    EntityType.ENTITY_VIEW: entity_view_service.by_ids,
    EntityType.TENANT: tenant_service.by_ids,
    EntityType.TENANT_PROFILE: tenant_profile_service.by_ids,
    EntityType.RULE_CHAIN: rule_chain_service.by_ids,
}
"""How each kind of ``access.FINDERS`` is read in numbers."""


async def visible(
    session: "AsyncSession", caller: Caller, entities: Iterable[EntityRef]
) -> dict[EntityRef, Known]:
    """Return name and owners of each of the entities that is there and that the caller may see."""
    ids: dict[EntityType, set[UUID]] = {}
    for entity in entities:
        ids.setdefault(entity.type, set()).add(entity.id)
    found: dict[EntityRef, Known] = {}
    for kind in ids.keys() & LISTS.keys():
        describe = FINDERS[kind][1]
        for row in await _rows(session, caller, kind, sorted(ids[kind])):
            found[EntityRef(kind, row.id)] = describe(row)
    return found


async def _rows(
    session: "AsyncSession", caller: Caller, kind: EntityType, ids: Sequence[UUID]
) -> list[Any]:
    rows: list[Any] = []
    try:
        for start in range(0, len(ids), _BATCH):
            rows += await LISTS[kind](session, caller, ids[start : start + _BATCH])
    except Forbidden:
        return []
    return rows
