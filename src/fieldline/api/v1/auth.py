"""Log-in, log-out and passwords in the v1 dialect."""

from pydantic import BaseModel

from fieldline.api.v1.shapes import Body, Done
from fieldline.api.v1.users import User, shown
from fieldline.domains.login import recovery, service
from fieldline.domains.login.origin import FromWhere
from fieldline.domains.login.schemas import (
    ChangePasswordRequest,
    LoginRequest,
    RefreshRequest,
)
from fieldline.domains.user import service as user_service
from fieldline.kit.errors import Forbidden, Unauthenticated, Unavailable
from fieldline.rest.callers import AnyUser, public
from fieldline.rest.dialects import v1_router
from fieldline.rest.services import ServicesDep
from fieldline.rest.sessions import ReadSession
from fieldline.security.permissions import DENIED
from fieldline.security.tokens import TokenPair

router = v1_router("auth")
NO_MAIL = (
    "No mail server is set up: an administrator passes on a reset link, which is read at "
    "GET /users/{user_id}/reset_link"
)


class Tokens(BaseModel):
    """A pair of tokens."""

    token: str
    refresh_token: str


class Activation(Body):
    """The token of an activation link, and the password chosen."""

    activate_token: str
    password: str


class ResetMail(Body):
    """Whose password is forgotten."""

    email: str


class Reset(Body):
    """The token of a reset link, and the password chosen."""

    reset_token: str
    password: str


@router.post("/auth/login", dependencies=[public])
async def log_in(body: LoginRequest, origin: FromWhere, services: ServicesDep) -> Tokens:
    """Log in by e-mail address and password."""
    return _tokens(await service.log_in(services, body.username, body.password, origin))


@router.post("/auth/token/refresh", dependencies=[public])
async def refresh(body: RefreshRequest, services: ServicesDep) -> Tokens:
    """Exchange a refresh token for new tokens."""
    if not body.refresh_token:
        raise Unauthenticated("Authentication failed: refresh_token is missing")
    return _tokens(await service.refresh(services, body.refresh_token))


@router.get("/auth/user")
async def get_current_user(caller: AnyUser, session: ReadSession) -> User:
    """Return the user that the token speaks for."""
    if caller.is_public:
        raise Forbidden(DENIED)
    found = await user_service.get(session, caller, caller.user_id)
    return (await shown(session, [found]))[0]


@router.post("/auth/changePassword")
async def change_password(
    body: ChangePasswordRequest, caller: AnyUser, services: ServicesDep
) -> Tokens:
    """Set a new password; older tokens end and new ones are returned."""
    return _tokens(await service.change_password(services, caller, body.current, body.new))


@router.post("/auth/logout")
async def log_out(caller: AnyUser, origin: FromWhere, services: ServicesDep) -> Done:
    """End the session of the token."""
    await service.log_out(services, caller, origin)
    return Done()


@router.post("/auth/activate", dependencies=[public])
async def activate(body: Activation, services: ServicesDep) -> Tokens:
    """Choose the first password by the token of an activation link; the user is logged in."""
    return _tokens(await service.activate(services, body.activate_token, body.password))


@router.post("/auth/resetPasswordByEmail", dependencies=[public])
async def request_reset_mail(body: ResetMail, services: ServicesDep) -> Done:
    """Mail a link to choose a new password, if there is a user of this address."""
    if services.mailing.mailer is None:
        raise Unavailable(NO_MAIL)
    await recovery.request_mail(services, body.email)
    return Done()


@router.post("/auth/resetPassword", dependencies=[public])
async def reset_password(body: Reset, services: ServicesDep) -> Done:
    """Choose a new password by the token of a reset link; older tokens of the user end."""
    await recovery.reset_password(services, body.reset_token, body.password)
    return Done()


def _tokens(pair: TokenPair) -> Tokens:
    return Tokens(token=pair.access, refresh_token=pair.refresh)
