"""The settings of mail, from the environment to a mail that arrives."""

from typing import Any

import pytest

from fieldline.app.mailing import open_mailing
from fieldline.kit.errors import Invalid
from fieldline.mail import letter
from fieldline.settings import load_settings
from tests.mailbox import PASSWORD, USERNAME, open_mailbox

MAIL = letter.write("ada@example.org", "Hello", ["Text"])


async def test_without_a_mail_server_there_is_no_mailer() -> None:
    assert open_mailing(load_settings(mail_from="iot@example.org")).mailer is None


async def test_mail_goes_to_the_server_of_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    async with open_mailbox(needs_login=True) as mailbox:
        for name, value in {
            "MAIL_SERVER": "localhost",
            "MAIL_PORT": str(mailbox.port),
            "MAIL_TLS": "none",
            "MAIL_FROM": "Plant <plant@example.org>",
            "MAIL_USERNAME": USERNAME,
            "MAIL_PASSWORD": PASSWORD,
        }.items():
            monkeypatch.setenv(name, value)
        mailer = open_mailing(load_settings()).mailer
        assert mailer is not None
        await mailer.send(MAIL)

        assert mailbox.taken[0]["From"] == "Plant <plant@example.org>"
        assert mailbox.envelopes == [("plant@example.org", ["ada@example.org"])]


@pytest.mark.parametrize(
    ("given", "variable"),
    [
        ({"mail_from": None}, "MAIL_FROM"),
        ({"mail_from": "nobody"}, "MAIL_FROM"),
        ({"mail_from": "a@x.org\nBcc: b@x.org"}, "MAIL_FROM"),
        ({"mail_username": "iot"}, "MAIL_USERNAME and MAIL_PASSWORD"),
        ({"mail_password": "secret word"}, "MAIL_USERNAME and MAIL_PASSWORD"),
        ({"mail_tls": "ssl"}, "MAIL_TLS"),
        ({"mail_port": 70_000}, "MAIL_PORT"),
        ({"mail_timeout_seconds": 0}, "MAIL_TIMEOUT_SECONDS"),
        ({"mail_timeout_seconds": 61}, "MAIL_TIMEOUT_SECONDS"),
    ],
)
def test_a_setting_of_mail_that_cannot_work_is_refused_at_start(
    given: dict[str, Any], variable: str
) -> None:
    usual = {"mail_server": "localhost", "mail_from": "iot@example.org"}

    with pytest.raises(Invalid, match=variable) as caught:
        load_settings(**usual | given)

    assert "secret word" not in caught.value.message
