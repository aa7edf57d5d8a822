"""Users in the v1 dialect."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from pydantic import BaseModel

from fieldline.api.v1.shapes import Body, Done, Entity
from fieldline.domains.user import activation, credentials, reset, service
from fieldline.domains.user.service import UserFields
from fieldline.kit.errors import Forbidden, Invalid
from fieldline.rest.callers import AnyUser, SysOrTenantAdmin
from fieldline.rest.dialects import v1_router
from fieldline.rest.paging import V1Page
from fieldline.rest.services import ServicesDep
from fieldline.rest.sessions import ReadSession, WriteSession
from fieldline.rest.wire import values_of
from fieldline.security.caller import Authority

router = v1_router("users")
HAS_MAIL = "A mail server is set: the user asks for the link by POST /auth/resetPasswordByEmail"


class UserUpdate(Body):
    """What may be changed of a user."""

    email: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    phone: str | None = None
    customer_id: UUID | None = None
    additional_info: dict[str, Any] | None = None
    enabled: bool | None = None


class UserCreate(UserUpdate):
    """A new user; one with a password can log in at once, another by the activation link.

    With ``send_activation_mail`` the link is mailed; without the mail there is no user.
    """

    authority: Authority | None = None
    tenant_id: UUID | None = None
    password: str | None = None
    send_activation_mail: bool = False


class User(Entity):
    """A user."""

    email: str
    authority: Authority
    first_name: str | None
    last_name: str | None
    phone: str | None
    enabled: bool


class ActivationLink(BaseModel):
    """Where a new user chooses a password."""

    activation_link: str


class ResetLink(BaseModel):
    """Where a user chooses a new password."""

    reset_link: str


@router.post("/users", status_code=201)
async def create_user(body: UserCreate, caller: SysOrTenantAdmin, services: ServicesDep) -> User:
    """Create a user in a role that is not above the caller's."""
    fields, membership = _fields(body), _membership(body)
    if not body.password:
        made = await activation.create(
            services, caller, fields, membership, send_mail=body.send_activation_mail
        )
        return _shown(made, enabled=False)
    if body.send_activation_mail:
        raise Invalid("Give a password or send_activation_mail, not both")
    new = credentials.active(await services.passwords.hash(body.password))
    async with services.database.write() as session:
        user = await service.create(session, caller, fields, membership, new)
    return _shown(user, enabled=True)


@router.get("/users/{user_id}")
async def get_user(user_id: UUID, caller: AnyUser, session: ReadSession) -> User:
    """Return one user."""
    found = await service.get(session, caller, user_id)
    return (await shown(session, [found]))[0]


@router.get("/users")
async def list_users(
    page: V1Page,
    caller: AnyUser,
    session: ReadSession,
    type: Authority | None = None,  # noqa: A002 - the contract's name
    customer_id: UUID | None = None,
) -> list[User]:
    """List the users that the caller may see, newest first; ``type`` is their authority."""
    found = await service.page(session, caller, page, customer_id=customer_id, authority=type)
    return await shown(session, found.items)


@router.put("/users/{user_id}")
async def update_user(
    user_id: UUID, body: UserUpdate, caller: AnyUser, session: WriteSession, services: ServicesDep
) -> User:
    """Change the fields given; ``enabled: false`` ends all tokens of the user.

    A tenant administrator gives a customer user to another customer by ``customer_id``, which ends
    its tokens too; from others the field is ignored.
    """
    if "customer_id" in body.model_fields_set:
        await service.assign(session, caller, user_id, body.customer_id, services.tokens)
    if body.enabled is not None:
        await service.set_enabled(
            session, caller, user_id, enabled=body.enabled, tokens=services.tokens
        )
    user = await service.update(session, caller, user_id, _fields(body))
    return (await shown(session, [user]))[0]


@router.delete("/users/{user_id}", status_code=204)
async def delete_user(
    user_id: UUID, caller: SysOrTenantAdmin, session: WriteSession, services: ServicesDep
) -> None:
    """Delete a user; its tokens end."""
    await service.delete(session, caller, user_id, tokens=services.tokens)


@router.get("/users/{user_id}/activation_link")
async def get_activation_link(
    user_id: UUID, caller: SysOrTenantAdmin, session: WriteSession, services: ServicesDep
) -> ActivationLink:
    """Return the link at which a new user chooses a password."""
    await service.require_for_credentials(session, caller, user_id)
    token, _ = await credentials.activation_token(
        session, user_id, services.vault, services.clock.now_ms()
    )
    link = credentials.activation_link(services.base_url(), token)
    return ActivationLink(activation_link=link)


@router.post("/users/{user_id}/activation_mail")
async def send_activation_mail(
    user_id: UUID, caller: SysOrTenantAdmin, services: ServicesDep
) -> Done:
    """Mail a new user the link at which a password is chosen, again."""
    await activation.mail_link(services, caller, user_id)
    return Done()


@router.get("/users/{user_id}/reset_link")
async def get_reset_link(
    user_id: UUID, caller: SysOrTenantAdmin, session: WriteSession, services: ServicesDep
) -> ResetLink:
    """Return the link at which a user chooses a new password, where no mail server is set."""
    await service.require_for_reset(session, caller, user_id)
    if services.mailing.mailer is not None:
        raise Forbidden(HAS_MAIL)
    now_ms = services.clock.now_ms()
    token, _ = await reset.token_of(session, user_id, services.vault, now_ms)
    return ResetLink(reset_link=reset.link(services.base_url(), token))


async def shown(session: ReadSession, users: Sequence[Any]) -> list[User]:
    """Return users as v1 shows them."""
    enabled = await credentials.enabled(session, [user.id for user in users])
    return [_shown(user, enabled=user.id in enabled) for user in users]


def _shown(user: Any, *, enabled: bool) -> User:  # noqa: ANN401 - only its domain may name it
    return User(
        id=user.id,
        created_time=user.created_time,
        name=user.email,
        tenant_id=user.tenant_id,
        customer_id=user.customer_id,
        additional_info=user.additional_info or {},
        email=user.email,
        authority=user.authority,
        first_name=user.first_name,
        last_name=user.last_name,
        phone=user.phone,
        enabled=enabled,
    )


def _fields(body: UserUpdate) -> UserFields:
    leave_out = (
        "enabled",
        "authority",
        "tenant_id",
        "customer_id",
        "password",
        "send_activation_mail",
    )
    fields: UserFields = values_of(body, *leave_out, only_set=True)
    return fields


def _membership(body: UserCreate) -> service.Membership:
    return {
        "authority": body.authority,
        "tenant_id": body.tenant_id,
        "customer_id": body.customer_id,
    }
