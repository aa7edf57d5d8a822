"""Device profiles on ThingsBoard's wire."""

from typing import Annotated, Any
from uuid import UUID

from pydantic import Field

from fieldline.kit.ids import EntityType
from fieldline.rest.wire import TbModel, TenantIdField, WireId

DeviceProfileId = Annotated[UUID, WireId(EntityType.DEVICE_PROFILE)]
OptionalDeviceProfileId = Annotated[UUID | None, WireId(EntityType.DEVICE_PROFILE)]
OptionalRuleChainId = Annotated[UUID | None, WireId(EntityType.RULE_CHAIN)]
OptionalDashboardId = Annotated[UUID | None, WireId(EntityType.DASHBOARD)]
OptionalOtaPackageId = Annotated[UUID | None, WireId(EntityType.OTA_PACKAGE)]


class DeviceProfileSave(TbModel):
    """What is sent to create a profile, or with an id to replace it.

    ``default`` is set by its own call.
    """

    id: OptionalDeviceProfileId = None
    version: int | None = None
    name: str | None = None
    description: str | None = None
    image: str | None = None
    type: str | None = None
    transport_type: str | None = None
    provision_type: str | None = None
    default_rule_chain_id: OptionalRuleChainId = None
    default_edge_rule_chain_id: OptionalRuleChainId = None
    default_dashboard_id: OptionalDashboardId = None
    default_queue_name: str | None = None
    profile_data: dict[str, Any] | None = None
    provision_device_key: str | None = None
    firmware_id: OptionalOtaPackageId = None
    software_id: OptionalOtaPackageId = None
    external_id: OptionalDeviceProfileId = None


class DeviceProfile(TbModel):
    """A profile."""

    id: DeviceProfileId
    created_time: int
    tenant_id: TenantIdField
    name: str
    description: str | None
    image: str | None
    is_default: bool = Field(serialization_alias="default")
    type: str
    transport_type: str
    provision_type: str
    default_rule_chain_id: OptionalRuleChainId
    default_edge_rule_chain_id: OptionalRuleChainId
    default_dashboard_id: OptionalDashboardId
    default_queue_name: str | None
    profile_data: dict[str, Any]
    provision_device_key: str | None
    firmware_id: OptionalOtaPackageId
    software_id: OptionalOtaPackageId
    external_id: OptionalDeviceProfileId
    version: int


class DeviceProfileInfo(TbModel):
    """What choosers show of a profile."""

    id: DeviceProfileId
    tenant_id: TenantIdField
    name: str
    image: str | None
    default_dashboard_id: OptionalDashboardId
    type: str
    transport_type: str


class EntityInfo(TbModel):
    """Id and name of a profile."""

    id: DeviceProfileId
    name: str
