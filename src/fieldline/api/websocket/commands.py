"""Commands of a client, in both wrappers, read strictly: an unknown property refuses the frame.

Only queries tolerate what they do not know, as ThingsBoard's do. A null stands for a property that
is not given.
"""

from collections.abc import Iterator
from typing import Annotated, Any, Literal, cast
from uuid import UUID

import orjson
from pydantic import ConfigDict, Field, TypeAdapter, ValidationError

from fieldline.api.websocket.alarm_commands import AlarmCountCmd, AlarmDataCmd, AlarmStatusCmd
from fieldline.api.websocket.own_commands import (
    AlarmEventsCmd,
    DevicePresenceCmd,
    RuleChainEventsCmd,
)
from fieldline.api.websocket.wire import Command, EntityKey, PageLink, Query, Wire
from fieldline.kit.errors import Invalid
from fieldline.timeseries.store import Aggregation, IntervalType


class AuthCmd(Wire):
    """Who is calling."""

    cmd_id: int = 0
    token: str = ""
    api_key: str = ""
    type: str = "AUTH"


class SubscriptionCmd(Command):
    """What the two v1 subscriptions share."""

    entity_type: str = ""
    entity_id: str = ""
    keys: str = ""
    scope: str = ""
    unsubscribe: bool = False

    @property
    def key_list(self) -> list[str]:
        """The keys in their order; none means all."""
        return split_keys(self.keys)


class AttributesCmd(SubscriptionCmd):
    type: Literal["ATTRIBUTES"] = "ATTRIBUTES"


class TimeseriesCmd(SubscriptionCmd):
    type: Literal["TIMESERIES"] = "TIMESERIES"
    start_ts: int = 0
    time_window: int = 0
    interval: int = 0
    limit: int = 0
    agg: str = ""


class HistoryCmd(Command):
    type: Literal["TIMESERIES_HISTORY"] = "TIMESERIES_HISTORY"
    entity_type: str = ""
    entity_id: str = ""
    keys: str = ""
    start_ts: int = 0
    end_ts: int = 0
    interval: int = 0
    limit: int = 0
    agg: str = ""

    @property
    def key_list(self) -> list[str]:
        return split_keys(self.keys)


class EntityDataQuery(Query):
    """Which entities, and what to show of them."""

    entity_filter: dict[str, Any] = Field(default_factory=dict)
    page_link: PageLink = Field(default_factory=PageLink)
    entity_fields: list[EntityKey] = Field(default_factory=list)
    latest_values: list[EntityKey] = Field(default_factory=list)
    key_filters: list[dict[str, Any]] = Field(default_factory=list)
    key_filters_operation: str = "AND"


class _Series(Wire):
    keys: list[str] = Field(default_factory=list)
    start_ts: int = 0
    interval_type: IntervalType = IntervalType.MILLISECONDS
    interval: int = 0
    time_zone_id: str = "UTC"
    limit: int = 0
    agg: Aggregation = Aggregation.NONE
    fetch_latest_previous_point: bool = False

    @property
    def range_ms(self) -> tuple[int, int]:
        raise NotImplementedError


class EntityHistoryCmd(_Series):
    """One-off history of each entity."""

    end_ts: int = 0

    @property
    def range_ms(self) -> tuple[int, int]:
        return self.start_ts, self.end_ts


class EntityTimeseriesCmd(_Series):
    """History of a window, then every new point."""

    time_window: int = 0

    @property
    def range_ms(self) -> tuple[int, int]:
        return self.start_ts, self.start_ts + self.time_window


class LatestCmd(Wire):
    """Latest values, then every change."""

    keys: list[EntityKey] = Field(default_factory=list)


class AggKey(Wire):
    """One aggregate over the whole range, and over another range to compare it with."""

    id: int = 0
    key: str = ""
    agg: Aggregation = Aggregation.NONE
    previous_start_ts: int | None = None
    previous_end_ts: int | None = None
    previous_value_only: bool = False


class AggHistoryCmd(Wire):
    keys: list[AggKey] = Field(default_factory=list)
    start_ts: int = 0
    end_ts: int = 0

    @property
    def range_ms(self) -> tuple[int, int]:
        return self.start_ts, self.end_ts


class AggTimeseriesCmd(Wire):
    keys: list[AggKey] = Field(default_factory=list)
    start_ts: int = 0
    time_window: int = 0

    @property
    def range_ms(self) -> tuple[int, int]:
        return self.start_ts, self.start_ts + self.time_window


class EntityDataCmd(Command):
    type: Literal["ENTITY_DATA"] = "ENTITY_DATA"
    query: EntityDataQuery | None = None
    history_cmd: EntityHistoryCmd | None = None
    latest_cmd: LatestCmd | None = None
    ts_cmd: EntityTimeseriesCmd | None = None
    agg_history_cmd: AggHistoryCmd | None = None
    agg_ts_cmd: AggTimeseriesCmd | None = None

    @property
    def has_parts(self) -> bool:
        parts = (self.history_cmd, self.latest_cmd, self.ts_cmd)
        return any(part is not None for part in (*parts, self.agg_history_cmd, self.agg_ts_cmd))


class UnsubscribeCmd(Command):
    type: Literal[
        "ENTITY_DATA_UNSUBSCRIBE",
        "ENTITY_COUNT_UNSUBSCRIBE",
        "ALARM_DATA_UNSUBSCRIBE",
        "ALARM_COUNT_UNSUBSCRIBE",
        "ALARM_STATUS_UNSUBSCRIBE",
        "NOTIFICATIONS_UNSUBSCRIBE",
        "DEVICE_PRESENCE_UNSUBSCRIBE",
        "ALARM_EVENTS_UNSUBSCRIBE",
        "RULE_CHAIN_EVENTS_UNSUBSCRIBE",
    ] = "ENTITY_DATA_UNSUBSCRIBE"


class UnservedCmd(Command):
    """A command of the protocol that this server does not serve; it gets a clear answer."""

    model_config = ConfigDict(extra="allow")

    @property
    def name(self) -> str:
        return str(getattr(self, "type", ""))


class EntityCountCmd(UnservedCmd):
    type: Literal["ENTITY_COUNT"] = "ENTITY_COUNT"


class NotificationCmd(Command):
    """A command about the caller's notifications."""


class NotificationsCmd(NotificationCmd):
    """The latest unread notifications, then every change of them."""

    type: Literal["NOTIFICATIONS"] = "NOTIFICATIONS"
    limit: int = 0
    types: list[str] = Field(default_factory=list)


class NotificationsCountCmd(NotificationCmd):
    """The number of unread notifications, then every change of it."""

    type: Literal["NOTIFICATIONS_COUNT"] = "NOTIFICATIONS_COUNT"


class MarkNotificationsCmd(NotificationCmd):
    type: Literal["MARK_NOTIFICATIONS_AS_READ"] = "MARK_NOTIFICATIONS_AS_READ"
    notifications: list[UUID] = Field(default_factory=list)


class MarkAllNotificationsCmd(NotificationCmd):
    type: Literal["MARK_ALL_NOTIFICATIONS_AS_READ"] = "MARK_ALL_NOTIFICATIONS_AS_READ"


AnyCmd = Annotated[
    AttributesCmd
    | TimeseriesCmd
    | HistoryCmd
    | EntityDataCmd
    | UnsubscribeCmd
    | DevicePresenceCmd
    | AlarmEventsCmd
    | RuleChainEventsCmd
    | AlarmDataCmd
    | AlarmCountCmd
    | AlarmStatusCmd
    | EntityCountCmd
    | NotificationsCmd
    | NotificationsCountCmd
    | MarkNotificationsCmd
    | MarkAllNotificationsCmd,
    Field(discriminator="type"),
]


class Frame(Wire):
    """A frame of ``/api/ws``."""

    auth_cmd: AuthCmd | None = None
    cmds: list[AnyCmd] = Field(default_factory=list)

    def commands(self) -> Iterator[Command]:
        return iter(self.cmds)


class TelemetryFrame(Wire):
    """A frame of ``/api/ws/plugins/telemetry``: one list per kind, handled in this order."""

    attr_sub_cmds: list[AttributesCmd] = Field(default_factory=list)
    ts_sub_cmds: list[TimeseriesCmd] = Field(default_factory=list)
    history_cmds: list[HistoryCmd] = Field(default_factory=list)
    entity_data_cmds: list[EntityDataCmd] = Field(default_factory=list)
    entity_data_unsubscribe_cmds: list[UnsubscribeCmd] = Field(default_factory=list)
    alarm_data_cmds: list[AlarmDataCmd] = Field(default_factory=list)
    alarm_data_unsubscribe_cmds: list[UnsubscribeCmd] = Field(default_factory=list)
    entity_count_cmds: list[EntityCountCmd] = Field(default_factory=list)
    entity_count_unsubscribe_cmds: list[UnsubscribeCmd] = Field(default_factory=list)
    alarm_count_cmds: list[AlarmCountCmd] = Field(default_factory=list)
    alarm_count_unsubscribe_cmds: list[UnsubscribeCmd] = Field(default_factory=list)

    @property
    def auth_cmd(self) -> AuthCmd | None:
        """None: this wrapper has no place for it."""
        return None

    def commands(self) -> Iterator[Command]:
        for commands in (
            self.attr_sub_cmds,
            self.ts_sub_cmds,
            self.history_cmds,
            self.entity_data_cmds,
            self.entity_data_unsubscribe_cmds,
            self.alarm_data_cmds,
            self.alarm_data_unsubscribe_cmds,
            self.entity_count_cmds,
            self.entity_count_unsubscribe_cmds,
            self.alarm_count_cmds,
            self.alarm_count_unsubscribe_cmds,
        ):
            yield from cast("list[Command]", commands)


AnyFrame = Frame | TelemetryFrame
_ADAPTERS: dict[type[AnyFrame], TypeAdapter[Any]] = {
    kind: TypeAdapter(kind) for kind in (Frame, TelemetryFrame)
}


def parse_frame(text: str, wrapper: type[AnyFrame]) -> AnyFrame:
    """Read a frame.

    Raises:
        Invalid: not JSON, or not the wrapper's form.
    """
    try:
        frame: AnyFrame = _ADAPTERS[wrapper].validate_python(orjson.loads(text))
    except orjson.JSONDecodeError as error:
        msg = f"The frame is not JSON: {error}"
        raise Invalid(msg) from None
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        msg = f"{where}: {first['msg']}" if where else first["msg"]
        raise Invalid(msg) from None
    return frame


def split_keys(text: str) -> list[str]:
    """Return the keys of ``a,b`` in their order, each once."""
    parts = (part.strip() for part in text.split(","))
    return list(dict.fromkeys(part for part in parts if part))
