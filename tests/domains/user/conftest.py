from collections.abc import AsyncIterator

import pytest

from fieldline.mail.smtp import SmtpMailer
from fieldline.rest.mailing import Mailing
from tests.api.support import Platform, running
from tests.mailbox import Mailbox, open_mailbox


@pytest.fixture
async def mailbox() -> AsyncIterator[Mailbox]:
    """A mail server of the test's own."""
    async with open_mailbox() as mailbox:
        yield mailbox


@pytest.fixture
async def mailing_platform(database_url: str, mailbox: Mailbox) -> AsyncIterator[Platform]:
    """A platform that mails to ``mailbox``."""
    mailing = Mailing(SmtpMailer(mailbox.options()))
    async with running(database_url, mailing=mailing) as platform:
        yield platform
