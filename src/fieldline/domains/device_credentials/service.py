"""Credentials of devices: kept encrypted, found by a keyed hash, one set for each device.

These functions ask for no permission: whoever calls them has checked the device's.
"""

import hmac
from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from fieldline.domains.device_credentials.content import (
    Content,
)
from fieldline.domains.device_credentials.errors import CredentialsTaken, InvalidCredentials
from fieldline.domains.device_credentials.kinds import CredentialsType
from fieldline.domains.device_credentials.models import DeviceCredentials
from fieldline.domains.device_credentials.repository import DeviceCredentialsRepository
from fieldline.kit.errors import NotFound, StaleVersion
from fieldline.kit.json import dumps_text
from fieldline.security.secrets import Vault

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession


@dataclass(frozen=True, slots=True)
class Credentials:
    """Credentials of a device in clear, for a person who may read them."""

    id: UUID
    created_time: int
    version: int
    device_id: UUID
    credentials_type: CredentialsType
    credentials_id: str
    credentials_value: str | None


@dataclass(frozen=True, slots=True)
class Replacing:
    """What the caller believes that it replaces: the record's id and version, where it says so."""

    id: UUID | None = None
    version: int | None = None


ANY = Replacing()


@dataclass(frozen=True, slots=True)
class StoredCredentials:
    """What a login is compared with: hashes, nothing in clear."""

    device_id: UUID
    credentials_type: CredentialsType
    lookup_hash: bytes
    identity_hash: bytes | None
    password_hash: bytes | None

    def is_identity(self, vault: Vault, client_id: str, user_name: str) -> bool:
        """Tell whether these are MQTT_BASIC credentials of exactly this client id and user name.

        A part that the credentials leave open is given as the empty text.
        """
        return self.identity_hash is not None and hmac.compare_digest(
            self.identity_hash, mqtt_identity_hash(vault, client_id, user_name)
        )

    def is_password(self, vault: Vault, password: str) -> bool:
        """Tell whether the password is right; without a stored one, any is."""
        return self.password_hash is None or hmac.compare_digest(
            self.password_hash, mqtt_password_hash(vault, self.device_id, password)
        )


async def create(
    session: "AsyncSession", device_id: UUID, content: Content, *, vault: Vault
) -> Credentials:
    """Give a new device its credentials.

    Raises:
        CredentialsTaken: another device has this credentials id.
    """
    row = DeviceCredentials(device_id=device_id)
    await _fill(session, row, content, vault)
    await DeviceCredentialsRepository(session).add(row)
    return _in_clear(row, vault)


async def get(session: "AsyncSession", device_id: UUID, *, vault: Vault) -> Credentials:
    return _in_clear(await _of_device(session, device_id), vault)


async def replace(
    session: "AsyncSession",
    device_id: UUID,
    content: Content,
    *,
    vault: Vault,
    replacing: Replacing = ANY,
) -> Credentials:
    """Exchange the credentials of a device.

    Raises:
        CredentialsTaken: another device has this credentials id.
        InvalidCredentials: the record named is not this device's.
        StaleVersion: somebody else changed them since.
    """
    row = await _of_device(session, device_id)
    if replacing.id is not None and replacing.id != row.id:
        raise InvalidCredentials("Unable to update non-existent device credentials!")
    if replacing.version is not None and replacing.version != row.version:
        msg = "Device credentials were already changed by someone else; read them again and retry"
        raise StaleVersion(msg)
    await _fill(session, row, content, vault)
    await session.flush()
    return _in_clear(row, vault)


async def find(
    session: "AsyncSession", lookup_hashes: Collection[bytes]
) -> dict[bytes, StoredCredentials]:
    """Return the credentials of these hashes; a hash that nobody has is left out."""
    rows = await DeviceCredentialsRepository(session).by_lookup_hashes(lookup_hashes)
    return {
        row.lookup_hash: StoredCredentials(
            row.device_id,
            CredentialsType(row.credentials_type),
            row.lookup_hash,
            row.identity_hash,
            row.password_hash,
        )
        for row in rows
    }


def mqtt_identity_hash(vault: Vault, client_id: str, user_name: str) -> bytes:
    """Return the keyed hash of a client id and user name together.

    The look-up hash alone does not tell "a|b" with "c" from "a" with "b|c".
    """
    return vault.lookup_hash(dumps_text(["mqtt identity", client_id, user_name]))


def mqtt_password_hash(vault: Vault, device_id: UUID, password: str) -> bytes:
    """Return the keyed hash of a device's password; the same password differs per device."""
    return vault.lookup_hash(dumps_text(["mqtt password", str(device_id), password]))


async def _of_device(session: "AsyncSession", device_id: UUID) -> DeviceCredentials:
    row = await DeviceCredentialsRepository(session).of_device(device_id)
    if row is None:
        raise NotFound("Requested item wasn't found!")
    return row


async def _fill(
    session: "AsyncSession", row: DeviceCredentials, content: Content, vault: Vault
) -> None:
    lookup_hash = vault.lookup_hash(content.credentials_id)
    for owner in await DeviceCredentialsRepository(session).by_lookup_hashes([lookup_hash]):
        if owner.device_id != row.device_id:
            raise CredentialsTaken
    row.credentials_type = content.type
    row.lookup_hash = lookup_hash
    row.credentials_id = vault.encrypt(content.credentials_id)
    value = content.credentials_value
    row.credentials_value = None if value is None else vault.encrypt(value)
    row.identity_hash = row.password_hash = None
    if content.type is CredentialsType.MQTT_BASIC:
        row.identity_hash = mqtt_identity_hash(vault, content.client_id, content.user_name)
        if content.password:
            row.password_hash = mqtt_password_hash(vault, row.device_id, content.password)


def _in_clear(row: DeviceCredentials, vault: Vault) -> Credentials:
    value = row.credentials_value
    return Credentials(
        id=row.id,
        created_time=row.created_time,
        version=row.version,
        device_id=row.device_id,
        credentials_type=CredentialsType(row.credentials_type),
        credentials_id=vault.decrypt(row.credentials_id),
        credentials_value=None if value is None else vault.decrypt(value),
    )
