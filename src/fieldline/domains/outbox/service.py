"""What happened in a transaction is told to the rules after it, also when the process dies between.

The message stands in the transaction itself; :class:`Outbox` takes it from there.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fieldline.database.engine import emit_last
from fieldline.domains.outbox.models import OutboxMessage
from fieldline.domains.outbox.packing import pack
from fieldline.domains.outbox.repository import OutboxRepository
from fieldline.messaging.message import Message

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession


@dataclass(frozen=True, slots=True)
class Posted:
    """A message whose transaction is committed; ``id`` is its row's."""

    id: int
    message: Message


async def post(session: "AsyncSession", message: Message) -> None:
    """Have the rules told with a message, at least once, if this transaction is committed.

    It follows whatever else the transaction tells, so that the rules find what they are told of.
    """
    row = OutboxMessage(content=pack(message))
    await OutboxRepository(session).add(row)
    emit_last(session, Posted(row.id, message))
