"""One event as it is recorded, before and after it is stored, and who takes such records."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from fieldline.kit.ids import EntityRef, new_id
from fieldline.kit.service_id import SERVICE_ID

MAX_TEXT_LENGTH = 4_096
"""Characters of data, metadata or a reason that are kept (ThingsBoard's bound)."""
_ROW_BYTES = 512
"""What a record weighs beside its long texts."""


class EventType(StrEnum):
    """Kinds of event, by their names on the wire."""

    ERROR = "ERROR"
    LC_EVENT = "LC_EVENT"
    STATS = "STATS"
    DEBUG_RULE_NODE = "DEBUG_RULE_NODE"
    DEBUG_RULE_CHAIN = "DEBUG_RULE_CHAIN"
    DEBUG_CALCULATED_FIELD = "DEBUG_CALCULATED_FIELD"


@dataclass(frozen=True, slots=True)
class Record:
    """One event; its fields are the table's columns (``models.Event``).

    ``entity`` is what it is about: a node, or the chain itself. ``direction`` is IN or OUT.
    ``name`` is what happened in a life cycle (STARTED ...), or the text of an event of a chain.
    Texts are cut already (``cut``).
    """

    tenant_id: UUID
    rule_chain_id: UUID
    entity: EntityRef
    type: EventType
    created_time: int
    name: str | None = None
    success: bool | None = None
    direction: str | None = None
    originator: EntityRef | None = None
    message_id: UUID | None = None
    message_type: str | None = None
    relation: str | None = None
    data: str | None = None
    message_metadata: str | None = None
    error: str | None = None
    id: UUID = field(default_factory=new_id)

    @property
    def server(self) -> str:
        return SERVICE_ID

    @property
    def size_bytes(self) -> int:
        """About what it weighs in memory."""
        texts = (self.data, self.message_metadata, self.error)
        return _ROW_BYTES + sum(len(text) for text in texts if text)


class Records(Protocol):
    """Takes records of debugging and of nodes' lives (``EventWriter`` implements it)."""

    def admits(self, tenant_id: UUID, rule_chain_id: UUID) -> bool:
        """Whether another debug event of the tenant may be recorded; counts it if so."""

    def put(self, record: Record) -> None:
        """Take a record to be stored soon, or drop it when too many wait. Never raises or waits."""


def cut(text: str) -> str:
    """Return a text in the length that is kept, without what databases cannot hold."""
    if len(text) > MAX_TEXT_LENGTH:
        text = f"{text[:MAX_TEXT_LENGTH]}...[truncated]"
    return text.encode(errors="replace").decode().replace("\0", "\\u0000")
