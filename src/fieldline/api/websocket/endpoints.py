"""Where sockets connect: ``/api/ws`` and the older ``/api/ws/plugins/telemetry``."""

from fastapi import APIRouter
from starlette.websockets import WebSocket

from fieldline.api.websocket.closing import CloseCode
from fieldline.api.websocket.commands import AnyFrame, Frame, TelemetryFrame
from fieldline.api.websocket.parts import Parts
from fieldline.api.websocket.session import Session

router = APIRouter()


@router.websocket("/api/ws")
async def connect(socket: WebSocket) -> None:
    """Serve commands that carry their type."""
    await _serve(socket, Frame)


@router.websocket("/api/ws/plugins/telemetry")
async def connect_telemetry(socket: WebSocket) -> None:
    """Serve commands in one list per kind."""
    await _serve(socket, TelemetryFrame)


@router.websocket("/api/ws/plugins/{name}")
async def connect_unknown(socket: WebSocket, name: str) -> None:  # noqa: ARG001 - any other name
    """Refuse kinds of session that there are not."""
    await socket.accept()
    await socket.close(CloseCode.BAD_DATA, "Unknown session type")


async def _serve(socket: WebSocket, wrapper: type[AnyFrame]) -> None:
    parts: Parts = socket.app.state.sockets
    if len(parts.sockets) >= parts.limits.max_sessions:
        await socket.accept()
        await socket.close(CloseCode.POLICY, "Max sessions limit reached!")
        return
    session = Session(socket, parts, wrapper)
    parts.sockets.add(session)
    try:
        await session.run()
    finally:
        parts.sockets.discard(session)
