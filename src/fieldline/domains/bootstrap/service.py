"""First start: the default tenant profile and the first system administrator; demo logins."""

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from fieldline.domains.customer import service as customer_service
from fieldline.domains.revocation import service as revocation_service
from fieldline.domains.tenant import service as tenant_service
from fieldline.domains.tenant_profile import service as tenant_profile_service
from fieldline.domains.user import credentials as credentials_service
from fieldline.domains.user import service as user_service
from fieldline.kit.errors import NotFound
from fieldline.kit.ids import NULL_UUID
from fieldline.rest.services import Services
from fieldline.security.caller import Authority, Caller, platform_of

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

SYSTEM = Caller(user_id=NULL_UUID, authority=Authority.SYS_ADMIN, email="system")
"""Who acts when the platform itself does."""
DEFAULT_ADMIN_EMAIL = "sysadmin@thingsboard.org"
DEMO_ADMIN_EMAIL = "tenant@thingsboard.org"
DEMO_USER_EMAIL = "customer@thingsboard.org"
DEMO_PASSWORDS = {
    DEFAULT_ADMIN_EMAIL: "sysadmin",
    DEMO_ADMIN_EMAIL: "tenant",
    DEMO_USER_EMAIL: "customer",
}
"""The well-known log-ins of the demo."""
DEMO_TENANT = "Tenant"
DEMO_CUSTOMER = "Customer A"
PASSWORD_BYTES = 12


@dataclass(frozen=True, slots=True)
class NewAdministrator:
    """The system administrator that was made; ``password`` only if it was generated."""

    email: str
    password: str | None


@dataclass(frozen=True, slots=True)
class DemoTenant:
    """Where the demo's things go; ``is_new`` when this call made the tenant."""

    tenant_id: UUID
    customer_id: UUID
    administrator: Caller
    is_new: bool


async def first_start(
    services: Services, *, email: str = DEFAULT_ADMIN_EMAIL, password: str | None = None
) -> NewAdministrator | None:
    """Make what every installation has, where it is missing.

    Returns:
        The system administrator, if there was none; a password that was generated is in it and
        nowhere else.
    """
    async with services.database.write() as session:
        await _seed_profile(session, services)
        has_administrator = await credentials_service.has_system_administrator(session)
    if has_administrator:
        return None
    return await create_administrator(services, email, password)


async def create_administrator(
    services: Services, email: str, password: str | None = None
) -> NewAdministrator:
    """Make one more system administrator; without a password one is generated.

    Raises:
        Invalid: the address or the password is refused.
        EmailTaken: there is a user of that address.
    """
    chosen = password or secrets.token_urlsafe(PASSWORD_BYTES)
    password_hash = await services.passwords.hash(chosen)
    async with services.database.write() as session:
        await user_service.create(
            session,
            SYSTEM,
            {"email": email},
            {"authority": Authority.SYS_ADMIN, "tenant_id": None, "customer_id": None},
            credentials_service.active(password_hash),
        )
    return NewAdministrator(email, None if password else chosen)


async def reset_administrator(services: Services, email: str, password: str | None = None) -> str:
    """Give a system administrator a new password, which also enables the log-in again.

    Returns:
        The password; without a given one it is generated.

    Raises:
        Invalid: the password is refused.
        NotFound: there is no system administrator of that address.
    """
    chosen = password or secrets.token_urlsafe(PASSWORD_BYTES)
    password_hash = await services.passwords.hash(chosen)
    async with services.database.write() as session:
        found = await credentials_service.by_email(session, email)
        if found is None or found[0].authority != Authority.SYS_ADMIN:
            msg = f"'{email}' is not a system administrator; choose another address"
            raise NotFound(msg)
        await credentials_service.set_password(session, found[0].id, password_hash)
        await revocation_service.revoke(session, services.tokens, found[0].id)
    return chosen


async def seed_demo_logins(services: Services) -> DemoTenant:
    """Make the well-known demo logins with their tenant and customer, where they are missing."""
    hashes = await _missing_hashes(services)
    async with services.database.write() as session:
        await _seed_profile(session, services)
        tenant = await tenant_service.find_by_title(session, DEMO_TENANT)
        is_new = tenant is None
        if tenant is None:
            tenant = await tenant_service.create(
                session, SYSTEM, {"title": DEMO_TENANT}, seeders=services.tenant_seeders
            )
        as_tenant = platform_of(tenant.id)
        customer = await customer_service.by_title(session, as_tenant, DEMO_CUSTOMER)
        if customer is None:
            customer = await customer_service.create(session, as_tenant, {"title": DEMO_CUSTOMER})
        roles: dict[str, tuple[Caller, Authority, UUID | None]] = {
            DEFAULT_ADMIN_EMAIL: (SYSTEM, Authority.SYS_ADMIN, None),
            DEMO_ADMIN_EMAIL: (as_tenant, Authority.TENANT_ADMIN, None),
            DEMO_USER_EMAIL: (as_tenant, Authority.CUSTOMER_USER, customer.id),
        }
        for email, password_hash in hashes.items():
            caller, authority, customer_id = roles[email]
            await _ensure_user(
                session,
                caller,
                email,
                password_hash,
                authority=authority,
                customer_id=customer_id,
            )
    return DemoTenant(tenant.id, customer.id, as_tenant, is_new)


async def _missing_hashes(services: Services) -> dict[str, str]:
    """Hash the passwords of demo logins that are not there yet: bcrypt is slow on purpose."""
    async with services.database.read() as session:
        missing = [
            email
            for email in DEMO_PASSWORDS
            if await credentials_service.by_email(session, email) is None
        ]
    return {email: await services.passwords.hash(DEMO_PASSWORDS[email]) for email in missing}


async def _seed_profile(session: "AsyncSession", services: Services) -> None:
    await tenant_profile_service.seed(
        session,
        max_devices=services.limits.default_tenant_devices,
        max_assets=services.limits.default_tenant_assets,
    )


async def _ensure_user(
    session: "AsyncSession",
    caller: Caller,
    email: str,
    password_hash: str,
    *,
    authority: Authority,
    customer_id: UUID | None = None,
) -> None:
    """Make a user who can log in, unless the address is taken; nobody's password is changed."""
    if await credentials_service.by_email(session, email) is not None:
        return
    await user_service.create(
        session,
        caller,
        {"email": email},
        {"authority": authority, "tenant_id": caller.tenant_id, "customer_id": customer_id},
        credentials_service.active(password_hash),
    )
