"""Checksums of data that comes piece by piece, as devices calculate them.

All are lower-case hex; those of CRC32 and MurmurHash3 (seed 0, the 128 bits of x64) have their
bytes in little-endian order. Source: ``provisioning_ota_claim.md`` section 3.1.
"""

import hashlib
import zlib
from collections.abc import Callable
from typing import Protocol

import mmh3

from fieldline.domains.ota_package.kinds import ChecksumAlgorithm


class Hasher(Protocol):
    """Takes data, piece by piece."""

    def update(self, data: bytes, /) -> None:
        """Take the next piece."""

    def digest(self) -> bytes:
        """Return the checksum of what was taken."""


class _Crc32:
    def __init__(self) -> None:
        self._value = 0

    def update(self, data: bytes, /) -> None:
        self._value = zlib.crc32(data, self._value)

    def digest(self) -> bytes:
        return self._value.to_bytes(4, "little")


_HASHERS: dict[ChecksumAlgorithm, Callable[[], Hasher]] = {
    # Some devices know nothing better; it is no secret that they check, but a broken transfer.
    ChecksumAlgorithm.MD5: lambda: hashlib.md5(usedforsecurity=False),
    ChecksumAlgorithm.SHA256: hashlib.sha256,
    ChecksumAlgorithm.SHA384: hashlib.sha384,
    ChecksumAlgorithm.SHA512: hashlib.sha512,
    ChecksumAlgorithm.CRC32: _Crc32,
    ChecksumAlgorithm.MURMUR3_32: mmh3.mmh3_32,
    ChecksumAlgorithm.MURMUR3_128: mmh3.mmh3_x64_128,
}


class Checksum:
    """A checksum in the making."""

    def __init__(self, algorithm: ChecksumAlgorithm) -> None:
        self._hasher = _HASHERS[algorithm]()

    def update(self, data: bytes) -> None:
        """Take the next piece."""
        self._hasher.update(data)

    def text(self) -> str:
        """Return the checksum of what was taken, as hex."""
        return self._hasher.digest().hex()
