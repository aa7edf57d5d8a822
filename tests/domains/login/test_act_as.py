"""Administrators who act as the users they manage."""

from dataclasses import replace
from uuid import uuid4

from fastapi import FastAPI

from tests.api.support import Client, Platform, created, running
from tests.domains.support import expect_error, on_sqlite


async def path_of(client: Client) -> str:
    found = (await client.get("/api/v1/auth/user")).json()
    return f"/api/user/{found['id']}/token"


async def test_an_administrator_acts_as_who_is_one_step_below(platform: Platform) -> None:
    tenant = await platform.tenant()
    sysadmin = await platform.sysadmin()

    for above, below in ((sysadmin, tenant.admin), (tenant.admin, tenant.customer_user)):
        pair = (await above.get(await path_of(below))).json()
        client = platform.client(pair["token"])
        assert (await client.get("/api/auth/user")).json()["id"] == (
            await below.get("/api/auth/user")
        ).json()["id"]
        refreshed = {"refreshToken": pair["refreshToken"]}
        await created(platform.anybody, "/api/auth/token", refreshed)


async def test_nobody_acts_as_anybody_else(platform: Platform) -> None:
    first, second = await platform.tenant(), await platform.tenant()
    sysadmin = await platform.sysadmin()
    other_admin = await platform.user(sysadmin, "a@example.com", "TENANT_ADMIN", str(first.id))

    for client, other in (
        (sysadmin, sysadmin),
        (sysadmin, first.customer_user),
        (first.admin, other_admin),
        (first.admin, first.admin),
        (first.admin, second.customer_user),
        (first.customer_user, first.customer_user),
        (first.customer_user, first.admin),
    ):
        expect_error(await client.get(await path_of(other)), 403, 20)


async def test_a_disabled_user_gives_no_token_and_disabling_ends_those_given(
    platform: Platform,
) -> None:
    tenant = await platform.tenant()
    path = await path_of(tenant.customer_user)
    given = platform.client((await tenant.admin.get(path)).json()["token"])

    await tenant.admin.post(
        path.replace("/token", "/userCredentialsEnabled?userCredentialsEnabled=false")
    )

    expect_error(await given.get("/api/auth/user"), 401, 11)
    expect_error(await tenant.admin.get(path), 400, 31, "not active")


@on_sqlite
async def test_an_unknown_user_gives_no_token(platform: Platform) -> None:
    tenant = await platform.tenant()

    expect_error(await tenant.admin.get(f"/api/user/{uuid4()}/token"), 404, 32)
    expect_error(await tenant.admin.get("/api/user/nonsense/token"), 400, 31)


@on_sqlite
async def test_whether_it_is_switched_on_is_told_to_administrators(platform: Platform) -> None:
    tenant = await platform.tenant()
    path = "/api/user/tokenAccessEnabled"

    assert (await tenant.admin.get(path)).json() is True
    assert (await (await platform.sysadmin()).get(path)).json() is True
    expect_error(await tenant.customer_user.get(path), 403, 20)


async def test_it_can_be_switched_off(sqlite_url: str) -> None:
    def switch_off(app: FastAPI) -> None:
        app.state.services = replace(app.state.services, user_token_access=False)

    async with running(sqlite_url, prepare=switch_off) as platform:
        tenant = await platform.tenant()

        assert (await tenant.admin.get("/api/user/tokenAccessEnabled")).json() is False
        answer = await tenant.admin.get(await path_of(tenant.customer_user))
        expect_error(answer, 403, 20, "USER_TOKEN_ACCESS_ENABLED")
