"""New users who are mailed the link at which they choose a password."""

import asyncio
from typing import Any
from uuid import uuid4

import httpx
import pytest

from fieldline.messaging.events import Change, EntityChanged
from tests.api.support import Platform, Tenant, created
from tests.domains.support import expect_error, expect_v1_error, ids_of, on_sqlite
from tests.mailbox import Mailbox, html_of, link_in, text_of

PAGE = "?pageSize=10&page=0"
DAY_MS = 24 * 60 * 60 * 1_000
EMAIL = "new@example.com"


def new_user(tenant: Tenant) -> dict[str, Any]:
    return {
        "email": EMAIL,
        "authority": "CUSTOMER_USER",
        "customerId": {"entityType": "CUSTOMER", "id": str(tenant.customer_id)},
    }


def v1_user(tenant: Tenant) -> dict[str, Any]:
    return {
        "email": EMAIL,
        "authority": "CUSTOMER_USER",
        "customer_id": str(tenant.customer_id),
        "send_activation_mail": True,
    }


async def activate(platform: Platform, link: str, password: str = "chosen one") -> httpx.Response:
    """Follow the link of a mail as a browser does, and choose a password."""
    followed = await platform.anybody.get(link)
    assert followed.status_code == 303, followed.text
    token = followed.headers["location"].split("activateToken=")[1]
    body = {"activateToken": token, "password": password}
    return await platform.anybody.post("/api/noauth/activate", json=body)


@pytest.mark.parametrize("query", ["", "?sendActivationMail=true"])
async def test_the_link_of_the_mail_leads_to_a_working_log_in(
    mailing_platform: Platform, mailbox: Mailbox, query: str
) -> None:
    tenant = await mailing_platform.tenant()

    user = await created(tenant.admin, f"/api/user{query}", new_user(tenant))
    message = await mailbox.next()
    answer = await activate(mailing_platform, link_in(message))

    assert (message["To"], user["email"]) == (EMAIL, EMAIL)
    assert "24 hours" in text_of(message)
    assert link_in(message) in html_of(message)
    assert answer.status_code == 200, answer.text
    await mailing_platform.login(EMAIL, "chosen one")


async def test_v1_mails_the_link_when_it_is_asked_to(
    mailing_platform: Platform, mailbox: Mailbox
) -> None:
    tenant = await mailing_platform.tenant()

    made = await created(tenant.admin, "/api/v1/users", v1_user(tenant), 201)
    token = link_in(await mailbox.next()).split("=")[1]
    pair = await created(
        mailing_platform.anybody,
        "/api/v1/auth/activate",
        {"activate_token": token, "password": "chosen one"},
    )

    assert made["enabled"] is False
    assert set(pair) == {"token", "refresh_token"}
    client = mailing_platform.client(pair["token"])
    assert (await client.get("/api/v1/auth/user")).json()["enabled"] is True


async def test_v1_makes_users_without_a_mail_by_default(
    mailing_platform: Platform, mailbox: Mailbox
) -> None:
    tenant = await mailing_platform.tenant()
    body = v1_user(tenant)
    del body["send_activation_mail"]

    await created(tenant.admin, "/api/v1/users", body, 201)
    await mailing_platform.services.mailing.background.idle()

    assert mailbox.taken == []


@pytest.mark.parametrize("dialect", ["thingsboard", "v1"])
async def test_a_user_whose_mail_is_refused_is_removed_again(
    mailing_platform: Platform, mailbox: Mailbox, dialect: str
) -> None:
    tenant = await mailing_platform.tenant()
    mailbox.refused.add(EMAIL)

    if dialect == "v1":
        answer = await tenant.admin.post("/api/v1/users", json=v1_user(tenant))
        expect_v1_error(answer, 503, f"takes no mail for '{EMAIL}'")
    else:
        answer = await tenant.admin.post("/api/user", json=new_user(tenant))
        expect_error(answer, 500, 2, "Couldn't send user activation email: the mail server")

    assert len(await ids_of(tenant.admin, f"/api/users{PAGE}")) == 2
    mailbox.refused.clear()
    await created(tenant.admin, "/api/user", new_user(tenant))


async def test_other_requests_go_on_while_the_mail_server_takes_its_time(
    mailing_platform: Platform, mailbox: Mailbox
) -> None:
    tenant = await mailing_platform.tenant()
    mailbox.answers.clear()
    making = asyncio.create_task(tenant.admin.post("/api/user", json=new_user(tenant)))
    await mailbox.asked.wait()

    # On SQLite this needs the only writer.
    await created(tenant.admin, "/api/customer", {"title": "Customer B"})
    assert not making.done()
    mailbox.answers.set()

    assert (await making).status_code == 200


async def test_a_user_deleted_while_its_mail_fails_is_no_other_error(
    mailing_platform: Platform, mailbox: Mailbox
) -> None:
    tenant = await mailing_platform.tenant()
    mailbox.answers.clear()
    mailbox.data_reply = "554 no"
    making = asyncio.create_task(tenant.admin.post("/api/user", json=new_user(tenant)))
    await mailbox.asked.wait()
    found = (await tenant.admin.get(f"/api/v1/users?search={EMAIL}")).json()
    await tenant.admin.delete(f"/api/user/{found[0]['id']}")
    mailbox.answers.set()

    expect_error(await making, 500, 2, "Couldn't send user activation email")


@pytest.mark.parametrize(
    ("change", "status"),
    [({"email": "nonsense"}, 400), ({"email": None}, 400), ({"authority": "SYS_ADMIN"}, 403)],
)
async def test_a_user_who_is_refused_is_not_mailed(
    mailing_platform: Platform, mailbox: Mailbox, change: dict[str, Any], status: int
) -> None:
    tenant = await mailing_platform.tenant()

    answer = await tenant.admin.post("/api/user", json=new_user(tenant) | change)

    assert answer.status_code == status
    assert mailbox.taken == []


async def test_changing_a_user_mails_nothing(mailing_platform: Platform, mailbox: Mailbox) -> None:
    tenant = await mailing_platform.tenant()
    me = (await tenant.admin.get("/api/auth/user")).json()

    await created(tenant.admin, "/api/user?sendActivationMail=true", me | {"firstName": "New"})

    assert mailbox.taken == []


@pytest.mark.parametrize("dialect", ["thingsboard", "v1"])
async def test_the_mail_is_sent_again_with_a_link_that_works(
    mailing_platform: Platform, mailbox: Mailbox, dialect: str
) -> None:
    tenant = await mailing_platform.tenant()
    user = await created(tenant.admin, "/api/user?sendActivationMail=false", new_user(tenant))
    mailing_platform.clock.advance(DAY_MS + 1)
    admin = await mailing_platform.login("admin1@example.com")

    if dialect == "v1":
        path = f"/api/v1/users/{user['id']['id']}/activation_mail"
        assert await created(admin, path, None) == {"success": True}
    else:
        answer = await admin.post("/api/user/sendActivationMail", params={"email": EMAIL})
        assert (answer.status_code, answer.content) == (200, b"")

    assert (await activate(mailing_platform, link_in(await mailbox.next()))).status_code == 200


async def test_who_is_active_is_not_mailed_again(
    mailing_platform: Platform, mailbox: Mailbox
) -> None:
    tenant = await mailing_platform.tenant()
    me = (await tenant.customer_user.get("/api/v1/auth/user")).json()

    answer = await tenant.admin.post("/api/user/sendActivationMail", params={"email": me["email"]})
    v1 = await tenant.admin.post(f"/api/v1/users/{me['id']}/activation_mail")

    expect_error(answer, 400, 31, "User is already activated!")
    expect_v1_error(v1, 400, "User is already activated!")
    assert mailbox.taken == []


@on_sqlite
async def test_sending_again_says_what_is_wrong(
    mailing_platform: Platform, mailbox: Mailbox
) -> None:
    first, second = await mailing_platform.tenant(), await mailing_platform.tenant()
    user = await created(first.admin, "/api/user?sendActivationMail=false", new_user(first))
    path = "/api/user/sendActivationMail"

    expect_error(await first.admin.post(path), 400, 31, "'email' is not present")
    for client, email in (
        (first.admin, "nobody@example.com"),
        (first.admin, "a\0b"),
        (second.admin, EMAIL),
        (await mailing_platform.sysadmin(), EMAIL),
    ):
        answer = await client.post(path, params={"email": email})
        assert answer.status_code in {400, 404}, answer.text
    expect_error(await first.customer_user.post(path, params={"email": EMAIL}), 403, 20)
    v1 = f"/api/v1/users/{user['id']['id']}/activation_mail"
    expect_v1_error(await second.admin.post(v1), 403)
    expect_v1_error(await first.admin.post(f"/api/v1/users/{uuid4()}/activation_mail"), 404)
    expect_v1_error(await first.admin.post("/api/v1/users/nonsense/activation_mail"), 422)
    mailbox.data_reply = "451 later"
    refused = await first.admin.post(path, params={"email": EMAIL})
    expect_error(refused, 500, 2, "refused the mail with code 451; pass on its activation link")
    assert mailbox.taken == []


@on_sqlite
async def test_without_a_mail_server_the_administrator_is_told_what_to_do(
    platform: Platform,
) -> None:
    tenant = await platform.tenant()
    made = await created(tenant.admin, "/api/user?sendActivationMail=false", new_user(tenant))

    again = await tenant.admin.post("/api/user/sendActivationMail", params={"email": EMAIL})
    v1_again = await tenant.admin.post(f"/api/v1/users/{made['id']['id']}/activation_mail")
    body = v1_user(tenant) | {"email": "other@example.com"}
    v1_new = await tenant.admin.post("/api/v1/users", json=body)

    expect_error(again, 500, 2, "no mail server is set up; pass on its activation link")
    expect_v1_error(v1_again, 503, "pass on its activation link")
    expect_v1_error(v1_new, 503, "create the user without the mail")
    assert len(await ids_of(tenant.admin, f"/api/users{PAGE}")) == 3


@on_sqlite
async def test_v1_takes_a_password_or_a_mail_but_not_both(
    mailing_platform: Platform, mailbox: Mailbox
) -> None:
    tenant = await mailing_platform.tenant()

    answer = await tenant.admin.post(
        "/api/v1/users", json=v1_user(tenant) | {"password": "chosen one"}
    )

    expect_v1_error(answer, 400, "not both")
    assert mailbox.taken == []


@pytest.mark.parametrize(("query", "mails"), [("", 1), ("?sendActivationMail=false", 0)])
async def test_who_has_activated_is_told_so(
    mailing_platform: Platform, mailbox: Mailbox, query: str, mails: int
) -> None:
    tenant = await mailing_platform.tenant()
    user = await created(tenant.admin, "/api/user?sendActivationMail=false", new_user(tenant))
    link = (await tenant.admin.get(f"/api/user/{user['id']['id']}/activationLink")).text

    body = {"activateToken": link.split("=")[1], "password": "chosen one"}
    await created(mailing_platform.anybody, f"/api/noauth/activate{query}", body)
    await mailing_platform.services.mailing.background.idle()

    assert len(mailbox.taken) == mails
    assert all("is active" in text_of(message) for message in mailbox.taken)


async def test_who_activates_is_logged_in_whatever_the_mail_server_says(
    mailing_platform: Platform, mailbox: Mailbox
) -> None:
    tenant = await mailing_platform.tenant()
    await created(tenant.admin, "/api/user", new_user(tenant))
    link = link_in(await mailbox.next())
    mailbox.data_reply = "554 no"

    answer = await activate(mailing_platform, link)

    assert answer.status_code == 200
    await mailing_platform.services.mailing.background.idle()
    await mailing_platform.login(EMAIL, "chosen one")


async def test_of_two_activations_at_once_one_wins(
    mailing_platform: Platform, mailbox: Mailbox
) -> None:
    tenant = await mailing_platform.tenant()
    await created(tenant.admin, "/api/user", new_user(tenant))
    token = link_in(await mailbox.next()).split("=")[1]
    passwords = ["first one", "second one", "third one"]

    answers = await asyncio.gather(
        *(
            mailing_platform.anybody.post(
                "/api/noauth/activate", json={"activateToken": token, "password": password}
            )
            for password in passwords
        )
    )

    assert sorted(answer.status_code for answer in answers) == [200, 400, 400]
    won = next(index for index, answer in enumerate(answers) if answer.status_code == 200)
    await mailing_platform.login(EMAIL, passwords[won])


async def test_an_expired_link_leads_to_the_page_that_says_so(platform: Platform) -> None:
    tenant = await platform.tenant()
    user = await created(tenant.admin, "/api/user?sendActivationMail=false", new_user(tenant))
    link = (await tenant.admin.get(f"/api/user/{user['id']['id']}/activationLink")).text
    platform.clock.advance(DAY_MS)

    late = await platform.anybody.get(link)
    unknown = await platform.anybody.get("/api/noauth/activate?activateToken=unknown")

    assert (late.status_code, late.headers["location"]) == (303, "/activationLinkExpired")
    assert unknown.status_code == 409


async def test_a_link_mailed_to_a_wrong_address_ends_when_the_address_is_corrected(
    mailing_platform: Platform, mailbox: Mailbox
) -> None:
    tenant = await mailing_platform.tenant()
    user = await created(tenant.admin, "/api/user", new_user(tenant))
    stray = link_in(await mailbox.next()).split("=")[1]
    await created(tenant.admin, "/api/user", user | {"email": "right@example.com"})

    body = {"activateToken": stray, "password": "chosen one"}
    refused = await mailing_platform.anybody.post("/api/noauth/activate", json=body)
    await tenant.admin.post("/api/user/sendActivationMail", params={"email": "right@example.com"})
    right = await mailbox.next()

    expect_error(refused, 400, 31, "ask for a new link")
    assert right["To"] == "right@example.com"
    assert (await activate(mailing_platform, link_in(right))).status_code == 200


async def test_an_activated_account_is_in_the_audit_log_of_its_user(platform: Platform) -> None:
    tenant = await platform.tenant()
    user = await created(tenant.admin, "/api/user?sendActivationMail=false", new_user(tenant))
    link = (await tenant.admin.get(f"/api/user/{user['id']['id']}/activationLink")).text
    seen: list[Any] = []
    platform.bus.listen(EntityChanged, seen.append)

    await activate(platform, link)

    assert [(str(event.entity.id), event.change, event.by.email) for event in seen] == [
        (user["id"]["id"], Change.CREDENTIALS_UPDATED, EMAIL)
    ]
