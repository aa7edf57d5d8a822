"""Alarm rules on ThingsBoard's wire: a calculated field of type ALARM without its type."""

from typing import Annotated, Any
from uuid import UUID

from fieldline.domains.calculated_field.configuration import AlarmConfiguration
from fieldline.kit.ids import EntityType
from fieldline.rest.wire import EntityRefField, TbModel, TenantIdField, WireId

CalculatedFieldId = Annotated[UUID, WireId(EntityType.CALCULATED_FIELD)]
OptionalCalculatedFieldId = Annotated[UUID | None, WireId(EntityType.CALCULATED_FIELD)]


class AlarmRuleSave(TbModel):
    """What is sent to create an alarm rule, or with an id to replace it."""

    id: OptionalCalculatedFieldId = None
    entity_id: EntityRefField
    name: str
    debug_settings: dict[str, Any] | None = None
    configuration_version: int = 0
    configuration: AlarmConfiguration
    version: int | None = None
    additional_info: dict[str, Any] | None = None


class AlarmRuleDefinition(TbModel):
    """An alarm rule; its name is the type of the alarms that it raises."""

    id: CalculatedFieldId
    created_time: int
    tenant_id: TenantIdField
    entity_id: EntityRefField
    name: str
    debug_settings: dict[str, Any] | None
    configuration_version: int
    configuration: AlarmConfiguration
    version: int
    additional_info: dict[str, Any] | None


class AlarmRuleDefinitionInfo(AlarmRuleDefinition):
    """An alarm rule with the name of what it watches."""

    entity_name: str | None = None
