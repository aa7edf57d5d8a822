"""What is told after a change of alarms is committed."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from fieldline.domains.alarm.models import Alarm
from fieldline.domains.alarm.schemas import Alarm as WireAlarm
from fieldline.kit.ids import EntityRef, EntityType
from fieldline.messaging.events import Change, EntityChanged
from fieldline.messaging.message import MessageType


@dataclass(frozen=True, slots=True)
class AlarmActed:
    """A user did something to an alarm; the rules are told with a message (``handlers.py``).

    ``data`` is ThingsBoard's JSON of AlarmInfo; ``metadata`` says who it was.
    """

    tenant_id: UUID
    originator: EntityRef
    customer_id: UUID | None
    type: MessageType
    data: dict[str, Any]
    metadata: dict[str, str]


def alarm_changed(
    alarm: Alarm,
    change: Change,
    *,
    action: str,
    source_id: UUID | None = None,
    about: Mapping[str, str] | None = None,
) -> EntityChanged:
    """Return the event of a changed alarm.

    Its detail holds ``originator`` (an EntityRef), ``type``, ``severity``, ``cleared``,
    ``customer_id``, ``action`` (CREATED, UPDATED, SEVERITY_UPDATED, ACK, CLEARED, ASSIGNED,
    UNASSIGNED, DELETED), ``source_id`` (the alarm rule that decided it, None for a user) and
    ``alarm`` (ThingsBoard's JSON of it, right after the change).
    ``about`` adds what cannot be seen from the alarm: ``old_severity`` when it has changed,
    ``assignee`` (what people call a new one), ``deleted_assignee`` (one who is gone).
    """
    detail = {
        "originator": alarm.originator,
        "type": alarm.type,
        "severity": alarm.severity,
        "cleared": alarm.cleared,
        "customer_id": alarm.customer_id,
        "action": action,
        "source_id": source_id,
        "alarm": WireAlarm.model_validate(alarm).model_dump(mode="json", by_alias=True),
        **(about or {}),
    }
    return EntityChanged(alarm.tenant_id, EntityRef(EntityType.ALARM, alarm.id), change, detail)
