"""What can be wrong with a profile; ``kind`` is ``Device profile`` or ``Asset profile``."""

from fieldline.kit.errors import Conflict, Invalid, NotFound


class ProfileNotFound(NotFound):
    """There is no such profile."""

    def __init__(self, kind: str, profile_id: object) -> None:
        super().__init__(f"{kind} with id [{profile_id}] is not found")


class ProfileNameTaken(Conflict):
    """Another profile of the tenant has the name."""

    def __init__(self, kind: str) -> None:
        super().__init__(f"{kind} with such name already exists!")


class ProfileInUse(Conflict):
    """Things have the profile, or it is the default one."""


class InvalidProfile(Invalid):
    """A field of the profile is not what it must be."""
