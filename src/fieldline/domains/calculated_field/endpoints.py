"""Alarm rules in ThingsBoard's dialect: ``/api/alarm/rule*``.

Mounted before the router of alarms, whose ``/api/alarm/{entityType}/{entityId}`` has the form of
paths here.
"""

from dataclasses import replace
from typing import Annotated, Any, TypeVar
from uuid import UUID

from fastapi import Query

from fieldline.domains.calculated_field import service
from fieldline.domains.calculated_field.models import CalculatedField
from fieldline.domains.calculated_field.schemas import (
    AlarmRuleDefinition,
    AlarmRuleDefinitionInfo,
    AlarmRuleSave,
)
from fieldline.kit.ids import EntityType, parse_id, parse_ref
from fieldline.rest.callers import TenantAdmin
from fieldline.rest.dialects import tb_router
from fieldline.rest.paging import PageData, TbPage
from fieldline.rest.sessions import ReadSession, WriteSession

router = tb_router("AlarmRule")
D = TypeVar("D", bound=AlarmRuleDefinition)


@router.get("/alarm/rules/names")
async def list_alarm_rule_names(
    page: TbPage,
    caller: TenantAdmin,
    session: ReadSession,
    order: Annotated[str | None, Query(alias="sortOrder")] = None,
) -> PageData[str]:
    """List the different names of alarm rules, by name."""
    page = replace(page, descending=(order or "").upper() == "DESC")
    return PageData.of(await service.names(session, caller, page), page)


@router.get("/alarm/rules/{entity_type}/{entity_id}")
async def list_alarm_rules_of(
    page: TbPage, entity_type: str, entity_id: str, caller: TenantAdmin, session: ReadSession
) -> PageData[AlarmRuleDefinition]:
    """List the alarm rules of a device or a device profile."""
    entity = parse_ref(entity_type, entity_id)
    found = await service.page_of(session, caller, entity, page)
    return PageData.of(found.map(lambda row: _wire(AlarmRuleDefinition, row)), page)


@router.get("/alarm/rules")
async def list_alarm_rules(
    page: TbPage,
    caller: TenantAdmin,
    session: ReadSession,
    entity_type: Annotated[EntityType | None, Query(alias="entityType")] = None,
    entities: Annotated[list[str] | None, Query()] = None,
) -> PageData[AlarmRuleDefinitionInfo]:
    """List the tenant's alarm rules, or those of some entities."""
    ids = [parse_id(part) for text in entities or () for part in text.split(",") if part]
    found = await service.page(
        session, caller, page, entity_type=entity_type, entity_ids=ids or None
    )
    names = await service.owner_names(session, caller, found.items)
    rows = found.map(
        lambda row: _wire(AlarmRuleDefinitionInfo, row, entity_name=names.get(row.entity_id))
    )
    return PageData.of(rows, page)


@router.get("/alarm/rule/{alarm_rule_id}")
async def get_alarm_rule(
    alarm_rule_id: UUID, caller: TenantAdmin, session: ReadSession
) -> AlarmRuleDefinition:
    """Return one alarm rule."""
    return _wire(AlarmRuleDefinition, await service.get(session, caller, alarm_rule_id))


@router.post("/alarm/rule")
async def save_alarm_rule(
    body: AlarmRuleSave, caller: TenantAdmin, session: WriteSession
) -> AlarmRuleDefinition:
    """Create an alarm rule or, with an id, replace it."""
    fields = service.AlarmRuleFields(
        entity=body.entity_id,
        name=body.name,
        configuration=body.configuration,
        debug_settings=body.debug_settings,
        additional_info=body.additional_info,
        configuration_version=body.configuration_version,
        version=body.version,
    )
    if body.id is None:
        saved = await service.create(session, caller, fields)
    else:
        saved = await service.update(session, caller, body.id, fields)
    return _wire(AlarmRuleDefinition, saved)


@router.delete("/alarm/rule/{alarm_rule_id}")
async def delete_alarm_rule(
    alarm_rule_id: UUID, caller: TenantAdmin, session: WriteSession
) -> None:
    """Delete an alarm rule; its alarms stay."""
    await service.delete(session, caller, alarm_rule_id)


def _wire(kind: type[D], row: CalculatedField, **names: Any) -> D:  # noqa: ANN401 - what Info adds
    return kind(
        id=row.id,
        created_time=row.created_time,
        tenant_id=row.tenant_id,
        entity_id=row.entity,
        name=row.name,
        debug_settings=row.debug_settings,
        configuration_version=row.configuration_version,
        configuration=row.configuration,
        version=row.version,
        additional_info=row.additional_info,
        **names,
    )
