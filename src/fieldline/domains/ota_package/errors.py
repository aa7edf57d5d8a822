"""What can be wrong with a package."""

from collections.abc import Sequence

from fieldline.kit.errors import Conflict, Invalid, NotFound


class OtaPackageNotFound(NotFound):
    """There is no such package."""

    def __init__(self, package_id: object) -> None:
        super().__init__(f"Ota package with id [{package_id}] is not found")


class OtaPackageTaken(Conflict):
    """The tenant has a package of this title and version."""

    def __init__(self) -> None:
        super().__init__("OtaPackage with such title and version already exists!")


class OtaPackageInUse(Conflict):
    """Devices or profiles have the package.

    Args:
        users: what has it, as ``device profile 'meter'``.
    """

    def __init__(self, users: Sequence[str]) -> None:
        super().__init__(
            f"The OTA package is assigned to {', '.join(users)} and cannot be deleted; "
            "assign another one, or none, there first"
        )


class InvalidOtaPackage(Invalid):
    """A field of the package, or its file, is not what it must be."""
