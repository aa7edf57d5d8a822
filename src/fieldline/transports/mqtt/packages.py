"""Chunks of OTA packages over MQTT: ``v2/fw/request/{request}/chunk/{number}`` and its answers.

One request of a connection is worked on at a time, and its socket is not read meanwhile: a slow
client is asked for nothing more. Source: ``provisioning_ota_claim.md`` section 3.3.
"""

import re
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, NamedTuple

from fieldline.ingest.door import Door
from fieldline.ingest.packages import OnlyUrl, OtaType, ServedPackage
from fieldline.ingest.session import DeviceSession
from fieldline.kit.errors import FieldlineError, NotFound
from fieldline.kit.lru import Lru
from fieldline.messaging.receipt import Receipt
from fieldline.transports.mqtt.errors import InvalidChunkSize, PackageRefused
from fieldline.transports.mqtt.sending import Deliver, Send

ERROR_TOPIC = "v2/fw/error"
"""Of firmware and of software."""
MAX_CHUNK_BYTES = 65_536
MAX_WHOLE_BYTES = 16 * 1024 * 1024
"""Of a package that is sent as one message; a larger one must be asked for in chunks."""
MAX_REQUESTS = 16
"""Request ids of one connection whose package and chunk size are remembered."""
_DIGITS = re.compile(rb"[0-9]{1,10}")


class Chunk(NamedTuple):
    """Which chunk is wanted; ``request`` is the client's id, with the kind of package."""

    kind: OtaType
    request: str
    number: int


@dataclass(frozen=True, slots=True)
class PackageParts:
    """What the requests of one connection work with."""

    door: Door
    send: Send
    deliver: Deliver
    refuse: Callable[[FieldlineError, Receipt], None]
    pause: Callable[[], None]
    resume: Callable[[], None]
    spawn: Callable[[Coroutine[Any, Any, None]], None]


@dataclass(slots=True)
class _Download:
    """What is remembered of a request id: the package does not change under a client."""

    package: ServedPackage | None = None
    chunk_bytes: int = 0


class PackageChannel:
    """The requests of one connection for chunks."""

    __slots__ = ("_downloads", "_parts")

    def __init__(self, parts: PackageParts) -> None:
        self._parts = parts
        self._downloads: Lru[tuple[OtaType, str], _Download] = Lru(MAX_REQUESTS)

    def request(
        self, session: DeviceSession, chunk: Chunk, payload: bytes, qos: int, ack: Receipt
    ) -> None:
        """Answer a request soon; it is acknowledged when its answer is there.

        Raises:
            InvalidChunkSize: the payload is no size.
            RateLimited: the device asks too often.
        """
        size = _size(payload)
        self._parts.door.packages.admit(session)
        ack.hold()
        self._parts.pause()
        self._parts.spawn(self._answer(session, chunk, size, qos, ack))

    async def _answer(
        self, session: DeviceSession, chunk: Chunk, size: int | None, qos: int, ack: Receipt
    ) -> None:
        try:
            if size is not None and size > MAX_CHUNK_BYTES:
                raise PackageRefused.too_large(MAX_CHUNK_BYTES)
            await self._serve(session, chunk, size, qos, ack)
        except FieldlineError as error:
            refused = _refused(error)
            self._parts.send(ERROR_TOPIC, qos, refused.word.encode())
            self._parts.refuse(refused, ack)
        finally:
            self._parts.resume()

    async def _serve(
        self, session: DeviceSession, chunk: Chunk, size: int | None, qos: int, ack: Receipt
    ) -> None:
        packages = self._parts.door.packages
        key = chunk.kind, chunk.request
        download = self._downloads.get(key) or _Download()
        if download.package is None:
            download.package = await packages.find(session, chunk.kind)
            self._downloads.put(key, download)
        if size is not None:
            download.chunk_bytes = size
        wanted = download.package.slice(download.chunk_bytes, chunk.number)
        topic = f"v2/{chunk.kind.prefix}/response/{chunk.request}/chunk/{chunk.number}"
        if wanted.size <= MAX_CHUNK_BYTES:
            await self._parts.deliver(topic, qos, await packages.read(wanted), ack)
            return
        if wanted.size > MAX_WHOLE_BYTES:
            raise PackageRefused.too_large(MAX_WHOLE_BYTES)
        async with packages.large:
            await self._parts.deliver(topic, qos, await packages.read(wanted), ack)


def chunk_of(prefix: str, rest: str) -> Chunk | None:
    """Read a request's topic, as ``v2/fw/request/`` and ``7/chunk/0``; None when it is none."""
    found = re.fullmatch(r"([0-9]{1,10})/chunk/([0-9]{1,10})", rest, re.ASCII)
    if found is None:
        return None
    kind = OtaType.FIRMWARE if prefix.startswith("v2/fw/") else OtaType.SOFTWARE
    return Chunk(kind, found[1], int(found[2]))


def _size(payload: bytes) -> int | None:
    """Read a chunk's size; None when the payload is empty.

    Raises:
        InvalidChunkSize: it is no number.
    """
    if not payload:
        return None
    if not _DIGITS.fullmatch(payload):
        msg = "The payload of a request for a chunk is the chunk's size in bytes, or empty"
        raise InvalidChunkSize(msg)
    return int(payload)


def _refused(error: FieldlineError) -> PackageRefused:
    if isinstance(error, PackageRefused):
        return error
    is_missing = isinstance(error, NotFound) and not isinstance(error, OnlyUrl)
    return PackageRefused(error.message, word="NOT_FOUND" if is_missing else "FAILURE")
