"""What can be wrong with a device."""

from fieldline.kit.errors import Conflict, Invalid, NotFound


class DeviceNotFound(NotFound):
    """There is no such device, or it is another tenant's."""

    def __init__(self, device_id: object) -> None:
        super().__init__(f"Device with id [{device_id}] is not found")


class DeviceNameTaken(Conflict):
    """Another device of the tenant has the name."""

    def __init__(self) -> None:
        super().__init__("Device with such name already exists!")


class InvalidDevice(Invalid):
    """A field of the device is not what it must be."""
