"""ThingsBoard's commands about alarms: ALARM_DATA, ALARM_COUNT and ALARM_STATUS."""

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field

from fieldline.api.websocket.wire import Command, EntityKey, PageLink, Query
from fieldline.domains.alarm.status import AlarmFilter, SearchStatus, Severity, halves
from fieldline.kit.ids import EntityType
from fieldline.rest.parameters import Int64
from fieldline.rest.wire import EntityRefField, WireId

MAX_LISTED = 100
MAX_WINDOW_MS = 2**53
Text = Annotated[str, Field(max_length=255)]


class AlarmsWanted(Query):
    """Which alarms. ``time_window`` in ms reaches back from now; else the two times count."""

    start_ts: Int64 = 0
    end_ts: Int64 = 0
    time_window: Int64 = Field(default=0, ge=0, le=MAX_WINDOW_MS)
    type_list: list[Text] = Field(default_factory=list, max_length=MAX_LISTED)
    status_list: list[SearchStatus] = Field(default_factory=list)
    severity_list: list[Severity] = Field(default_factory=list)
    search_propagated_alarms: bool = False
    assignee_id: Annotated[UUID | None, WireId(EntityType.USER)] = None

    def filter_at(self, now_ms: int) -> AlarmFilter:
        """Return what is wanted at this time."""
        cleared, acknowledged = halves(set(self.status_list))
        is_live = self.time_window > 0
        return AlarmFilter(
            cleared=cleared,
            acknowledged=acknowledged,
            severities=tuple(self.severity_list),
            types=tuple(self.type_list),
            assignee_id=self.assignee_id,
            created_from_ms=now_ms - self.time_window if is_live else self.start_ts or None,
            created_to_ms=None if is_live else self.end_ts or None,
        )


class AlarmPageLink(PageLink, AlarmsWanted):
    """A page of the alarms that are wanted."""


class AlarmDataQuery(Query):
    """Alarms of the entities that a filter means, with values of these."""

    entity_filter: dict[str, Any] = Field(default_factory=dict)
    page_link: AlarmPageLink = Field(default_factory=AlarmPageLink)
    alarm_fields: list[EntityKey] = Field(default_factory=list)
    entity_fields: list[EntityKey] = Field(default_factory=list)
    latest_values: list[EntityKey] = Field(default_factory=list)
    key_filters: list[dict[str, Any]] = Field(default_factory=list)


class AlarmCountQuery(AlarmsWanted):
    """How many alarms the entities of a filter have; without one, all entities."""

    entity_filter: dict[str, Any] | None = None
    key_filters: list[dict[str, Any]] = Field(default_factory=list)


class AlarmDataCmd(Command):
    """A page of alarms, then what changes in it."""

    type: Literal["ALARM_DATA"] = "ALARM_DATA"
    query: AlarmDataQuery | None = None


class AlarmCountCmd(Command):
    """How many alarms there are, whenever that changes."""

    type: Literal["ALARM_COUNT"] = "ALARM_COUNT"
    query: AlarmCountQuery | None = None


class AlarmStatusCmd(Command):
    """Whether an entity has an active alarm, whenever that changes."""

    type: Literal["ALARM_STATUS"] = "ALARM_STATUS"
    originator_id: EntityRefField
    type_list: list[Text] = Field(default_factory=list, max_length=MAX_LISTED)
    severity_list: list[Severity] = Field(default_factory=list)
