"""Log-in, log-out and passwords under ``/api/auth`` and ``/api/noauth``, for both dialects."""

from typing import Annotated
from urllib.parse import quote
from uuid import UUID

from fastapi import Depends, Query
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from fieldline.domains.dashboard import home
from fieldline.domains.login import recovery, service
from fieldline.domains.login.origin import FromWhere
from fieldline.domains.login.schemas import (
    ActivateRequest,
    ChangePasswordRequest,
    LoginRequest,
    PasswordPolicy,
    PublicLoginRequest,
    RefreshRequest,
    ResetMailRequest,
    ResetRequest,
    Tokens,
)
from fieldline.domains.user import credentials
from fieldline.domains.user import service as user_service
from fieldline.domains.user.errors import (
    BadActivationToken,
    BadResetToken,
    ExpiredActivationToken,
    ExpiredResetToken,
)
from fieldline.domains.user.schemas import User
from fieldline.kit.errors import Invalid, Unauthenticated
from fieldline.kit.ids import parse_id
from fieldline.rest.callers import AnyUser, SysOrTenantAdmin, public
from fieldline.rest.dialects import tb_router
from fieldline.rest.documents import MAIL_NOT_SENT
from fieldline.rest.services import ServicesDep
from fieldline.rest.sessions import ReadSession
from fieldline.security.tokens import TokenPair

router = tb_router("auth")


async def _read_login(request: Request) -> LoginRequest:
    """Read the body; one that cannot be read is a failed log-in, not a bad request."""
    try:
        return LoginRequest.model_validate_json(await request.body())
    except ValueError as error:
        raise Unauthenticated("Authentication failed") from error


@router.post(
    "/auth/login",
    dependencies=[public],
    openapi_extra={
        "requestBody": {
            "content": {"application/json": {"schema": LoginRequest.model_json_schema()}}
        }
    },
)
async def log_in(
    body: Annotated[LoginRequest, Depends(_read_login)], origin: FromWhere, services: ServicesDep
) -> Tokens:
    """Log in by e-mail address and password."""
    return _tokens(await service.log_in(services, body.username, body.password, origin))


@router.post("/auth/login/public", dependencies=[public])
async def log_in_publicly(body: PublicLoginRequest, services: ServicesDep) -> Tokens:
    """Log in as nobody in particular, to see what a tenant has made public."""
    try:
        public_id = parse_id(body.public_id or "")
    except Invalid as error:
        raise Unauthenticated("Authentication failed") from error
    return _tokens(await service.public_log_in(services, public_id))


@router.post("/auth/token", dependencies=[public])
async def refresh(body: RefreshRequest, services: ServicesDep) -> Tokens:
    """Exchange a refresh token for new tokens."""
    if not body.refresh_token:
        raise Unauthenticated("Authentication failed")
    return _tokens(await service.refresh(services, body.refresh_token))


@router.post("/auth/logout")
async def log_out(caller: AnyUser, origin: FromWhere, services: ServicesDep) -> None:
    """End the session of the token."""
    await service.log_out(services, caller, origin)


@router.get("/auth/user")
async def get_current_user(caller: AnyUser, session: ReadSession) -> User:
    """Return the user that the token speaks for."""
    if caller.is_public:
        return User.model_construct(
            id=caller.user_id,
            created_time=0,
            tenant_id=caller.tenant_id,
            customer_id=caller.customer_id,
            email=caller.email,
            authority=caller.authority,
            first_name=caller.first_name,
            last_name=caller.last_name,
            phone=None,
            additional_info=None,
            version=1,
        )
    user = User.model_validate(await user_service.get(session, caller, caller.user_id))
    user.additional_info = await home.without_unseen(session, caller, user.additional_info)
    return user


@router.post("/auth/changePassword")
async def change_password(
    body: ChangePasswordRequest, caller: AnyUser, services: ServicesDep
) -> Tokens:
    """Set a new password; older tokens end and new ones are returned."""
    return _tokens(await service.change_password(services, caller, body.current, body.new))


@router.get("/noauth/userPasswordPolicy", dependencies=[public])
async def get_password_policy(services: ServicesDep) -> PasswordPolicy:
    """Return what a password must be."""
    policy = services.passwords.policy
    return PasswordPolicy(
        minimum_length=policy.minimum_length, maximum_length=policy.maximum_length
    )


@router.get(
    "/noauth/activate",
    dependencies=[public],
    status_code=303,
    responses={409: {"description": "The token is not valid, or was used."}},
)
async def follow_activation_link(
    token: Annotated[str, Query(alias="activateToken")], session: ReadSession, services: ServicesDep
) -> Response:
    """Send the browser of a new user to the page where a password is chosen."""
    try:
        await credentials.find_to_activate(session, token, services.vault, services.clock.now_ms())
    except ExpiredActivationToken:
        return RedirectResponse("/activationLinkExpired", status_code=303)
    except BadActivationToken:
        return Response(status_code=409)
    return _to_page("/login/createPassword?activateToken=", token)


@router.post("/noauth/activate", dependencies=[public])
async def activate(
    body: ActivateRequest,
    services: ServicesDep,
    send_mail: Annotated[bool, Query(alias="sendActivationMail")] = True,
) -> Tokens:
    """Choose the first password; the user is logged in."""
    pair = await service.activate(services, body.activate_token, body.password, send_mail=send_mail)
    return _tokens(pair)


@router.post("/noauth/resetPasswordByEmail", dependencies=[public], responses=MAIL_NOT_SENT)
async def request_reset_mail(body: ResetMailRequest, services: ServicesDep) -> None:
    """Mail a link to choose a new password, if there is a user of this address."""
    await recovery.request_mail(services, body.email)


@router.get(
    "/noauth/resetPassword",
    dependencies=[public],
    status_code=303,
    responses={409: {"description": "The token is not valid, or was used."}},
)
async def follow_reset_link(
    token: Annotated[str, Query(alias="resetToken")], services: ServicesDep
) -> Response:
    """Send the browser of a user to the page where a new password is chosen."""
    try:
        await recovery.follow_link(services, token)
    except ExpiredResetToken:
        return RedirectResponse("/passwordResetLinkExpired", status_code=303)
    except BadResetToken:
        return Response(status_code=409)
    return _to_page("/login/resetPassword?resetToken=", token)


@router.post("/noauth/resetPassword", dependencies=[public])
async def reset_password(body: ResetRequest, services: ServicesDep) -> None:
    """Choose a new password; everybody who is logged in as this user is logged out."""
    await recovery.reset_password(services, body.reset_token, body.password)


@router.get("/user/tokenAccessEnabled")
async def is_token_access_enabled(_caller: SysOrTenantAdmin, services: ServicesDep) -> bool:
    """Return whether administrators may act as the users they manage."""
    return services.user_token_access


@router.get("/user/{user_id}/token")
async def get_user_token(user_id: UUID, caller: SysOrTenantAdmin, services: ServicesDep) -> Tokens:
    """Return tokens of a user below the caller, to act as that user."""
    return _tokens(await service.act_as(services, caller, user_id))


def _to_page(page: str, token: str) -> Response:
    return RedirectResponse(page + quote(token, safe=""), status_code=303)


def _tokens(pair: TokenPair) -> Tokens:
    return Tokens(token=pair.access, refresh_token=pair.refresh)
