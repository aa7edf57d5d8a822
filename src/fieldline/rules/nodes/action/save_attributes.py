"""Action: store attributes, and feed them to alarm rules and to whoever watches."""

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from fieldline.domains.telemetry.submitted import Submitted
from fieldline.kit.errors import Invalid
from fieldline.kit.telemetry_json import stored_values, typed_values
from fieldline.kit.values import Value, to_json
from fieldline.messaging.bus import publish_within
from fieldline.messaging.events import AttributesSaved
from fieldline.messaging.message import Message, MessageType
from fieldline.rules.node import SUCCESS, Context, Node, NodeConfig, Outcome, follow
from fieldline.rules.processing import (
    AdvancedAttributes,
    Always,
    AttributesSettings,
    Deduplicate,
    Gate,
    Skip,
)
from fieldline.timeseries.store import Scope

_POST_ATTRIBUTES = MessageType.POST_ATTRIBUTES_REQUEST.value


class Config(NodeConfig):
    """Which attributes to store, and who is told."""

    processing_settings: AttributesSettings = Field(
        default_factory=Always,
        description="What is done with each message. What is stored is always shown live too.",
    )
    scope: Scope = Field(
        default=Scope.SERVER, description="Where to store, unless the metadata's scope says."
    )
    notify_device: bool = Field(
        default=False,
        description="Push changed shared attributes to the device; metadata notifyDevice asks for "
        "it too, when it is 'true', empty or absent.",
    )
    send_attributes_updated_notification: bool = Field(
        default=False,
        description="Send a message ATTRIBUTES_UPDATED through the rules, but not of client "
        "attributes.",
    )
    update_attributes_only_on_value_change: bool = Field(
        default=True, description="Leave alone what is already stored with this value."
    )


class SaveAttributes(Node[Config]):
    """Store the message's values as attributes of its originator; Success follows the commit.

    Takes messages of type POST_ATTRIBUTES_REQUEST whose data is {key: value}; another type follows
    Failure, an empty object Success.

    Example: a message {"firmware": "1.2"} stores one attribute and follows Success.
    """

    name = "save attributes"
    type = "org.thingsboard.rule.engine.telemetry.TbMsgAttributesNode"
    configuration_version = 3
    icon = "file_upload"
    form = "tbActionNodeAttributesConfig"

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        settings = config.processing_settings
        self._for_all: Gate | None = None
        if isinstance(settings, Always | Deduplicate):
            self._for_all = Gate(settings)
        elif isinstance(settings, AdvancedAttributes):
            self._gates = (
                Gate(settings.attributes),
                Gate(settings.web_sockets),
                Gate(settings.calculated_fields),
            )
        else:
            self._gates = (Gate(Skip()), Gate(Always()), Gate(Skip()))

    @classmethod
    def upgrade(cls, configuration: dict[str, Any], version: int) -> dict[str, Any]:
        """Bring a configuration from before version 3 up to date."""
        if version < 1:
            configuration.setdefault("updateAttributesOnlyOnValueChange", False)
        if version < 2:
            for key in ("notifyDevice", "sendAttributesUpdatedNotification"):
                if isinstance(configuration.get(key), str):
                    configuration[key] = configuration[key].lower() == "true"
            for key in ("notifyDevice", "updateAttributesOnlyOnValueChange"):
                if configuration.get(key) is None:
                    configuration[key] = True
        configuration["processingSettings"] = {"type": "ON_EVERY_MESSAGE"}
        return configuration

    def process(self, message: Message, context: Context) -> Outcome:
        if message.type != _POST_ATTRIBUTES:
            msg = f"only messages of type {_POST_ATTRIBUTES} hold attributes, not {message.type}"
            raise Invalid(msg)
        if not isinstance(message.data, dict):
            raise Invalid("attributes must be an object of keys to values")
        scope = self._scope(message)
        values = stored_values(typed_values(message.data))
        if not values:
            return follow(SUCCESS, message)
        self._save(message, context, scope, values)
        return None

    def _scope(self, message: Message) -> Scope:
        named = message.metadata.get("scope")
        if not named:
            return self.config.scope
        try:
            return Scope(named)
        except ValueError as error:
            msg = f"the metadata's scope '{named}' is none of {', '.join(Scope)}"
            raise Invalid(msg) from error

    def _save(
        self, message: Message, context: Context, scope: Scope, values: dict[str, Value]
    ) -> None:
        """Give values to the alarm rules, then to the writer."""
        services = context.services
        ts_ms = services.clock.now_ms()
        stored, shown, rules = self._strategies_for(message, ts_ms)
        notify_device = self.config.notify_device or message.metadata.get("notifyDevice") in (
            None,
            "",
            "true",
        )

        def on_saved(written: set[str], error: Exception | None) -> None:
            if error is not None:
                context.fail(message, error)
                return
            if self.config.send_attributes_updated_notification and scope is not Scope.CLIENT:
                _tell_rules(message, context, scope, {key: values[key] for key in written})
            context.proceed(SUCCESS, message)

        def store() -> None:
            if not stored:
                if shown:
                    services.bus.emit(_event(message, scope, ts_ms, values))
                context.proceed(SUCCESS, message)
                return
            try:
                services.writer.save_attributes(
                    message.tenant_id,
                    message.originator,
                    scope,
                    values,
                    on_saved,
                    only_changed=self.config.update_attributes_only_on_value_change,
                    notify_device=notify_device,
                )
            except Exception as error:  # noqa: BLE001 - it runs later, outside the engine's loop
                context.fail(message, error)

        if rules:
            services.evaluator.submit(
                Submitted(
                    tenant_id=message.tenant_id,
                    entity=message.originator,
                    profile_id=message.profile_id,
                    scope=scope,
                    ts_ms=ts_ms,
                    values=values,
                    receipt=message.receipt,
                ),
                store,
            )
        else:
            store()

    def _strategies_for(self, message: Message, ts_ms: int) -> tuple[bool, bool, bool]:
        originator = message.originator.id
        if self._for_all is not None:
            passes = self._for_all.passes(originator, ts_ms)
            return passes, passes, passes
        stored, shown, rules = (gate.passes(originator, ts_ms) for gate in self._gates)
        return stored, shown, rules


def _event(
    message: Message, scope: Scope, ts_ms: int, values: Mapping[str, Value]
) -> AttributesSaved:
    """Return what shows attributes live that are not stored."""
    return AttributesSaved(
        message.tenant_id, message.originator, scope, ts_ms, values, notify_device=False
    )


def _tell_rules(
    message: Message, context: Context, scope: Scope, values: Mapping[str, Value]
) -> None:
    """Send the rules a message of the attributes that were written."""
    if not values:
        return
    note = Message(
        MessageType.ATTRIBUTES_UPDATED.value,
        message.originator,
        message.tenant_id,
        {key: to_json(value) for key, value in values.items()},
        {**message.metadata, "scope": scope.value},
        ts_ms=context.services.clock.now_ms(),
        customer_id=message.customer_id,
        profile_id=message.profile_id,
        receipt=message.receipt,
    )
    publish_within(context.services.bus, note)
