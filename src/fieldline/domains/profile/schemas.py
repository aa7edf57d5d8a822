"""What profiles of both kinds look like on ThingsBoard's wire."""

from typing import Annotated
from uuid import UUID

from pydantic import Field

from fieldline.kit.ids import EntityType
from fieldline.rest.wire import TbModel, TenantIdField, WireId

OptionalRuleChainId = Annotated[UUID | None, WireId(EntityType.RULE_CHAIN)]
OptionalDashboardId = Annotated[UUID | None, WireId(EntityType.DASHBOARD)]


class ProfileSave(TbModel):
    """What is sent of any profile; ``default`` is set by its own call."""

    version: int | None = None
    name: str | None = None
    description: str | None = None
    image: str | None = None
    default_rule_chain_id: OptionalRuleChainId = None
    default_edge_rule_chain_id: OptionalRuleChainId = None
    default_dashboard_id: OptionalDashboardId = None
    default_queue_name: str | None = None


class Profile(TbModel):
    """What is answered of any profile."""

    created_time: int
    tenant_id: TenantIdField
    name: str
    description: str | None
    image: str | None
    is_default: bool = Field(serialization_alias="default")
    default_rule_chain_id: OptionalRuleChainId
    default_edge_rule_chain_id: OptionalRuleChainId
    default_dashboard_id: OptionalDashboardId
    default_queue_name: str | None
    version: int


class ProfileInfo(TbModel):
    """What choosers show of any profile."""

    tenant_id: TenantIdField
    name: str
    image: str | None
    default_dashboard_id: OptionalDashboardId
