"""Whole dashboards as answers: large ones, so they are compressed for clients that can read it."""

import asyncio
import gzip
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from fieldline.kit.json import dumps

MIN_GZIP_BYTES = 1024
"""Below it compressing saves nothing that counts."""
LEVEL = 5
"""Of 1 to 9: more takes much longer and saves little."""


async def json_answer(request: Request, content: dict[str, Any]) -> Response:
    """Answer JSON, by gzip when the client takes it; compressed in a thread."""
    body = dumps(content)
    headers = {"Vary": "Accept-Encoding"}
    if len(body) >= MIN_GZIP_BYTES and "gzip" in request.headers.get("accept-encoding", ""):
        body = await asyncio.to_thread(gzip.compress, body, LEVEL)
        headers["Content-Encoding"] = "gzip"
    return Response(body, media_type="application/json", headers=headers)
