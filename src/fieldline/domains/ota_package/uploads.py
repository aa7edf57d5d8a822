"""Takes the file of a package: piece by piece into the database, then all at once it counts.

Each transaction writes a mebibyte, so that readings have their turn between. What an upload leaves
that never ended is deleted after an hour.
"""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol
from uuid import UUID

from fieldline.database.engine import Database
from fieldline.domains.ota_package import service
from fieldline.domains.ota_package.checksums import Checksum
from fieldline.domains.ota_package.content import PIECE_BYTES
from fieldline.domains.ota_package.errors import InvalidOtaPackage
from fieldline.domains.ota_package.fields import checked_checksum, has_content, set_others
from fieldline.domains.ota_package.kinds import ChecksumAlgorithm
from fieldline.domains.ota_package.repository import OtaPackageRepository
from fieldline.domains.tenant_profile import service as tenant_profile_service
from fieldline.kit.errors import TooLarge, Unavailable
from fieldline.kit.file_names import bare_name, media_type
from fieldline.kit.ids import EntityType
from fieldline.kit.text import check_optional_text
from fieldline.messaging.events import Change
from fieldline.rest.services import Services
from fieldline.security.caller import Caller
from fieldline.security.permissions import Operation

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

logger = logging.getLogger(__name__)

PIECES_AT_ONCE = 16
ABANDONED_AFTER_MS = 60 * 60 * 1000
"""Another process may still be taking a younger one."""
_HAS_CONTENT = "Updating otaPackage data is prohibited: it has {}; make a new package"


class File(Protocol):
    """A file that was received."""

    @property
    def size(self) -> int | None:
        """How many bytes it has."""

    @property
    def filename(self) -> str | None:
        """What its owner calls it."""

    @property
    def content_type(self) -> str | None:
        """Its media type, as its owner says."""

    async def read(self, size: int = -1) -> bytes:
        """Return the next bytes."""


@dataclass(frozen=True, slots=True)
class Expected:
    """What a file's checksum is to be; without a text it is only calculated."""

    algorithm: ChecksumAlgorithm
    checksum: str | None = None


@asynccontextmanager
async def turn(services: Services, caller: Caller, package_id: UUID) -> AsyncIterator[None]:
    """Let a file be received while the block runs: only a few may be on this machine at a time.

    Raises:
        OtaPackageNotFound: there is no such package.
        Forbidden: it is not the caller's.
        InvalidOtaPackage: it has content already.
        Unavailable: too many files are being received, of all tenants or of this one.
    """
    async with services.database.read() as session:
        package = await service.find(session, caller, package_id, Operation.READ)
    _refuse_second(package)
    with services.uploads.take(package.tenant_id):
        yield


async def store(
    services: Services, caller: Caller, package_id: UUID, file: File, expected: Expected
) -> service.Row:
    """Make a file the content of a package.

    Raises:
        InvalidOtaPackage: the file is empty, has another checksum, or the package has content.
        TooLarge: it is larger than a package may be.
        LimitReached: the tenant's profile has no room for it.
        OtaPackageNotFound: the package was deleted meanwhile.
        Unavailable: the database is away.
    """
    size, wanted = file.size or 0, checked_checksum(expected.checksum)
    name = bare_name(file.filename)
    check_optional_text("fileName", name)
    if size == 0:
        raise InvalidOtaPackage("The file is empty; an OTA package needs data")
    limit = services.limits.max_ota_package_bytes
    if size > limit:
        msg = f"The file has {size} bytes; an OTA package may have {limit} at the most"
        raise TooLarge(msg)
    async with services.database.write() as session:
        package = await service.find(session, caller, package_id, Operation.WRITE)
        await _require_bytes(session, package, size)
        content_id = await OtaPackageRepository(session).add_content(package_id)
    try:
        checksum = await _write(services.database, content_id, file, expected.algorithm)
        _refuse_other(wanted, checksum, expected.algorithm)
        async with services.database.write() as session:
            package = await service.find(session, caller, package_id, Operation.WRITE)
            _refuse_second(package)
            await _require_bytes(session, package, size)
            await _finish(session, content_id)
            package.has_data, package.data_size = True, size
            package.checksum_algorithm, package.checksum = expected.algorithm, checksum
            package.file_name = name or f"{package.title}-{package.package_version}"[:255]
            package.content_type = media_type(file.content_type)
            set_others(package, {})
            await OtaPackageRepository(session).save(package)
            await service.tell(session, caller, package, Change.UPDATED)
    except Exception:
        await _drop(services.database, content_id)
        raise
    return package


async def drop_abandoned(database: Database, now_ms: int) -> None:
    """Delete what uploads left that never ended.

    Raises:
        Unavailable: the database is away.
    """
    async with database.read() as session:
        found = await OtaPackageRepository(session).abandoned(now_ms - ABANDONED_AFTER_MS)
    for content_id in found:
        async with database.write() as session:
            await OtaPackageRepository(session).drop_content(content_id)


async def _write(
    database: Database, content_id: UUID, file: File, algorithm: ChecksumAlgorithm
) -> str:
    """Write a file's pieces; return its checksum."""
    checksum, count = Checksum(algorithm), 0
    while block := await _read_block(file):
        await asyncio.to_thread(checksum.update, block)
        pieces = [block[at : at + PIECE_BYTES] for at in range(0, len(block), PIECE_BYTES)]
        async with database.write() as session:
            repository = OtaPackageRepository(session)
            # The package may have been deleted; then there is nothing to add to.
            if await repository.hold_content(content_id):
                await repository.add_pieces(content_id, count, pieces)
        count += len(pieces)
    return checksum.text()


async def _read_block(file: File) -> bytes:
    """Return the next whole pieces: a read may give less than it was asked for."""
    block = b""
    while len(block) < PIECES_AT_ONCE * PIECE_BYTES:
        more = await file.read(PIECES_AT_ONCE * PIECE_BYTES - len(block))
        if not more:
            break
        block += more
    return block


async def _finish(session: "AsyncSession", content_id: UUID) -> None:
    if not await OtaPackageRepository(session).finish_content(content_id):
        msg = "What was uploaded is gone, for it took too long; upload it again"
        raise Unavailable(msg)


async def _drop(database: Database, content_id: UUID) -> None:
    try:
        async with database.write() as session:
            await OtaPackageRepository(session).drop_content(content_id)
    except Unavailable as error:
        logger.warning("what a failed upload left stays for now: %s", error.message)


async def _require_bytes(session: "AsyncSession", package: service.Row, size: int) -> None:
    """Refuse a file that the tenant has no room for; the tenant is locked where that is limited."""
    used = OtaPackageRepository(session).used_bytes
    await tenant_profile_service.require_bytes(
        session, package.tenant_id, EntityType.OTA_PACKAGE, size, lambda: used(package.tenant_id)
    )


def _refuse_other(wanted: str | None, checksum: str, algorithm: ChecksumAlgorithm) -> None:
    if wanted is not None and wanted != checksum:
        msg = f"Wrong checksum: the {algorithm} of the file is {checksum}, not {wanted}"
        raise InvalidOtaPackage(msg)


def _refuse_second(package: service.Row) -> None:
    if has_content(package):
        what = "a file" if package.has_data else "a URL"
        raise InvalidOtaPackage(_HAS_CONTENT.format(what))
