"""Logging in and out, new tokens for old ones, choosing and changing a password.

These functions open their own sessions: bcrypt takes a quarter of a second, and no transaction
may be open meanwhile. Tokens are issued inside the transaction that locks the credentials: whoever
disables the user then waits, and outdates them.
"""

from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import UUID

from fieldline.domains.audit_log import service as audit_log_service
from fieldline.domains.audit_log.actions import Action
from fieldline.domains.customer import service as customer_service
from fieldline.domains.login import recovery
from fieldline.domains.login.origin import NOWHERE, Origin
from fieldline.domains.revocation import service as revocation_service
from fieldline.domains.user import credentials as credentials_service
from fieldline.domains.user import letters
from fieldline.domains.user import service as user_service
from fieldline.kit.actor import Actor
from fieldline.kit.errors import Forbidden, Invalid, Unauthenticated
from fieldline.kit.ids import NULL_UUID, EntityRef, EntityType
from fieldline.rest.services import Services
from fieldline.security.caller import Authority, Caller
from fieldline.security.tokens import RefreshToken, TokenPair

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

WRONG = "Invalid username or password"
INACTIVE = "User account is not active"
PUBLIC_NAME = "Public"


async def log_in(
    services: Services, email: str | None, password: str | None, origin: Origin = NOWHERE
) -> TokenPair:
    """Return tokens for an address and its password; the audit log tells of each attempt.

    Raises:
        Unauthenticated: they do not belong together, or the user may not log in.
        Unavailable: too many log-ins are under way, or too many refusals wait to be recorded.
    """
    if not email or not email.strip() or not password:
        raise Unauthenticated("Authentication failed")
    try:
        async with services.database.read() as session:
            found = await credentials_service.by_email(session, email)
        stored_hash = found[1].password if found else None
        is_right = await services.passwords.verify(password, stored_hash)
    except Invalid as error:
        # U+0000 and the like: nobody has such an address or password.
        raise Unauthenticated(WRONG) from error
    refusal = WRONG if found is None or found[1].enabled else INACTIVE
    if found is None or not is_right or refusal is INACTIVE:
        services.background.submit(partial(_record_refusal, services, email, origin, refusal))
        raise Unauthenticated(refusal)
    return await _begin_session(services, found[0].id, stored_hash, origin)


async def public_log_in(services: Services, public_id: UUID) -> TokenPair:
    """Return tokens of nobody in particular, for what a tenant has made public."""
    return services.tokens.issue(await _public_caller(services, public_id))


async def refresh(services: Services, token: str) -> TokenPair:
    """Return new tokens of the same session.

    Raises:
        BadToken, TokenExpired: the refresh token is not valid (any more).
        Unauthenticated: the user is gone or may not log in.
    """
    claims = services.tokens.verify_refresh(token)
    if claims.is_public:
        public_id = _public_id(claims)
        return services.tokens.issue(
            await _public_caller(services, public_id, str(claims.session_id))
        )
    async with services.database.write() as session:
        found = await credentials_service.by_id(session, claims.user_id, lock=True)
        if found is None:
            raise Unauthenticated("User not found by refresh token")
        user, credentials = found
        if not credentials.enabled:
            raise Unauthenticated(INACTIVE)
        # Ended while it was read.
        services.tokens.verify_refresh(token)
        return services.tokens.issue(credentials_service.caller_of(user, str(claims.session_id)))


async def log_out(services: Services, caller: Caller, origin: Origin) -> None:
    """End the session that the caller's token belongs to.

    A public session protects nothing, as anybody gets another one without a password; and all
    public users have one id, so that too many ended sessions of one would end those of others.
    """
    if caller.is_public:
        return
    async with services.database.write() as session:
        await revocation_service.end_session(
            session, services.tokens, UUID(caller.session_id), caller.user_id
        )
        await _record(session, caller.actor, Action.LOGOUT, origin)


async def change_password(
    services: Services, caller: Caller, current: str | None, new: str | None
) -> TokenPair:
    """Set a new password; all tokens issued before end, and a new pair is returned.

    Raises:
        Invalid: the current one is wrong, or the new one is refused.
    """
    if not current or not new:
        raise Invalid("Both the current and the new password should be specified!")
    async with services.database.read() as session:
        found = await credentials_service.by_id(session, caller.user_id)
    if found is None:
        raise Invalid("Only a user with a password can change it")
    user, credentials = found
    if not await services.passwords.verify(current, credentials.password):
        raise Invalid("Current password doesn't match!")
    if new == current:
        raise Invalid("New password should be different from existing!")
    new_hash = await services.passwords.hash(new)
    async with services.database.write() as session:
        stored = await credentials_service.of(session, user.id, lock=True)
        if stored.password != credentials.password:
            raise Invalid("Current password doesn't match!")
        stored.password = new_hash
        credentials_service.end_reset(stored)
        before_ms = await revocation_service.revoke(session, services.tokens, user.id)
        await _record(session, caller.actor, Action.CREDENTIALS_UPDATED)
        return services.tokens.issue(credentials_service.caller_of(user), after_ms=before_ms)


async def activate(
    services: Services, token: str, password: str, *, send_mail: bool = False
) -> TokenPair:
    """Set a new user's first password and log the user in; ``send_mail`` tells the user so.

    Raises:
        BadActivationToken: the link was used, or is too old.
        Invalid: the password is refused.
    """
    now_ms = services.clock.now_ms()
    async with services.database.read() as session:
        new = await credentials_service.find_to_activate(session, token, services.vault, now_ms)
    password_hash = await services.passwords.hash(password)
    async with services.database.write() as session:
        await credentials_service.activate(
            session, new.user_id, new.activate_token_hash, password_hash
        )
        user = await credentials_service.user_of(session, new)
        await user_service.announce_password(session, user)
        pair = services.tokens.issue(credentials_service.caller_of(user))
    if send_mail:
        recovery.notify(services, letters.activated(user.email, services.base_url()))
    return pair


async def act_as(services: Services, caller: Caller, user_id: UUID) -> TokenPair:
    """Return tokens of another user, whom the caller manages.

    Raises:
        Forbidden: it is switched off, or the user is not one below the caller.
        Invalid: the user may not log in.
    """
    if not services.user_token_access:
        raise Forbidden("Tokens of other users are switched off (USER_TOKEN_ACCESS_ENABLED)")
    async with services.database.write() as session:
        user = await user_service.require_for_token(session, caller, user_id)
        credentials = await credentials_service.of(session, user_id, lock=True)
        if not credentials.enabled:
            raise Invalid(INACTIVE)
        return services.tokens.issue(credentials_service.caller_of(user))


async def _begin_session(
    services: Services, user_id: UUID, stored_hash: str | None, origin: Origin
) -> TokenPair:
    """Issue tokens, unless the user was disabled, changed or deleted meanwhile."""
    async with services.database.write() as session:
        found = await credentials_service.by_id(session, user_id, lock=True)
        if found is None:
            raise Unauthenticated(WRONG)
        user, credentials = found
        if not credentials.enabled or credentials.password != stored_hash:
            raise Unauthenticated(WRONG)
        credentials.last_login_ms = services.clock.now_ms()
        caller = credentials_service.caller_of(user)
        await _record(session, caller.actor, Action.LOGIN, origin)
        return services.tokens.issue(caller)


async def _record_refusal(services: Services, email: str, origin: Origin, refusal: str) -> None:
    """Record a failed log-in of a user, after the answer.

    Nobody's address is looked up again all the same: the time of an answer must not tell which
    addresses exist.
    """
    async with services.database.read() as session:
        found = await credentials_service.by_email(session, email)
    if found is None:
        return
    async with services.database.write() as session:
        actor = credentials_service.caller_of(found[0]).actor
        await _record(session, actor, Action.LOGIN, origin, refusal)


async def _record(
    session: "AsyncSession",
    actor: Actor,
    action: Action,
    origin: Origin | None = None,
    failure: str | None = None,
) -> None:
    """Record what a user did with the own account."""
    entity = EntityRef(EntityType.USER, actor.user_id)
    data: dict[str, Any] = origin.as_data if origin else {"entityId": str(actor.user_id)}
    deed = audit_log_service.Deed(action, entity, actor.email, data=data, failure=failure)
    await audit_log_service.record(session, actor, deed)


async def _public_caller(services: Services, public_id: UUID, session_id: str = "") -> Caller:
    async with services.database.read() as session:
        customer = await customer_service.find_public(session, public_id)
    if customer is None:
        raise Unauthenticated("Authentication failed")
    return Caller(
        user_id=NULL_UUID,
        authority=Authority.CUSTOMER_USER,
        tenant_id=customer.tenant_id,
        customer_id=customer.id,
        email=str(public_id),
        first_name=PUBLIC_NAME,
        last_name=PUBLIC_NAME,
        session_id=session_id,
        is_public=True,
    )


def _public_id(claims: RefreshToken) -> UUID:
    try:
        return UUID(claims.subject)
    except ValueError as error:
        raise Unauthenticated("Authentication failed") from error
