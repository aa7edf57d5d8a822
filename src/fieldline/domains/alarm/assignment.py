"""Who takes care of an alarm."""

from dataclasses import replace
from typing import TYPE_CHECKING
from uuid import UUID

from fieldline.database.base import now_ms as now
from fieldline.database.engine import announce
from fieldline.domains.alarm.access import find
from fieldline.domains.alarm.events import alarm_changed
from fieldline.domains.alarm.models import Alarm
from fieldline.domains.alarm.repository import AlarmRepository
from fieldline.domains.alarm.telling import tell
from fieldline.domains.user import service as user_service
from fieldline.domains.user.schemas import UserEmail
from fieldline.kit.actor import Actor
from fieldline.kit.errors import Invalid
from fieldline.kit.ids import NULL_UUID
from fieldline.kit.paging import Page, PageRequest
from fieldline.messaging.events import Change, EntityChanged
from fieldline.messaging.message import MessageType
from fieldline.security.caller import Caller
from fieldline.security.permissions import Operation

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

RELEASED_AT_ONCE = 500
"""Alarms of a user who is gone that are in memory at a time."""


async def assign(
    session: "AsyncSession",
    caller: Caller,
    alarm_id: UUID,
    assignee_id: UUID | None,
    *,
    now_ms: int,
) -> Alarm:
    """Give an alarm to a user to take care of; None takes it away again.

    Raises:
        Invalid: it is like that already, or the user could not see the alarm.
        NotFound: there is no such user.
    """
    alarm = await find(session, caller, alarm_id, Operation.WRITE)
    if alarm.assignee_id == assignee_id:
        raise Invalid(
            "Alarm was already assigned to this user!"
            if assignee_id
            else "Alarm is not assigned to anybody!"
        )
    about = {}
    if assignee_id is not None:
        user = await user_service.get(session, caller, assignee_id)
        is_near = user.tenant_id == alarm.tenant_id
        if not is_near or user.customer_id not in {None, alarm.customer_id}:
            raise Invalid("Alarms can be assigned only to users who may see them")
        about["assignee"] = _title(user.email, user.first_name, user.last_name)
    alarm.assignee_id = assignee_id
    alarm.assign_ts = now_ms
    kind = MessageType.ALARM_ASSIGNED if assignee_id else MessageType.ALARM_UNASSIGNED
    await tell(session, caller, alarm, kind, about)
    return alarm


async def assignable(
    session: "AsyncSession", caller: Caller, alarm_id: UUID, request: PageRequest
) -> Page[UserEmail]:
    """Return a page of the users that the caller may assign an alarm to."""
    alarm = await find(session, caller, alarm_id, Operation.READ)
    found = await user_service.able_to_see(session, caller, alarm.customer_id, request)
    return found.map(UserEmail.model_validate)


async def release_all(session: "AsyncSession", event: EntityChanged) -> None:
    """Take every alarm from the user of an event, who was deleted, disabled or moved.

    Alarms of a user who is still there are recorded as unassigned by whoever did that.
    """
    data = event.data or {}
    title = _title(event.name or "", data.get("firstName"), data.get("lastName"))
    is_deleted = event.change is Change.DELETED
    repository = AlarmRepository(session)
    while alarms := await repository.assigned_to(event.entity.id, limit=RELEASED_AT_ONCE):
        for alarm in alarms:
            alarm.assignee_id, alarm.assign_ts = None, now()
        await repository.flush()
        for alarm in alarms:
            await _tell_release(session, event, alarm, title if is_deleted else None)


async def _tell_release(
    session: "AsyncSession", event: EntityChanged, alarm: Alarm, deleted: str | None
) -> None:
    about = {} if deleted is None else {"deleted_assignee": deleted}
    changed = alarm_changed(alarm, Change.UPDATED, action="UNASSIGNED", about=about)
    if deleted is None:
        changed = replace(
            changed,
            by=event.by,
            name=alarm.type,
            customer_id=alarm.customer_id,
            action="ALARM_UNASSIGNED",
        )
    await announce(session, changed)


def _title(email: str, first_name: str | None, last_name: str | None) -> str:
    return Actor(NULL_UUID, email, first_name=first_name, last_name=last_name).title
