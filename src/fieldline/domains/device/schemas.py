"""Devices on ThingsBoard's wire."""

from typing import Annotated, Any
from uuid import UUID

from fieldline.domains.device_credentials.schemas import NewCredentials
from fieldline.domains.device_profile.schemas import (
    DeviceProfileId,
    OptionalDeviceProfileId,
)
from fieldline.domains.ota_package.schemas import OptionalOtaPackageId
from fieldline.domains.thing.schemas import Thing, ThingSave
from fieldline.kit.ids import EntityType
from fieldline.rest.wire import TbModel, WireId

DeviceId = Annotated[UUID, WireId(EntityType.DEVICE)]
OptionalDeviceId = Annotated[UUID | None, WireId(EntityType.DEVICE)]


class DeviceSave(ThingSave):
    """What is sent to create a device, or with an id to replace it."""

    id: OptionalDeviceId = None
    device_profile_id: OptionalDeviceProfileId = None
    device_data: dict[str, Any] | None = None
    firmware_id: OptionalOtaPackageId = None
    software_id: OptionalOtaPackageId = None
    external_id: OptionalDeviceId = None


class Device(Thing):
    """A device."""

    id: DeviceId
    device_profile_id: DeviceProfileId
    device_data: dict[str, Any]
    firmware_id: OptionalOtaPackageId
    software_id: OptionalOtaPackageId
    external_id: OptionalDeviceId


class DeviceInfo(Device):
    """A device with what lists show beside its own fields."""

    customer_title: str | None
    customer_is_public: bool
    device_profile_name: str
    active: bool


class SaveDeviceWithCredentials(TbModel):
    """A device and its credentials, saved together."""

    device: DeviceSave
    credentials: NewCredentials
