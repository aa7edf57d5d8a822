"""Tells what users do to alarms: reactions and listeners, the audit log, the rules."""

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from fieldline.database.engine import announce
from fieldline.domains.alarm.events import AlarmActed, alarm_changed
from fieldline.domains.alarm.models import Alarm
from fieldline.domains.alarm.names import with_names
from fieldline.messaging.events import Change
from fieldline.messaging.message import MessageType
from fieldline.security.caller import Caller

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

_ACTIONS = {
    MessageType.ENTITY_CREATED: "CREATED",
    MessageType.ENTITY_UPDATED: "UPDATED",
    MessageType.ALARM_ACK: "ACK",
    MessageType.ALARM_CLEAR: "CLEARED",
    MessageType.ALARM_ASSIGNED: "ASSIGNED",
    MessageType.ALARM_UNASSIGNED: "UNASSIGNED",
    MessageType.ALARM_DELETE: "DELETED",
}


_AUDITED = {
    MessageType.ALARM_ACK: "ALARM_ACK",
    MessageType.ALARM_CLEAR: "ALARM_CLEAR",
    MessageType.ALARM_ASSIGNED: "ALARM_ASSIGNED",
    MessageType.ALARM_UNASSIGNED: "ALARM_UNASSIGNED",
    MessageType.ALARM_DELETE: "ALARM_DELETE",
}
"""What the audit log calls it, where it is no plain creation or update."""


_CHANGES = {
    MessageType.ENTITY_CREATED: Change.CREATED,
    MessageType.ALARM_DELETE: Change.DELETED,
}


async def tell(
    session: "AsyncSession",
    caller: Caller,
    alarm: Alarm,
    message: MessageType,
    about: Mapping[str, str] | None = None,
) -> None:
    """Tell everybody what a user did to an alarm: the rules, after the commit, with a message.

    ``about`` is that of :func:`alarm_changed`.
    """
    (info,) = await with_names(session, caller, [alarm])
    data = info.model_dump(mode="json", by_alias=True)
    acted = AlarmActed(
        alarm.tenant_id,
        alarm.originator,
        alarm.customer_id,
        message,
        data,
        caller.actor.as_metadata,
    )
    change = _CHANGES.get(message, Change.UPDATED)
    changed = alarm_changed(alarm, change, action=_ACTIONS[message], about=about)
    changed = replace(
        changed,
        by=caller.actor,
        name=alarm.type,
        customer_id=alarm.customer_id,
        data=data,
        action=_AUDITED.get(message),
    )
    await announce(session, changed)
    await announce(session, acted)
