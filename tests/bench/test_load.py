"""The load generator against the real server."""

import asyncio
import re
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import cast

import pytest

from fieldline.bench import command
from fieldline.bench.load import Pacer, Plan, Result, run
from fieldline.bench.meter import POINTS, Device
from fieldline.bench.publisher import Pace
from fieldline.bench.scenarios import SCENARIOS
from fieldline.bench.stage import Bench
from fieldline.bench.subscriber import Subscribers
from fieldline.bench.tenant import Tenant
from fieldline.kit.errors import Invalid
from fieldline.kit.json import loads
from tests.e2e.server import Server


@pytest.mark.e2e
def test_what_is_acknowledged_is_stored_and_seen(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    server = Server(tmp_path / "data")
    server.start()
    tenant = Tenant(server.url)
    try:
        tenant.add_alarm_rule()
        devices = tenant.create_devices(4, "meter")
        plan = Plan(
            "127.0.0.1", server.mqtt_port, list(devices), 2, 0.5, 0.1, server_pid=server.pid
        )
        full = asyncio.run(run(plan))
        watched = list(tenant.create_devices(2, "watched").items())
        paced = asyncio.run(
            run(
                replace(
                    plan,
                    tokens=[token for token, _ in watched],
                    rate=50,
                    http_url=server.url,
                    user_token=tenant.token,
                    watched=[device_id for _, device_id in watched],
                )
            )
        )

        assert full.failures == paced.failures == []
        assert _stored(tenant, full, list(devices.values())) == POINTS * full.acknowledged > 0
        assert _stored(tenant, paced, [i for _, i in watched]) == POINTS * paced.acknowledged > 0
        assert full.acknowledged == full.sent
        assert paced.watch_p99_ms > 0
        assert tenant.count_alarms() > 0
    finally:
        tenant.close()
        server.stop()


def _stored(tenant: Tenant, result: Result, device_ids: list[str]) -> int:
    end_ms = result.last_ms + 1
    return sum(tenant.count_points(device_id, result.first_ms, end_ms) for device_id in device_ids)


def test_a_reading_keeps_its_time_whatever_digits_it_has() -> None:
    sent: list[bytes] = []

    class Wire:
        def write(self, data: bytes) -> None:
            sent.append(data)

    device = Device("token", 2, 1_781_818_181_818, Pace())
    device.connection_made(cast("asyncio.Transport", Wire()))
    device.begin()

    readings = [loads(text) for text in re.findall(rb'{"ts.*?}}', sent[1])]
    assert [each["ts"] for each in readings] == [1_781_818_181_818, 1_781_818_181_819]


async def test_a_stall_is_made_up_and_counted_from_when_it_was_due() -> None:
    due: list[float] = []

    class Silent(Device):
        def __init__(self) -> None:
            self.sent = 0
            self.first_ms = 0

        def publish(self, due_s: float) -> None:
            due.append(due_s)

    pacing = asyncio.create_task(Pacer([Silent()], 1_000, Subscribers([])).run())
    async with asyncio.timeout(20):
        while len(due) < 10:  # noqa: ASYNC110 - it has no event
            await asyncio.sleep(0.001)
    pacing.cancel()
    await asyncio.gather(pacing, return_exceptions=True)

    steps = [later - earlier for earlier, later in pairwise(due)]
    assert steps == pytest.approx([0.001] * len(steps))


def test_an_unknown_scenario_is_named(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match=f"no scenario nonsense; there are {', '.join(SCENARIOS)}"):
        command.run(["nonsense"], Bench(), tmp_path, strict=False)
