"""What a person sees who follows the link of a mail in a browser without scripts."""

import re
from collections.abc import AsyncIterator

import httpx
import pytest

from fieldline.mail.smtp import SmtpMailer
from fieldline.rest.mailing import Mailing
from tests.api.support import PASSWORD, Platform, Tenant, created, running
from tests.mailbox import Mailbox, link_in, open_mailbox

CREATE, RESET = "/login/createPassword", "/login/resetPassword"
USER = "customer1@example.com"


@pytest.fixture
async def mailbox() -> AsyncIterator[Mailbox]:
    async with open_mailbox() as mailbox:
        yield mailbox


@pytest.fixture
async def platform(sqlite_url: str, mailbox: Mailbox) -> AsyncIterator[Platform]:
    mailing = Mailing(SmtpMailer(mailbox.options()))
    async with running(sqlite_url, mailing=mailing) as platform:
        yield platform


@pytest.fixture
async def tenant(platform: Platform) -> Tenant:
    return await platform.tenant()


async def follow(platform: Platform, link: str) -> tuple[str, dict[str, str]]:
    """Open a link as a browser does; returns where its form goes, and the form's hidden fields."""
    page = await platform.anybody.get(link, follow_redirects=True)
    assert page.status_code == 200, page.text
    action = re.search(r'<form method="post" action="([^"]+)">', page.text)
    hidden = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', page.text)
    assert action, page.text
    return action[1], dict(hidden)


async def submit(
    platform: Platform, form: tuple[str, dict[str, str]], password: str, again: str | None = None
) -> httpx.Response:
    action, hidden = form
    fields = hidden | {"password": password, "again": password if again is None else again}
    return await platform.anybody.post(action, data=fields)


async def test_a_new_user_chooses_a_password_in_the_browser(
    platform: Platform, mailbox: Mailbox, tenant: Tenant
) -> None:
    body = {"email": "new@example.com", "authority": "TENANT_ADMIN"}
    await created(tenant.admin, "/api/user", body)

    form = await follow(platform, link_in(await mailbox.next()))
    answer = await submit(platform, form, "chosen & one")

    assert answer.status_code == 200, answer.text
    assert "Your account is active" in answer.text
    await platform.login("new@example.com", "chosen & one")


async def test_who_forgot_the_password_chooses_a_new_one_in_the_browser(
    platform: Platform, mailbox: Mailbox, tenant: Tenant
) -> None:
    await platform.anybody.post("/api/noauth/resetPasswordByEmail", json={"email": USER})

    form = await follow(platform, link_in(await mailbox.next()))
    answer = await submit(platform, form, "gr\u00fcner Tee")

    assert answer.status_code == 200, answer.text
    platform.clock.advance(1)
    await platform.login(USER, "gr\u00fcner Tee")


async def test_a_refused_password_is_told_above_the_form_and_can_be_corrected(
    platform: Platform, mailbox: Mailbox, tenant: Tenant
) -> None:
    await platform.anybody.post("/api/noauth/resetPasswordByEmail", json={"email": USER})
    form = await follow(platform, link_in(await mailbox.next()))

    short = await submit(platform, form, "short")
    differs = await submit(platform, form, "long enough", "long enouhg")
    same = await submit(platform, form, PASSWORD)

    for answer, text in (
        (short, "6 or more"),
        (differs, "not the same"),
        (same, "different from existing"),
    ):
        assert answer.status_code == 400
        assert re.search(f'<p role="alert">[^<]*{text}', answer.text), answer.text
        assert f'value="{form[1]["token"]}"' in answer.text
        assert "long enough" not in answer.text
    assert (await submit(platform, form, "long enough")).status_code == 200


@pytest.mark.parametrize("path", [CREATE, RESET])
async def test_a_token_that_is_not_right_is_told(platform: Platform, path: str) -> None:
    for content in (b"", b"token=unknown&password=long+enough&again=long+enough", b"\xff=1"):
        answer = await platform.anybody.post(path, content=content)
        assert answer.status_code == 400
        assert 'role="alert"' in answer.text
    many = await platform.anybody.post(path, content=b"&".join([b"a=1"] * 11))
    large = await platform.anybody.post(path, content=b"a=" + b"1" * 70_000)
    assert (many.status_code, large.status_code) == (400, 413)


@pytest.mark.parametrize(("path", "name"), [(CREATE, "activateToken"), (RESET, "resetToken")])
async def test_what_stands_in_a_link_never_becomes_markup(
    platform: Platform, path: str, name: str
) -> None:
    evil = '"><script>alert(1)</script>'

    shown = await platform.anybody.get(path, params={name: evil})
    fields = {"token": evil, "password": "long enough", "again": "long enough"}
    sent = await platform.anybody.post(path, data=fields)

    for page in (shown, sent):
        assert "<script" not in page.text
        assert "default-src 'none'" in page.headers["content-security-policy"]
        assert page.headers["referrer-policy"] == "no-referrer"
        assert page.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("path", ["/activationLinkExpired", "/passwordResetLinkExpired"])
async def test_a_link_that_is_too_old_says_so(platform: Platform, path: str) -> None:
    page = await platform.anybody.get(path)

    assert page.status_code == 200
    assert "too old" in page.text
