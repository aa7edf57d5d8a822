"""The HTTP application: both dialects, health, documentation, errors."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from fastapi import APIRouter, FastAPI
from starlette.middleware import Middleware
from starlette.routing import BaseRoute

from fieldline.api import account_pages, docs, errors
from fieldline.api.cors import ApiCors
from fieldline.api.dispatch import DispatchingRouter
from fieldline.api.health import Metrics, Readiness, health_router
from fieldline.api.limits import BodyLimit
from fieldline.api.openapi import TITLE, Application
from fieldline.rest.dialects import V1_PREFIX
from fieldline.rest.services import Services


@dataclass(frozen=True, slots=True)
class Routers:
    """What is mounted, in this order: ThingsBoard's dialect, v1's, then anything else.

    All carry their whole path; ``v1`` ones answer at ``/api/v1`` and at ``/api``. ``others`` come
    last (WebSocket, the device HTTP API, whose ``{token}`` would match before the names of v1's
    resources).
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
    app = Application(
        title=TITLE,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
        middleware=[
            Middleware(ApiCors),
            Middleware(errors.CatchAll),
            Middleware(BodyLimit, max_package_bytes=services.limits.max_ota_package_bytes),
        ],
    )
    app.state.services = services
    app.state.shared_segments = _segments(routers.v1)
    errors.install(app)
    others = [
        health_router(options.readiness, options.metrics, metrics_open=options.metrics_open),
        account_pages.router,
        *([docs.docs_router()] if options.serves_docs else []),
        *routers.others,
    ]
    app.router = DispatchingRouter(
        _routes(routers.thingsboard), _routes(routers.v1), _routes(others), options.lifespan
    )
    return app


def _routes(routers: Sequence[APIRouter]) -> list[BaseRoute]:
    """Return the routes themselves: including a router would make each of them once more."""
    return [route for router in routers for route in router.routes]


def _segments(routers: Sequence[APIRouter]) -> frozenset[str]:
    """Return the first part of every path that v1's routers serve, as ``customers``."""
    paths = [getattr(route, "path", "") for route in _routes(routers)]
    return frozenset(path.removeprefix(V1_PREFIX).split("/")[0] for path in paths)
