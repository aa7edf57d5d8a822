"""What a list of events may be filtered by."""

from dataclasses import dataclass
from uuid import UUID

from fieldline.domains.event.record import EventType


@dataclass(frozen=True, slots=True)
class EventFilter:
    """Which events; None means whatever. Times are inclusive; texts match anywhere, in any case.

    ``entity_id`` is what the events are about, ``message_id`` and ``originator_id`` are compared
    as wholes.
    """

    type: EventType | None = None
    rule_chain_id: UUID | None = None
    entity_id: UUID | None = None
    from_ms: int | None = None
    to_ms: int | None = None
    server: str | None = None
    name: str | None = None
    success: bool | None = None
    is_error: bool | None = None
    error: str | None = None
    direction: str | None = None
    originator_type: str | None = None
    originator_id: UUID | None = None
    message_id: UUID | None = None
    message_type: str | None = None
    relation: str | None = None
    data: str | None = None
    metadata: str | None = None
