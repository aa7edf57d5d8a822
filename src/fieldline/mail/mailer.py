"""What is mailed, and what delivers it."""

from dataclasses import dataclass
from typing import Protocol

from fieldline.kit.errors import Unavailable


@dataclass(frozen=True, slots=True)
class Mail:
    """A message to one person; ``text`` and ``html`` say the same."""

    to: str
    subject: str
    text: str
    html: str


class MailNotDelivered(Unavailable):
    """The mail server did not take a message; the text says why and names no server."""


class Mailer(Protocol):
    """Delivers mail. It may take seconds: never call it while a transaction is open."""

    async def send(self, mail: Mail) -> None:
        """Hand a message to the mail server.

        Raises:
            MailNotDelivered: it did not take it; nothing was sent.
        """
