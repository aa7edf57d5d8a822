"""One alarm, if the caller may do that to it."""

from typing import TYPE_CHECKING
from uuid import UUID

from fieldline.domains.alarm.errors import AlarmNotFound
from fieldline.domains.alarm.models import Alarm
from fieldline.domains.alarm.repository import AlarmRepository
from fieldline.kit.ids import EntityType
from fieldline.security.caller import Caller
from fieldline.security.permissions import Operation, check

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession


async def find(
    session: "AsyncSession", caller: Caller, alarm_id: UUID, operation: Operation
) -> Alarm:
    """Return an alarm, which nobody else changes meanwhile unless it is only read.

    Raises:
        AlarmNotFound: there is none.
        Forbidden: the caller may not.
    """
    alarm = await AlarmRepository(session).get(alarm_id, lock=operation is not Operation.READ)
    if alarm is None:
        raise AlarmNotFound(alarm_id)
    check(
        caller,
        operation,
        EntityType.ALARM,
        tenant_id=alarm.tenant_id,
        customer_id=alarm.customer_id,
    )
    return alarm
