"""OTA packages for devices: which one a device has, and its data."""

import asyncio
from collections.abc import AsyncIterator, Callable

from fieldline.domains.ota_package.content import Slice
from fieldline.domains.ota_package.kinds import OtaType
from fieldline.domains.ota_package.serving import ServedPackage
from fieldline.ingest.parts import OtaPackages
from fieldline.ingest.session import DeviceSession
from fieldline.kit.errors import NotFound

__all__ = ["OnlyUrl", "OtaType", "PackageReader", "ServedPackage", "Slice"]


class OnlyUrl(NotFound):
    """The package is not here: the device knows its URL."""


class PackageReader:
    """See the module's text.

    Args:
        packages: where they are.
        admit: counts a message of a device in, or raises RateLimited.
        large_at_once: answers that are held whole, of which so many may be on their way.

    Attributes:
        large: entered by a transport while it sends such an answer.
    """

    def __init__(
        self,
        packages: OtaPackages,
        admit: Callable[[DeviceSession], None],
        large_at_once: int,
    ) -> None:
        self._packages = packages
        self._admit = admit
        self.large = asyncio.Semaphore(large_at_once)

    def admit(self, session: DeviceSession) -> None:
        """Count a request for a chunk in.

        Raises:
            RateLimited: the device asks too often.
        """
        self._admit(session)

    async def find(self, session: DeviceSession, kind: OtaType) -> ServedPackage:
        """Return the device's package, its own or its profile's.

        Raises:
            OnlyUrl: its data is elsewhere.
            NotFound: it has none.
            Unavailable: the database is away.
        """
        package = await self._packages.find(session.device.id, kind)
        if package is None:
            msg = f"No {kind.label} is assigned to the device or its profile"
            raise NotFound(msg)
        if package.size is None:
            msg = (
                f"The {kind.label} is not served here; the attribute {kind.prefix}_url leads to it"
            )
            raise OnlyUrl(msg)
        return package

    async def read(self, wanted: Slice) -> bytes:
        """Return a part of a package's data.

        Raises:
            NotFound: the package is gone.
            Unavailable: the database is away.
        """
        return await self._packages.read(wanted)

    def parts(self, wanted: Slice) -> AsyncIterator[bytes]:
        """Give a part of a package's data piece by piece; raises as :meth:`read`."""
        return self._packages.parts(wanted)
