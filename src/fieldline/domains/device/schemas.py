"""Devices on ThingsBoard's wire."""

from typing import Annotated, Any
from uuid import UUID

from fieldline.domains.device_credentials.schemas import NewCredentials
from fieldline.kit.ids import EntityType
from fieldline.rest.wire import CustomerIdField, TbModel, TenantIdField, WireId

DeviceId = Annotated[UUID, WireId(EntityType.DEVICE)]
OptionalDeviceId = Annotated[UUID | None, WireId(EntityType.DEVICE)]
DeviceProfileId = Annotated[UUID, WireId(EntityType.DEVICE_PROFILE)]
OptionalDeviceProfileId = Annotated[UUID | None, WireId(EntityType.DEVICE_PROFILE)]
OptionalOtaPackageId = Annotated[UUID | None, WireId(EntityType.OTA_PACKAGE)]


class DeviceSave(TbModel):
    """What is sent to create a device, or with an id to replace it."""

    id: OptionalDeviceId = None
    version: int | None = None
    customer_id: CustomerIdField = None
    name: str | None = None
    type: str | None = None
    label: str | None = None
    device_profile_id: OptionalDeviceProfileId = None
    device_data: dict[str, Any] | None = None
    firmware_id: OptionalOtaPackageId = None
    software_id: OptionalOtaPackageId = None
    external_id: OptionalDeviceId = None
    additional_info: dict[str, Any] | None = None


class Device(TbModel):
    """A device."""

    id: DeviceId
    created_time: int
    tenant_id: TenantIdField
    customer_id: CustomerIdField
    name: str
    type: str
    label: str | None
    device_profile_id: DeviceProfileId
    device_data: dict[str, Any]
    firmware_id: OptionalOtaPackageId
    software_id: OptionalOtaPackageId
    external_id: OptionalDeviceId
    additional_info: dict[str, Any] | None
    version: int


class DeviceInfo(Device):
    """A device with what lists show beside its own fields."""

    customer_title: str | None
    customer_is_public: bool
    device_profile_name: str
    active: bool


class EntitySubtype(TbModel):
    """A type that entities of one kind have."""

    tenant_id: TenantIdField
    entity_type: EntityType
    type: str


class SaveDeviceWithCredentials(TbModel):
    """A device and its credentials, saved together."""

    device: DeviceSave
    credentials: NewCredentials
