"""The names that a list of alarms shows beside its ids, looked up once per list."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple
from uuid import UUID

from fieldline.domains.alarm.models import Alarm
from fieldline.domains.alarm.schemas import AlarmAssignee, AlarmInfo
from fieldline.domains.device import service as device_service
from fieldline.domains.user import service as user_service
from fieldline.kit.ids import EntityType
from fieldline.security.caller import Caller

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession


class Name(NamedTuple):
    """What an originator is called."""

    name: str
    label: str | None = None


async def with_names(
    session: "AsyncSession", caller: Caller, alarms: Iterable[Alarm]
) -> list[AlarmInfo]:
    """Return alarms as ThingsBoard's AlarmInfo; a name that the caller may not see is null."""
    rows = list(alarms)
    names = await _originators(session, rows)
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


async def _originators(session: "AsyncSession", alarms: Iterable[Alarm]) -> dict[UUID, Name]:
    ids = {a.originator_id for a in alarms if a.originator_type == EntityType.DEVICE.value}
    devices = await device_service.snapshots(session, ids) if ids else []
    return {device.id: Name(device.name, device.label) for device in devices}


async def _assignees(
    session: "AsyncSession", caller: Caller, alarms: Iterable[Alarm]
) -> dict[UUID, AlarmAssignee]:
    ids = {alarm.assignee_id for alarm in alarms if alarm.assignee_id is not None}
    users = await user_service.by_ids(session, caller, ids) if ids else []
    return {user.id: AlarmAssignee.model_validate(user) for user in users}
