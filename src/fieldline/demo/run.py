"""The demo from start to end: load the tenant, replay every recording, compare, report."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import httpx

from fieldline.demo.dataset import Recording
from fieldline.demo.replay import Replay, Target
from fieldline.demo.tenant import DemoDevice, DemoTenant
from fieldline.kit.errors import Unavailable


@dataclass(frozen=True, slots=True)
class Endpoint:
    """The server that the demo talks to, and the login of a tenant administrator."""

    url: str
    mqtt_host: str
    mqtt_port: int
    email: str
    password: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one recording, every row of which was acknowledged."""

    device: str
    rows: int
    stored_points: int
    expected_points: int
    alarms: int

    @property
    def is_complete(self) -> bool:
        return self.stored_points == self.expected_points


Progress = Callable[[str, int], None]
"""Called with a device's name and the rows acknowledged so far."""


async def is_running(url: str) -> bool:
    """Return whether a server answers there and is ready."""
    async with httpx.AsyncClient(base_url=url, timeout=5) as client:
        try:
            return (await client.get("/readyz")).is_success
        except httpx.HTTPError:
            return False


async def prepare(endpoint: Endpoint, recordings: list[Recording]) -> list[DemoDevice]:
    """Create the devices with their profile and alarm rule, as far as they are missing."""
    async with _tenant(endpoint) as tenant:
        return [await tenant.device(_device_name(recording)) for recording in recordings]


async def replay(
    endpoint: Endpoint,
    recordings: list[Recording],
    devices: list[DemoDevice],
    *,
    speed: float | None,
    on_progress: Progress,
) -> None:
    """Send every recording at the same time, each as its own device.

    Raises:
        Unavailable: the server does not take the readings.
    """

    def progress_of(device: DemoDevice) -> Callable[[int], None]:
        return lambda acknowledged: on_progress(device.name, acknowledged)

    try:
        async with asyncio.TaskGroup() as group:
            for recording, device in zip(recordings, devices, strict=True):
                target = Target(endpoint.mqtt_host, endpoint.mqtt_port, device.access_token)
                task = Replay(recording, target, speed=speed, on_progress=progress_of(device))
                group.create_task(task.run())
    except ExceptionGroup as group_error:
        away = group_error.subgroup(Unavailable)
        if away is None:
            raise
        raise Unavailable(str(away.exceptions[0])) from group_error


async def compare(
    endpoint: Endpoint, recordings: list[Recording], devices: list[DemoDevice]
) -> list[Outcome]:
    """Count over REST what is stored of each recording."""
    async with _tenant(endpoint) as tenant:
        return [
            Outcome(
                device=device.name,
                rows=len(recording.rows),
                stored_points=await tenant.stored_points(
                    device, recording.start_ms, recording.end_ms
                ),
                expected_points=recording.points,
                alarms=await tenant.alarms(device),
            )
            for recording, device in zip(recordings, devices, strict=True)
        ]


@asynccontextmanager
async def _tenant(endpoint: Endpoint) -> AsyncIterator[DemoTenant]:
    async with httpx.AsyncClient(base_url=endpoint.url, timeout=30) as client:
        tenant = DemoTenant(client)
        await tenant.log_in(endpoint.email, endpoint.password)
        yield tenant


def _device_name(recording: Recording) -> str:
    return f"occupancy {recording.name}"
