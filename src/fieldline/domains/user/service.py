"""Users: who may make, see and change whom. Log-in and passwords are in ``credentials``."""

from collections.abc import Collection
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypedDict
from uuid import UUID

from fieldline.database.engine import announce
from fieldline.domains.audit_log import service as audit_log_service
from fieldline.domains.audit_log.actions import Action
from fieldline.domains.audit_log.service import Deed
from fieldline.domains.customer import service as customer_service
from fieldline.domains.revocation import service as revocation_service
from fieldline.domains.tenant import service as tenant_service
from fieldline.domains.tenant_profile import service as tenant_profile_service
from fieldline.domains.user import credentials as credentials_service
from fieldline.domains.user import schemas
from fieldline.domains.user.errors import EmailNotFound, EmailTaken, InvalidUser, UserNotFound
from fieldline.domains.user.models import User, UserCredentials
from fieldline.domains.user.repository import UserFilter, UserRepository
from fieldline.kit.actor import Actor
from fieldline.kit.errors import Forbidden
from fieldline.kit.ids import EntityRef, EntityType
from fieldline.kit.paging import Page, PageRequest
from fieldline.kit.text import check_email, check_json, check_optional_text
from fieldline.kit.versions import check_version
from fieldline.messaging.events import Change, EntityChanged
from fieldline.rest.wire import wire_json
from fieldline.security.caller import Authority, Caller
from fieldline.security.permissions import DENIED, Operation, check
from fieldline.security.tokens import Tokens

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

NEEDS_CUSTOMER = "Customer user should be assigned to customer!"
COMPUTED_INFO = ("userCredentialsEnabled", "userActivated", "lastLoginTs")
"""Properties of ``additionalInfo`` that are shown and never stored."""
_PLAIN = ("first_name", "last_name", "phone")


class UserFields(TypedDict, total=False):
    """Fields to set; what is left out stays as it is, or takes its default."""

    email: str | None
    first_name: str | None
    last_name: str | None
    phone: str | None
    additional_info: dict[str, Any] | None


class Membership(TypedDict):
    """What is decided once, when a user is created."""

    authority: Authority | None
    tenant_id: UUID | None
    customer_id: UUID | None


async def get(session: "AsyncSession", caller: Caller, user_id: UUID) -> User:
    return await _find(session, caller, user_id, Operation.READ)


async def page(
    session: "AsyncSession",
    caller: Caller,
    request: PageRequest,
    *,
    customer_id: UUID | None = None,
    authority: Authority | None = None,
) -> Page[User]:
    """Return a page of the users that the caller may see, of one customer or role if given.

    A system administrator sees tenant administrators and its own kind, a tenant administrator the
    users of the tenant, a customer user those of the customer.
    """
    which = _visible_to(caller)
    if customer_id is not None:
        await customer_service.get(session, caller, customer_id)
        which = UserFilter(caller.tenant_id, customer_id)
    if authority is not None:
        is_seen = which.authorities is None or authority.value in which.authorities
        which = replace(which, authorities=(authority.value,) if is_seen else ())
    return await UserRepository(session).page(which, request)


async def able_to_see(
    session: "AsyncSession", caller: Caller, customer_id: UUID | None, request: PageRequest
) -> Page[User]:
    """Return a page of the users who may see a thing of that customer, or of none.

    These are its users and the administrators; a customer user sees none of the latter.
    """
    which = _visible_to(caller)
    if caller.is_tenant_admin:
        which = UserFilter(caller.tenant_id, customer_id, or_of_tenant=True)
    return await UserRepository(session).page(which, request)


async def tenant_admins(
    session: "AsyncSession", caller: Caller, tenant_id: UUID, request: PageRequest
) -> Page[User]:
    """Return a page of the administrators of a tenant."""
    await tenant_service.get(session, caller, tenant_id)
    which = UserFilter(tenant_id, authorities=(Authority.TENANT_ADMIN.value,))
    return await UserRepository(session).page(which, request)


async def by_ids(session: "AsyncSession", caller: Caller, ids: Collection[UUID]) -> list[User]:
    """Return the users of these ids; one that the caller may not see is left out."""
    return [
        user
        for user in await UserRepository(session).by_ids(ids)
        if _may(caller, Operation.READ, user)
    ]


async def create(
    session: "AsyncSession",
    caller: Caller,
    fields: UserFields,
    membership: Membership,
    new_credentials: UserCredentials,
) -> User:
    """Make a user in a role, with credentials of ``credentials.inactive`` or ``.active``."""
    user = User()
    await _set_membership(session, caller, user, membership)
    check(
        caller,
        Operation.CREATE,
        EntityType.USER,
        tenant_id=user.tenant_id,
        customer_id=user.customer_id,
    )
    repository = UserRepository(session)
    tenant_id = user.tenant_id
    if tenant_id is not None:
        await tenant_profile_service.require_room(
            session, tenant_id, EntityType.USER, lambda: repository.count(tenant_id)
        )
    await _set(session, user, {"email": None, **fields})
    await repository.add(user, new_credentials)
    await _tell(session, caller.actor, user, Change.CREATED)
    return user


async def update(
    session: "AsyncSession",
    caller: Caller,
    user_id: UUID,
    fields: UserFields,
    *,
    version: int | None = None,
) -> User:
    """Change the given fields; role and tenant never change, the customer by :func:`assign`.

    Raises:
        StaleVersion: ``version`` is given and is not the stored one.
    """
    user = await _find(session, caller, user_id, Operation.WRITE)
    check_version("User", version, user.version)
    email = user.email
    await _set(session, user, fields)
    if user.email != email:
        await credentials_service.end_links(session, user_id)
    await UserRepository(session).save(user)
    await _tell(session, caller.actor, user, Change.UPDATED)
    return user


async def assign(
    session: "AsyncSession", caller: Caller, user_id: UUID, customer_id: UUID | None, tokens: Tokens
) -> None:
    """Give a customer user to another customer of the tenant; its tokens end.

    Only a tenant administrator's word counts: nobody else's changes where a user belongs.
    """
    user = await _find(session, caller, user_id, Operation.WRITE)
    former = user.customer_id
    if customer_id == former or not caller.is_tenant_admin or user.tenant_id is None:
        return
    if user.authority != Authority.CUSTOMER_USER:
        raise InvalidUser("Only a customer user belongs to a customer; customer_id must be null")
    if customer_id is None:
        raise InvalidUser(NEEDS_CUSTOMER)
    user.customer_id = (await customer_service.require(session, user.tenant_id, customer_id)).id
    await UserRepository(session).save(user)
    await revocation_service.revoke(session, tokens, user_id)  # They name the former customer.
    for change, about in ((Change.UNASSIGNED, former), (Change.ASSIGNED, customer_id)):
        await _tell(session, caller.actor, user, change, customer_id=about)


async def set_enabled(
    session: "AsyncSession", caller: Caller, user_id: UUID, *, enabled: bool, tokens: Tokens
) -> None:
    """Let a user log in, or not any more; disabling ends all tokens."""
    user = await _find(session, caller, user_id, Operation.WRITE_CREDENTIALS)
    if user.id == caller.user_id and not enabled:
        raise InvalidUser("Nobody can disable the own account")
    await credentials_service.set_enabled(session, user_id, enabled=enabled)
    if not enabled:
        await revocation_service.revoke(session, tokens, user_id)
    detail = {"enabled": enabled}
    await _tell(session, caller.actor, user, Change.CREDENTIALS_UPDATED, detail)


async def delete(session: "AsyncSession", caller: Caller, user_id: UUID, *, tokens: Tokens) -> None:
    """Delete a user; its tokens end."""
    user = await _find(session, caller, user_id, Operation.DELETE)
    if user.id == caller.user_id and caller.is_sys_admin:
        raise Forbidden("Sysadmin is not allowed to delete himself")
    await _tell(session, caller.actor, user, Change.DELETED)
    await UserRepository(session).delete(user)
    await revocation_service.revoke(session, tokens, user_id)


async def announce_deletion_of_all(
    session: "AsyncSession", customer_id: UUID, by: Actor | None
) -> None:
    """Announce that the users of a customer go with it; asks no permission."""
    for user in await UserRepository(session).of_customer(customer_id):
        await _tell(session, by, user, Change.DELETED)


async def require_for_credentials(session: "AsyncSession", caller: Caller, user_id: UUID) -> User:
    """Return a user whose activation link the caller may see."""
    return await _find(session, caller, user_id, Operation.READ_CREDENTIALS)


async def require_for_reset(session: "AsyncSession", caller: Caller, user_id: UUID) -> User:
    """Return a user whose password the caller may let be reset; not the caller's own.

    Else a token that was stolen would be enough to take the account, without its password.
    """
    if user_id == caller.user_id:
        raise Forbidden("The own password is changed by POST /auth/changePassword")
    user = await _find(session, caller, user_id, Operation.WRITE_CREDENTIALS)
    await _note_read(session, caller, user)
    return user


async def require_for_token(session: "AsyncSession", caller: Caller, user_id: UUID) -> User:
    """Return a user as whom the caller may act.

    A system administrator may act as a tenant administrator, and that one as a customer user.
    """
    user = await _find(session, caller, user_id, Operation.READ_CREDENTIALS)
    below = Authority.TENANT_ADMIN if caller.is_sys_admin else Authority.CUSTOMER_USER
    if user.authority != below:
        raise Forbidden(DENIED)
    await _note_read(session, caller, user)
    return user


async def announce_password(session: "AsyncSession", user: User) -> None:
    """Announce that a user has chosen a password."""
    by = credentials_service.caller_of(user).actor
    await _tell(session, by, user, Change.CREDENTIALS_UPDATED)


async def by_email(session: "AsyncSession", caller: Caller, email: str) -> User:
    """Return the user of that address, for who may see its activation link.

    Raises:
        EmailNotFound: there is none, or it is not for the caller to know.
    """
    user = await UserRepository(session).by_email(email)
    if user is None or not _may(caller, Operation.READ_CREDENTIALS, user):
        raise EmailNotFound
    return user


async def _find(
    session: "AsyncSession", caller: Caller, user_id: UUID, operation: Operation
) -> User:
    user = await UserRepository(session).get(user_id)
    if user is None:
        raise UserNotFound(user_id)
    _check(caller, operation, user)
    return user


def _check(caller: Caller, operation: Operation, user: User) -> None:
    if caller.is_sys_admin and user.authority == Authority.CUSTOMER_USER:
        raise Forbidden(DENIED)
    check(
        caller,
        operation,
        EntityType.USER,
        tenant_id=user.tenant_id,
        customer_id=user.customer_id,
        entity_id=user.id,
    )


def _may(caller: Caller, operation: Operation, user: User) -> bool:
    try:
        _check(caller, operation, user)
    except Forbidden:
        return False
    return True


def _visible_to(caller: Caller) -> UserFilter:
    if caller.is_public:
        raise Forbidden(DENIED)
    if caller.is_sys_admin:
        return UserFilter(authorities=(Authority.SYS_ADMIN.value, Authority.TENANT_ADMIN.value))
    return UserFilter(caller.tenant_id, caller.customer_id)


async def _set_membership(
    session: "AsyncSession", caller: Caller, user: User, membership: Membership
) -> None:
    """Decide role, tenant and customer; never a role above the caller's, nor another's tenant."""
    authority = membership["authority"]
    if authority is None:
        raise InvalidUser("User authority isn't specified!")
    user.authority = authority.value
    if caller.is_sys_admin:
        if authority is Authority.CUSTOMER_USER:
            raise Forbidden(DENIED)
        user.tenant_id = await _tenant_of_admin(session, caller, authority, membership["tenant_id"])
        return
    if caller.is_customer_user or authority is Authority.SYS_ADMIN or caller.tenant_id is None:
        raise Forbidden(DENIED)
    user.tenant_id = caller.tenant_id
    if authority is Authority.CUSTOMER_USER:
        customer_id = membership["customer_id"]
        if customer_id is None:
            raise InvalidUser(NEEDS_CUSTOMER)
        user.customer_id = (
            await customer_service.require(session, caller.tenant_id, customer_id)
        ).id


async def _tenant_of_admin(
    session: "AsyncSession", caller: Caller, authority: Authority, tenant_id: UUID | None
) -> UUID | None:
    if authority is Authority.SYS_ADMIN:
        return None
    if tenant_id is None:
        raise InvalidUser("Tenant administrator should be assigned to tenant!")
    return (await tenant_service.get(session, caller, tenant_id)).id


async def _set(session: "AsyncSession", user: User, fields: UserFields) -> None:
    if "email" in fields:
        await _set_email(session, user, fields["email"])
    for name, label in (("first_name", "firstName"), ("last_name", "lastName"), ("phone", "phone")):
        check_optional_text(label, fields.get(name))  # type: ignore[arg-type]
    for name, value in fields.items():
        if name in _PLAIN:
            setattr(user, name, value)
    if "additional_info" in fields:
        info = fields["additional_info"]
        check_json("additionalInfo", info)
        if info is not None:
            info = {key: value for key, value in info.items() if key not in COMPUTED_INFO}
        user.additional_info = info


async def _set_email(session: "AsyncSession", user: User, email: str | None) -> None:
    check_email(email)
    with session.no_autoflush:
        other = await UserRepository(session).by_email(email or "")
    if other is not None and other is not user:
        raise EmailTaken(email or "")
    user.email = email or ""


async def _note_read(session: "AsyncSession", caller: Caller, user: User) -> None:
    """Record that somebody else got the means to act as this user."""
    ref = EntityRef(EntityType.USER, user.id)
    data = {"entityId": str(user.id)}
    deed = Deed(Action.CREDENTIALS_READ, ref, user.email, user.customer_id, data)
    await audit_log_service.record(session, caller.actor, deed)


async def _tell(
    session: "AsyncSession",
    by: Actor | None,
    user: User,
    change: Change,
    detail: dict[str, Any] | None = None,
    *,
    customer_id: UUID | None = None,
) -> None:
    """Announce a change, about the user's own customer by default; ``detail`` says ``enabled``."""
    event = EntityChanged(
        user.tenant_id,
        EntityRef(EntityType.USER, user.id),
        change,
        detail,
        by=by,
        name=user.email,
        customer_id=customer_id or user.customer_id,
        data=wire_json(schemas.User, user),
    )
    await announce(session, event)
