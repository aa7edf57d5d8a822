"""The data of packages: written piece by piece, read from anywhere, never held whole.

Pieces that many devices want at once are read once, and kept in a small cache that all share. A
package's data never changes, so nothing in the cache is ever outdated.
"""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from uuid import UUID

from fieldline.database.engine import Database
from fieldline.domains.ota_package.repository import OtaPackageRepository
from fieldline.kit.errors import NotFound
from fieldline.kit.lru import Lru

PIECE_BYTES = 65_536
"""The largest chunk that an MQTT client may ask for by size: such a chunk is in two pieces."""
READS = 8
"""Pieces that are read from the database at a time."""
DEFAULT_CACHED = 128
"""Pieces that are kept: 8 MiB."""


@dataclass(frozen=True, slots=True)
class Slice:
    """A part of a package's data, in bytes."""

    package_id: UUID
    start: int
    end: int

    @property
    def size(self) -> int:
        return self.end - self.start


class Contents:
    """Reads the data of packages. All calls are made on the event loop's thread.

    Args:
        database: where the pieces are.
        cached: pieces that are kept in memory.
    """

    def __init__(self, database: Database, cached: int = DEFAULT_CACHED) -> None:
        self._database = database
        self._cache: Lru[tuple[UUID, int], bytes] = Lru(cached)
        self._under_way: dict[tuple[UUID, int], asyncio.Task[bytes]] = {}
        self._turn = asyncio.Semaphore(READS)
        self.reads = 0

    async def read(self, wanted: Slice) -> bytes:
        """Return a slice.

        Raises:
            NotFound: the package is gone.
            Unavailable: the database is away.
        """
        return b"".join([part async for part in self.parts(wanted)])

    async def parts(self, wanted: Slice) -> AsyncIterator[bytes]:
        """Give a slice piece by piece, each read when the one before is taken; raises as above."""
        position = wanted.start
        while position < wanted.end:
            number, offset = divmod(position, PIECE_BYTES)
            piece = await self._piece(wanted.package_id, number)
            part = piece[offset : offset + wanted.end - position]
            if not part:
                msg = f"OTA package {wanted.package_id} ends before byte {wanted.end}"
                raise NotFound(msg)
            position += len(part)
            yield part

    async def stop(self) -> None:
        """Let the reads that are under way end."""
        await asyncio.gather(*self._under_way.values(), return_exceptions=True)

    async def _piece(self, package_id: UUID, number: int) -> bytes:
        key = package_id, number
        piece = self._cache.get(key)
        if piece is not None:
            return piece
        reading = self._under_way.get(key)
        if reading is None:
            # A task: whoever asked first may leave before the others have it.
            reading = asyncio.create_task(self._read(key), name="reading an OTA piece")
            self._under_way[key] = reading
            reading.add_done_callback(lambda _task: self._under_way.pop(key, None))
        return await asyncio.shield(reading)

    async def _read(self, key: tuple[UUID, int]) -> bytes:
        async with self._turn, self._database.read() as session:
            piece = await OtaPackageRepository(session).piece(*key)
        self.reads += 1
        if piece is None:
            msg = f"OTA package {key[0]} has no data (any more)"
            raise NotFound(msg)
        self._cache.put(key, piece)
        return piece
