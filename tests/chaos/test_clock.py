"""A clock that is put back: readings keep their times, the newest stays the latest value."""

import asyncio
import time
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from fieldline.app.server import serving
from fieldline.settings import load_settings
from tests.chaos.fleet import Fleet
from tests.e2e.server import Rest, Server, free_port

HOUR_MS = 3_600_000
EMAIL, PASSWORD, NEW_PASSWORD = "tenant@thingsboard.org", "tenant", "a better password"


class SteppingClock:
    """The machine's clock, and by how much it was put forward or back."""

    def __init__(self) -> None:
        self.step_ms = 0

    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000 + self.step_ms


@dataclass
class Here(Server):
    """The server of this process."""

    http_port: int
    mqtt_port: int

    def login(self, email: str = EMAIL, password: str = PASSWORD) -> Rest:
        body = {"username": email, "password": password}
        answer = httpx.post(f"{self.url}/api/auth/login", json=body).raise_for_status()
        return Rest(self.url, answer.json()["token"])


async def test_a_clock_that_is_put_back_loses_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    clock, here = SteppingClock(), Here(free_port(), free_port())
    settings = load_settings(
        data_dir=tmp_path, http_bind_port=here.http_port, mqtt_bind_port=here.mqtt_port
    )
    async with serving(settings, demo=True, clock=clock):
        await asyncio.to_thread(use, here, clock)

    assert "The clock was put back by 3" in caplog.text


def use(here: Here, clock: SteppingClock) -> None:
    rest = here.login()
    fleet = Fleet(here, rest, rate=100_000)
    fleet.await_more()
    device_id = rest.create_device("timeless", "TIMELESS")
    send(here, {"m": 1})
    path = f"/api/v1/telemetry/DEVICE/{device_id}/values/timeseries"
    before = rest.get(path)["data"]["m"][0]
    change = {"currentPassword": PASSWORD, "newPassword": NEW_PASSWORD}
    rest.post("/api/auth/changePassword", change)
    rest.http.close()

    clock.step_ms -= HOUR_MS
    fleet.await_more()
    send(here, {"m": 2})
    rest = here.login(password=NEW_PASSWORD)

    assert rest.get(path)["data"]["m"] == [before]
    history = rest.get(path, keys="m", startTs=0, endTs=before["ts"] + 1)["data"]["m"]
    assert [point["value"] for point in history] == [1, 2]
    assert history[0]["ts"] - history[1]["ts"] == pytest.approx(HOUR_MS, abs=60_000)
    attributes = rest.get(f"/api/plugins/telemetry/DEVICE/{device_id}/values/attributes")
    assert {each["key"]: each["value"] for each in attributes}["active"] is True
    fleet.finish()
    fleet.check(rest, is_equal=True)
    rest.http.close()


def send(here: Here, values: dict[str, int]) -> None:
    httpx.post(f"{here.url}/api/v1/TIMELESS/telemetry", json=values).raise_for_status()
