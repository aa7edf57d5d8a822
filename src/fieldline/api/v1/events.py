"""Events of rule chains in the v1 dialect: their form, and what they may be filtered by."""

from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import Depends, Query
from pydantic import BaseModel, ConfigDict

from fieldline.domains.event.filters import EventFilter
from fieldline.domains.event.record import EventType
from fieldline.kit.ids import EntityType
from fieldline.rest.parameters import Int64


class Event(BaseModel):
    """One event. ``direction`` is IN or OUT of a node, for messages that were recorded.

    ``name`` says what happened to a node (STARTED, UPDATED) or to recording as a whole.
    """

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    created_time: int
    type: EventType
    rule_chain_id: UUID
    entity_type: EntityType
    entity_id: UUID
    server: str
    name: str | None
    success: bool | None
    direction: str | None
    originator_type: EntityType | None
    originator_id: UUID | None
    message_id: UUID | None
    message_type: str | None
    relation: str | None
    data: str | None
    metadata: str | None
    error: str | None


async def wanted_events(
    node_id: Annotated[UUID | None, Query()] = None,
    type: Annotated[EventType | None, Query()] = None,  # noqa: A002 - the contract's word
    direction: Annotated[Literal["IN", "OUT"] | None, Query()] = None,
    is_error: Annotated[bool | None, Query()] = None,
    start_ts: Annotated[Int64 | None, Query(alias="startTs")] = None,
    end_ts: Annotated[Int64 | None, Query(alias="endTs")] = None,
) -> EventFilter:
    """Read the filter; times are ms since 1970, inclusive."""
    return EventFilter(
        type=type,
        entity_id=node_id,
        direction=direction,
        is_error=is_error,
        from_ms=start_ts,
        to_ms=end_ts,
    )


Wanted = Annotated[EventFilter, Depends(wanted_events)]


def shown_event(event: Any) -> Event:  # noqa: ANN401 - a row, which only its domain may name
    """Show an event, stored or just recorded."""
    own = ("metadata", "entity_type", "entity_id", "originator_type", "originator_id")
    values = {name: getattr(event, name) for name in Event.model_fields if name not in own}
    originator = event.originator
    return Event(
        **values,
        metadata=event.message_metadata,
        entity_type=event.entity.type,
        entity_id=event.entity.id,
        originator_type=originator.type if originator else None,
        originator_id=originator.id if originator else None,
    )
