"""What a save node does with each message: store it, show it, evaluate it, or leave it out."""

from collections import OrderedDict
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from fieldline.rules.node import NodeConfig

SEEN_LIMIT = 100_000
"""Originators of whom one deduplicating strategy remembers the last intervals."""
MAX_DEDUPLICATION_S = 86_400


class Always(NodeConfig):
    """Every message."""

    type: Literal["ON_EVERY_MESSAGE"] = "ON_EVERY_MESSAGE"


class Skip(NodeConfig):
    """No message."""

    type: Literal["SKIP"] = "SKIP"


class Deduplicate(NodeConfig):
    """The first message of each originator in each interval of the messages' time."""

    type: Literal["DEDUPLICATE"] = "DEDUPLICATE"
    deduplication_interval_secs: int = Field(default=60, ge=1, le=MAX_DEDUPLICATION_S)


class WebSocketsOnly(NodeConfig):
    """Show messages live and store nothing."""

    type: Literal["WEBSOCKETS_ONLY"] = "WEBSOCKETS_ONLY"


Strategy = Annotated[Always | Deduplicate | Skip, Field(discriminator="type")]


class AdvancedTimeseries(NodeConfig):
    """A strategy for each thing that may be done with readings."""

    type: Literal["ADVANCED"] = "ADVANCED"
    timeseries: Strategy = Field(default_factory=Always, description="Store the history.")
    latest: Strategy = Field(default_factory=Always, description="Store the latest values.")
    web_sockets: Strategy = Field(default_factory=Always, description="Show them live.")
    calculated_fields: Strategy = Field(default_factory=Always, description="Evaluate alarm rules.")


class AdvancedAttributes(NodeConfig):
    """A strategy for each thing that may be done with attributes."""

    type: Literal["ADVANCED"] = "ADVANCED"
    attributes: Strategy = Field(default_factory=Always, description="Store them.")
    web_sockets: Strategy = Field(default_factory=Always, description="Show them live.")
    calculated_fields: Strategy = Field(default_factory=Always, description="Evaluate alarm rules.")


TimeseriesSettings = Annotated[
    Always | Deduplicate | WebSocketsOnly | AdvancedTimeseries, Field(discriminator="type")
]
AttributesSettings = Annotated[
    Always | Deduplicate | WebSocketsOnly | AdvancedAttributes, Field(discriminator="type")
]


class Gate:
    """Applies one strategy to the messages of one node."""

    __slots__ = ("_interval_ms", "_is_open", "_seen")

    def __init__(self, strategy: Always | Deduplicate | Skip) -> None:
        self._is_open = not isinstance(strategy, Skip)
        self._interval_ms = 0
        if isinstance(strategy, Deduplicate):
            self._interval_ms = strategy.deduplication_interval_secs * 1000
        self._seen: OrderedDict[tuple[UUID, int], None] = OrderedDict()

    def passes(self, originator: UUID, ts_ms: int) -> bool:
        """Whether this message is one to act on."""
        if not self._interval_ms:
            return self._is_open
        key = (originator, ts_ms // self._interval_ms)
        if key in self._seen:
            return False
        self._seen[key] = None
        if len(self._seen) > SEEN_LIMIT:
            self._seen.popitem(last=False)
        return True
