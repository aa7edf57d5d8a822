"""Device profiles on ThingsBoard's wire."""

from typing import Annotated, Any
from uuid import UUID

from fieldline.domains.ota_package.schemas import OptionalOtaPackageId
from fieldline.domains.profile.schemas import Profile, ProfileInfo, ProfileSave
from fieldline.kit.ids import EntityType
from fieldline.rest.wire import TbModel, WireId

DeviceProfileId = Annotated[UUID, WireId(EntityType.DEVICE_PROFILE)]
OptionalDeviceProfileId = Annotated[UUID | None, WireId(EntityType.DEVICE_PROFILE)]


class DeviceProfileSave(ProfileSave):
    """What is sent to create a profile, or with an id to replace it."""

    id: OptionalDeviceProfileId = None
    type: str | None = None
    transport_type: str | None = None
    provision_type: str | None = None
    profile_data: dict[str, Any] | None = None
    provision_device_key: str | None = None
    firmware_id: OptionalOtaPackageId = None
    software_id: OptionalOtaPackageId = None
    external_id: OptionalDeviceProfileId = None


class DeviceProfile(Profile):
    """A profile."""

    id: DeviceProfileId
    type: str
    transport_type: str
    provision_type: str
    profile_data: dict[str, Any]
    provision_device_key: str | None
    firmware_id: OptionalOtaPackageId
    software_id: OptionalOtaPackageId
    external_id: OptionalDeviceProfileId


class DeviceProfileInfo(ProfileInfo):
    """What choosers show of a profile."""

    id: DeviceProfileId
    type: str
    transport_type: str


class DeviceProfileName(TbModel):
    """Id and name of a profile."""

    id: DeviceProfileId
    name: str
