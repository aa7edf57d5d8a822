"""Tokens to reset a forgotten password: one per user, for a day, used once.

Below ``service``: no permission is checked here, that is the callers' work.
"""

import secrets
from typing import TYPE_CHECKING
from uuid import UUID

from fieldline.domains.user import credentials as credentials_service
from fieldline.domains.user.errors import BadResetToken, ExpiredResetToken, NoReset
from fieldline.domains.user.models import UserCredentials
from fieldline.domains.user.repository import UserRepository
from fieldline.security.secrets import Vault

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

RESET_LIFE_MS = 24 * 60 * 60 * 1_000
LEAST_REST_MS = 60 * 60 * 1_000
"""A token that lives shorter is replaced when its link is asked for again; a longer one stays, so
that asking for somebody else does not end the link in an earlier mail."""


def link(base_url: str, token: str) -> str:
    """Return where a user chooses a new password; clients cut the token after ``=``."""
    return f"{base_url}/api/noauth/resetPassword?resetToken={token}"


def may_reset(credentials: UserCredentials) -> bool:
    """Return whether the user has a password and may log in."""
    return credentials.enabled and credentials.password is not None


async def token_of(
    session: "AsyncSession", user_id: UUID, vault: Vault, now_ms: int
) -> tuple[str, int]:
    """Return a user's reset token and how many ms it lives; one is made if there is none.

    Raises:
        NoReset: the user never had a password, or may not log in.
    """
    credentials = await credentials_service.of(session, user_id, lock=True)
    if credentials.password is None:
        raise NoReset("The user has no password yet; pass on the activation link instead")
    if not credentials.enabled:
        raise NoReset("The user is disabled; enable it first")
    rest_ms = (credentials.reset_token_expires_ms or now_ms) - now_ms
    if credentials.reset_token is not None and rest_ms >= LEAST_REST_MS:
        return vault.decrypt(credentials.reset_token), rest_ms
    token = secrets.token_urlsafe(credentials_service.TOKEN_BYTES)
    credentials.reset_token = vault.encrypt(token)
    credentials.reset_token_hash = vault.lookup_hash(token)
    credentials.reset_token_expires_ms = now_ms + RESET_LIFE_MS
    return token, RESET_LIFE_MS


async def find(session: "AsyncSession", token: str, vault: Vault, now_ms: int) -> UserCredentials:
    """Return the credentials that the token resets.

    Raises:
        ExpiredResetToken: the token is too old.
        BadResetToken: there is no such token, or its user may not log in.
    """
    found = await UserRepository(session).credentials_by_reset_token(vault.lookup_hash(token))
    if found is None or not may_reset(found):
        raise BadResetToken
    if (found.reset_token_expires_ms or 0) <= now_ms:
        raise ExpiredResetToken
    return found


async def use(
    session: "AsyncSession", user_id: UUID, token_hash: bytes | None, password_hash: str
) -> None:
    """Set the new password, if the token that was found still is the user's.

    Raises:
        BadResetToken: it was used, or the user disabled, meanwhile.
    """
    credentials = await UserRepository(session).credentials(user_id, lock=True)
    if credentials is None or credentials.reset_token_hash != token_hash:
        raise BadResetToken
    if not may_reset(credentials):
        raise BadResetToken
    credentials.password = password_hash
    credentials_service.end_reset(credentials)
