"""Lets pages of any origin call the API, as ThingsBoard does, and nothing else of the server.

That is safe because the server sets no cookies: a page has no rights but those of a token that it
was given. What needs no token (metrics, health, documentation) is not for other origins' scripts,
which otherwise could read it from behind a firewall.
"""

from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

MAX_AGE_S = 1_800


class ApiCors:
    """CORS for ``/api/**``."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._shared = CORSMiddleware(
            app,
            allow_origin_regex=".*",
            allow_credentials=True,
            allow_methods=["*"],
            allow_headers=["*"],
            max_age=MAX_AGE_S,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_api = scope["type"] == "http" and scope["path"].startswith("/api/")
        await (self._shared if is_api else self._app)(scope, receive, send)
