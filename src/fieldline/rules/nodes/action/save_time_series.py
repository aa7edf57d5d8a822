"""Action: store readings, and feed them to alarm rules and to whoever watches."""

from collections.abc import Mapping
from typing import Any, NamedTuple
from uuid import UUID

from pydantic import Field

from fieldline.domains.telemetry.submitted import Submitted
from fieldline.kit.errors import Invalid
from fieldline.kit.telemetry_json import stored_values, telemetry_groups
from fieldline.kit.values import INT64_MAX, INT64_MIN, Value
from fieldline.messaging.message import Message, MessageType
from fieldline.rules.node import SUCCESS, Context, Node, NodeConfig, Outcome
from fieldline.rules.processing import (
    AdvancedTimeseries,
    Always,
    Deduplicate,
    Gate,
    Skip,
    TimeseriesSettings,
    WebSocketsOnly,
)

_POST_TELEMETRY = MessageType.POST_TELEMETRY_REQUEST.value


class Config(NodeConfig):
    """When and what to store."""

    default_ttl: int = Field(
        default=0,
        alias="defaultTTL",
        ge=0,
        description="Kept with the chain and not used: how long readings are stored is a setting "
        "of the platform, TELEMETRY_TTL_DAYS.",
    )
    use_server_ts: bool = Field(
        default=False, description="Readings are of the time when they get here."
    )
    processing_settings: TimeseriesSettings = Field(
        default_factory=Always, description="What is done with each message."
    )


class SaveTimeSeries(Node[Config]):
    """Store the message's values as readings of its originator; Success follows the commit.

    Takes messages of type POST_TELEMETRY_REQUEST whose data is {key: value}, {"ts", "values"} or a
    list of these; anything else follows Failure. The time is a reading's own "ts", else the
    metadata's, else the message's.

    Example: a message {"temperature": 21} stores one reading and follows Success.
    """

    name = "save time series"
    type = "org.thingsboard.rule.engine.telemetry.TbMsgTimeseriesNode"
    configuration_version = 1
    icon = "file_upload"
    form = "tbActionNodeTimeseriesConfig"

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        settings = config.processing_settings
        self._always = isinstance(settings, Always)
        self._for_all: Gate | None = None
        if isinstance(settings, Always | Deduplicate):
            self._for_all = Gate(settings)
        else:
            self._gates = _gates(settings)

    @classmethod
    def upgrade(cls, configuration: dict[str, Any], version: int) -> dict[str, Any]:
        """Bring a configuration from before version 1 up to date."""
        del version
        skip_latest = str(configuration.pop("skipLatestPersistence", "")).lower() == "true"
        always = {"type": "ON_EVERY_MESSAGE"}
        configuration["processingSettings"] = always
        if skip_latest:
            configuration["processingSettings"] = {
                "type": "ADVANCED",
                "timeseries": always,
                "latest": {"type": "SKIP"},
                "webSockets": always,
                "calculatedFields": always,
            }
        return configuration

    def process(self, message: Message, context: Context) -> Outcome:
        if message.type != _POST_TELEMETRY:
            msg = f"only messages of type {_POST_TELEMETRY} hold readings, not {message.type}"
            raise Invalid(msg)
        if self.config.use_server_ts:
            ts_ms = context.services.clock.now_ms()
        else:
            ts_ms = message.metadata_ts_ms
        groups = _groups(message.data, ts_ms)
        all_of_it = None if len(groups) == 1 else _Together(len(groups))
        for group_ts_ms, values in groups:
            parts = _ALL if self._always else self._parts(message.originator.id, group_ts_ms)
            saving = _Saving(message, context, group_ts_ms, values, parts, all_of_it)
            if parts.rules:
                context.services.evaluator.submit(saving, saving.store)
            else:
                saving.store()
        return None

    def _parts(self, originator: UUID, ts_ms: int) -> "_Parts":
        """Return what is to be done with a reading."""
        if self._for_all is None:
            return _Parts(*(gate.passes(originator, ts_ms) for gate in self._gates))
        return _ALL if self._for_all.passes(originator, ts_ms) else _NOTHING


class _Parts(NamedTuple):
    """What is done with a reading."""

    history: bool
    latest: bool
    live: bool
    rules: bool


_ALL = _Parts(history=True, latest=True, live=True, rules=True)
_NOTHING = _Parts(history=False, latest=False, live=False, rules=False)


class _Together:
    """The readings of one message with several times, which goes on when the last is stored."""

    __slots__ = ("_open", "error")

    def __init__(self, count: int) -> None:
        self._open = count
        self.error: Exception | None = None

    def is_last(self, error: Exception | None) -> bool:
        """Take note of one that is stored, or of why it is not."""
        self._open -= 1
        if error is not None:
            self.error = error
        return self._open == 0


class _Saving(Submitted):
    """The values of one time on their way to the store, as alarm rules and writer see them."""

    __slots__ = ("all_of_it", "context", "message", "parts")

    def __init__(
        self,
        message: Message,
        context: Context,
        ts_ms: int,
        values: Mapping[str, Value],
        parts: _Parts,
        all_of_it: _Together | None,
    ) -> None:
        self.tenant_id = message.tenant_id
        self.entity = message.originator
        self.profile_id = message.profile_id
        self.scope = None
        self.ts_ms = ts_ms
        self.values = values
        self.receipt = message.receipt
        self.message = message
        self.context = context
        self.parts = parts
        self.all_of_it = all_of_it

    def store(self) -> None:
        """Give the values to the writer."""
        parts = self.parts
        if parts is not _ALL and not (parts.history or parts.latest or parts.live):
            self.on_saved(None)
            return
        try:
            self.context.services.writer.save_readings(
                self.tenant_id,
                self.entity,
                self.ts_ms,
                self.values,
                self.on_saved,
                to_history=parts.history,
                to_latest=parts.latest,
                notify=parts.live,
            )
        except Exception as error:  # noqa: BLE001 - it may run later, outside the engine's loop
            self.on_saved(error)

    def on_saved(self, error: Exception | None) -> None:
        if self.all_of_it is not None:
            if not self.all_of_it.is_last(error):
                return
            error = self.all_of_it.error
        if error is not None:
            self.context.fail(self.message, error)
        else:
            self.context.proceed(SUCCESS, self.message)


def _groups(data: Any, ts_ms: int) -> list[tuple[int, Mapping[str, Value]]]:  # noqa: ANN401 - JSON
    """Return what to store, by time.

    Raises:
        Invalid: the data holds no readings.
    """
    if type(data) is dict and data and _is_plain(data):
        return [(ts_ms, data)]
    groups = [(ts, stored_values(values)) for ts, values in telemetry_groups(data, ts_ms) if values]
    if not groups:
        raise Invalid("the message holds no readings; its data must be an object of keys to values")
    return [*groups]


def _is_plain(data: dict[str, Any]) -> bool:
    """Whether all values are numbers or booleans as the store takes them."""
    for value in data.values():
        kind = type(value)
        if kind is int:
            if not INT64_MIN <= value <= INT64_MAX:
                return False
        elif kind is not float and kind is not bool:
            return False
    return True


def _gates(settings: AdvancedTimeseries | WebSocketsOnly) -> tuple[Gate, Gate, Gate, Gate]:
    """Return the gates of history, latest values, live updates and alarm rules."""
    if isinstance(settings, AdvancedTimeseries):
        return (
            Gate(settings.timeseries),
            Gate(settings.latest),
            Gate(settings.web_sockets),
            Gate(settings.calculated_fields),
        )
    shut = Gate(Skip())
    return (shut, shut, Gate(Always()), shut)
