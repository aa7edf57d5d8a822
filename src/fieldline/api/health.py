"""Health and metrics of the process: ``/livez``, ``/readyz``, ``/metrics``."""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from fastapi import APIRouter, Request
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    GCCollector,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from starlette.responses import PlainTextResponse, Response

from fieldline.kit.errors import Forbidden
from fieldline.rest.callers import bearer_token, public
from fieldline.rest.documents import thingsboard_content
from fieldline.rest.services import ServicesDep
from fieldline.security.permissions import DENIED

Readiness = Callable[[], str | None]
"""Says why the process is not ready, or None when it is."""


_REASON = {
    "description": "It is not ready; the text says why.",
    "content": {"text/plain": {"schema": {"type": "string"}}},
}
_CLOSED: dict[int | str, dict[str, Any]] = {
    status: {
        "description": "Closed metrics are for system administrators.",
        "content": thingsboard_content(status),
    }
    for status in (401, 403)
}


class Reading(NamedTuple):
    """A number of the platform that is read when somebody asks for the metrics."""

    name: str
    description: str
    read: Callable[[], float]
    is_counter: bool = False


class Metrics(Collector):
    """The process's metrics in Prometheus' form; parts add what they count."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._readings: list[Reading] = []
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        GCCollector(registry=self.registry)
        self.registry.register(self)

    def add(self, *readings: Reading) -> None:
        self._readings.extend(readings)

    def collect(self) -> Iterator[Metric]:
        for reading in self._readings:
            family = CounterMetricFamily if reading.is_counter else GaugeMetricFamily
            yield family(reading.name, reading.description, value=reading.read())


def health_router(readiness: Readiness, metrics: Metrics, *, metrics_open: bool) -> APIRouter:
    """Make the router; closed metrics are for system administrators only."""
    router = APIRouter(tags=["health"], dependencies=[public])

    @router.get("/livez", response_class=PlainTextResponse)
    async def livez() -> str:
        """Answer as long as the process runs."""
        return "ok"

    @router.get("/readyz", response_class=PlainTextResponse, responses={503: _REASON})
    async def readyz() -> Response:
        """Answer 200 when the process takes work, else 503 with the reason."""
        reason = readiness()
        return PlainTextResponse(reason or "ready", 503 if reason else 200)

    @router.get("/metrics", response_class=PlainTextResponse, responses=_CLOSED)
    async def read_metrics(request: Request, services: ServicesDep) -> Response:
        """Answer the metrics in Prometheus' text form."""
        if not metrics_open:
            caller = services.tokens.verify_access(bearer_token(request))
            if not caller.is_sys_admin:
                raise Forbidden(DENIED)
        return Response(generate_latest(metrics.registry), media_type=CONTENT_TYPE_LATEST)

    return router
