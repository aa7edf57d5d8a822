"""What a package is for, and how its data is checked.

Source: ``rest/dtos.md``, OtaPackageType and ChecksumAlgorithm.
"""

from enum import StrEnum


class OtaType(StrEnum):
    """What a package replaces."""

    FIRMWARE = "FIRMWARE"
    SOFTWARE = "SOFTWARE"

    @property
    def label(self) -> str:
        """Return its name in messages: ``firmware``."""
        return self.value.lower()

    @property
    def prefix(self) -> str:
        """Return what begins its topics, attributes and telemetry: ``fw``."""
        return "fw" if self is OtaType.FIRMWARE else "sw"

    @property
    def column(self) -> str:
        """Return the field of a device, or a device profile, that names a package of it."""
        return f"{self.label}_id"


class ChecksumAlgorithm(StrEnum):
    """How a checksum is made."""

    MD5 = "MD5"
    SHA256 = "SHA256"
    SHA384 = "SHA384"
    SHA512 = "SHA512"
    CRC32 = "CRC32"
    MURMUR3_32 = "MURMUR3_32"
    MURMUR3_128 = "MURMUR3_128"
