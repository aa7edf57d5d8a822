"""What can be wrong with a device profile."""

from fieldline.kit.errors import Conflict, Invalid, NotFound


class ProfileNotFound(NotFound):
    """There is no such device profile in the tenant."""

    def __init__(self, profile_id: object) -> None:
        super().__init__(f"Device profile with id [{profile_id}] is not found")


class ProfileNameTaken(Conflict):
    """Another profile of the tenant has the name."""

    def __init__(self) -> None:
        super().__init__("Device profile with such name already exists!")


class ProfileInUse(Conflict):
    """Devices use the profile."""


class InvalidProfile(Invalid):
    """A field of the profile is not what it must be."""
