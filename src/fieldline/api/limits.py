"""The size limit of request bodies."""

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MIB = 1024 * 1024
MAX_BODY_BYTES = 16 * MIB
MAX_FILE_BYTES = 50 * MIB
FILE_PREFIXES = ("/api/image", "/api/resource")
"""Paths that take files; device messages have their own, smaller limit in ``transports/http``."""
PACKAGE_PREFIX = "/api/otaPackage/"
"""Paths that take the files of OTA packages, whose limit the settings say."""
FORM_BYTES = 64 * 1024
"""What a form has beside its file."""
MAX_PUBLIC_BYTES = 64 * 1024
PUBLIC_PREFIXES = ("/api/auth/", "/api/noauth/", "/api/v1/auth/", "/login/")
"""Paths that anybody may send a body to; elsewhere a large one is read after the token
(``rest/dialects.py``)."""


class BodyLimit:
    """Refuses a body over the limit, by its declared length or while it is read."""

    def __init__(self, app: ASGIApp, max_package_bytes: int) -> None:
        self._app = app
        self._max_package_bytes = max_package_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        limit = self._limit_of(scope["path"])
        # Refused when the endpoint reads it, so that the answer has the endpoint's form.
        declared = _declared_length(scope)
        seen = 0

        async def receive_counting() -> Message:
            nonlocal seen
            if declared > limit:
                raise _too_large(limit)
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > limit:
                raise _too_large(limit)
            return message

        await self._app(scope, receive_counting, send)

    def _limit_of(self, path: str) -> int:
        if path.startswith(PUBLIC_PREFIXES):
            return MAX_PUBLIC_BYTES
        if path.startswith(PACKAGE_PREFIX):
            return self._max_package_bytes + FORM_BYTES
        return MAX_FILE_BYTES if path.startswith(FILE_PREFIXES) else MAX_BODY_BYTES


def _declared_length(scope: Scope) -> int:
    for name, value in scope["headers"]:
        if name == b"content-length" and value.isdigit():
            return int(value)
    return 0


def _too_large(limit: int) -> HTTPException:
    size = f"{limit // MIB} MiB" if limit >= MIB else f"{limit // 1024} KiB"
    return HTTPException(413, f"The request body is over the limit of {size}")
