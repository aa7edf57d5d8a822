"""A client that does not read: nothing grows, nobody else is held up."""

import asyncio
import json
from typing import Any

from websockets.asyncio.client import ClientConnection

from fieldline.api.websocket.limits import SocketLimits
from fieldline.database.engine import Database
from fieldline.kit.clock import ManualClock
from tests.api.websocket.server import connected, connected_slowly, serving
from tests.domains.telemetry.platform import Platform, running_platform
from tests.waiting import until

LONG = "x" * 8_000
SAVES = 300
"""More than all buffers between the two ends hold (300 x 8 kB)."""


async def save_many(platform: Platform) -> None:
    for n in range(1, SAVES + 1):
        value = f"{n}{LONG}"
        await platform.telemetry.save_readings(platform.admin, platform.device, [(n, {"a": value})])


def subscribe(platform: Platform, scope: str = "") -> dict[str, Any]:
    return {
        "cmds": [
            {
                "type": "TIMESERIES",
                "cmdId": 1,
                "entityType": "DEVICE",
                "entityId": str(platform.device.id),
                "keys": "a",
                "scope": scope,
            }
        ]
    }


async def test_latest_values_skip_steps_and_end_with_the_newest(platform: Platform) -> None:
    token = platform.token(platform.admin)
    seen: list[int] = []
    async with serving(platform) as port, connected_slowly(port, token) as client:
        await client.ask(subscribe(platform, "LATEST_TELEMETRY"))
        await save_many(platform)
        while not seen or seen[-1] != SAVES:
            seen += [ts for ts, _ in (await client.receive())["data"]["a"]]

    assert seen == sorted(seen)
    assert len(seen) < SAVES


async def test_time_series_over_the_limit_close_the_socket_and_no_other(
    sqlite_database: Database, clock: ManualClock
) -> None:
    limits = SocketLimits(max_pending_bytes=200_000)
    async with (
        running_platform(sqlite_database, clock, limits=limits) as platform,
        serving(platform) as port,
        connected_slowly(port, platform.token(platform.admin)) as slow,
        connected(port, token=platform.token(platform.admin)) as quick,
    ):
        await slow.ask(subscribe(platform))
        await quick.ask(subscribe(platform))
        reading = asyncio.create_task(read_up_to(quick.connection, SAVES))
        await save_many(platform)
        async with asyncio.timeout(10):
            seen = await reading
        code, reason = await slow.closed()

    assert seen == list(range(1, SAVES + 1))
    assert (code, reason) == (1008, "Max pending updates limit reached!")


async def test_a_reader_that_stays_silent_is_closed_with_4500(
    sqlite_database: Database, clock: ManualClock
) -> None:
    limits = SocketLimits(send_timeout_s=0.05, max_pending_bytes=2**30)
    async with (
        running_platform(sqlite_database, clock, limits=limits) as platform,
        serving(platform) as port,
        connected_slowly(port, platform.token(platform.admin)) as client,
    ):
        await client.ask(subscribe(platform))
        await save_many(platform)
        await until(lambda: not platform.hub.watched)
        code, reason = await client.closed()

    assert (code, reason) == (4500, "session not reliable")


async def test_a_client_that_asks_but_does_not_read_is_not_read_either(
    sqlite_database: Database, clock: ManualClock
) -> None:
    limits = SocketLimits(max_waiting_replies=2, send_timeout_s=60)
    async with (
        running_platform(sqlite_database, clock, limits=limits) as platform,
        serving(platform) as port,
        connected_slowly(port, platform.token(platform.admin)) as client,
    ):
        await save_many(platform)
        history = {
            "type": "TIMESERIES_HISTORY",
            "entityType": "DEVICE",
            "entityId": str(platform.device.id),
            "keys": "a",
            "endTs": 1_000,
            "limit": 20,
        }
        for cmd_id in range(1, 51):
            await client.send({"cmds": [history | {"cmdId": cmd_id}]})
        answers = [(await client.receive())["subscriptionId"] for _ in range(50)]

    assert answers == list(range(1, 51))


async def read_up_to(connection: ClientConnection, last: int) -> list[int]:
    seen: list[int] = []
    while not seen or seen[-1] != last:
        seen += [ts for ts, value in json.loads(await connection.recv())["data"]["a"] if value]
    return seen
