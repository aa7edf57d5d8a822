from typing import Any
from uuid import uuid4

import pytest

from tests.api.support import PASSWORD, SYSADMIN, Platform, Tenant, created
from tests.domains.support import expect_error, expect_v1_error, ids_of, on_sqlite

PAGE = "?pageSize=10&page=0"
NULL = "13814000-1dd2-11b2-8080-808080808080"
NO_MAIL = "/api/user?sendActivationMail=false"


def new_user(tenant: Tenant, email: str = "new@example.com") -> dict[str, Any]:
    return {
        "email": email,
        "authority": "CUSTOMER_USER",
        "customerId": {"entityType": "CUSTOMER", "id": str(tenant.customer_id)},
        "firstName": "N",
    }


async def test_a_new_user_chooses_a_password_by_the_link_that_the_administrator_reads(
    platform: Platform,
) -> None:
    tenant = await platform.tenant()
    user = await created(tenant.admin, NO_MAIL, new_user(tenant))
    link = await tenant.admin.get(f"/api/user/{user['id']['id']}/activationLink")
    token = link.text.split("activateToken=")[1]

    followed = await platform.anybody.get(f"/api/noauth/activate?activateToken={token}")
    pair = await created(
        platform.anybody, "/api/noauth/activate", {"activateToken": token, "password": "chosen one"}
    )

    assert link.text.startswith("http://fieldline.test/api/noauth/activate?activateToken=")
    assert link.headers["content-type"].startswith("text/plain")
    assert followed.status_code == 303
    assert followed.headers["location"] == f"/login/createPassword?activateToken={token}"
    assert (await platform.client(pair["token"]).get("/api/auth/user")).status_code == 200
    await platform.login("new@example.com", "chosen one")
    again = await tenant.admin.get(f"/api/user/{user['id']['id']}/activationLink")
    expect_error(again, 400, 31, "User is already activated!")


async def test_an_activation_token_works_once(platform: Platform) -> None:
    tenant = await platform.tenant()
    user = await created(tenant.admin, NO_MAIL, new_user(tenant))
    info = await tenant.admin.get(f"/api/user/{user['id']['id']}/activationLinkInfo")
    body = {"activateToken": info.json()["value"].split("=")[1], "password": "chosen one"}
    await created(platform.anybody, "/api/noauth/activate", body)

    expect_error(await platform.anybody.post("/api/noauth/activate", json=body), 400, 31)
    gone = await platform.anybody.get(
        "/api/noauth/activate", params={"activateToken": body["activateToken"]}
    )
    assert gone.status_code == 409
    assert info.json()["ttlMs"] == 24 * 60 * 60 * 1000


async def test_an_expired_activation_link_is_renewed_for_the_administrator(
    platform: Platform,
) -> None:
    tenant = await platform.tenant()
    made = await created(
        tenant.admin,
        "/api/v1/users",
        {
            "email": "n@example.com",
            "authority": "CUSTOMER_USER",
            "customer_id": str(tenant.customer_id),
        },
        201,
    )
    path = f"/api/v1/users/{made['id']}/activation_link"
    first = (await tenant.admin.get(path)).json()["activation_link"].split("=")[1]
    platform.clock.advance(24 * 60 * 60 * 1000 + 1)
    admin = await platform.login("admin1@example.com")

    late = await platform.anybody.post(
        "/api/noauth/activate", json={"activateToken": first, "password": "chosen one"}
    )
    second = (await admin.get(path)).json()["activation_link"].split("=")[1]

    expect_error(late, 400, 31)
    assert second != first
    await created(
        platform.anybody, "/api/noauth/activate", {"activateToken": second, "password": "chosen 1"}
    )


async def test_a_refused_first_password_leaves_the_link_working(platform: Platform) -> None:
    tenant = await platform.tenant()
    user = await created(tenant.admin, NO_MAIL, new_user(tenant))
    link = await tenant.admin.get(f"/api/user/{user['id']['id']}/activationLink")
    body = {"activateToken": link.text.split("=")[1], "password": "short"}

    expect_error(await platform.anybody.post("/api/noauth/activate", json=body), 400, 31, "6 or")
    await created(platform.anybody, "/api/noauth/activate", body | {"password": "long enough"})


async def test_without_a_mail_server_a_user_who_needs_a_mail_is_not_made(
    platform: Platform,
) -> None:
    tenant = await platform.tenant()

    answer = await tenant.admin.post("/api/user", json=new_user(tenant))

    expect_error(answer, 500, 2, "Couldn't send user activation email")
    assert len(await ids_of(tenant.admin, f"/api/users{PAGE}")) == 2


async def test_a_user_who_is_not_activated_cannot_log_in(platform: Platform) -> None:
    tenant = await platform.tenant()
    user = await created(tenant.admin, NO_MAIL, new_user(tenant))

    answer = await platform.anybody.post(
        "/api/auth/login", json={"username": "new@example.com", "password": "anything"}
    )
    enabled = await tenant.admin.post(f"/api/user/{user['id']['id']}/userCredentialsEnabled")

    expect_error(answer, 401, 10, "User account is not active")
    expect_error(enabled, 400, 31, "must activate first")


async def test_administrators_see_the_state_of_an_account_and_cannot_store_it(
    platform: Platform,
) -> None:
    tenant = await platform.tenant()
    user = await created(tenant.admin, NO_MAIL, new_user(tenant))
    path = f"/api/user/{user['id']['id']}"

    shown = (await tenant.admin.get(path)).json()
    saved = await created(tenant.admin, "/api/user", shown)
    await platform.login("admin1@example.com")
    me = (await tenant.admin.get("/api/auth/user")).json()
    own = (await tenant.admin.get(f"/api/user/{me['id']['id']}")).json()

    assert shown["additionalInfo"] == {
        "userCredentialsEnabled": False,
        "userActivated": False,
        "lastLoginTs": None,
    }
    assert saved["additionalInfo"] == {}
    assert own["additionalInfo"]["lastLoginTs"] == platform.clock.now_ms()


@on_sqlite
@pytest.mark.parametrize(
    ("maker", "change", "status"),
    [
        ("admin", {"authority": "SYS_ADMIN"}, 403),
        ("customer_user", {}, 403),
        ("customer_user", {"authority": "TENANT_ADMIN"}, 403),
        ("sysadmin", {}, 403),
        ("sysadmin", {"authority": "TENANT_ADMIN"}, 400),
        ("sysadmin", {"authority": "TENANT_ADMIN", "tenantId": {"id": str(uuid4())}}, 404),
        ("admin", {"customerId": None}, 400),
        ("admin", {"customerId": {"id": NULL}}, 400),
        ("admin", {"customerId": {"id": str(uuid4())}}, 404),
        ("admin", {"authority": None}, 400),
        ("admin", {"authority": "GOD"}, 400),
        ("admin", {"email": "nonsense"}, 400),
        ("admin", {"email": None}, 400),
        ("admin", {"email": SYSADMIN[0]}, 400),
        ("admin", {"firstName": "<i>x</i>"}, 400),
        ("admin", {"lastName": "x" * 256}, 400),
    ],
)
async def test_who_may_not_make_whom(
    platform: Platform, maker: str, change: dict[str, Any], status: int
) -> None:
    tenant = await platform.tenant()
    client = {
        "admin": tenant.admin,
        "customer_user": tenant.customer_user,
        "sysadmin": await platform.sysadmin(),
    }[maker]

    answer = await client.post(NO_MAIL, json=new_user(tenant) | change)

    assert answer.status_code == status, answer.text


async def test_a_tenant_administrator_makes_users_of_the_own_tenant_whatever_the_body_says(
    platform: Platform,
) -> None:
    first, second = await platform.tenant(), await platform.tenant()
    foreign = {"tenantId": {"id": str(second.id)}, "authority": "TENANT_ADMIN"}

    made = await created(first.admin, NO_MAIL, new_user(first) | foreign)
    refused = await first.admin.post(NO_MAIL, json=new_user(second, "other@example.com"))

    assert made["tenantId"]["id"] == str(first.id)
    assert made["customerId"]["id"] == NULL
    expect_error(refused, 404, 32)


async def test_role_tenant_and_customer_never_change(platform: Platform) -> None:
    first, second = await platform.tenant(), await platform.tenant()
    me = (await first.customer_user.get("/api/auth/user")).json()
    change = {
        "authority": "SYS_ADMIN",
        "tenantId": {"id": str(second.id)},
        "customerId": {"id": str(second.customer_id)},
        "firstName": "Changed",
    }

    saved = await created(first.customer_user, "/api/user", me | change)
    v1 = await first.customer_user.put(
        f"/api/v1/users/{me['id']['id']}",
        json={"authority": "SYS_ADMIN", "tenant_id": str(second.id), "phone": "1"},
    )

    for key in ("authority", "tenantId", "customerId"):
        assert saved[key] == me[key]
    assert (v1.json()["authority"], v1.json()["first_name"]) == ("CUSTOMER_USER", "Changed")
    assert v1.json()["tenant_id"] == str(first.id)


async def test_users_of_another_tenant_are_refused(platform: Platform) -> None:
    first, second = await platform.tenant(), await platform.tenant()
    victim = (await first.customer_user.get("/api/auth/user")).json()
    path = f"/api/user/{victim['id']['id']}"

    for client in (second.admin, second.customer_user, await platform.sysadmin()):
        for answer in (
            await client.get(path),
            await client.delete(path),
            await client.get(f"{path}/activationLink"),
            await client.get(f"{path}/activationLinkInfo"),
            await client.post(f"{path}/userCredentialsEnabled?userCredentialsEnabled=false"),
            await client.post("/api/user", json=victim | {"firstName": "x", "version": None}),
        ):
            expect_error(answer, 403, 20)
        v1_path = f"/api/v1/users/{victim['id']['id']}"
        expect_v1_error(await client.put(v1_path, json={"enabled": False}), 403)
        expect_v1_error(await client.delete(v1_path), 403)
    assert (await first.customer_user.get("/api/auth/user")).status_code == 200


async def test_lists_show_whom_the_caller_may_see(platform: Platform) -> None:
    first, second = await platform.tenant(), await platform.tenant()
    sysadmin = await platform.sysadmin()
    customer = f"/api/customer/{first.customer_id}/users{PAGE}"

    async def emails(client: Any, path: str) -> set[str]:
        body = (await client.get(path)).json()
        return {item["email"] for item in (body["data"] if isinstance(body, dict) else body)}

    everybody = {"admin1@example.com", "customer1@example.com"}
    assert await emails(first.admin, f"/api/users{PAGE}") == everybody
    assert await emails(first.admin, f"/api/users/info{PAGE}") == everybody
    assert await emails(first.admin, "/api/users") == everybody
    assert await emails(first.admin, "/api/v1/users?search=ADMIN") == {"admin1@example.com"}
    assert await emails(first.customer_user, f"/api/users{PAGE}") == {"customer1@example.com"}
    assert await emails(first.admin, customer) == {"customer1@example.com"}
    assert await emails(sysadmin, f"/api/tenant/{second.id}/users{PAGE}") == {"admin2@example.com"}
    assert await emails(sysadmin, "/api/v1/users") == {
        SYSADMIN[0],
        "admin1@example.com",
        "admin2@example.com",
    }
    assert (await second.admin.get(customer)).status_code == 403
    by_customer = f"/api/v1/users?customer_id={first.customer_id}"
    assert await emails(first.admin, by_customer) == {"customer1@example.com"}
    assert (await second.admin.get(by_customer)).status_code == 403


async def test_by_ids_leaves_out_whom_the_caller_may_not_see(platform: Platform) -> None:
    first, second = await platform.tenant(), await platform.tenant()
    ids = [
        (await client.get("/api/auth/user")).json()["id"]["id"]
        for client in (first.admin, first.customer_user, second.admin)
    ]

    found = (await first.admin.get(f"/api/users?userIds={','.join(ids)}")).json()

    assert [item["id"]["id"] for item in found] == ids[:2]


async def test_disabling_through_v1_ends_all_tokens(platform: Platform) -> None:
    tenant = await platform.tenant()
    me = (await tenant.customer_user.get("/api/v1/auth/user")).json()

    changed = await tenant.admin.put(f"/api/v1/users/{me['id']}", json={"enabled": False})

    assert changed.json()["enabled"] is False
    assert (await tenant.customer_user.get("/api/auth/user")).status_code == 401
    await tenant.admin.put(f"/api/v1/users/{me['id']}", json={"enabled": True})
    await platform.login("customer1@example.com")


async def test_a_user_cannot_disable_or_enable_through_the_own_record(platform: Platform) -> None:
    tenant = await platform.tenant()
    sysadmin = await platform.sysadmin()
    for client, status in ((tenant.customer_user, 403), (tenant.admin, 400), (sysadmin, 400)):
        me = (await client.get("/api/v1/auth/user")).json()
        answer = await client.put(f"/api/v1/users/{me['id']}", json={"enabled": False})
        expect_v1_error(answer, status)


async def test_deleting_a_user_ends_its_tokens(platform: Platform) -> None:
    tenant = await platform.tenant()
    me = (await tenant.customer_user.get("/api/auth/user")).json()

    answer = await tenant.admin.delete(f"/api/user/{me['id']['id']}")

    assert (answer.status_code, answer.content) == (200, b"")
    assert (await tenant.customer_user.get("/api/auth/user")).status_code == 401
    login = await platform.anybody.post(
        "/api/auth/login", json={"username": me["email"], "password": PASSWORD}
    )
    expect_error(login, 401, 10, "Invalid username or password")


async def test_a_system_administrator_does_not_delete_itself(platform: Platform) -> None:
    sysadmin = await platform.sysadmin()
    me = (await sysadmin.get("/api/auth/user")).json()

    expect_error(await sysadmin.delete(f"/api/user/{me['id']['id']}"), 403, 20, "himself")


async def test_no_answer_holds_a_password_or_its_hash(platform: Platform) -> None:
    tenant = await platform.tenant()
    made = await tenant.admin.post(
        "/api/v1/users",
        json={"email": "x@example.com", "authority": "TENANT_ADMIN", "password": "very secret"},
    )
    answers = [
        made,
        await tenant.admin.get("/api/v1/users"),
        await tenant.admin.get(f"/api/users{PAGE}"),
    ]

    for answer in answers:
        assert "very secret" not in answer.text
        assert "$2b$" not in answer.text
        assert "password" not in answer.text.lower()


async def test_a_stale_version_is_refused(platform: Platform) -> None:
    tenant = await platform.tenant()
    user = await created(tenant.admin, NO_MAIL, new_user(tenant))
    await created(tenant.admin, "/api/user", user)

    expect_error(await tenant.admin.post("/api/user", json=user), 409, 35)


async def test_an_unknown_user_is_not_found(platform: Platform) -> None:
    tenant = await platform.tenant()
    missing = uuid4()

    expect_error(
        await tenant.admin.get(f"/api/user/{missing}"), 404, 32, f"User with id [{missing}]"
    )
    expect_v1_error(await tenant.admin.get(f"/api/v1/users/{missing}"), 404)
    expect_error(await tenant.admin.get("/api/user/nonsense"), 400, 31)
