"""Who there is in the tests: a system administrator, tenants, customers, and their HTTP clients."""

from collections.abc import Sequence

import httpx
from fastapi import FastAPI

from fieldline.database.engine import Database
from fieldline.domains.asset_profile import service as asset_profile_service
from fieldline.domains.customer import service as customer_service
from fieldline.domains.device_profile import service as device_profile_service
from fieldline.domains.tenant import service as tenant_service
from fieldline.domains.tenant.service import TenantFields
from fieldline.domains.tenant_profile import service as tenant_profile_service
from fieldline.kit.ids import new_id
from fieldline.rest.services import TenantSeeder
from fieldline.security.caller import Authority, Caller
from fieldline.security.secrets import Vault
from fieldline.security.tokens import Tokens

SYS_ADMIN = Caller(new_id(), Authority.SYS_ADMIN, email="root@example.org")
VAULT = Vault("a root key of tests, 32 bytes long")


async def make_tenant(
    database: Database,
    title: str,
    *,
    max_devices: int | None = None,
    seeders: Sequence[TenantSeeder] = (device_profile_service.seed, asset_profile_service.seed),
) -> Caller:
    """Make a tenant, with a profile of its own for a limit; returns its administrator."""
    fields: TenantFields = {"title": title}
    async with database.write() as session:
        await tenant_profile_service.seed(session)
        if max_devices is not None:
            data = {"configuration": {"maxDevices": max_devices}}
            profile = await tenant_profile_service.create(
                session, SYS_ADMIN, {"name": title, "profile_data": data}
            )
            fields["tenant_profile_id"] = profile.id
        tenant = await tenant_service.create(session, SYS_ADMIN, fields, seeders=seeders)
    email = f"admin@{title.replace(' ', '').lower()}.example.org"
    return Caller(new_id(), Authority.TENANT_ADMIN, tenant.id, email=email)


async def make_customer(database: Database, admin: Caller, title: str) -> Caller:
    """Make a customer; returns a user of it."""
    async with database.write() as session:
        customer = await customer_service.create(session, admin, {"title": title})
    return Caller(
        new_id(),
        Authority.CUSTOMER_USER,
        admin.tenant_id,
        customer.id,
        email="user@example.org",
        first_name="Ada",
    )


def client_of(app: FastAPI, tokens: Tokens, caller: Caller) -> httpx.AsyncClient:
    """Return an HTTP client that is logged in; the application's bugs are 500, not raised."""
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(app, raise_app_exceptions=False),
        base_url="http://test",
        headers={"X-Authorization": f"Bearer {tokens.issue(caller).access}"},
    )
