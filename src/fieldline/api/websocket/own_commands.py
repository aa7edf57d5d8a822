"""Commands of Fieldline's own: for what happens, rather than for values."""

from typing import Literal
from uuid import UUID

from pydantic import Field

from fieldline.api.websocket.wire import Command
from fieldline.domains.alarm.status import Severity

MAX_LISTED = 100


class DevicePresenceCmd(Command):
    """Which devices are online, then every change; without ids of all that the caller may see."""

    type: Literal["DEVICE_PRESENCE"] = "DEVICE_PRESENCE"
    entity_ids: list[UUID] | None = Field(default=None, min_length=1)


class AlarmEventsCmd(Command):
    """The active alarms, then every change; without ids of all that the caller may see."""

    type: Literal["ALARM_EVENTS"] = "ALARM_EVENTS"
    entity_type: str = "DEVICE"
    entity_ids: list[UUID] | None = Field(default=None, min_length=1)
    type_list: list[str] = Field(default_factory=list, max_length=MAX_LISTED)
    severity_list: list[Severity] = Field(default_factory=list)
    limit: int = Field(default=100, ge=0, le=1_000)


class RuleChainEventsCmd(Command):
    """The last events of a rule chain, of all its nodes or of one, then every one recorded."""

    type: Literal["RULE_CHAIN_EVENTS"] = "RULE_CHAIN_EVENTS"
    rule_chain_id: UUID
    rule_node_id: UUID | None = None
    limit: int = Field(default=20, ge=0, le=1_000)
