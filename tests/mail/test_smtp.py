"""Mail to a real SMTP server, over real sockets."""

import asyncio
import logging
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from fieldline.mail import letter, smtp
from fieldline.mail.mailer import Mail, MailNotDelivered
from fieldline.mail.smtp import Encryption, SmtpMailer, SmtpOptions
from tests.mailbox import (
    PASSWORD,
    SENDER,
    USERNAME,
    Mailbox,
    html_of,
    open_mailbox,
    text_of,
)
from tests.transports.mqtt.test_tls import make_certificate
from tests.waiting import until

MAIL = letter.write(
    "ada@example.org", "Hello", ["It is 20 °C.", letter.Link("Here", "http://x/?a=b")]
)


@pytest.fixture
async def mailbox() -> AsyncIterator[Mailbox]:
    async with open_mailbox() as mailbox:
        yield mailbox


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    return make_certificate(tmp_path, "server")


def server_side(certificate: Path) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    return context


async def failure(options: SmtpOptions, mail: Mail = MAIL) -> str:
    """Return why a mail was not delivered."""
    with pytest.raises(MailNotDelivered) as caught:
        await SmtpMailer(options).send(mail)
    return caught.value.message


async def test_a_mail_arrives_as_text_and_as_html(mailbox: Mailbox) -> None:
    await SmtpMailer(mailbox.options()).send(MAIL)

    message = await mailbox.next()
    assert (message["From"], message["To"], message["Subject"]) == (
        SENDER,
        "ada@example.org",
        "Hello",
    )
    assert "It is 20 °C." in text_of(message)
    assert '<a href="http://x/?a=b">Here</a>' in html_of(message)
    assert mailbox.envelopes == [("iot@example.org", ["ada@example.org"])]
    assert message["Message-ID"].endswith("@example.org>")
    assert message["Date"].datetime is not None


async def test_a_long_link_stays_whole_on_the_wire(mailbox: Mailbox) -> None:
    link = f"http://fieldline.example.org/?token={'x' * 200}"

    await SmtpMailer(mailbox.options()).send(letter.write("a@x.org", "s", [letter.Link("L", link)]))

    assert link in (await mailbox.next()).as_string().splitlines()


async def test_what_a_letter_holds_never_becomes_markup(mailbox: Mailbox) -> None:
    evil = letter.write(
        "a@x.org", "s", ["<script>1</script>", letter.Link("<b>", 'http://x/"><i>')]
    )

    await SmtpMailer(mailbox.options()).send(evil)

    html = html_of(await mailbox.next())
    assert "<script>" not in html
    assert '"><i>' not in html


async def test_the_platform_logs_in_where_that_is_asked_for() -> None:
    async with open_mailbox(needs_login=True) as mailbox:
        options = mailbox.options(username=USERNAME, password=PASSWORD)
        await SmtpMailer(options).send(MAIL)
        assert len(mailbox.taken) == 1


async def test_a_wrong_password_is_told_without_showing_it(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with open_mailbox(needs_login=True) as mailbox:
        reason = await failure(mailbox.options(username=USERNAME, password="wrong secret"))

    assert reason == "the mail server refused the platform's user name or password"
    assert "wrong secret" not in caplog.text
    assert str(mailbox.port) in caplog.text
    assert "wrong secret" not in repr(mailbox.options(password="wrong secret"))


async def test_starttls_encrypts_before_the_log_in(certificate: Path) -> None:
    async with open_mailbox(tls=server_side(certificate), needs_login=True) as mailbox:
        options = mailbox.options(
            encryption=Encryption.STARTTLS,
            tls=ssl.create_default_context(cafile=certificate),
            username=USERNAME,
            password=PASSWORD,
        )
        await SmtpMailer(options).send(MAIL)
        assert len(mailbox.taken) == 1


async def test_tls_encrypts_from_the_start(certificate: Path) -> None:
    async with open_mailbox(tls=server_side(certificate), is_tls_at_once=True) as mailbox:
        options = mailbox.options(
            encryption=Encryption.TLS, tls=ssl.create_default_context(cafile=certificate)
        )
        await SmtpMailer(options).send(MAIL)
        assert len(mailbox.taken) == 1


@pytest.mark.parametrize("is_tls_at_once", [True, False])
async def test_a_certificate_that_nobody_vouches_for_is_refused(
    certificate: Path, is_tls_at_once: bool
) -> None:
    encryption = Encryption.TLS if is_tls_at_once else Encryption.STARTTLS
    async with open_mailbox(tls=server_side(certificate), is_tls_at_once=is_tls_at_once) as mailbox:
        reason = await failure(mailbox.options(encryption=encryption))
        assert mailbox.taken == []

    assert "the encrypted connection to the mail server failed" in reason


async def test_starttls_is_never_given_up_for_plain_text(mailbox: Mailbox) -> None:
    reason = await failure(mailbox.options(encryption=Encryption.STARTTLS))

    assert "STARTTLS extension not supported" in reason
    assert mailbox.taken == []


async def test_a_server_that_is_not_there_is_told() -> None:
    async with open_mailbox() as mailbox:
        options = mailbox.options()

    assert "cannot be reached" in await failure(options)


async def test_a_server_that_hangs_is_left_after_the_time_set(mailbox: Mailbox) -> None:
    mailbox.answers.clear()

    reason = await failure(mailbox.options(timeout_s=0.2))

    assert reason == "the mail server did not answer within 0.2 s"


async def test_a_server_that_never_greets_is_left_after_the_time_set() -> None:
    async def mute(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await _reader.read()
        finally:
            writer.close()

    async with await asyncio.start_server(mute, "localhost", 0) as server:
        port = server.sockets[0].getsockname()[1]
        reason = await failure(
            SmtpOptions("localhost", port, SENDER, encryption=Encryption.NONE, timeout_s=0.2)
        )

    assert reason == "the mail server did not answer within 0.2 s"


async def test_a_server_that_hangs_up_is_told() -> None:
    async def rude(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    async with await asyncio.start_server(rude, "localhost", 0) as server:
        port = server.sockets[0].getsockname()[1]
        reason = await failure(SmtpOptions("localhost", port, SENDER, encryption=Encryption.NONE))

    assert "cannot be reached" in reason


async def test_a_refused_recipient_is_named(mailbox: Mailbox) -> None:
    mailbox.refused.add("ada@example.org")

    assert await failure(mailbox.options()) == "the mail server takes no mail for 'ada@example.org'"


async def test_a_refused_message_is_told_with_its_code(mailbox: Mailbox) -> None:
    mailbox.data_reply = "554 looks like spam"

    assert await failure(mailbox.options()) == "the mail server refused the mail with code 554"


@pytest.mark.parametrize("address", ["a..b@example.org", ".@example.org", "a@-.org"])
async def test_an_odd_address_is_mailed_as_it_is(mailbox: Mailbox, address: str) -> None:
    await SmtpMailer(mailbox.options()).send(letter.write(address, "Hello", ["Text"]))

    assert mailbox.envelopes == [("iot@example.org", [address])]


async def test_only_so_many_mails_are_on_their_way(
    mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(smtp, "MAX_UNDER_WAY", 2)
    mailer = SmtpMailer(mailbox.options())
    mailbox.answers.clear()
    held = [asyncio.create_task(mailer.send(MAIL)) for _ in range(2)]
    await mailbox.asked.wait()

    with pytest.raises(MailNotDelivered, match="too many mails"):
        await mailer.send(MAIL)
    mailbox.answers.set()
    await asyncio.gather(*held)
    await mailer.send(MAIL)

    await until(lambda: len(mailbox.taken) == 3)


async def test_a_failure_is_logged_with_the_server_and_without_the_mail(
    mailbox: Mailbox, caplog: pytest.LogCaptureFixture
) -> None:
    mailbox.data_reply = "554 no"
    secret = letter.write("ada@example.org", "s", [letter.Link("x", "http://x/?token=secret")])

    with caplog.at_level(logging.DEBUG):
        await failure(mailbox.options(), secret)

    ours = [record.getMessage() for record in caplog.records if record.name != "mail.log"]
    assert f"localhost:{mailbox.port}" in "".join(ours)
    assert "token=secret" not in "".join(ours)
