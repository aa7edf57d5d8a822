"""A forgotten password: from the mail to a log-in with the new one."""

import asyncio
from typing import Any
from uuid import uuid4

import httpx
import pytest

from fieldline.kit.background import Background
from fieldline.mail.smtp import SmtpMailer
from fieldline.messaging.events import Change, EntityChanged
from fieldline.rest.mailing import RESETS_PER_HOUR, Mailing
from tests.api.support import PASSWORD, SYSADMIN, Client, Platform, Tenant, created, running
from tests.domains.support import expect_error, expect_v1_error, on_sqlite
from tests.mailbox import Mailbox, html_of, link_in, text_of

HOUR_MS = 60 * 60 * 1_000
ADMIN = "admin1@example.com"
USER = "customer1@example.com"
NEW = "a new password"


@pytest.fixture
async def tenant(mailing_platform: Platform) -> Tenant:
    return await mailing_platform.tenant()


async def ask(platform: Platform, email: object, dialect: str = "tb") -> httpx.Response:
    """Ask for a reset mail, and wait until everything that follows is done."""
    path = {"tb": "/api/noauth/resetPasswordByEmail", "v1": "/api/v1/auth/resetPasswordByEmail"}
    answer = await platform.anybody.post(path[dialect], json={"email": email})
    await platform.services.mailing.background.idle()
    return answer


async def token_for(platform: Platform, mailbox: Mailbox, email: str) -> str:
    assert (await ask(platform, email)).status_code == 200
    return link_in(await mailbox.next()).split("resetToken=")[1]


async def reset(platform: Platform, token: str, password: str = NEW) -> httpx.Response:
    body = {"resetToken": token, "password": password}
    return await platform.anybody.post("/api/noauth/resetPassword", json=body)


async def log_in(platform: Platform, email: str, password: str) -> httpx.Response:
    body = {"username": email, "password": password}
    return await platform.anybody.post("/api/auth/login", json=body)


async def id_of(client: Client) -> str:
    found: str = (await client.get("/api/v1/auth/user")).json()["id"]
    return found


async def test_the_link_of_the_mail_leads_to_a_log_in_with_the_new_password(
    mailing_platform: Platform, mailbox: Mailbox, tenant: Tenant
) -> None:
    asked = await ask(mailing_platform, ADMIN)
    message = await mailbox.next()
    followed = await mailing_platform.anybody.get(link_in(message))
    token = followed.headers["location"].split("resetToken=")[1]
    answer = await reset(mailing_platform, token)

    assert (asked.status_code, asked.content) == (200, b"")
    assert message["To"] == ADMIN
    assert "24 hours" in text_of(message)
    assert link_in(message) in html_of(message)
    assert followed.status_code == 303
    assert followed.headers["location"] == f"/login/resetPassword?resetToken={token}"
    assert (answer.status_code, answer.content) == (200, b"")
    await mailing_platform.login(ADMIN, NEW)
    assert (await log_in(mailing_platform, ADMIN, PASSWORD)).status_code == 401


async def test_v1_resets_a_password(
    mailing_platform: Platform, mailbox: Mailbox, tenant: Tenant
) -> None:
    asked = await ask(mailing_platform, USER, "v1")
    token = link_in(await mailbox.next()).split("=")[1]

    answer = await mailing_platform.anybody.post(
        "/api/v1/auth/resetPassword", json={"reset_token": token, "password": NEW}
    )

    assert (asked.status_code, asked.json()) == (200, {"success": True})
    assert (answer.status_code, answer.json()) == (200, {"success": True})
    await mailing_platform.login(USER, NEW)


async def test_a_reset_ends_all_tokens_and_tells_the_user(
    mailing_platform: Platform, mailbox: Mailbox, tenant: Tenant
) -> None:
    pair = (await log_in(mailing_platform, ADMIN, PASSWORD)).json()
    token = await token_for(mailing_platform, mailbox, ADMIN)

    await reset(mailing_platform, token)

    assert (await tenant.admin.get("/api/auth/user")).status_code == 401
    refreshed = await mailing_platform.anybody.post(
        "/api/auth/token", json={"refreshToken": pair["refreshToken"]}
    )
    assert refreshed.status_code == 401
    told = await mailbox.next()
    assert (told["To"], token in text_of(told)) == (ADMIN, False)
    assert "was just reset" in text_of(told)


async def test_a_reset_token_works_once(
    mailing_platform: Platform, mailbox: Mailbox, tenant: Tenant
) -> None:
    token = await token_for(mailing_platform, mailbox, ADMIN)
    assert (await reset(mailing_platform, token)).status_code == 200

    expect_error(
        await reset(mailing_platform, token, "yet another one"), 400, 31, "Invalid reset token"
    )
    gone = await mailing_platform.anybody.get(f"/api/noauth/resetPassword?resetToken={token}")
    assert gone.status_code == 409
    mailing_platform.clock.advance(1)
    await mailing_platform.login(ADMIN, NEW)


async def test_of_two_resets_at_once_one_wins(
    mailing_platform: Platform, mailbox: Mailbox, tenant: Tenant
) -> None:
    token = await token_for(mailing_platform, mailbox, ADMIN)
    passwords = ["first one", "second one", "third one"]

    answers = await asyncio.gather(
        *(reset(mailing_platform, token, password) for password in passwords)
    )

    assert sorted(answer.status_code for answer in answers) == [200, 400, 400]
    mailing_platform.clock.advance(1)
    won = next(index for index, answer in enumerate(answers) if answer.status_code == 200)
    await mailing_platform.login(ADMIN, passwords[won])


async def test_a_reset_token_lives_a_day(
    mailing_platform: Platform, mailbox: Mailbox, tenant: Tenant
) -> None:
    token = await token_for(mailing_platform, mailbox, ADMIN)
    mailing_platform.clock.advance(24 * HOUR_MS)

    late = await mailing_platform.anybody.get(f"/api/noauth/resetPassword?resetToken={token}")

    assert (late.status_code, late.headers["location"]) == (303, "/passwordResetLinkExpired")
    expect_error(await reset(mailing_platform, token), 400, 31, "Ask for a new link")
    fresh = await token_for(mailing_platform, mailbox, ADMIN)
    assert (await reset(mailing_platform, fresh)).status_code == 200


@on_sqlite
async def test_whether_there_is_a_user_is_told_to_nobody(
    mailing_platform: Platform, mailbox: Mailbox, tenant: Tenant
) -> None:
    """The mail server answers only after all requests were answered, alike."""
    mailbox.answers.clear()
    path = "/api/noauth/resetPasswordByEmail"

    answers = [
        await mailing_platform.anybody.post(path, json={"email": email})
        for email in (ADMIN, "nobody@example.com", SYSADMIN[0])
    ]
    await mailbox.asked.wait()

    told = {(answer.status_code, answer.content, str(answer.headers)) for answer in answers}
    assert told == {(200, b"", str(answers[0].headers))}
    mailbox.answers.set()
    await mailing_platform.services.mailing.background.idle()
    assert sorted(message["To"] for message in mailbox.taken) == [ADMIN, SYSADMIN[0]]


@pytest.mark.parametrize("state", ["unknown", "inactive", "disabled", "other case"])
async def test_only_active_users_are_mailed(
    mailing_platform: Platform, mailbox: Mailbox, tenant: Tenant, state: str
) -> None:
    email = USER
    if state == "unknown":
        email = "nobody@example.com"
    elif state == "inactive":
        email = "inactive@example.com"
        body = {"email": email, "authority": "TENANT_ADMIN"}
        await created(tenant.admin, "/api/v1/users", body, 201)
    elif state == "disabled":
        path = f"/api/v1/users/{await id_of(tenant.customer_user)}"
        await tenant.admin.put(path, json={"enabled": False})
    else:
        email = USER.upper()

    answer = await ask(mailing_platform, email)

    assert (answer.status_code, answer.content) == (200, b"")
    assert mailbox.taken == []


async def test_a_user_disabled_while_the_mail_is_under_way_stays_out(
    mailing_platform: Platform, mailbox: Mailbox, tenant: Tenant
) -> None:
    mailbox.answers.clear()
    body = {"email": USER}
    await mailing_platform.anybody.post("/api/noauth/resetPasswordByEmail", json=body)
    await mailbox.asked.wait()
    path = f"/api/v1/users/{await id_of(tenant.customer_user)}"
    await tenant.admin.put(path, json={"enabled": False})
    mailbox.answers.set()
    token = link_in(await mailbox.next()).split("=")[1]

    refused = await reset(mailing_platform, token)
    await tenant.admin.put(path, json={"enabled": True})
    refused_later = await reset(mailing_platform, token)

    expect_error(refused, 400, 31, "Invalid reset token")
    expect_error(refused_later, 400, 31, "Invalid reset token")
    assert (await log_in(mailing_platform, USER, NEW)).status_code == 401


async def test_of_one_user_so_many_mails_are_sent_in_an_hour(
    mailing_platform: Platform, mailbox: Mailbox, tenant: Tenant
) -> None:
    for _ in range(RESETS_PER_HOUR + 2):
        assert (await ask(mailing_platform, ADMIN)).status_code == 200
    assert len(mailbox.taken) == RESETS_PER_HOUR

    await ask(mailing_platform, USER)
    mailing_platform.clock.advance(HOUR_MS)
    await ask(mailing_platform, ADMIN)

    assert [message["To"] for message in mailbox.taken[RESETS_PER_HOUR:]] == [USER, ADMIN]


async def test_asking_again_does_not_end_the_link_that_was_mailed(
    mailing_platform: Platform, mailbox: Mailbox, tenant: Tenant
) -> None:
    first = await token_for(mailing_platform, mailbox, ADMIN)
    await ask(mailing_platform, ADMIN)

    assert (await reset(mailing_platform, first)).status_code == 200


async def test_a_mail_that_was_not_sent_is_not_counted(
    mailing_platform: Platform, mailbox: Mailbox, tenant: Tenant
) -> None:
    mailbox.data_reply = "451 later"
    for _ in range(RESETS_PER_HOUR + 1):
        assert (await ask(mailing_platform, ADMIN)).status_code == 200
    mailbox.data_reply = "250 taken"

    token = await token_for(mailing_platform, mailbox, ADMIN)

    assert (await reset(mailing_platform, token)).status_code == 200


async def test_a_link_that_is_followed_too_often_is_refused_for_an_hour(
    mailing_platform: Platform, mailbox: Mailbox, tenant: Tenant
) -> None:
    path = (
        f"/api/noauth/resetPassword?resetToken={await token_for(mailing_platform, mailbox, ADMIN)}"
    )
    for _ in range(RESETS_PER_HOUR):
        assert (await mailing_platform.anybody.get(path)).status_code == 303

    refused = await mailing_platform.anybody.get(path)
    mailing_platform.clock.advance(HOUR_MS)
    later = await mailing_platform.anybody.get(path)

    expect_error(refused, 429, 33)
    assert refused.headers["retry-after"] == "3600"
    assert later.status_code == 303


@pytest.mark.parametrize("change", ["password", "address"])
async def test_a_link_ends_when_what_it_was_for_has_changed(
    mailing_platform: Platform, mailbox: Mailbox, tenant: Tenant, change: str
) -> None:
    token = await token_for(mailing_platform, mailbox, ADMIN)

    if change == "password":
        body = {"current_password": PASSWORD, "new_password": "changed one"}
        await created(tenant.admin, "/api/v1/auth/changePassword", body)
    else:
        path = f"/api/v1/users/{await id_of(tenant.admin)}"
        assert (await tenant.admin.put(path, json={"email": "moved@example.com"})).is_success

    expect_error(await reset(mailing_platform, token), 400, 31, "Invalid reset token")


@on_sqlite
@pytest.mark.parametrize(
    ("password", "message"),
    [
        ("short", "6 or more"),
        ("x" * 73, "no more than 72"),
        ("", "6 or more"),
        ("a\0bcdef", "U+0000"),
        (PASSWORD, "different from existing"),
    ],
)
async def test_a_refused_password_leaves_the_link_working(
    mailing_platform: Platform, mailbox: Mailbox, tenant: Tenant, password: str, message: str
) -> None:
    token = await token_for(mailing_platform, mailbox, ADMIN)

    expect_error(await reset(mailing_platform, token, password), 400, 31, message)

    assert (await tenant.admin.get("/api/auth/user")).status_code == 200
    assert (await reset(mailing_platform, token)).status_code == 200


@on_sqlite
async def test_bad_input_is_told(mailing_platform: Platform, tenant: Tenant) -> None:
    anybody = mailing_platform.anybody
    for email in (None, "", "nonsense", "a\0b@example.com", "x" * 250 + "@x.org"):
        assert (await ask(mailing_platform, email)).status_code == 400, email
    expect_error(await ask(mailing_platform, 5), 400, 31)
    expect_v1_error(await ask(mailing_platform, None, "v1"), 422, "email")
    expect_v1_error(await ask(mailing_platform, "nonsense", "v1"), 400, "nonsense")
    expect_error(await reset(mailing_platform, "unknown"), 400, 31, "Invalid reset token")
    expect_error(await reset(mailing_platform, ""), 400, 31, "Invalid reset token")
    expect_error(await anybody.post("/api/noauth/resetPassword", json={}), 400, 31)
    expect_error(await anybody.post("/api/noauth/resetPassword", content=b"{"), 400, 31)
    for name in ("resetPassword", "activate"):
        v1 = await anybody.post(f"/api/v1/auth/{name}", json={"password": "x"})
        expect_v1_error(v1, 422, "_token field required")
    unknown = {"reset_token": "?", "activate_token": "?", "password": NEW}
    expect_v1_error(await anybody.post("/api/v1/auth/resetPassword", json=unknown), 400)
    expect_v1_error(await anybody.post("/api/v1/auth/activate", json=unknown), 400)
    expect_error(await anybody.get("/api/noauth/resetPassword"), 400, 31, "'resetToken'")
    assert (await anybody.get("/api/noauth/resetPassword?resetToken=%00")).status_code == 409


async def test_a_flood_of_requests_is_refused_and_not_kept(
    sqlite_url: str, mailbox: Mailbox
) -> None:
    mailing = Mailing(SmtpMailer(mailbox.options()), Background(max_running=1, max_waiting=2))
    async with running(sqlite_url, mailing=mailing) as platform:
        await platform.tenant()
        mailbox.answers.clear()
        path = "/api/noauth/resetPasswordByEmail"
        await platform.anybody.post(path, json={"email": ADMIN})
        await mailbox.asked.wait()
        answers = [
            await platform.anybody.post(path, json={"email": f"n{number}@example.com"})
            for number in range(3)
        ]
        mailbox.answers.set()
        await mailing.background.idle()

    assert [answer.status_code for answer in answers] == [200, 200, 503]
    assert answers[2].headers["retry-after"] == "1"


async def test_without_a_mail_server_the_administrator_passes_a_link_on(
    platform: Platform,
) -> None:
    tenant = await platform.tenant()
    path = f"/api/v1/users/{await id_of(tenant.customer_user)}/reset_link"

    asked = await ask(platform, USER)
    v1_asked = await ask(platform, USER, "v1")
    link = (await tenant.admin.get(path)).json()["reset_link"]
    again = (await tenant.admin.get(path)).json()["reset_link"]
    followed = await platform.anybody.get(link)
    token = followed.headers["location"].split("resetToken=")[1]

    assert (asked.status_code, asked.content) == (200, b"")
    expect_v1_error(v1_asked, 503, "an administrator passes on a reset link")
    assert again == link
    assert link.startswith("http://fieldline.test/api/noauth/resetPassword?resetToken=")
    assert (await reset(platform, token)).status_code == 200
    platform.clock.advance(1)
    await platform.login(USER, NEW)


async def test_with_a_mail_server_no_administrator_reads_a_reset_link(
    mailing_platform: Platform, tenant: Tenant
) -> None:
    path = f"/api/v1/users/{await id_of(tenant.customer_user)}/reset_link"

    expect_v1_error(await tenant.admin.get(path), 403, "resetPasswordByEmail")


async def test_who_reads_a_reset_link_of_whom(platform: Platform) -> None:
    first, second = await platform.tenant(), await platform.tenant()
    sysadmin = await platform.sysadmin()
    body = {"email": "inactive@example.com", "authority": "TENANT_ADMIN"}
    inactive = (await created(first.admin, "/api/v1/users", body, 201))["id"]
    user, admin = await id_of(first.customer_user), await id_of(first.admin)

    async def read(client: Client, user_id: object) -> httpx.Response:
        return await client.get(f"/api/v1/users/{user_id}/reset_link")

    assert (await read(sysadmin, admin)).status_code == 200
    expect_v1_error(await read(sysadmin, user), 403)
    expect_v1_error(await read(second.admin, user), 403)
    expect_v1_error(await read(first.customer_user, user), 403)
    expect_v1_error(await read(first.admin, admin), 403, "changePassword")
    expect_v1_error(await read(first.admin, inactive), 400, "activation link")
    expect_v1_error(await read(first.admin, uuid4()), 404)
    expect_v1_error(await read(first.admin, "nonsense"), 422)
    await first.admin.put(f"/api/v1/users/{user}", json={"enabled": False})
    expect_v1_error(await read(first.admin, user), 400, "enable it first")


async def test_a_reset_and_a_link_read_are_recorded(platform: Platform) -> None:
    tenant = await platform.tenant()
    user_id = await id_of(tenant.customer_user)
    seen: list[Any] = []
    platform.bus.listen(EntityChanged, seen.append)

    link = (await tenant.admin.get(f"/api/v1/users/{user_id}/reset_link")).json()["reset_link"]
    await reset(platform, link.split("=")[1])

    assert [(str(event.entity.id), event.change, event.by.email) for event in seen] == [
        (user_id, Change.CREDENTIALS_UPDATED, USER)
    ]
