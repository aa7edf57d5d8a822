"""What the nodes for alarms share: the script that makes details, and messages about alarms."""

from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import Field

from fieldline.kit.errors import Invalid
from fieldline.kit.json import dumps_text
from fieldline.messaging.bus import publish_within
from fieldline.messaging.message import Message, MessageType
from fieldline.rules.node import Context
from fieldline.rules.patterns import fill
from fieldline.rules.scripts.config import ScriptConfig, is_same_script
from fieldline.rules.scripts.pool import ScriptPool
from fieldline.rules.scripts.script import Script

MAX_TYPE_LENGTH = 255

DEFAULT_JS = """var details = {};
if (metadata.prevAlarmDetails) {
    details = JSON.parse(metadata.prevAlarmDetails);
    delete metadata.prevAlarmDetails;
}

return details;"""
DEFAULT_TBEL = """var details = {};
if (metadata.prevAlarmDetails != null) {
    details = JSON.parse(metadata.prevAlarmDetails);
    metadata.remove('prevAlarmDetails');
}

return details;"""


class AlarmConfig(ScriptConfig):
    """The alarm's type, and the script that makes its details, in one of two languages."""

    alarm_type: str = Field(
        default="General Alarm",
        min_length=1,
        description="Type of the alarm; a pattern with ${key} of metadata and $[key] of data.",
    )
    alarm_details_build_js: str = Field(
        default=DEFAULT_JS,
        description="Body in JavaScript that returns the details, an object; "
        "metadata.prevAlarmDetails is the JSON text of the active alarm's.",
    )
    alarm_details_build_tbel: str = Field(
        default=DEFAULT_TBEL, description="Body in TBEL; only the default one."
    )

    script_fields: ClassVar[tuple[str, str]] = (
        "alarm_details_build_js",
        "alarm_details_build_tbel",
    )
    tbel_defaults: ClassVar[dict[str, str]] = {DEFAULT_TBEL: DEFAULT_JS}

    def alarm_type_for(self, message: Message) -> str:
        """Return the type of this message's alarm.

        Raises:
            Invalid: it is blank or too long.
        """
        alarm_type = fill(self.alarm_type, message)
        if not alarm_type.strip() or len(alarm_type) > MAX_TYPE_LENGTH:
            msg = f"an alarm type has 1 to {MAX_TYPE_LENGTH} characters, not {len(alarm_type)}"
            raise Invalid(msg)
        return alarm_type


class DetailsScript:
    """Makes the details of alarms. The default script, which keeps them, is not run."""

    def __init__(self, config: AlarmConfig) -> None:
        self._body = config.javascript
        self._script: Script | None = None
        self._pool: ScriptPool | None = None

    async def start(self, pool: ScriptPool) -> None:
        if not is_same_script(self._body, DEFAULT_JS):
            self._script = await pool.load(self._body)
            self._pool = pool

    async def stop(self) -> None:
        if self._script is not None and self._pool is not None:
            await self._pool.unload(self._script)

    async def details(
        self, message: Message, alarm_type: str, context: Context, *, may_be_new: bool
    ) -> dict[str, Any] | None:
        """Return the alarm's new details; None to keep the ones there are.

        ``may_be_new``: an alarm is made when none is active; else there is nothing to do then.

        Raises:
            ScriptError: the script failed.
            Invalid: it answered something else than an object.
        """
        if self._script is None:
            return None
        alarms = context.services.alarms
        previous = await alarms.active_details(message.originator, alarm_type)
        if previous is not None:
            metadata = {**message.metadata, "prevAlarmDetails": dumps_text(previous)}
            message = message.copy(metadata=metadata)
        elif not may_be_new:
            return None
        details = await self._script.ask(message)
        if not isinstance(details, dict):
            msg = f"the script must answer an object of details, not {type(details).__name__}"
            raise Invalid(msg)
        return details


def alarm_message(message: Message, alarm: Mapping[str, Any], mark: str) -> Message:
    """Return the message that goes on from the node: the alarm, marked in the metadata."""
    metadata = {**message.metadata, mark: "true"}
    return message.copy(type=MessageType.ALARM.value, data=dict(alarm), metadata=metadata)


def tell_rules(
    message: Message, kind: MessageType, alarm: Mapping[str, Any], context: Context
) -> None:
    """Send the rules a message of what became of an alarm."""
    note = Message(
        kind.value,
        message.originator,
        message.tenant_id,
        dict(alarm),
        {"ruleNodeId": str(context.node_id)},
        ts_ms=context.services.clock.now_ms(),
        customer_id=message.customer_id,
        profile_id=message.profile_id,
        receipt=message.receipt,
    )
    publish_within(context.services.bus, note)
