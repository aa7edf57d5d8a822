"""Records of what users did, written in the transaction of the deed."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

from fieldline.domains.audit_log.actions import OF_CHANGES, Action, ActionStatus
from fieldline.domains.audit_log.models import AuditLog
from fieldline.domains.audit_log.repository import AuditLogRepository
from fieldline.kit.actor import Actor
from fieldline.kit.ids import NULL_UUID, EntityRef
from fieldline.messaging.events import Change, EntityChanged

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession


@dataclass(frozen=True, slots=True)
class Deed:
    """What was done to which thing; ``failure`` says why it did not work, None when it did."""

    action: Action
    entity: EntityRef
    name: str | None = None
    customer_id: UUID | None = None
    data: dict[str, Any] | None = None
    failure: str | None = None


async def record(session: "AsyncSession", actor: Actor, deed: Deed) -> None:
    """Record what a user did."""
    row = AuditLog(
        tenant_id=actor.tenant_id,
        customer_id=deed.customer_id or actor.customer_id,
        entity_type=deed.entity.type.value,
        entity_id=deed.entity.id,
        entity_name=deed.name,
        user_id=actor.user_id,
        user_name=actor.email,
        action_type=deed.action.value,
        action_data=deed.data,
        action_status=(ActionStatus.FAILURE if deed.failure else ActionStatus.SUCCESS).value,
        action_failure_details=deed.failure,
    )
    await AuditLogRepository(session).add(row)


async def note(session: "AsyncSession", event: object) -> None:
    """Record a change that a user, not the platform, made (a reaction of the database)."""
    if not isinstance(event, EntityChanged) or event.by is None or event.by.user_id == NULL_UUID:
        return
    deed = Deed(
        Action(event.action) if event.action else OF_CHANGES[event.change],
        event.entity,
        event.name,
        event.customer_id,
        _data(event),
    )
    await record(session, event.by, deed)


def _data(event: EntityChanged) -> dict[str, Any]:
    """Return what ThingsBoard's clients show of an action: the entity, or what was done to it."""
    if event.change in {Change.CREATED, Change.UPDATED} and event.data is not None:
        return {"entity": dict(event.data)}
    found = {"entityId": str(event.entity.id)}
    if event.change in {Change.ASSIGNED, Change.UNASSIGNED}:
        found["strCustomerId"] = str(event.customer_id)
    return found
