"""Mail over SMTP.

Imported only when a mail server is set, since aiosmtplib costs each start some milliseconds.

Source: RFC 5321 (SMTP), RFC 3207 (STARTTLS), RFC 4954 (AUTH).
"""

import asyncio
import logging
import socket
import ssl
from contextlib import suppress
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from email.utils import formatdate, make_msgid, parseaddr
from enum import StrEnum

import aiosmtplib

from fieldline.mail.mailer import Mail, MailNotDelivered

logger = logging.getLogger(__name__)

MAX_UNDER_WAY = 16
"""Mails on their way at once; one more is refused, so that a slow server costs bounded memory."""
QUIT_S = 1.0
"""How long the server may take to say goodbye after it has taken the mail."""


_POLICY = SMTP_POLICY.clone(max_line_length=990)
"""Lines of nearly what RFC 5322 allows: a link stays whole, whoever reads the mail."""


class Encryption(StrEnum):
    """How the connection to the mail server is protected."""

    NONE = "none"
    STARTTLS = "starttls"
    TLS = "tls"


_REASONS: tuple[tuple[type[Exception] | tuple[type[Exception], ...], str], ...] = (
    (TimeoutError, "the mail server did not answer within {timeout_s:g} s"),
    (
        aiosmtplib.SMTPAuthenticationError,
        "the mail server refused the platform's user name or password",
    ),
    (
        (aiosmtplib.SMTPRecipientsRefused, aiosmtplib.SMTPRecipientRefused),
        "the mail server takes no mail for '{to}'",
    ),
    (
        aiosmtplib.SMTPSenderRefused,
        "the mail server takes no mail from the platform's address (MAIL_FROM)",
    ),
    (aiosmtplib.SMTPResponseException, "the mail server refused the mail with code {code}"),
    (OSError, "the mail server cannot be reached, or broke the connection off"),
)
"""What is said of an error; the first kind that fits."""

DEFAULT_PORTS = {Encryption.NONE: 25, Encryption.STARTTLS: 587, Encryption.TLS: 465}


@dataclass(frozen=True, slots=True)
class SmtpOptions:
    """The mail server and how to use it.

    ``sender`` is the From of every mail, an address or ``Name <address>``. ``timeout_s`` bounds
    one mail, from the connection to the server's acceptance. ``tls`` verifies the server.
    """

    host: str
    port: int
    sender: str
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    encryption: Encryption = Encryption.STARTTLS
    timeout_s: float = 10.0
    tls: ssl.SSLContext = field(default_factory=ssl.create_default_context)


class SmtpMailer:
    """Sends each mail over a connection of its own."""

    def __init__(self, options: SmtpOptions) -> None:
        self._options = options
        self._under_way = 0

    async def send(self, mail: Mail) -> None:
        """Hand a message to the mail server.

        Raises:
            MailNotDelivered: it cannot be reached, refuses, or takes too long; the log says which
                server and what it answered.
        """
        if self._under_way >= MAX_UNDER_WAY:
            raise MailNotDelivered("too many mails are on their way; try again")
        self._under_way += 1
        try:
            async with asyncio.timeout(self._options.timeout_s):
                await self._deliver(mail)
        except (aiosmtplib.SMTPException, OSError, ValueError) as error:
            reason = self._explain(error, mail)
            where = f"{self._options.host}:{self._options.port}"
            logger.warning("a mail was not sent by %s: %s (%r)", where, reason, error)
            raise MailNotDelivered(reason) from error
        finally:
            self._under_way -= 1

    async def _deliver(self, mail: Mail) -> None:
        options = self._options
        client = aiosmtplib.SMTP(
            hostname=options.host,
            port=options.port,
            username=options.username,
            password=options.password,
            local_hostname=socket.gethostname(),
            timeout=options.timeout_s,
            use_tls=options.encryption is Encryption.TLS,
            start_tls=options.encryption is Encryption.STARTTLS,
            tls_context=options.tls if options.encryption is not Encryption.NONE else None,
        )
        try:
            await client.connect()
            sender = parseaddr(options.sender)[1]
            await client.send_message(self._written(mail), sender=sender, recipients=[mail.to])
            # The mail is accepted: whatever the goodbye is like, it counts as sent.
            with suppress(aiosmtplib.SMTPException, OSError):
                await client.quit(timeout=QUIT_S)
        finally:
            client.close()

    def _written(self, mail: Mail) -> EmailMessage:
        message = EmailMessage(policy=_POLICY)
        message["From"] = self._options.sender
        message["To"] = mail.to
        message["Subject"] = mail.subject
        message["Date"] = formatdate()
        message["Message-ID"] = make_msgid(domain=parseaddr(self._options.sender)[1].split("@")[-1])
        # RFC 3834: no out-of-office answers, please.
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(mail.text)
        message.add_alternative(mail.html, subtype="html")
        return message

    def _explain(self, error: Exception, mail: Mail) -> str:
        """Return what went wrong in words that everybody who asked for the mail may read."""
        if isinstance(_root(error), ssl.SSLError):
            return "the encrypted connection to the mail server failed (MAIL_TLS, certificate)"
        for kind, text in _REASONS:
            if isinstance(error, kind):
                code = getattr(error, "code", 0)
                return text.format(to=mail.to, timeout_s=self._options.timeout_s, code=code)
        return f"the mail server cannot do what is asked of it ({error})"


def _root(error: BaseException) -> BaseException:
    while error.__cause__ is not None:
        error = error.__cause__
    return error
