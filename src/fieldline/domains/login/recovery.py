"""A forgotten password: the mail with a link, following it, choosing a new password.

Whether there is a user of some address is told to nobody: the mail is looked up and sent after the
answer, which is the same, and as fast, for every address.

These functions open their own sessions: bcrypt and a mail server take their time, and no
transaction may be open meanwhile.
"""

import logging
from functools import partial

from fieldline.domains.revocation import service as revocation_service
from fieldline.domains.user import credentials as credentials_service
from fieldline.domains.user import letters, reset
from fieldline.domains.user import service as user_service
from fieldline.domains.user.errors import NoReset, UserNotFound
from fieldline.kit.errors import Invalid, RateLimited, Unavailable
from fieldline.kit.text import check_email
from fieldline.mail.mailer import Mail, Mailer, MailNotDelivered
from fieldline.rest.services import Services

logger = logging.getLogger(__name__)


async def request_mail(services: Services, email: str | None) -> None:
    """Have a reset link mailed to this address, if it is that of an active user.

    Of one user so many mails are sent in an hour; without a mail server none is.

    Raises:
        Invalid: it is no address at all.
        Unavailable: too many requests are waiting.
    """
    check_email(email)
    if services.mailing.mailer is None:
        logger.warning("a password reset was asked for, but no mail server is set (MAIL_SERVER)")
        return
    work = partial(_mail_link, services, services.mailing.mailer, email or "")
    services.mailing.background.submit(work)


async def follow_link(services: Services, token: str) -> None:
    """Check a token that somebody followed.

    Raises:
        BadResetToken, ExpiredResetToken: it resets nothing.
        RateLimited: this user's links were followed too often.
    """
    now_ms = services.clock.now_ms()
    async with services.database.read() as session:
        found = await reset.find(session, token, services.vault, now_ms)
    services.mailing.reset_visits.take(found.user_id, now_ms)


async def reset_password(services: Services, token: str, password: str) -> None:
    """Set a new password; all tokens issued to the user before end, and so does this one.

    Raises:
        BadResetToken: it was used, is too old, or its user may not log in.
        Invalid: the password is refused.
    """
    async with services.database.read() as session:
        found = await reset.find(session, token, services.vault, services.clock.now_ms())
    password_hash = await services.passwords.hash(password)
    if await services.passwords.verify(password, found.password):
        raise Invalid("New password should be different from existing!")
    async with services.database.write() as session:
        await reset.use(session, found.user_id, found.reset_token_hash, password_hash)
        await revocation_service.revoke(session, services.tokens, found.user_id)
        user = await credentials_service.user_of(session, found)
        await user_service.announce_password(session, user)
    notify(services, letters.password_was_reset(user.email, services.base_url()))


def notify(services: Services, mail: Mail) -> None:
    """Send a mail that tells what is done already; without a mail server, or time, none."""
    mailer = services.mailing.mailer
    if mailer is None:
        return
    try:
        services.mailing.background.submit(partial(_send, mailer, mail))
    except Unavailable:
        logger.warning("'%s' is not mailed: too many mails wait", mail.subject)


async def _mail_link(services: Services, mailer: Mailer, email: str) -> None:
    now_ms = services.clock.now_ms()
    async with services.database.read() as session:
        found = await credentials_service.by_email(session, email)
    if found is None or not reset.may_reset(found[1]):
        return
    user_id, mailing = found[0].id, services.mailing
    try:
        mailing.reset_mails.take(user_id, now_ms)
    except RateLimited:
        logger.info("user %s asks for reset mails too often", user_id)
        return
    try:
        async with services.database.write() as session:
            token, ttl_ms = await reset.token_of(session, user_id, services.vault, now_ms)
            still = await credentials_service.by_email(session, email)
    except (NoReset, UserNotFound):
        return  # Disabled or deleted meanwhile.
    if still is None or still[0].id != user_id:
        return  # The address is not the user's any more.
    base_url = services.base_url()
    mail = letters.reset(email, base_url, reset.link(base_url, token), ttl_ms)
    if not await _send(mailer, mail):
        mailing.reset_mails.give_back(user_id)


async def _send(mailer: Mailer, mail: Mail) -> bool:
    try:
        await mailer.send(mail)
    except MailNotDelivered:
        return False  # The mailer has logged it.
    return True
