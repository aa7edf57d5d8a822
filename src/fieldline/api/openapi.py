"""The application, whose OpenAPI document lists the errors of every route."""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from fieldline.rest.dialects import Route
from fieldline.rest.documents import SCHEMAS

FASTAPIS_OWN = "HTTPValidationError"
"""The form of a 422 that FastAPI documents for every route with an input, and none answers."""


class Application(FastAPI):
    """FastAPI with a true document, which it does not keep: ``api/docs.py`` keeps its bytes."""

    def openapi(self) -> dict[str, Any]:
        """Return the OpenAPI document."""
        document = get_openapi(
            title=self.title,
            version=self.version,
            description=self.description,
            routes=self.routes,
        )
        schemas = document["components"]["schemas"]
        for name in (FASTAPIS_OWN, "ValidationError"):
            schemas.pop(name, None)
        schemas |= SCHEMAS
        for path in document["paths"].values():
            for operation in path.values():
                _drop_fastapis_own(operation["responses"])
        for route in self.routes:
            if isinstance(route, Route) and route.include_in_schema:
                errors = route.error_answers()
                for method in route.methods or ():
                    answers = document["paths"][route.path_format][method.lower()]["responses"]
                    answers |= {key: errors[key] for key in errors if key not in answers}
        return document


def _drop_fastapis_own(answers: dict[str, Any]) -> None:
    if FASTAPIS_OWN in str(answers.get("422")):
        del answers["422"]
