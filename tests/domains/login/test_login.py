import asyncio
import base64
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import httpx
import pytest

from fieldline.domains.customer import service as customer_service
from fieldline.domains.revocation.service import MAX_ENDED_SESSIONS
from fieldline.domains.user import service as user_service
from fieldline.kit.ids import NULL_UUID
from fieldline.kit.json import loads
from fieldline.security.caller import Authority, Caller
from tests.api.support import PASSWORD, Client, Platform, created, running
from tests.domains.support import on_sqlite

MINUTE = 60_000


@pytest.fixture
async def platform(database_url: str) -> AsyncIterator[Platform]:
    async with running(database_url) as platform:
        yield platform


async def tokens_of(platform: Platform, email: str, password: str = PASSWORD) -> dict[str, Any]:
    answer = await platform.anybody.post(
        "/api/auth/login", json={"username": email, "password": password}
    )
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def expect_401(answer: httpx.Response, code: int, message: str) -> None:
    assert answer.status_code == 401
    assert answer.json()["errorCode"] == code
    assert answer.json()["message"] == message


@pytest.mark.parametrize("field", ["username", "email"])
async def test_log_in_answers_by_the_names_of_both_dialects(platform: Platform, field: str) -> None:
    await platform.tenant()

    answer = await platform.anybody.post(
        "/api/auth/login", json={field: "admin1@example.com", "password": PASSWORD}
    )

    body = answer.json()
    assert set(body) == {"token", "refreshToken", "refresh_token"}
    assert body["refreshToken"] == body["refresh_token"]


async def test_v1_log_in_answers_by_v1s_names_only(platform: Platform) -> None:
    await platform.tenant()

    answer = await platform.anybody.post(
        "/api/v1/auth/login", json={"email": "admin1@example.com", "password": PASSWORD}
    )

    assert answer.status_code == 200
    assert set(answer.json()) == {"token", "refresh_token"}


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"{", "Authentication failed"),
        (b"[]", "Authentication failed"),
        (b'{"username": "  ", "password": "x"}', "Authentication failed"),
        (b'{"username": "admin1@example.com", "password": ""}', "Authentication failed"),
        (b'{"username": "admin1@example.com"}', "Authentication failed"),
        (b'{"username": "nobody@example.com", "password": "x"}', "Invalid username or password"),
        (b'{"username": "admin1@example.com", "password": "x"}', "Invalid username or password"),
        (b'{"username": "ADMIN1@example.com", "password": "x"}', "Invalid username or password"),
        (b'{"username": "a\\u0000b", "password": "x"}', "Invalid username or password"),
        (
            b'{"username": "admin1@example.com", "password": "a\\u0000"}',
            "Invalid username or password",
        ),
    ],
)
async def test_a_failed_log_in_says_how(platform: Platform, body: bytes, message: str) -> None:
    await platform.tenant()

    answer = await platform.anybody.post(
        "/api/auth/login", content=body, headers={"content-type": "application/json"}
    )

    expect_401(answer, 10, message)
    assert answer.json()["status_code"] == 401


@pytest.mark.parametrize("header", ["X-Authorization", "Authorization"])
async def test_the_token_comes_in_either_header(platform: Platform, header: str) -> None:
    await platform.tenant()
    token = (await tokens_of(platform, "admin1@example.com"))["token"]

    answer = await platform.anybody.get("/api/auth/user", headers={header: f"Bearer {token}"})

    assert answer.json()["email"] == "admin1@example.com"


@on_sqlite
@pytest.mark.parametrize(
    ("header", "message"),
    [
        (None, "Authentication failed"),
        ("", "Authentication failed"),
        ("Bearer ", "Authentication failed"),
        ("Basic dXNlcjpwYXNz", "Authentication failed"),
        ("bearer x", "Authentication failed"),
        ("Bearer x.y.z", "Invalid username or password"),
    ],
)
async def test_a_wrong_header_is_told(platform: Platform, header: str | None, message: str) -> None:
    headers = {} if header is None else {"X-Authorization": header}

    expect_401(await platform.anybody.get("/api/auth/user", headers=headers), 10, message)


async def test_an_expired_token_has_its_own_code(platform: Platform) -> None:
    tenant = await platform.tenant()

    platform.clock.advance(61 * MINUTE)

    expect_401(await tenant.admin.get("/api/auth/user"), 11, "Token has expired")


async def test_refresh_gives_tokens_of_the_same_session(platform: Platform) -> None:
    await platform.tenant()
    pair = await tokens_of(platform, "admin1@example.com")
    platform.clock.advance(61 * MINUTE)

    fresh = await created(
        platform.anybody, "/api/auth/token", {"refreshToken": pair["refreshToken"]}
    )
    v1 = await created(
        platform.anybody, "/api/v1/auth/token/refresh", {"refresh_token": pair["refreshToken"]}
    )

    assert _claim(fresh["token"], "sessionId") == _claim(pair["token"], "sessionId")
    assert _claim(v1["token"], "sessionId") == _claim(pair["token"], "sessionId")
    assert (await platform.client(fresh["token"]).get("/api/auth/user")).status_code == 200


async def test_an_access_token_does_not_refresh(platform: Platform) -> None:
    await platform.tenant()
    pair = await tokens_of(platform, "admin1@example.com")

    answer = await platform.anybody.post("/api/auth/token", json={"refreshToken": pair["token"]})

    expect_401(answer, 10, "Invalid username or password")


async def test_log_out_ends_the_session_and_no_other(platform: Platform) -> None:
    await platform.tenant()
    first = await tokens_of(platform, "admin1@example.com")
    second = await tokens_of(platform, "admin1@example.com")
    client = platform.client(first["token"])

    answer = await client.post("/api/auth/logout")

    assert (answer.status_code, answer.content) == (200, b"")
    expect_401(await client.get("/api/auth/user"), 11, "Token has expired")
    refreshed = await platform.anybody.post(
        "/api/auth/token", json={"refreshToken": first["refreshToken"]}
    )
    assert refreshed.status_code == 401
    assert (await platform.client(second["token"]).get("/api/auth/user")).status_code == 200


async def test_changing_the_password_ends_all_older_tokens(platform: Platform) -> None:
    tenant = await platform.tenant()
    other = await tokens_of(platform, "admin1@example.com")

    pair = await created(
        tenant.admin,
        "/api/auth/changePassword",
        {"currentPassword": PASSWORD, "newPassword": "another one"},
    )

    assert (await tenant.admin.get("/api/auth/user")).status_code == 401
    assert (await platform.client(other["token"]).get("/api/auth/user")).status_code == 401
    assert (await platform.client(pair["token"]).get("/api/auth/user")).status_code == 200
    await tokens_of(platform, "admin1@example.com", "another one")


@on_sqlite
@pytest.mark.parametrize(
    ("current", "new", "message"),
    [
        ("wrong one", "another one", "Current password doesn't match!"),
        (PASSWORD, PASSWORD, "New password should be different from existing!"),
        (PASSWORD, "short", "Password must be 6 or more characters in length."),
        (PASSWORD, "x" * 73, "Password must be no more than 72 characters in length."),
        (PASSWORD, None, "Both the current and the new password should be specified!"),
    ],
)
async def test_a_refused_password_changes_nothing(
    platform: Platform, current: str, new: str | None, message: str
) -> None:
    tenant = await platform.tenant()

    answer = await tenant.admin.post(
        "/api/auth/changePassword", json={"current_password": current, "new_password": new}
    )

    assert answer.status_code == 400
    assert answer.json()["message"] == message
    await tokens_of(platform, "admin1@example.com")


async def test_what_ended_stays_ended_after_a_restart(database_url: str) -> None:
    async with running(database_url) as platform:
        tenant = await platform.tenant()
        kept = await tokens_of(platform, "admin1@example.com")
        await tenant.admin.post("/api/auth/logout")
        await (await platform.sysadmin()).delete(f"/api/tenant/{tenant.id}")
        other = await platform.tenant()
        ended = [tenant.admin, tenant.customer_user, platform.client(kept["token"])]
        alive = other.admin.token

    async with running(database_url) as platform:
        for client in ended:
            answer = await platform.client(client.token).get("/api/auth/user")
            expect_401(answer, 11, "Token has expired")
        assert (await platform.client(alive).get("/api/auth/user")).status_code == 200


async def test_logging_out_very_often_costs_bounded_memory(platform: Platform) -> None:
    await platform.tenant()
    ended = []
    for _ in range(60):
        pair = await tokens_of(platform, "admin1@example.com")
        platform.clock.advance(10)
        client = platform.client(pair["token"])
        await client.post("/api/auth/logout")
        ended.append(client)
        platform.clock.advance(10)

    for client in ended:
        assert (await client.get("/api/auth/user")).status_code == 401
    assert platform.services.tokens.outdated_count <= 51
    async with running(str(platform.services.database.url.render_as_string(False))) as again:
        assert again.services.tokens.outdated_count <= 51


async def test_the_password_policy_is_public(platform: Platform) -> None:
    answer = await platform.anybody.get("/api/noauth/userPasswordPolicy")

    assert answer.json() == {
        "minimumLength": 6,
        "maximumLength": 72,
        "minimumUppercaseLetters": None,
        "minimumLowercaseLetters": None,
        "minimumDigits": None,
        "minimumSpecialCharacters": None,
        "allowWhitespaces": True,
        "forceUserToResetPasswordIfNotValid": False,
        "passwordExpirationPeriodDays": None,
        "passwordReuseFrequencyDays": None,
    }


async def test_a_disabled_user_is_out_at_once_and_told_so(platform: Platform) -> None:
    tenant = await platform.tenant()
    user_id = _claim(tenant.customer_user.token or "", "userId")
    pair = await tokens_of(platform, "customer1@example.com")

    await created_empty(
        tenant.admin, f"/api/user/{user_id}/userCredentialsEnabled?userCredentialsEnabled=false"
    )

    assert (await tenant.customer_user.get("/api/auth/user")).status_code == 401
    refreshed = await platform.anybody.post(
        "/api/auth/token", json={"refreshToken": pair["refreshToken"]}
    )
    assert refreshed.status_code == 401
    answer = await platform.anybody.post(
        "/api/auth/login", json={"username": "customer1@example.com", "password": PASSWORD}
    )
    expect_401(answer, 10, "User account is not active")
    await created_empty(tenant.admin, f"/api/user/{user_id}/userCredentialsEnabled")
    await tokens_of(platform, "customer1@example.com")


@pytest.mark.parametrize("way", ["log-in", "refresh"])
async def test_no_token_slips_through_while_a_user_is_being_disabled(
    platform: Platform, way: str
) -> None:
    tenant = await platform.tenant()
    pair = await tokens_of(platform, "customer1@example.com")
    user_id = UUID((await tenant.customer_user.get("/api/v1/auth/user")).json()["id"])
    path, body = {
        "log-in": (
            "/api/auth/login",
            {"username": "customer1@example.com", "password": PASSWORD},
        ),
        "refresh": ("/api/auth/token", {"refreshToken": pair["refreshToken"]}),
    }[way]

    caller = Caller(NULL_UUID, Authority.TENANT_ADMIN, tenant.id)
    async with platform.services.database.write() as session:
        await user_service.set_enabled(
            session, caller, user_id, enabled=False, tokens=platform.services.tokens
        )
        platform.clock.advance(1)
        asking = asyncio.create_task(platform.anybody.post(path, json=body))
        await asyncio.wait({asking}, timeout=0.2)  # As far as it comes before the commit.
    answer = await asking

    assert answer.status_code == 401, answer.text


async def test_nobody_in_particular_logs_in_through_the_public_customer(
    platform: Platform,
) -> None:
    tenant = await platform.tenant()
    async with platform.services.database.write() as session:
        public_id = (await customer_service.public_customer(session, tenant.id)).id

    pair = await created(platform.anybody, "/api/auth/login/public", {"publicId": str(public_id)})
    again = await created(
        platform.anybody, "/api/auth/token", {"refreshToken": pair["refreshToken"]}
    )

    user = (await platform.client(again["token"]).get("/api/auth/user")).json()
    assert (user["authority"], user["firstName"]) == ("CUSTOMER_USER", "Public")
    assert _claim(pair["token"], "isPublic") is True
    for wrong in (str(tenant.customer_id), "x", None):
        answer = await platform.anybody.post("/api/auth/login/public", json={"publicId": wrong})
        assert answer.status_code == 401


async def test_the_public_log_in_reads_and_does_nothing_else(platform: Platform) -> None:
    tenant = await platform.tenant()
    device_id = (await created(tenant.admin, "/api/device", {"name": "D"}))["id"]["id"]
    device = await created(tenant.admin, f"/api/customer/public/device/{device_id}", {})
    body = {"publicId": device["customerId"]["id"]}
    alarm = await created(
        tenant.admin, "/api/alarm", {"type": "T", "originator": device["id"], "severity": "MAJOR"}
    )
    public = platform.client(
        (await created(platform.anybody, "/api/auth/login/public", body))["token"]
    )

    alarm_path = f"/api/alarm/{alarm['id']['id']}"
    for path in (f"/api/device/{device_id}", alarm_path):
        assert (await public.get(path)).status_code == 200
    for method, path in (
        ("GET", f"/api/device/{device_id}/credentials"),
        ("PUT", f"/api/v1/devices/{device_id}"),
        ("POST", f"{alarm_path}/ack"),
        ("DELETE", alarm_path),
        ("GET", "/api/users?pageSize=10&page=0"),
        ("GET", "/api/v1/users"),
    ):
        answer = await public.request(method, path, json={} if method != "GET" else None)
        assert answer.status_code == 403, f"{method} {path}: {answer.text}"


async def test_public_users_cannot_log_each_other_out(platform: Platform) -> None:
    tenant, other = await platform.tenant(), await platform.tenant()
    ids = []
    for each in (tenant, other):
        async with platform.services.database.write() as session:
            ids.append(str((await customer_service.public_customer(session, each.id)).id))
    pairs = [
        await created(platform.anybody, "/api/auth/login/public", {"publicId": ids[number % 2]})
        for number in range(MAX_ENDED_SESSIONS + 10)
    ]

    for pair in pairs[1:]:
        platform.clock.advance(1)
        await created_empty(platform.client(pair["token"]), "/api/auth/logout")

    assert (await platform.client(pairs[0]["token"]).get("/api/auth/user")).status_code == 200


async def created_empty(client: Client, path: str) -> None:
    answer = await client.post(path)
    assert (answer.status_code, answer.content) == (200, b"")


def _claim(token: str, name: str) -> Any:
    part = token.split(".")[1]
    return loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))[name]
