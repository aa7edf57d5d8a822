"""To whom else an alarm is shown: written with the alarm, in its transaction.

Source: ``rules/device_profile_alarms.md`` section 4, propagation. What is written stays as it is
when relations change later; the owner is followed, as the alarm itself follows its device.
"""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING
from uuid import UUID

from fieldline.domains.alarm.models import Alarm
from fieldline.domains.alarm.repository import AlarmRepository
from fieldline.domains.alarm.status import Propagation

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession


def propagation_of(alarm: Alarm) -> Propagation | None:
    """Return to whom else an alarm is shown; None, the usual case, when to nobody."""
    if not (alarm.propagate or alarm.propagate_to_owner or alarm.propagate_to_tenant):
        return None
    return Propagation(
        to_related=alarm.propagate,
        to_owner=alarm.propagate_to_owner,
        to_tenant=alarm.propagate_to_tenant,
        relation_types=tuple(alarm.propagate_relation_types or ()),
    )


def set_propagation(alarm: Alarm, propagation: Propagation) -> None:
    alarm.propagate = propagation.to_related
    alarm.propagate_to_owner = propagation.to_owner
    alarm.propagate_to_tenant = propagation.to_tenant
    types = list(propagation.relation_types) or None
    if alarm.propagate_relation_types != types:
        alarm.propagate_relation_types = types


async def spread(session: "AsyncSession", alarms: Sequence[Alarm]) -> None:
    """Show stored alarms to those that their propagation names, and to nobody else any more."""
    repository = AlarmRepository(session)
    rising = {alarm.originator_id for alarm in alarms if alarm.propagate}
    above = await repository.above(rising) if rising else {}
    await repository.show_at(
        {alarm.id: _targets(alarm, above.get(alarm.originator_id, ())) for alarm in alarms}
    )


def _targets(alarm: Alarm, above: Iterable[tuple[UUID, str]]) -> set[UUID]:
    targets = set()
    if alarm.propagate:
        types = alarm.propagate_relation_types
        targets |= {entity_id for entity_id, type_ in above if not types or type_ in types}
    if alarm.propagate_to_owner:
        targets.add(alarm.customer_id or alarm.tenant_id)
    if alarm.propagate_to_tenant:
        targets.add(alarm.tenant_id)
    # The originator shows its alarms anyway.
    return targets - {alarm.originator_id}
