"""What proves who a user is: password, activation token, and whether log-in is allowed.

Below ``service``: no permission is checked here, that is the callers' work.
"""

import secrets
from collections.abc import Collection
from typing import TYPE_CHECKING
from uuid import UUID

from fieldline.domains.user.errors import (
    AlreadyActive,
    BadActivationToken,
    ExpiredActivationToken,
    InvalidUser,
    UserNotFound,
)
from fieldline.domains.user.models import User, UserCredentials
from fieldline.domains.user.repository import UserRepository
from fieldline.security.caller import Authority, Caller
from fieldline.security.secrets import Vault

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

ACTIVATION_LIFE_MS = 24 * 60 * 60 * 1_000
TOKEN_BYTES = 24


def inactive(vault: Vault, now_ms: int) -> UserCredentials:
    """Return the credentials of a user who still has to choose a password."""
    credentials = UserCredentials(enabled=False)
    _renew_token(credentials, vault, now_ms)
    return credentials


def active(password_hash: str) -> UserCredentials:
    """Return the credentials of a user whose password was set by whoever made the user."""
    return UserCredentials(enabled=True, password=password_hash)


def caller_of(user: User, session_id: str = "") -> Caller:
    """Return the user as a caller."""
    return Caller(
        user_id=user.id,
        authority=Authority(user.authority),
        tenant_id=user.tenant_id,
        customer_id=user.customer_id,
        email=user.email,
        first_name=user.first_name,
        last_name=user.last_name,
        session_id=session_id,
    )


def activation_link(base_url: str, token: str) -> str:
    """Return where a new user chooses a password; clients cut the token after ``=``."""
    return f"{base_url}/api/noauth/activate?activateToken={token}"


async def by_email(session: "AsyncSession", email: str) -> tuple[User, UserCredentials] | None:
    """Return the user of that address, if there is one."""
    user = await UserRepository(session).by_email(email)
    return None if user is None else (user, await of(session, user.id))


async def by_id(
    session: "AsyncSession", user_id: UUID, *, lock: bool = False
) -> tuple[User, UserCredentials] | None:
    """Return the user, if there is one; ``lock`` lets nobody change the credentials meanwhile."""
    repository = UserRepository(session)
    found = await repository.credentials(user_id, lock=lock)
    user = await repository.get(user_id)
    return None if user is None or found is None else (user, found)


async def user_of(session: "AsyncSession", credentials: UserCredentials) -> User:
    """Return whose credentials they are.

    Raises:
        UserNotFound: the user was deleted meanwhile.
    """
    user = await UserRepository(session).get(credentials.user_id)
    if user is None:
        raise UserNotFound(credentials.user_id)
    return user


async def of(session: "AsyncSession", user_id: UUID, *, lock: bool = False) -> UserCredentials:
    """Return a user's credentials.

    Raises:
        UserNotFound: there is no such user (any more).
    """
    found = await UserRepository(session).credentials(user_id, lock=lock)
    if found is None:
        raise UserNotFound(user_id)
    return found


async def has_system_administrator(session: "AsyncSession") -> bool:
    return await UserRepository(session).has_authority(Authority.SYS_ADMIN.value)


async def enabled(session: "AsyncSession", ids: Collection[UUID]) -> set[UUID]:
    """Return which of these users may log in."""
    return await UserRepository(session).enabled(ids)


async def set_enabled(session: "AsyncSession", user_id: UUID, *, enabled: bool) -> None:
    credentials = await of(session, user_id, lock=True)
    if enabled and credentials.password is None:
        raise InvalidUser("A user without a password cannot be enabled; it must activate first")
    credentials.enabled = enabled
    if not enabled:
        end_reset(credentials)


async def end_links(session: "AsyncSession", user_id: UUID) -> None:
    """End the links that were mailed to an address which is not the user's any more."""
    credentials = await of(session, user_id, lock=True)
    end_reset(credentials)
    if credentials.activate_token is not None:
        # Too old: the next one who asks for the link gets a new one.
        credentials.activate_token_expires_ms = 0


def end_reset(credentials: UserCredentials) -> None:
    """Forget the token that resets the password."""
    credentials.reset_token = None
    credentials.reset_token_hash = None
    credentials.reset_token_expires_ms = None


async def set_password(session: "AsyncSession", user_id: UUID, password_hash: str) -> None:
    """Set a password from outside; the user can log in with it, whatever was before."""
    credentials = await of(session, user_id, lock=True)
    credentials.password = password_hash
    credentials.enabled = True
    credentials.activate_token = credentials.activate_token_hash = None
    end_reset(credentials)


async def activation_token(
    session: "AsyncSession", user_id: UUID, vault: Vault, now_ms: int
) -> tuple[str, int]:
    """Return the activation token and how many ms it still lives; an expired one is renewed.

    Raises:
        AlreadyActive: the user has chosen a password.
    """
    credentials = await of(session, user_id, lock=True)
    if credentials.activate_token is None:
        raise AlreadyActive
    if (credentials.activate_token_expires_ms or 0) <= now_ms:
        _renew_token(credentials, vault, now_ms)
    expires_ms = credentials.activate_token_expires_ms or now_ms
    return vault.decrypt(credentials.activate_token), expires_ms - now_ms


async def find_to_activate(
    session: "AsyncSession", token: str, vault: Vault, now_ms: int
) -> UserCredentials:
    """Return the credentials that the token activates.

    Raises:
        ExpiredActivationToken: the token is too old.
        BadActivationToken: there is no such token.
    """
    repository = UserRepository(session)
    found = await repository.credentials_by_activate_token(vault.lookup_hash(token))
    if found is None:
        raise BadActivationToken
    if (found.activate_token_expires_ms or 0) <= now_ms:
        raise ExpiredActivationToken
    return found


async def activate(
    session: "AsyncSession", user_id: UUID, token_hash: bytes | None, password_hash: str
) -> None:
    """Set the first password; the token that was found is used up.

    Raises:
        BadActivationToken: somebody used or replaced it meanwhile.
    """
    credentials = await UserRepository(session).credentials(user_id, lock=True)
    if credentials is None or credentials.activate_token_hash != token_hash:
        raise BadActivationToken
    credentials.activate_token = None
    credentials.activate_token_hash = None
    credentials.activate_token_expires_ms = None
    credentials.password = password_hash
    credentials.enabled = True


def _renew_token(credentials: UserCredentials, vault: Vault, now_ms: int) -> None:
    token = secrets.token_urlsafe(TOKEN_BYTES)
    credentials.activate_token = vault.encrypt(token)
    credentials.activate_token_hash = vault.lookup_hash(token)
    credentials.activate_token_expires_ms = now_ms + ACTIVATION_LIFE_MS
