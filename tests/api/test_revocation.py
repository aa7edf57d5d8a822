"""Whatever ends a token ends it everywhere at once: REST, refreshing, and open sockets."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

import pytest
import pytest_asyncio

from fieldline.app.platform import open_platform
from fieldline.domains.bootstrap.service import DEFAULT_ADMIN_EMAIL
from fieldline.settings import load_settings
from tests.api.isolation.world import Maker
from tests.api.support import PASSWORD, Client, created
from tests.api.websocket.server import connected, serving

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.xdist_group("revocation"),
]
AT_ONCE_S = 3
"""Much less than the 10 s after which a socket looks at its token anyway."""


@dataclass
class Doomed:
    """A customer user whose tokens are about to end, and who can end them."""

    client: Client
    refresh: str
    admin: Client
    sysadmin: Client
    user: str
    customer: str
    tenant: str


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def maker(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Maker]:
    folder = tmp_path_factory.mktemp("revocation")
    settings = load_settings(data_dir=folder, mqtt_enabled=False, admin_password=PASSWORD)
    async with open_platform(settings, demo=False) as platform:
        maker = Maker(platform)
        yield maker
        for client in maker.clients:
            await client.aclose()


async def log_out(doomed: Doomed) -> None:
    await doomed.client.post("/api/auth/logout")


async def change_password(doomed: Doomed) -> None:
    body = {"currentPassword": PASSWORD, "newPassword": "another password"}
    await created(doomed.client, "/api/auth/changePassword", body)


async def disable(doomed: Doomed) -> None:
    path = f"/api/user/{doomed.user}/userCredentialsEnabled?userCredentialsEnabled=false"
    await doomed.admin.post(path)


async def disable_in_v1(doomed: Doomed) -> None:
    await doomed.admin.put(f"/api/v1/users/{doomed.user}", json={"enabled": False})


async def delete_user(doomed: Doomed) -> None:
    await doomed.admin.delete(f"/api/user/{doomed.user}")


async def delete_customer(doomed: Doomed) -> None:
    await doomed.admin.delete(f"/api/customer/{doomed.customer}")


async def delete_tenant(doomed: Doomed) -> None:
    await doomed.sysadmin.delete(f"/api/tenant/{doomed.tenant}")


ENDINGS = [
    log_out,
    change_password,
    disable,
    disable_in_v1,
    delete_user,
    delete_customer,
    delete_tenant,
]


@pytest.mark.parametrize("end", ENDINGS)
async def test_tokens_end_at_once_everywhere(
    maker: Maker, end: Callable[[Doomed], Awaitable[None]]
) -> None:
    doomed = await make_doomed(maker, end.__name__)
    async with serving(maker) as port, connected(port, token=doomed.client.token) as socket:
        await socket.ask("{")

        await end(doomed)

        async with asyncio.timeout(AT_ONCE_S):
            assert await socket.closed() == (1011, "Token has expired")
    assert (await doomed.client.get("/api/auth/user")).status_code == 401
    body = {"refreshToken": doomed.refresh}
    assert (await maker.client(None).post("/api/auth/token", json=body)).status_code == 401


async def make_doomed(maker: Maker, name: str) -> Doomed:
    sysadmin = await maker.as_user(DEFAULT_ADMIN_EMAIL)
    admin, tenant = await maker.tenant(sysadmin, name.replace("_", "-"))
    customer = (await created(admin, "/api/customer", {"title": "Doomed"}))["id"]["id"]
    body = {"email": f"{name}@doomed.org", "authority": "CUSTOMER_USER", "password": PASSWORD}
    user = await created(admin, "/api/v1/users", body | {"customer_id": customer}, 201)
    login = {"username": body["email"], "password": PASSWORD}
    pair = await created(maker.client(None), "/api/auth/login", login)
    client = maker.client(pair["token"])
    return Doomed(client, pair["refreshToken"], admin, sysadmin, user["id"], customer, tenant)
