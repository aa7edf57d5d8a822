"""What devices get of their packages: what stands behind ``ingest``'s door."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from uuid import UUID

from fieldline.database.engine import Database
from fieldline.domains.ota_package import service
from fieldline.domains.ota_package.content import Contents, Slice
from fieldline.domains.ota_package.kinds import OtaType
from fieldline.kit.file_names import OCTETS


@dataclass(frozen=True, slots=True)
class ServedPackage:
    """A device's package; ``size`` in bytes is None when only a URL leads to its data."""

    id: UUID
    title: str
    version: str
    size: int | None
    file_name: str
    content_type: str

    def slice(self, size: int, number: int) -> Slice:
        """Return the chunk of a number, all chunks having a size in bytes; of size 0 all of it.

        Beyond the end it is empty.
        """
        end = self.size or 0
        if size == 0:
            return Slice(self.id, 0, end)
        start = min(size * number, end)
        return Slice(self.id, start, min(start + size, end))


class Packages:
    """See the module's text."""

    def __init__(self, database: Database, contents: Contents) -> None:
        self._database = database
        self._contents = contents

    async def find(self, device_id: UUID, kind: OtaType) -> ServedPackage | None:
        """Return a device's package, its own or its profile's.

        Raises:
            Unavailable: the database is away.
        """
        async with self._database.read() as session:
            package = await service.assigned_to(session, device_id, kind)
        if package is None:
            return None
        return ServedPackage(
            package.id,
            package.title,
            package.package_version,
            package.data_size if package.has_data else None,
            package.file_name or package.title,
            package.content_type or OCTETS,
        )

    async def read(self, wanted: Slice) -> bytes:
        """Return a part of a package's data; as :meth:`Contents.read`."""
        return await self._contents.read(wanted)

    def parts(self, wanted: Slice) -> AsyncIterator[bytes]:
        """Give a part of a package's data piece by piece; as :meth:`Contents.parts`."""
        return self._contents.parts(wanted)
