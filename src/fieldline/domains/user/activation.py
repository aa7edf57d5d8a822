"""New users who get their activation link by mail.

These functions open their own sessions: a mail server may take seconds, and no transaction may be
open meanwhile.
"""

from typing import TYPE_CHECKING
from uuid import UUID

from fieldline.domains.user import credentials as credentials_service
from fieldline.domains.user import letters, service
from fieldline.domains.user.errors import MailNotSent, UserNotFound
from fieldline.domains.user.models import User
from fieldline.mail.mailer import Mail, Mailer, MailNotDelivered
from fieldline.rest.services import Services
from fieldline.security.caller import Caller

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

NO_SERVER = "no mail server is set up"
CREATE_INSTEAD = "create the user without the mail and pass on its activation link"
LINK_INSTEAD = "pass on its activation link"


async def create(
    services: Services,
    caller: Caller,
    fields: service.UserFields,
    membership: service.Membership,
    *,
    send_mail: bool,
) -> User:
    """Make a user who chooses a password by the activation link.

    With ``send_mail`` the link is mailed; without the mail there is no user.

    Raises:
        MailNotSent: there is no mail server, or it did not take the mail.
    """
    async with services.database.write() as session:
        new = credentials_service.inactive(services.vault, services.clock.now_ms())
        user = await service.create(session, caller, fields, membership, new)
        if not send_mail:
            return user
        mailer = _mailer(services, CREATE_INSTEAD)
        mail = await _letter(session, services, user)
    is_sent = False
    try:
        await _send(mailer, mail, CREATE_INSTEAD)
        is_sent = True
    finally:
        # Also when the process is told to stop meanwhile.
        if not is_sent:
            await _take_back(services, caller, user.id)
    return user


async def mail_link(services: Services, caller: Caller, user_id: UUID) -> None:
    """Mail a user the activation link, again.

    Raises:
        AlreadyActive: the user has chosen a password.
        MailNotSent: there is no mail server, or it did not take the mail.
    """
    async with services.database.write() as session:
        user = await service.require_for_credentials(session, caller, user_id)
        mail = await _letter(session, services, user)
    await _send(_mailer(services, LINK_INSTEAD), mail, LINK_INSTEAD)


async def mail_link_to(services: Services, caller: Caller, email: str) -> None:
    """Mail the user of an address the activation link; raises as :func:`mail_link`.

    Raises:
        EmailNotFound: the caller manages no such user.
    """
    async with services.database.read() as session:
        user = await service.by_email(session, caller, email)
    await mail_link(services, caller, user.id)


def _mailer(services: Services, instead: str) -> Mailer:
    if services.mailing.mailer is None:
        raise MailNotSent(NO_SERVER, instead=instead)
    return services.mailing.mailer


async def _letter(session: "AsyncSession", services: Services, user: User) -> Mail:
    token, ttl_ms = await credentials_service.activation_token(
        session, user.id, services.vault, services.clock.now_ms()
    )
    base_url = services.base_url()
    link = credentials_service.activation_link(base_url, token)
    return letters.activation(user.email, base_url, link, ttl_ms)


async def _send(mailer: Mailer, mail: Mail, instead: str) -> None:
    try:
        await mailer.send(mail)
    except MailNotDelivered as error:
        raise MailNotSent(error.message, instead=instead) from error


async def _take_back(services: Services, caller: Caller, user_id: UUID) -> None:
    """Delete a user whose mail was not sent; one that somebody deleted meanwhile is no matter."""
    async with services.database.write() as session:
        try:
            await service.delete(session, caller, user_id, tokens=services.tokens)
        except UserNotFound:
            return
