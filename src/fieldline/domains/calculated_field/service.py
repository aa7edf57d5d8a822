"""Alarm rules: calculated fields of the type ALARM, saved on devices and device profiles."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

from fieldline.database.engine import announce
from fieldline.domains.calculated_field.checks import check as check_configuration
from fieldline.domains.calculated_field.configuration import AlarmConfiguration
from fieldline.domains.calculated_field.errors import FieldNotFound, NameTaken
from fieldline.domains.calculated_field.models import CalculatedField
from fieldline.domains.calculated_field.repository import CalculatedFieldRepository
from fieldline.domains.device import service as device_service
from fieldline.domains.device_profile import service as device_profile_service
from fieldline.kit.errors import Invalid
from fieldline.kit.ids import EntityRef, EntityType
from fieldline.kit.paging import Page, PageRequest
from fieldline.kit.text import check_json, check_text
from fieldline.kit.versions import check_version
from fieldline.messaging.events import Change, EntityChanged
from fieldline.security.caller import Caller
from fieldline.security.permissions import Operation, check, tenant_of

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

ALARM = "ALARM"
OWNERS = (EntityType.DEVICE, EntityType.DEVICE_PROFILE)
"""Kinds of entity that may have alarm rules; a profile's hold for all of its devices."""


@dataclass(frozen=True, slots=True)
class AlarmRuleFields:
    """What a user says of an alarm rule; ``name`` is the type of its alarms."""

    entity: EntityRef
    name: str
    configuration: AlarmConfiguration
    debug_settings: dict[str, Any] | None = None
    additional_info: dict[str, Any] | None = None
    configuration_version: int = 0
    version: int | None = None


@dataclass(frozen=True, slots=True)
class StoredRule:
    """An alarm rule as the rule engine needs it."""

    id: UUID
    entity_id: UUID
    name: str
    configuration: AlarmConfiguration


async def get(session: "AsyncSession", caller: Caller, field_id: UUID) -> CalculatedField:
    return await _get(session, caller, field_id, Operation.READ)


async def page(
    session: "AsyncSession",
    caller: Caller,
    request: PageRequest,
    *,
    entity_type: EntityType | None = None,
    entity_ids: Collection[UUID] | None = None,
) -> Page[CalculatedField]:
    """Return the tenant's alarm rules; ``entity_ids`` None means of all entities."""
    tenant_id = tenant_of(caller, Operation.READ, EntityType.CALCULATED_FIELD)
    return await CalculatedFieldRepository(session).page(
        tenant_id, ALARM, request, entity_type=entity_type, entity_ids=entity_ids
    )


async def page_of(
    session: "AsyncSession", caller: Caller, entity: EntityRef, request: PageRequest
) -> Page[CalculatedField]:
    """Return the alarm rules of one entity.

    Raises:
        NotFound: there is no such entity.
    """
    await _owner(session, caller, entity, Operation.READ)
    return await page(session, caller, request, entity_ids=[entity.id])


async def names(session: "AsyncSession", caller: Caller, request: PageRequest) -> Page[str]:
    """Return the different names of the tenant's alarm rules."""
    tenant_id = tenant_of(caller, Operation.READ, EntityType.CALCULATED_FIELD)
    return await CalculatedFieldRepository(session).names(tenant_id, ALARM, request)


async def owner_names(
    session: "AsyncSession", caller: Caller, fields: Collection[CalculatedField]
) -> dict[UUID, str]:
    """Return what the entities are called that have these alarm rules."""
    ids: dict[str, set[UUID]] = {}
    for field in fields:
        ids.setdefault(field.entity_type, set()).add(field.entity_id)
    found: dict[UUID, str] = {}
    if devices := ids.get(EntityType.DEVICE.value):
        found |= {d.id: d.name for d in await device_service.snapshots(session, devices)}
    if profiles := ids.get(EntityType.DEVICE_PROFILE.value):
        rows = await device_profile_service.by_ids(session, caller, profiles)
        found |= {profile.id: profile.name for profile in rows}
    return found


async def create(
    session: "AsyncSession", caller: Caller, fields: AlarmRuleFields
) -> CalculatedField:
    """Add an alarm rule.

    Raises:
        Invalid: it makes no sense, or uses what is not supported.
        NameTaken: the entity has one of this name.
    """
    tenant_id = tenant_of(caller, Operation.CREATE, EntityType.CALCULATED_FIELD)
    field = CalculatedField(tenant_id=tenant_id, type=ALARM)
    await _set(session, caller, field, fields)
    await CalculatedFieldRepository(session).add(field)
    await _tell(session, caller, field, Change.CREATED)
    return field


async def update(
    session: "AsyncSession", caller: Caller, field_id: UUID, fields: AlarmRuleFields
) -> CalculatedField:
    """Change an alarm rule; the alarms that it raised stay.

    Raises:
        StaleVersion: somebody else was faster.
    """
    field = await _get(session, caller, field_id, Operation.WRITE)
    check_version("Alarm rule", fields.version, field.version)
    former = field.entity
    await _set(session, caller, field, fields)
    await CalculatedFieldRepository(session).flush()
    await _tell(session, caller, field, Change.UPDATED, former)
    return field


async def delete(session: "AsyncSession", caller: Caller, field_id: UUID) -> None:
    """Delete an alarm rule; the alarms that it raised stay."""
    field = await _get(session, caller, field_id, Operation.DELETE)
    await _tell(session, caller, field, Change.DELETED)
    await CalculatedFieldRepository(session).remove(field)


async def alarm_rule_owners(session: "AsyncSession") -> set[UUID]:
    """Return the entities that have alarm rules, for the rule engine: asks no permission."""
    return await CalculatedFieldRepository(session).entity_ids(ALARM)


async def alarm_rules_of(
    session: "AsyncSession", entity_ids: Collection[UUID]
) -> Sequence[StoredRule]:
    """Return the alarm rules of these entities, for the rule engine: asks no permission."""
    fields = await CalculatedFieldRepository(session).of_entities(ALARM, entity_ids)
    return [
        StoredRule(
            field.id,
            field.entity_id,
            field.name,
            AlarmConfiguration.model_validate(field.configuration),
        )
        for field in fields
    ]


async def _get(
    session: "AsyncSession", caller: Caller, field_id: UUID, operation: Operation
) -> CalculatedField:
    field = await CalculatedFieldRepository(session).get(
        field_id, lock=operation is not Operation.READ
    )
    if field is None or field.type != ALARM:
        raise FieldNotFound(field_id)
    check(caller, operation, EntityType.CALCULATED_FIELD, tenant_id=field.tenant_id)
    return field


async def _set(
    session: "AsyncSession", caller: Caller, field: CalculatedField, fields: AlarmRuleFields
) -> None:
    check_text("Calculated field name", fields.name)
    check_json("Additional info", fields.additional_info)
    check_configuration(fields.configuration)
    await _owner(session, caller, fields.entity, Operation.WRITE)
    with session.no_autoflush:
        other = await CalculatedFieldRepository(session).by_name(
            fields.entity.id, ALARM, fields.name
        )
    if other is not None and other.id != field.id:
        raise NameTaken(fields.name)
    field.entity_type = fields.entity.type.value
    field.entity_id = fields.entity.id
    is_device = fields.entity.type is EntityType.DEVICE
    field.device_id = fields.entity.id if is_device else None
    field.device_profile_id = None if is_device else fields.entity.id
    field.name = fields.name
    field.configuration = fields.configuration.model_dump(mode="json", by_alias=True)
    field.configuration_version = fields.configuration_version
    field.debug_settings = fields.debug_settings
    field.additional_info = fields.additional_info


async def _owner(
    session: "AsyncSession", caller: Caller, entity: EntityRef, operation: Operation
) -> None:
    """Check that the entity is there, may have alarm rules, and is the caller's to change."""
    if entity.type is EntityType.DEVICE:
        device = await device_service.get(session, caller, entity.id)
        tenant_id = device.tenant_id
    elif entity.type is EntityType.DEVICE_PROFILE:
        profile = await device_profile_service.get(session, caller, entity.id)
        tenant_id = profile.tenant_id
    else:
        msg = f"Alarm rules on {entity.type} are not supported; on {' and '.join(OWNERS)} they are"
        raise Invalid(msg)
    check(caller, operation, entity.type, tenant_id=tenant_id, entity_id=entity.id)


async def _tell(
    session: "AsyncSession",
    caller: Caller,
    field: CalculatedField,
    change: Change,
    former: EntityRef | None = None,
) -> None:
    """Tell the change; detail ``owners`` are the entities whose rules are others now."""
    owners = {field.entity} if former is None else {field.entity, former}
    event = EntityChanged(
        field.tenant_id,
        EntityRef(EntityType.CALCULATED_FIELD, field.id),
        change,
        {"name": field.name, "type": field.type, "owners": tuple(owners)},
        by=caller.actor,
        name=field.name,
        data={"name": field.name, "configuration": field.configuration},
    )
    await announce(session, event)
