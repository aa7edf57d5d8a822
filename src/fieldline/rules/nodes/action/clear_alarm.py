"""Action: clear the alarm that is active."""

from fieldline.domains.alarm.changes import Clear
from fieldline.domains.alarm.changes import Outcome as AlarmOutcome
from fieldline.messaging.message import Message, MessageType
from fieldline.rules.alarm_details import AlarmConfig, DetailsScript, alarm_message, tell_rules
from fieldline.rules.node import AsyncNode, Context, Outcome, follow


class Config(AlarmConfig):
    """Which alarm to clear."""


class ClearAlarm(AsyncNode[Config]):
    """Clear the originator's active alarm of the type.

    Cleared is followed with the alarm as a message of type ALARM, after the commit; False with the
    original message when no such alarm is active. The rules get a message ALARM_CLEAR besides.

    Example: a message of a device without alarms follows False.
    """

    name = "clear alarm"
    type = "org.thingsboard.rule.engine.action.TbClearAlarmNode"
    relations = ("Cleared", "False")
    icon = "notifications_off"
    form = "tbActionNodeClearAlarmConfig"
    waits_for_store = True

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self._script = DetailsScript(config)

    async def start(self, context: Context) -> None:
        await self._script.start(context.services.scripts)

    async def stop(self) -> None:
        await self._script.stop()

    async def process(self, message: Message, context: Context) -> Outcome:
        alarm_type = self.config.alarm_type_for(message)
        change = Clear(
            tenant_id=message.tenant_id,
            originator=message.originator,
            type=alarm_type,
            ts_ms=message.metadata_ts_ms,
            details=await self._script.details(message, alarm_type, context, may_be_new=False),
        )
        stored = await context.services.alarms.apply(change)
        if stored.outcome is not AlarmOutcome.CLEARED or stored.alarm is None:
            return follow("False", message)
        tell_rules(message, MessageType.ALARM_CLEAR, stored.alarm, context)
        return follow("Cleared", alarm_message(message, stored.alarm, "isClearedAlarm"))
