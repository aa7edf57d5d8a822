"""A real SMTP server in the test's process, and what was mailed to it.

async with open_mailbox() as mailbox:
    await SmtpMailer(mailbox.options()).send(mail)
    message = await mailbox.next()
"""

import asyncio
import re
import ssl
import warnings
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from fieldline.mail.smtp import Encryption, SmtpOptions
from tests.waiting import TIMEOUT_S

SENDER = "Fieldline <iot@example.org>"
USERNAME, PASSWORD = "iot", "the mail password"


@dataclass
class Mailbox:
    """The server's behaviour, which a test may change, and what it took.

    ``answers`` cleared makes the server wait before it accepts a mail; ``asked`` is set when it
    waits. ``refused`` holds recipients that it does not know.
    """

    port: int = 0
    refused: set[str] = field(default_factory=set)
    answers: asyncio.Event = field(default_factory=asyncio.Event)
    asked: asyncio.Event = field(default_factory=asyncio.Event)
    data_reply: str = "250 taken"
    taken: list[EmailMessage] = field(default_factory=list)
    envelopes: list[tuple[str | None, list[str]]] = field(default_factory=list)
    _arrived: asyncio.Queue[EmailMessage] = field(default_factory=asyncio.Queue)

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: Any
    ) -> str:
        if address in self.refused:
            return "550 no such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(  # noqa: N802 - aiosmtpd's name
        self, _server: SMTP, _session: Session, envelope: Envelope
    ) -> str:
        self.asked.set()
        await self.answers.wait()
        if self.data_reply.startswith("250"):
            assert isinstance(envelope.content, bytes)
            message = message_from_bytes(envelope.content, policy=default)
            self.taken.append(message)
            self.envelopes.append((envelope.mail_from, list(envelope.rcpt_tos)))
            self._arrived.put_nowait(message)
        return self.data_reply

    async def next(self) -> EmailMessage:
        """Return the next message, waiting for it."""
        return await asyncio.wait_for(self._arrived.get(), TIMEOUT_S)

    def options(self, **changes: Any) -> SmtpOptions:
        """Return how to reach this server."""
        usual: dict[str, Any] = {"encryption": Encryption.NONE, "timeout_s": float(TIMEOUT_S)}
        return SmtpOptions("localhost", self.port, SENDER, **(usual | changes))


@asynccontextmanager
async def open_mailbox(
    *, tls: ssl.SSLContext | None = None, is_tls_at_once: bool = False, needs_login: bool = False
) -> AsyncIterator[Mailbox]:
    """Run a mail server on a port of its own."""
    mailbox = Mailbox()
    mailbox.answers.set()
    loop = asyncio.get_running_loop()
    connections: list[SMTP] = []

    def connected() -> SMTP:
        with warnings.catch_warnings():
            # A log-in without TLS is meant here.
            warnings.simplefilter("ignore", UserWarning)
            server = SMTP(
                mailbox,
                hostname="mail.test",
                loop=loop,
                enable_SMTPUTF8=False,
                tls_context=None if is_tls_at_once else tls,
                require_starttls=tls is not None and not is_tls_at_once,
                auth_required=needs_login,
                auth_require_tls=False,
                authenticator=_authenticate if needs_login else None,
            )
        connections.append(server)
        return server

    listener = await loop.create_server(
        connected, "localhost", 0, ssl=tls if is_tls_at_once else None
    )
    mailbox.port = listener.sockets[0].getsockname()[1]
    try:
        yield mailbox
    finally:
        listener.close()
        mailbox.answers.set()
        for connection in connections:
            if connection.transport is not None:
                connection.transport.close()
        await asyncio.sleep(0)


def text_of(message: EmailMessage) -> str:
    """Return a message's plain text."""
    return _part(message, "plain")


def html_of(message: EmailMessage) -> str:
    """Return a message's HTML."""
    return _part(message, "html")


def link_in(message: EmailMessage) -> str:
    """Return the link that a message holds."""
    found = re.search(r"https?://\S+=\S+", text_of(message))
    assert found, text_of(message)
    return found[0]


async def answered(request: Awaitable[Any]) -> Any:
    """Return an answer that must not take longer than any test waits."""
    return await asyncio.wait_for(request, TIMEOUT_S)


def _part(message: EmailMessage, subtype: str) -> str:
    body = message.get_body((subtype,))
    assert body is not None
    text: str = body.get_content()
    return text


def _authenticate(
    _server: SMTP, _session: Session, _envelope: Envelope, _mechanism: str, data: Any
) -> AuthResult:
    assert isinstance(data, LoginPassword)
    is_right = (data.login.decode(), data.password.decode()) == (USERNAME, PASSWORD)
    return AuthResult(success=is_right, handled=False)
