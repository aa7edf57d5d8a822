"""Interactive documentation: ``/openapi.json``, ``/swagger-ui``, ``/redoc``.

The pages' scripts come with the package (``static/``), so that they work without the Internet; the
content security policy keeps them from fetching anything else.
"""

import asyncio
import base64
import hashlib
from pathlib import Path

from fastapi import APIRouter, Request
from starlette.responses import FileResponse, HTMLResponse, Response

from fieldline.kit.errors import NotFound
from fieldline.kit.json import dumps
from fieldline.rest.callers import public

STATIC = Path(__file__).parent / "static"
MEDIA_TYPES = {
    "swagger-ui-5.35.0.js": "text/javascript",
    "swagger-ui-5.35.0.css": "text/css",
    "redoc-2.5.4.js": "text/javascript",
}
"""The files that pages may load; the version in the name lets browsers keep them for good."""
FOR_EVER = {"Cache-Control": "public, max-age=31536000, immutable"}
_START_SWAGGER = """SwaggerUIBundle({url: "/openapi.json", dom_id: "#swagger-ui",
deepLinking: true, docExpansion: "none", filter: true, persistAuthorization: true});"""
_ITS_HASH = base64.b64encode(hashlib.sha256(_START_SWAGGER.encode()).digest()).decode()
PAGE_HEADERS = {
    "Content-Security-Policy": (
        f"default-src 'self'; script-src 'self' 'sha256-{_ITS_HASH}'; "
        "style-src 'self' 'unsafe-inline'; img-src 'self' data:; worker-src blob:; "
        "frame-ancestors 'none'; base-uri 'none'; form-action 'self'"
    )
}
"""Swagger's page keeps the token that a reader enters: no script but ours runs in it."""
SWAGGER_PAGE = f"""<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>Fieldline API</title>
<link rel="icon" href="data:,"><link rel="stylesheet" href="/docs-assets/swagger-ui-5.35.0.css">
</head><body><div id="swagger-ui"></div>
<script src="/docs-assets/swagger-ui-5.35.0.js"></script>
<script>{_START_SWAGGER}</script>
</body></html>
"""
REDOC_PAGE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>Fieldline API</title>
<link rel="icon" href="data:,"><style>body { margin: 0 }</style></head>
<body><redoc spec-url="/openapi.json"></redoc>
<script src="/docs-assets/redoc-2.5.4.js"></script></body></html>
"""


class _Schema:
    """The OpenAPI document, built once, in a thread: it takes seconds of a processor."""

    def __init__(self) -> None:
        self._lock = asyncio.Lock()
        self._document: bytes | None = None

    async def document(self, request: Request) -> bytes:
        async with self._lock:
            if self._document is None:
                self._document = await asyncio.to_thread(lambda: dumps(request.app.openapi()))
        return self._document


def docs_router() -> APIRouter:
    """Make the router."""
    router = APIRouter(include_in_schema=False, dependencies=[public])
    schema = _Schema()

    @router.get("/openapi.json")
    async def openapi(request: Request) -> Response:
        return Response(await schema.document(request), media_type="application/json")

    @router.get("/swagger-ui")
    async def swagger_ui() -> Response:
        return HTMLResponse(SWAGGER_PAGE, headers=PAGE_HEADERS)

    @router.get("/redoc")
    async def redoc() -> Response:
        return HTMLResponse(REDOC_PAGE, headers=PAGE_HEADERS)

    @router.get("/docs-assets/{name}")
    async def asset(name: str) -> Response:
        if name not in MEDIA_TYPES:
            msg = f"There is no file '{name}'"
            raise NotFound(msg)
        return FileResponse(STATIC / name, media_type=MEDIA_TYPES[name], headers=FOR_EVER)

    return router
