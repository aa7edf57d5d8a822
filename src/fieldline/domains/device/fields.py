"""The fields of a device that people set."""

from typing import Any
from uuid import UUID

from fieldline.domains.thing.fields import ThingFields


class DeviceFields(ThingFields, total=False):
    """Fields to set; what is left out stays as it is, or takes its default."""

    device_profile_id: UUID | None
    device_data: dict[str, Any] | None
    firmware_id: UUID | None
    software_id: UUID | None
