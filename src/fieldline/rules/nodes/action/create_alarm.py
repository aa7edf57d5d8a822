"""Action: raise an alarm, or renew the one that is active."""

from typing import Any, Self

from pydantic import Field, model_validator

from fieldline.domains.alarm.changes import Outcome as AlarmOutcome
from fieldline.domains.alarm.changes import Raise
from fieldline.domains.alarm.status import Propagation, Severity
from fieldline.kit.errors import Invalid
from fieldline.messaging.message import Message, MessageType
from fieldline.rules.alarm_details import AlarmConfig, DetailsScript, alarm_message, tell_rules
from fieldline.rules.node import SUCCESS, AsyncNode, Context, Outcome, follow
from fieldline.rules.patterns import fill


class Config(AlarmConfig):
    """Which alarm to raise, and who sees it."""

    severity: str = Field(
        default=Severity.CRITICAL.value,
        description="CRITICAL, MAJOR, MINOR, WARNING or INDETERMINATE; a pattern of one when "
        "dynamicSeverity is set.",
    )
    dynamic_severity: bool = False
    propagate: bool = Field(default=False, description="Show it at related entities.")
    propagate_to_owner: bool = Field(default=False, description="Show it at the customer.")
    propagate_to_tenant: bool = Field(default=False, description="Show it at the tenant.")
    relation_types: list[str] = Field(
        default_factory=list, description="Relations to propagate by; none means all."
    )
    use_message_alarm_data: bool = Field(
        default=False, description="Take type, severity, details and propagation from the data."
    )
    overwrite_alarm_details: bool = Field(
        default=False, description="Run the script although the details come from the data."
    )

    @model_validator(mode="before")
    @classmethod
    def _details_of_old_chains(cls, values: object) -> object:
        """A chain from before overwriteAlarmDetails always ran the script."""
        known = {"overwriteAlarmDetails", "overwrite_alarm_details"}
        if isinstance(values, dict) and values and not known & values.keys():
            return {**values, "overwriteAlarmDetails": True}
        return values

    @model_validator(mode="after")
    def _severity_is_known(self) -> Self:
        if not self.dynamic_severity and self.severity not in set(Severity):
            raise ValueError(_no_severity(self.severity))
        return self


class CreateAlarm(AsyncNode[Config]):
    """Raise an alarm of the originator, or renew its active one of the same type.

    Created is followed with the new alarm, Updated with the renewed one, both after the commit and
    as a message of type ALARM. Start of a new alarm and end of a renewed one are the time of the
    message's data. The rules get a message ENTITY_CREATED or ENTITY_UPDATED besides.

    Example: with the default configuration the first message of a device follows Created, the
    second one Updated.
    """

    name = "create alarm"
    type = "org.thingsboard.rule.engine.action.TbCreateAlarmNode"
    relations = ("Created", "Updated", "False")
    icon = "notifications_active"
    form = "tbActionNodeCreateAlarmConfig"
    waits_for_store = True

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self._script = DetailsScript(config)

    async def start(self, context: Context) -> None:
        await self._script.start(context.services.scripts)

    async def stop(self) -> None:
        await self._script.stop()

    async def process(self, message: Message, context: Context) -> Outcome:
        change = await self._change(message, context)
        stored = await context.services.alarms.apply(change)
        if stored.alarm is None or stored.outcome is AlarmOutcome.UNCHANGED:
            return follow(SUCCESS, message)
        is_new = stored.outcome is AlarmOutcome.CREATED
        kind = MessageType.ENTITY_CREATED if is_new else MessageType.ENTITY_UPDATED
        tell_rules(message, kind, stored.alarm, context)
        mark = "isNewAlarm" if is_new else "isExistingAlarm"
        return follow(
            "Created" if is_new else "Updated", alarm_message(message, stored.alarm, mark)
        )

    async def _change(self, message: Message, context: Context) -> Raise:
        if self.config.use_message_alarm_data:
            return await self._change_of_data(message, context)
        config = self.config
        alarm_type = config.alarm_type_for(message)
        severity = fill(config.severity, message) if config.dynamic_severity else config.severity
        return Raise(
            tenant_id=message.tenant_id,
            originator=message.originator,
            customer_id=message.customer_id,
            type=alarm_type,
            severity=_severity(severity),
            ts_ms=message.metadata_ts_ms,
            details=await self._script.details(message, alarm_type, context, may_be_new=True),
            propagation=Propagation(
                to_related=config.propagate,
                to_owner=config.propagate_to_owner,
                to_tenant=config.propagate_to_tenant,
                relation_types=tuple(config.relation_types),
            ),
            only_worse=False,
        )

    async def _change_of_data(self, message: Message, context: Context) -> Raise:
        """Take the alarm from the message."""
        data: dict[str, Any] = message.data if isinstance(message.data, dict) else {}
        alarm_type, details = data.get("type"), data.get("details")
        if not isinstance(alarm_type, str) or not alarm_type.strip():
            raise Invalid("the message holds no alarm; its data needs at least type and severity")
        if self.config.overwrite_alarm_details:
            details = await self._script.details(message, alarm_type, context, may_be_new=True)
        start_ms = data.get("startTs")
        return Raise(
            tenant_id=message.tenant_id,
            originator=message.originator,
            customer_id=message.customer_id,
            type=alarm_type,
            severity=_severity(str(data.get("severity"))),
            ts_ms=start_ms if isinstance(start_ms, int) and start_ms else message.metadata_ts_ms,
            details=details if isinstance(details, dict) else None,
            propagation=Propagation(
                to_related=bool(data.get("propagate")),
                to_owner=bool(data.get("propagateToOwner")),
                to_tenant=bool(data.get("propagateToTenant")),
                relation_types=tuple(data.get("propagateRelationTypes") or ()),
            ),
            only_worse=False,
        )


def _severity(name: str) -> Severity:
    """Return a severity by its name.

    Raises:
        Invalid: there is none of that name.
    """
    try:
        return Severity(name)
    except ValueError as error:
        raise Invalid(_no_severity(name)) from error


def _no_severity(name: str) -> str:
    return f"'{name}' is no severity; one of {', '.join(Severity)} is"
