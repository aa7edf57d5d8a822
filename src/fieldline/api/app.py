"""The HTTP application: both dialects, health, documentation, errors."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from fastapi import APIRouter, FastAPI
from starlette.middleware import Middleware

import fieldline
from fieldline.api import docs, errors
from fieldline.api.cors import ApiCors
from fieldline.api.dispatch import DispatchingRouter
from fieldline.api.health import Metrics, Readiness, health_router
from fieldline.api.limits import BodyLimit
from fieldline.rest.services import Services


@dataclass(frozen=True, slots=True)
class Routers:
    """What is mounted, in this order: ThingsBoard's dialect, v1's, then anything else.

    ``thingsboard`` routers carry their whole path. ``v1`` ones are mounted at ``/api/v1`` and at
    ``/api``. ``others`` are mounted last (WebSocket, the device HTTP API, whose ``{token}``
    would match before the names of v1's resources).
    """

    thingsboard: Sequence[APIRouter] = ()
    v1: Sequence[APIRouter] = ()
    others: Sequence[APIRouter] = ()


@dataclass(frozen=True, slots=True)
class ApiOptions:
    """How the application is set up.

    ``readiness`` says why the process is not ready; ``lifespan`` is Starlette's; ``serves_docs``
    mounts the documentation pages and ``/openapi.json``.
    """

    readiness: Readiness = lambda: None
    metrics: Metrics = field(default_factory=Metrics)
    metrics_open: bool = True
    serves_docs: bool = True
    lifespan: Any = None


def create_app(services: Services, routers: Routers, options: ApiOptions | None = None) -> FastAPI:
    """Build the application over the given services."""
    options = options or ApiOptions()
    app = FastAPI(
        title="Fieldline",
        version=fieldline.__version__,
        description="An IoT platform. `/api/v1` is the v1 dialect, `/api` ThingsBoard's.",
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
        middleware=[
            Middleware(ApiCors),
            Middleware(errors.CatchAll),
            Middleware(BodyLimit),
        ],
    )
    app.state.services = services
    app.state.shared_segments = _segments(routers.v1)
    errors.install(app)
    others = [
        health_router(options.readiness, options.metrics, metrics_open=options.metrics_open),
        *([docs.docs_router()] if options.serves_docs else []),
        *routers.others,
    ]
    dispatching = DispatchingRouter(
        redirect_slashes=False, lifespan=options.lifespan, dependency_overrides_provider=app
    )
    app.router = dispatching
    for router in (*routers.thingsboard, *others):
        app.include_router(router)
    for router in routers.v1:
        app.include_router(router, prefix="/api/v1")
        # Shown once in the documentation, at /api/v1.
        app.include_router(router, prefix="/api", include_in_schema=False)
    dispatching.dispatch(routers.thingsboard, routers.v1, others)
    return app


def _segments(routers: Sequence[APIRouter]) -> frozenset[str]:
    """Return the first part of every path that v1's routers serve, as ``customers``."""
    paths = [getattr(route, "path", "") for router in routers for route in router.routes]
    return frozenset(path.split("/")[1] for path in paths if path.startswith("/"))
