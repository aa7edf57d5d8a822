"""Connects the mail server of the settings."""

from fieldline.rest.mailing import Mailing
from fieldline.settings import Settings


def open_mailing(settings: Settings) -> Mailing:
    """Return the way out for mails; without ``MAIL_SERVER`` one that has no mail server.

    The server is not asked now: the platform starts and works while it is away.
    """
    if settings.mail_server is None:
        return Mailing()
    from fieldline.mail.smtp import (  # noqa: PLC0415 - only where mail is sent, see there
        DEFAULT_PORTS,
        Encryption,
        SmtpMailer,
        SmtpOptions,
    )

    encryption = Encryption(settings.mail_tls)
    port = settings.mail_port if settings.mail_port is not None else DEFAULT_PORTS[encryption]
    password = settings.mail_password.get_secret_value() if settings.mail_password else None
    options = SmtpOptions(
        host=settings.mail_server,
        port=port,
        sender=settings.mail_from or "",
        username=settings.mail_username,
        password=password,
        encryption=encryption,
        timeout_s=settings.mail_timeout_seconds,
    )
    return Mailing(SmtpMailer(options))
