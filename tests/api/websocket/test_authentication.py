"""Who may open a socket, and until when."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator

import pytest

from fieldline.api.websocket.limits import SocketLimits
from fieldline.database.engine import Database
from fieldline.kit.clock import ManualClock
from fieldline.messaging.events import TokensRevoked
from tests.api.websocket.server import connected, serving
from tests.domains.telemetry.platform import Platform, running_platform

HISTORY = {"type": "TIMESERIES_HISTORY", "cmdId": 1, "entityType": "DEVICE", "keys": "a"}
PATHS = ["/api/ws", "/api/ws/plugins/telemetry"]


@pytest.fixture
async def impatient(sqlite_database: Database, clock: ManualClock) -> AsyncIterator[Platform]:
    limits = SocketLimits(auth_timeout_s=0.05, check_interval_s=0.05, max_sessions=2)
    async with running_platform(sqlite_database, clock, limits=limits) as platform:
        yield platform


@pytest.mark.parametrize("path", PATHS)
async def test_a_token_in_the_url_opens_a_socket(platform: Platform, path: str) -> None:
    async with (
        serving(platform) as port,
        connected(port, path, token=platform.token(platform.admin)) as client,
    ):
        answer = await client.ask("{")

    assert answer["errorMsg"] == "Failed to parse the payload"


@pytest.mark.parametrize("path", PATHS)
async def test_a_bad_token_in_the_url_closes_with_1011(platform: Platform, path: str) -> None:
    async with serving(platform) as port, connected(port, path, token="rubbish") as client:
        code, reason = await client.closed()

    assert (code, reason) == (1011, "Invalid username or password")


async def test_the_first_frame_may_authenticate_and_command(platform: Platform) -> None:
    first = {
        "authCmd": {"cmdId": 0, "token": platform.token(platform.admin)},
        "cmds": [HISTORY | {"entityId": str(platform.device.id), "endTs": 5}],
    }
    async with serving(platform) as port, connected(port) as client:
        answer = await client.ask(first)

    assert answer["errorCode"] == 0


@pytest.mark.parametrize(
    ("path", "frame", "code", "reason"),
    [
        ("/api/ws", '{"cmds": []}', 1008, "Auth cmd is missing"),
        ("/api/ws", "{", 1007, "not JSON"),
        ("/api/ws", '{"authCmd": {"cmdId": 0, "token": "x"}}', 1007, "Invalid username"),
        ("/api/ws", '{"authCmd": {"cmdId": 0, "apiKey": "x"}}', 1007, "API keys"),
        ("/api/ws/plugins/telemetry", '{"tsSubCmds": []}', 1008, "Auth cmd is missing"),
        ("/api/ws/plugins/telemetry", '{"authCmd": {}}', 1007, "authCmd"),
    ],
)
async def test_a_first_frame_that_does_not_authenticate_closes(
    platform: Platform, path: str, frame: str, code: int, reason: str
) -> None:
    async with serving(platform) as port, connected(port, path) as client:
        await client.send(frame)
        closed_code, closed_reason = await client.closed()

    assert closed_code == code
    assert reason in closed_reason


async def test_silence_closes_with_1008(impatient: Platform) -> None:
    async with serving(impatient) as port, connected(port) as client:
        code, _reason = await client.closed()

    assert code == 1008


async def test_an_unknown_kind_of_session_closes_with_1007(platform: Platform) -> None:
    async with serving(platform) as port, connected(port, "/api/ws/plugins/weather") as client:
        assert await client.closed() == (1007, "Unknown session type")


async def test_an_expired_token_ends_the_socket(impatient: Platform) -> None:
    token = impatient.token(impatient.admin)
    async with serving(impatient) as port, connected(port, token=token) as client:
        await client.ask("{")
        impatient.clock.advance(3_600_000)
        code, reason = await client.closed()

    assert (code, reason) == (1011, "Token has expired")


async def test_who_has_no_valid_token_any_more_is_out_at_once(platform: Platform) -> None:
    token = platform.token(platform.admin)
    async with serving(platform) as port, connected(port, token=token) as client:
        await client.ask("{")
        now_ms, user_id = platform.clock.now_ms(), platform.admin.user_id
        platform.services.tokens.outdate(user_id, now_ms, now_ms + 1_000)
        platform.services.bus.emit(TokensRevoked(user_id, now_ms, now_ms + 1_000))
        code, _reason = await client.closed()

    assert code == 1011


async def test_one_socket_too_many_is_refused(impatient: Platform) -> None:
    token = impatient.token(impatient.admin)
    async with (
        serving(impatient) as port,
        connected(port, token=token) as first,
        connected(port, token=token) as second,
    ):
        await first.ask("{")
        await second.ask("{")
        async with connected(port, token=token) as third:
            assert await third.closed() == (1008, "Max sessions limit reached!")


async def test_a_frame_that_is_too_long_closes_with_1009(platform: Platform) -> None:
    token = platform.token(platform.admin)
    async with serving(platform) as port, connected(port, token=token) as client:
        await client.send(json.dumps({"cmds": ["x" * 32_768]}))
        code, _reason = await client.closed()

    assert code == 1009


async def test_only_text_is_understood(platform: Platform) -> None:
    token = platform.token(platform.admin)
    async with serving(platform) as port, connected(port, token=token) as client:
        await client.connection.send(b"\x00")
        code, _reason = await client.closed()

    assert code == 1007


async def test_the_log_does_not_show_the_token(
    platform: Platform, caplog: pytest.LogCaptureFixture
) -> None:
    token = platform.token(platform.admin)
    logger = logging.getLogger("uvicorn.error")
    async with serving(platform, log_level="info") as port:
        logger.addHandler(caplog.handler)
        async with connected(port, token=token) as client:
            await client.ask("{")
        logger.removeHandler(caplog.handler)

    assert "WebSocket /api/ws" in caplog.text
    assert token not in caplog.text


async def test_a_peer_that_answers_no_ping_is_closed_with_4500(platform: Platform) -> None:
    token = platform.token(platform.admin)
    async with serving(platform, ws_ping_interval=0.05, ws_ping_timeout=0.05) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(
            f"GET /api/ws?token={token} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n"
            "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".encode()
        )
        await reader.readuntil(b"\r\n\r\n")
        async with asyncio.timeout(5):
            ping = await reader.readexactly(6)
            close = await reader.readexactly(4)
        writer.close()

    assert ping[0] == 0x89
    assert (close[0], int.from_bytes(close[2:4], "big")) == (0x88, 4500)
