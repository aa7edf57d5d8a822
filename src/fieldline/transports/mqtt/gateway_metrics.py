"""How long readings took on their way: from the connector to the gateway, and from there to here.

A gateway that is told to may say with its readings when it got and when it sent them; that is taken
out of them and comes back as telemetry of the gateway, ``gatewayMetrics``, once a minute.
Source: ThingsBoard's MQTT gateway API.
"""

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from fieldline.kit.errors import Invalid
from fieldline.kit.number_text import NumberText

REPORT_MS = 60_000
MAX_CONNECTORS = 1_000
"""Of one gateway; readings of more are not counted."""
_KEYS = ("connector", "receivedTs", "publishedTs")


@dataclass(slots=True)
class _Latency:
    count: int = 0
    total: int = 0
    least: int = 2**63
    most: int = -(2**63)

    def add(self, ms: int) -> None:
        self.count += 1
        self.total += ms
        self.least = min(self.least, ms)
        self.most = max(self.most, ms)


@dataclass(slots=True)
class _Connector:
    gateway: _Latency = field(default_factory=_Latency)
    transport: _Latency = field(default_factory=_Latency)

    def as_json(self) -> dict[str, int]:
        return {
            "avgGwLatency": self.gateway.total // self.gateway.count,
            "minGwLatency": self.gateway.least,
            "maxGwLatency": self.gateway.most,
            "avgTransportLatency": self.transport.total // self.transport.count,
            "minTransportLatency": self.transport.least,
            "maxTransportLatency": self.transport.most,
        }


class GatewayMetrics:
    """The latencies of one gateway's connectors."""

    def __init__(self) -> None:
        self._connectors: dict[str, _Connector] = {}
        self._report_at_ms = 0

    def take_out(self, found: Iterable[list[Any]], now_ms: int) -> dict[str, Any] | None:
        """Take the metadata out of readings; returns telemetry of the gateway when it is time.

        Args:
            found: readings of each device, changed in place.
            now_ms: of a clock that only runs forwards.

        Raises:
            Invalid: metadata is not of the right form.
        """
        for elements in found:
            for element in elements:
                if isinstance(element, dict) and isinstance(element.get("metadata"), dict):
                    self._count(element.pop("metadata"), now_ms)
        if not self._connectors or now_ms < self._report_at_ms:
            return None
        report = {name: each.as_json() for name, each in self._connectors.items()}
        self._connectors.clear()
        return {"gatewayMetrics": report}

    def _count(self, metadata: Mapping[str, Any], now_ms: int) -> None:
        name = metadata.get("connector")
        received_ms, published_ms = _time(metadata, "receivedTs"), _time(metadata, "publishedTs")
        if not isinstance(name, str) or received_ms is None or published_ms is None:
            msg = (
                f"'metadata' of a reading must hold {', '.join(_KEYS)}: a name and two times in ms"
            )
            raise Invalid(msg)
        if not self._connectors:
            self._report_at_ms = now_ms + REPORT_MS
        if name not in self._connectors and len(self._connectors) >= MAX_CONNECTORS:
            return
        connector = self._connectors.setdefault(name[:255], _Connector())
        connector.gateway.add(published_ms - received_ms)
        connector.transport.add(time.time_ns() // 1_000_000 - published_ms)


def _time(metadata: Mapping[str, Any], key: str) -> int | None:
    value = metadata.get(key)
    if isinstance(value, NumberText):
        value = float(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return int(value) if abs(value) < 2**53 else None
