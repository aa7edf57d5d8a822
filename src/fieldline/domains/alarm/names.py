"""The names that a list of alarms shows beside its ids, looked up once per list."""

from collections.abc import Awaitable, Callable, Iterable
from typing import TYPE_CHECKING, NamedTuple
from uuid import UUID

from fieldline.domains.alarm.models import Alarm
from fieldline.domains.alarm.schemas import AlarmAssignee, AlarmInfo
from fieldline.domains.asset import service as asset_service
from fieldline.domains.asset_profile import service as asset_profile_service
from fieldline.domains.customer import service as customer_service
from fieldline.domains.dashboard import service as dashboard_service
from fieldline.domains.device import service as device_service
from fieldline.domains.device_profile import service as device_profile_service
from fieldline.domains.entity_view import service as entity_view_service
from fieldline.domains.rule_chain import service as rule_chain_service
from fieldline.domains.user import service as user_service
from fieldline.kit.ids import EntityType
from fieldline.security.caller import Caller

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession


class Name(NamedTuple):
    """What an originator is called."""

    name: str
    label: str | None = None


Find = Callable[["AsyncSession", Caller, set[UUID]], Awaitable[dict[UUID, Name]]]


async def with_names(
    session: "AsyncSession", caller: Caller, alarms: Iterable[Alarm]
) -> list[AlarmInfo]:
    """Return alarms as ThingsBoard's AlarmInfo; a name that the caller may not see is null."""
    rows = list(alarms)
    names = await _originators(session, caller, rows)
    assignees = await _assignees(session, caller, rows)
    infos = []
    for row in rows:
        info = AlarmInfo.model_validate(row)
        name = names.get(row.originator_id)
        if name is not None:
            info.originator_name = name.name
            info.originator_label = name.label
            info.originator_display_name = name.label or name.name
        if row.assignee_id is not None:
            info.assignee = assignees.get(row.assignee_id)
        infos.append(info)
    return infos


async def _originators(
    session: "AsyncSession", caller: Caller, alarms: Iterable[Alarm]
) -> dict[UUID, Name]:
    ids: dict[str, set[UUID]] = {}
    for alarm in alarms:
        ids.setdefault(alarm.originator_type, set()).add(alarm.originator_id)
    names: dict[UUID, Name] = {}
    for kind, find in (_FINDERS if caller.is_tenant_admin else _FINDERS_FOR_CUSTOMERS).items():
        if kind.value in ids:
            names |= await find(session, caller, ids[kind.value])
    return names


async def _devices(session: "AsyncSession", _caller: Caller, ids: set[UUID]) -> dict[UUID, Name]:
    found = await device_service.snapshots(session, ids)
    return {device.id: Name(device.name, device.label) for device in found}


async def _profiles(session: "AsyncSession", caller: Caller, ids: set[UUID]) -> dict[UUID, Name]:
    found = await device_profile_service.by_ids(session, caller, ids)
    return {profile.id: Name(profile.name) for profile in found}


async def _assets(session: "AsyncSession", caller: Caller, ids: set[UUID]) -> dict[UUID, Name]:
    found = await asset_service.by_ids(session, caller, ids)
    return {asset.id: Name(asset.name, asset.label) for asset in found}


async def _asset_profiles(
    session: "AsyncSession", caller: Caller, ids: set[UUID]
) -> dict[UUID, Name]:
    found = await asset_profile_service.by_ids(session, caller, ids)
    return {profile.id: Name(profile.name) for profile in found}


async def _customers(session: "AsyncSession", caller: Caller, ids: set[UUID]) -> dict[UUID, Name]:
    found = await customer_service.by_ids(session, caller, ids)
    return {customer.id: Name(customer.title) for customer in found}


async def _dashboards(session: "AsyncSession", caller: Caller, ids: set[UUID]) -> dict[UUID, Name]:
    found = await dashboard_service.by_ids(session, caller, ids)
    return {each.dashboard.id: Name(each.dashboard.title) for each in found}


async def _users(session: "AsyncSession", caller: Caller, ids: set[UUID]) -> dict[UUID, Name]:
    return {user.id: Name(user.email) for user in await user_service.by_ids(session, caller, ids)}


async def _rule_chains(session: "AsyncSession", caller: Caller, ids: set[UUID]) -> dict[UUID, Name]:
    found = await rule_chain_service.by_ids(session, caller, ids)
    return {chain.id: Name(chain.name) for chain in found}


async def _views(session: "AsyncSession", caller: Caller, ids: set[UUID]) -> dict[UUID, Name]:
    found = await entity_view_service.by_ids(session, caller, ids)
    return {view.id: Name(view.name) for view in found}


_FINDERS: dict[EntityType, Find] = {
    EntityType.DEVICE: _devices,
    EntityType.DEVICE_PROFILE: _profiles,
    EntityType.ASSET: _assets,
    EntityType.ASSET_PROFILE: _asset_profiles,
    EntityType.CUSTOMER: _customers,
    EntityType.USER: _users,
    EntityType.RULE_CHAIN: _rule_chains,
    EntityType.DASHBOARD: _dashboards,
    EntityType.ENTITY_VIEW: _views,
}
_FINDERS_FOR_CUSTOMERS = {
    EntityType.DEVICE: _devices,
    EntityType.ASSET: _assets,
    EntityType.ENTITY_VIEW: _views,
}
"""The alarms that a customer user sees are of the customer's devices, assets and entity views."""


async def _assignees(
    session: "AsyncSession", caller: Caller, alarms: Iterable[Alarm]
) -> dict[UUID, AlarmAssignee]:
    ids = {alarm.assignee_id for alarm in alarms if alarm.assignee_id is not None}
    users = await user_service.by_ids(session, caller, ids) if ids else []
    return {user.id: AlarmAssignee.model_validate(user) for user in users}
