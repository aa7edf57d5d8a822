"""Reads and writes settings in the database; the signing key of the tokens is one of them."""

import base64
import os
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid5

from fieldline.domains.admin_settings.models import AdminSettings
from fieldline.domains.admin_settings.repository import AdminSettingsRepository
from fieldline.kit.ids import NULL_UUID
from fieldline.security.secrets import Vault
from fieldline.security.tokens import KEY_BYTES

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

JWT_KEY = "jwt"


async def get(
    session: "AsyncSession", key: str, tenant_id: UUID | None = None
) -> dict[str, Any] | None:
    """Return a setting of a tenant or, without one, of the system."""
    found = await AdminSettingsRepository(session).get(_id(key, tenant_id))
    return found.json_value if found else None


async def put(
    session: "AsyncSession", key: str, value: dict[str, Any], tenant_id: UUID | None = None
) -> None:
    """Store a setting."""
    repository = AdminSettingsRepository(session)
    found = await repository.get(_id(key, tenant_id))
    if found is not None:
        found.json_value = value
        return
    await repository.add(
        AdminSettings(id=_id(key, tenant_id), tenant_id=tenant_id, key=key, json_value=value)
    )


async def signing_key(session: "AsyncSession", vault: Vault) -> bytes:
    """Return the key that signs tokens; the first call makes it and stores it encrypted.

    Raises:
        WrongRootKey: it was stored under another root key.
    """
    stored = await get(session, JWT_KEY)
    if stored is None:
        text = base64.b64encode(os.urandom(KEY_BYTES)).decode()
        stored = {"tokenSigningKey": vault.encrypt(text)}
        await put(session, JWT_KEY, stored)
    return base64.b64decode(vault.decrypt(stored["tokenSigningKey"]))


def _id(key: str, tenant_id: UUID | None) -> UUID:
    return uuid5(tenant_id or NULL_UUID, key)
