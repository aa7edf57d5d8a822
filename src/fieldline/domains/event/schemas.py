"""Events on ThingsBoard's wire: EventInfo, and the filters of each type of event."""

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, Field

from fieldline.domains.event.filters import EventFilter
from fieldline.domains.event.record import EventType
from fieldline.kit.errors import Invalid
from fieldline.kit.ids import EntityType, parse_id
from fieldline.rest.wire import EntityRefField, TbModel, TenantIdField


class PlainId(BaseModel):
    """An id whose type everybody knows."""

    id: UUID


class EventInfo(TbModel):
    """An event; what ``body`` holds depends on its type."""

    id: PlainId
    created_time: int
    tenant_id: TenantIdField
    type: str
    uid: str
    entity_id: EntityRefField
    body: dict[str, Any]


class _Filter(TbModel):
    server: str | None = None
    error_str: str | None = None

    def wanted(self) -> EventFilter:
        """Return what is asked for.

        Raises:
            Invalid: an id is none.
        """
        raise NotImplementedError


class _DebugFilter(_Filter):
    is_error: bool | None = None


class RuleNodeDebugEventFilter(_DebugFilter):
    """Messages at a node."""

    event_type: Literal["DEBUG_RULE_NODE"]
    msg_direction_type: Literal["IN", "OUT"] | None = None
    entity_id: str | None = None
    entity_type: str | None = None
    msg_id: str | None = None
    msg_type: str | None = None
    relation_type: str | None = None
    data_search: str | None = None
    metadata_search: str | None = None

    def wanted(self) -> EventFilter:
        return EventFilter(
            type=EventType.DEBUG_RULE_NODE,
            server=self.server,
            is_error=self.is_error or None,
            error=self.error_str,
            direction=self.msg_direction_type,
            originator_type=_entity_type(self.entity_type),
            originator_id=parse_id(self.entity_id) if self.entity_id else None,
            message_id=parse_id(self.msg_id) if self.msg_id else None,
            message_type=self.msg_type,
            relation=self.relation_type,
            data=self.data_search,
            metadata=self.metadata_search,
        )


class RuleChainDebugEventFilter(_DebugFilter):
    """What is told about a chain as a whole."""

    event_type: Literal["DEBUG_RULE_CHAIN"]
    message: str | None = None

    def wanted(self) -> EventFilter:
        return EventFilter(
            type=EventType.DEBUG_RULE_CHAIN,
            server=self.server,
            is_error=self.is_error or None,
            error=self.error_str,
            name=self.message,
        )


class LifeCycleEventFilter(_Filter):
    """Starts and stops of nodes."""

    event_type: Literal["LC_EVENT"]
    event: str | None = None
    status: str | None = None

    def wanted(self) -> EventFilter:
        return EventFilter(
            type=EventType.LC_EVENT,
            server=self.server,
            name=self.event,
            success=_is_success(self.status),
            error=self.error_str,
        )


class OtherEventFilter(_Filter):
    """Types of event that rules do not record; there are none to be found."""

    event_type: Literal["ERROR", "STATS", "DEBUG_CALCULATED_FIELD"]

    def wanted(self) -> EventFilter:
        return EventFilter(type=EventType(self.event_type), server=self.server)


AnyFilter = Annotated[
    RuleNodeDebugEventFilter | RuleChainDebugEventFilter | LifeCycleEventFilter | OtherEventFilter,
    Field(discriminator="event_type"),
]


def event_info(event: Any) -> EventInfo:  # noqa: ANN401 - a row or a record
    """Show an event, stored or just recorded, as ThingsBoard does."""
    return EventInfo(
        id=PlainId(id=event.id),
        created_time=event.created_time,
        tenant_id=event.tenant_id,
        type=event.type,
        uid=str(event.id),
        entity_id=event.entity,
        body=event_body(event),
    )


def event_body(event: Any) -> dict[str, Any]:  # noqa: ANN401 - a row or a record
    """Return what the event says; parts that it lacks are left out."""
    if event.type == EventType.DEBUG_RULE_NODE:
        said = _message(event)
    elif event.type == EventType.LC_EVENT:
        said = {"event": event.name, "success": event.success}
    else:
        said = {"message": event.name}
    said = {"server": event.server, **said, "error": event.error}
    return {name: value for name, value in said.items() if value is not None}


def _message(event: Any) -> dict[str, Any]:  # noqa: ANN401 - a row or a record
    originator = event.originator
    return {
        "type": event.direction,
        "entityId": str(originator.id) if originator else None,
        "entityType": originator.type.value if originator else None,
        "msgId": str(event.message_id),
        "msgType": event.message_type,
        "relationType": event.relation,
        "dataType": "JSON",
        "data": event.data,
        "metadata": event.message_metadata,
    }


def _entity_type(name: str | None) -> str | None:
    if not name:
        return None
    try:
        return EntityType(name.upper()).value
    except ValueError as error:
        msg = f"'{name}' is not an entity type; expected a name like DEVICE"
        raise Invalid(msg) from error


def _is_success(status: str | None) -> bool | None:
    if not status:
        return None
    if status.lower() not in {"success", "failure"}:
        msg = f"status '{status}' is neither Success nor Failure"
        raise Invalid(msg)
    return status.lower() == "success"
