"""How an integration connects and converts: its fields that are stored as JSON."""

from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    model_serializer,
    model_validator,
)

MAX_FILTERS = 100
"""Topic filters of one integration."""
MAX_KEYS = 200
"""Telemetry or attribute keys that are listed one by one."""
PathText = Annotated[str, Field(max_length=500)]
Level = Annotated[int, Field(ge=-100, le=99)]
Key = Annotated[str, Field(min_length=1, max_length=255)]


class Strict(BaseModel):
    """Refuses fields that do not exist: a misspelt one would be missed in silence."""

    model_config = ConfigDict(extra="forbid")


class TopicFilter(Strict):
    """What to subscribe to."""

    filter: str = Field(max_length=1024, description="With + and # as wildcards.")
    qos: int = Field(default=1, ge=0, le=2)


class Tls(Strict):
    """How the broker is reached by TLS; certificates are PEM texts."""

    enabled: bool = False
    ca_certificate: str | None = Field(
        default=None,
        max_length=200_000,
        description="Whom to trust; the system's authorities without.",
    )
    client_certificate: str | None = Field(
        default=None, max_length=200_000, description="Shown to the broker, with its chain."
    )
    insecure: bool = Field(
        default=False, description="Accepts any certificate: only for tests in one's own network."
    )


class Source(Strict):
    """Where a value comes from: exactly one of the three. A text alone is a `json_path`."""

    json_path: PathText | None = None
    topic_level: Level | None = Field(
        default=None, description="A level of the topic: 0 is the first, -1 the last."
    )
    constant: str | int | float | bool | None = None
    of: Literal["item", "message"] = Field(
        default="item", description="Whether a `json_path` begins at the item or at the message."
    )

    @model_validator(mode="before")
    @classmethod
    def _read_text(cls, value: Any) -> Any:  # noqa: ANN401 - whatever the client sent
        return {"json_path": value} if isinstance(value, str) else value

    @model_validator(mode="after")
    def _is_one(self) -> "Source":
        given = [self.json_path, self.topic_level, self.constant]
        if sum(each is not None for each in given) != 1:
            msg = "exactly one of json_path, topic_level and constant must be given"
            raise ValueError(msg)
        return self

    @model_serializer(mode="wrap")
    def _write_given(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        found: dict[str, Any] = write(self)
        return {
            name: value
            for name, value in found.items()
            if value is not None and (name, value) != ("of", "item")
        }


class KeyValue(Strict):
    """A value under a key, which may come from the message too."""

    key: Source
    value: Source


Values = (
    PathText
    | Annotated[dict[Key, Source], Field(max_length=MAX_KEYS)]
    | Annotated[list[KeyValue], Field(max_length=MAX_KEYS)]
)
"""One JSONPath to objects whose members are the values; or each key with its source; or pairs."""


class ConverterConfiguration(Strict):
    """How a message becomes readings."""

    payload: Literal["json", "text"] = Field(
        default="json", description="`text`: `$` is the whole payload as a text."
    )
    items: PathText | None = Field(
        default=None,
        description="A JSONPath to the parts of a message that are readings of their own; without "
        "it the elements when the message is an array, else the message.",
    )
    device_name: Source
    device_type: Source = Field(
        default_factory=lambda: Source(constant="default"),
        description="The device profile of a device that is made.",
    )
    timestamp: Source | None = Field(
        default=None, description="The time of the readings; without it, or it in the message, now."
    )
    timestamp_format: Literal["auto", "ms", "s", "us", "ns", "iso8601"] = "auto"
    telemetry: Values | None = None
    attributes: Values | None = None


class Configuration(Strict):
    """What is stored of an integration beside its columns."""

    protocol_version: Literal["3.1.1", "5"] = "5"
    keep_alive_seconds: int = Field(default=60, ge=5, le=65_535)
    session_expiry_seconds: int = Field(
        default=604_800,
        ge=60,
        le=0xFFFF_FFFE,
        description="How long the broker keeps messages while this side is away (MQTT 5).",
    )
    max_in_flight: int = Field(
        default=100,
        ge=1,
        le=1_000,
        description="Messages that are not acknowledged yet (receive maximum, MQTT 5).",
    )
    tls: Tls = Tls()
    topic_filters: list[TopicFilter] = Field(min_length=1, max_length=MAX_FILTERS)
    converter: ConverterConfiguration
