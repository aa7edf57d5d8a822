"""The OpenAPI document: FastAPI's, with the errors and the roles of every route."""

from collections.abc import Sequence
from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.openapi.utils import get_openapi
from starlette.routing import BaseRoute

import fieldline
from fieldline.rest.dialects import Route, V1Route
from fieldline.rest.documents import SCHEMAS

TITLE = "Fieldline"
JSON = "application/json"
DESCRIPTION = "An IoT platform. `/api/v1` is the v1 dialect, `/api` ThingsBoard's."
FASTAPIS_OWN = "HTTPValidationError"
"""The form of a 422 that FastAPI documents for every route with an input, and none answers."""


class Application(FastAPI):
    """FastAPI with a true document, which it does not keep: ``api/docs.py`` keeps its bytes."""

    def openapi(self) -> dict[str, Any]:
        """Return the OpenAPI document."""
        return _document(self.routes)


def document_of(routers: Sequence[APIRouter]) -> dict[str, Any]:
    """Return the document of some routers."""
    return _document([route for router in routers for route in router.routes])


def _document(routes: Sequence[BaseRoute]) -> dict[str, Any]:
    document = get_openapi(
        title=TITLE, version=fieldline.__version__, description=DESCRIPTION, routes=routes
    )
    schemas = document["components"]["schemas"]
    for name in (FASTAPIS_OWN, "ValidationError"):
        schemas.pop(name, None)
    schemas |= SCHEMAS
    for path in document["paths"].values():
        for operation in path.values():
            if FASTAPIS_OWN in str(operation["responses"].get("422")):
                del operation["responses"]["422"]
    for route in routes:
        if isinstance(route, Route) and route.include_in_schema:
            for method in route.methods or ():
                _describe(route, document["paths"][route.path_format][method.lower()])
    _share(routes, document["paths"])
    return document


def _describe(route: Route, operation: dict[str, Any]) -> None:
    operation["x-roles"] = route.roles()
    operation["responses"] = route.error_answers() | operation["responses"]


def _share(routes: Sequence[BaseRoute], paths: dict[str, Any]) -> None:
    """Add v1's answers to ThingsBoard's routes of the same path, where either may answer."""
    for route in (each for each in routes if isinstance(each, V1Route)):
        for method in (each.lower() for each in route.methods or ()):
            twin = paths.get(route.shared_path, {}).get(method)
            if twin is None:
                continue
            for status, answer in paths[route.path_format][method]["responses"].items():
                twin["responses"][status] = _either(twin["responses"].get(status, answer), answer)


def _either(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    """Return the description of an answer that has one of two forms."""
    schemas = [answer.get("content", {}).get(JSON, {}).get("schema") for answer in (one, other)]
    if None in schemas or schemas[0] == schemas[1]:
        return one
    return one | {"content": one["content"] | {JSON: {"schema": {"anyOf": schemas}}}}
