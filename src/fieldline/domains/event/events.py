"""What is told after events are stored."""

from dataclasses import dataclass
from uuid import UUID

from fieldline.domains.event.record import Record


@dataclass(frozen=True, slots=True)
class EventsStored:
    """Events of one rule chain and its nodes were committed, in this order."""

    tenant_id: UUID
    rule_chain_id: UUID
    records: tuple[Record, ...]
