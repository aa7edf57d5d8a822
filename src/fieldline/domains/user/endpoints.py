"""Users in ThingsBoard's dialect."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query
from starlette.responses import PlainTextResponse

from fieldline.domains.user import activation, credentials, service
from fieldline.domains.user.schemas import ActivationLink, User, UserEmail, UserSave
from fieldline.rest.callers import (
    AnyUser,
    SysAdmin,
    SysOrTenantAdmin,
    TenantAdmin,
    TenantOrCustomer,
)
from fieldline.rest.dialects import tb_router
from fieldline.rest.documents import MAIL_NOT_SENT
from fieldline.rest.paging import PageData, TbPage
from fieldline.rest.parameters import id_list
from fieldline.rest.services import ServicesDep
from fieldline.rest.sessions import ReadSession, WriteSession
from fieldline.rest.wire import values_of

router = tb_router("user")
_MEMBERSHIP = ("authority", "tenant_id", "customer_id")


@router.post("/user/sendActivationMail", responses=MAIL_NOT_SENT)
async def send_activation_mail(email: str, caller: SysOrTenantAdmin, services: ServicesDep) -> None:
    """Mail a new user the link at which a password is chosen, again."""
    await activation.mail_link_to(services, caller, email)


@router.get("/user/{user_id}")
async def get_user(user_id: UUID, caller: AnyUser, session: ReadSession) -> User:
    """Return one user; administrators also see whether it is activated and when it logged in."""
    user = User.model_validate(await service.get(session, caller, user_id))
    if caller.is_customer_user:
        return user
    found = await credentials.of(session, user_id)
    user.additional_info = {
        **(user.additional_info or {}),
        "userCredentialsEnabled": found.enabled,
        "userActivated": found.activate_token is None,
        "lastLoginTs": found.last_login_ms,
    }
    return user


@router.post("/user", responses=MAIL_NOT_SENT)
async def save_user(
    body: UserSave,
    caller: AnyUser,
    services: ServicesDep,
    send_mail: Annotated[bool, Query(alias="sendActivationMail")] = True,
) -> User:
    """Create a user or, with an id, change it; role, tenant and customer never change."""
    fields: service.UserFields = values_of(body, "id", "version", *_MEMBERSHIP)
    if body.id is not None:
        async with services.database.write() as session:
            saved = await service.update(session, caller, body.id, fields, version=body.version)
        return User.model_validate(saved)
    membership: service.Membership = {
        "authority": body.authority,
        "tenant_id": body.tenant_id,
        "customer_id": body.customer_id,
    }
    made = await activation.create(services, caller, fields, membership, send_mail=send_mail)
    return User.model_validate(made)


@router.get("/user/{user_id}/activationLink", response_class=PlainTextResponse)
async def get_activation_link(
    user_id: UUID, caller: SysOrTenantAdmin, session: WriteSession, services: ServicesDep
) -> str:
    """Return the link at which a new user chooses a password, as bare text."""
    await service.require_for_credentials(session, caller, user_id)
    token, _ = await credentials.activation_token(
        session, user_id, services.vault, services.clock.now_ms()
    )
    return credentials.activation_link(services.base_url(), token)


@router.get("/user/{user_id}/activationLinkInfo")
async def get_activation_link_info(
    user_id: UUID, caller: SysOrTenantAdmin, session: WriteSession, services: ServicesDep
) -> ActivationLink:
    """Return the link at which a new user chooses a password, and how long it works."""
    await service.require_for_credentials(session, caller, user_id)
    token, ttl_ms = await credentials.activation_token(
        session, user_id, services.vault, services.clock.now_ms()
    )
    link = credentials.activation_link(services.base_url(), token)
    return ActivationLink(value=link, ttl_ms=ttl_ms)


@router.delete("/user/{user_id}")
async def delete_user(
    user_id: UUID, caller: SysOrTenantAdmin, session: WriteSession, services: ServicesDep
) -> None:
    """Delete a user; its tokens end."""
    await service.delete(session, caller, user_id, tokens=services.tokens)


@router.post("/user/{user_id}/userCredentialsEnabled")
async def set_credentials_enabled(
    user_id: UUID,
    caller: SysOrTenantAdmin,
    session: WriteSession,
    services: ServicesDep,
    enabled: Annotated[bool, Query(alias="userCredentialsEnabled")] = True,
) -> None:
    """Let a user log in, or not any more."""
    await service.set_enabled(session, caller, user_id, enabled=enabled, tokens=services.tokens)


@router.get("/users")
async def list_users(
    page: TbPage, caller: TenantOrCustomer, session: ReadSession
) -> PageData[User]:
    """List the users of the tenant, or of the caller's customer."""
    found = await service.page(session, caller, page)
    return PageData.of(found.map(User.model_validate), page)


@router.get("/users/info")
async def list_user_emails(
    page: TbPage, caller: TenantOrCustomer, session: ReadSession
) -> PageData[UserEmail]:
    """List names and addresses of users."""
    found = await service.page(session, caller, page)
    return PageData.of(found.map(UserEmail.model_validate), page)


@router.get("/tenant/{tenant_id}/users")
async def list_tenant_admins(
    tenant_id: UUID, page: TbPage, caller: SysAdmin, session: ReadSession
) -> PageData[User]:
    """List the administrators of a tenant."""
    found = await service.tenant_admins(session, caller, tenant_id, page)
    return PageData.of(found.map(User.model_validate), page)


@router.get("/customer/{customer_id}/users")
async def list_customer_users(
    customer_id: UUID, page: TbPage, caller: TenantAdmin, session: ReadSession
) -> PageData[User]:
    """List the users of a customer."""
    found = await service.page(session, caller, page, customer_id=customer_id)
    return PageData.of(found.map(User.model_validate), page)


@router.get("/users", include_in_schema=False)
@router.get("/users/list")
async def list_users_by_ids(
    ids: Annotated[list[UUID], Depends(id_list("userIds"))],
    caller: TenantOrCustomer,
    session: ReadSession,
) -> list[User]:
    """List the users of these ids; missing and foreign ones are left out."""
    found = await service.by_ids(session, caller, ids)
    return [User.model_validate(item) for item in found]
