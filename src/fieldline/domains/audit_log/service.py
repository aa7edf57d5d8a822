"""Records of what users did, written in the transaction of the deed."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

from fieldline.domains.audit_log import schemas
from fieldline.domains.audit_log.actions import OF_CHANGES, OF_DEVICES, Action, ActionStatus
from fieldline.domains.audit_log.filters import AuditLogFilter
from fieldline.domains.audit_log.models import AuditLog
from fieldline.domains.audit_log.repository import AuditLogRepository
from fieldline.kit.actor import Actor
from fieldline.kit.errors import Forbidden
from fieldline.kit.ids import NULL_UUID, EntityRef
from fieldline.kit.json import dumps
from fieldline.kit.paging import Page, PageRequest
from fieldline.kit.redaction import without_secrets
from fieldline.messaging.events import Change, EntityChanged
from fieldline.security.caller import Caller
from fieldline.security.permissions import DENIED

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

MAX_DATA_BYTES = 100_000
"""Of the JSON that a record holds; what is longer is left out, and its length told."""


@dataclass(frozen=True, slots=True)
class Deed:
    """What was done to which thing; ``failure`` says why it did not work, None when it did."""

    action: Action
    entity: EntityRef
    name: str | None = None
    customer_id: UUID | None = None
    data: dict[str, Any] | None = None
    failure: str | None = None


async def page(
    session: "AsyncSession", caller: Caller, wanted: AuditLogFilter, request: PageRequest
) -> Page[schemas.AuditLog]:
    """Return a page of :func:`records` on ThingsBoard's wire."""
    found = await records(session, caller, wanted, request)
    return found.map(schemas.AuditLog.model_validate)


async def records(
    session: "AsyncSession", caller: Caller, wanted: AuditLogFilter, request: PageRequest
) -> Page[AuditLog]:
    """Return records of the caller's tenant; a system administrator sees those of its own kind.

    Raises:
        Forbidden: the caller is a customer user.
    """
    if caller.is_customer_user:
        raise Forbidden(DENIED)
    return await AuditLogRepository(session).page(caller.tenant_id, wanted, request)


async def record(session: "AsyncSession", actor: Actor, deed: Deed) -> None:
    """Record what a user did; the public user is nobody, and leaves no record."""
    if actor.user_id == NULL_UUID and deed.action not in OF_DEVICES:
        return
    row = AuditLog(
        tenant_id=actor.tenant_id,
        customer_id=deed.customer_id or actor.customer_id,
        entity_type=deed.entity.type.value,
        entity_id=deed.entity.id,
        entity_name=deed.name,
        user_id=actor.user_id,
        user_name=actor.email,
        action_type=deed.action.value,
        action_data=_bounded(deed),
        action_status=(ActionStatus.FAILURE if deed.failure else ActionStatus.SUCCESS).value,
        action_failure_details=deed.failure,
    )
    await AuditLogRepository(session).add(row)


async def expire(session: "AsyncSession", before_ms: int, limit: int) -> int:
    """Delete at most ``limit`` records made before a time; returns how many went."""
    return await AuditLogRepository(session).expire(before_ms, limit)


async def note(session: "AsyncSession", event: object) -> None:
    """Record a change that a user, not the platform, made (a reaction of the database)."""
    if not isinstance(event, EntityChanged) or event.by is None:
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


def _bounded(deed: Deed) -> dict[str, Any] | None:
    """Return what is recorded of a deed's data: no secrets, and not more than there is room for."""
    if deed.data is None:
        return None
    data: dict[str, Any] = without_secrets(deed.data)
    length = len(dumps(data))
    if length <= MAX_DATA_BYTES:
        return data
    return {"entityId": str(deed.entity.id), "leftOutBytes": length}
