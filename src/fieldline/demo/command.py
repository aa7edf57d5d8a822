"""What ``fieldline demo`` does, with its progress and its report on the terminal."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from fieldline.app.logs import configure_logging
from fieldline.app.network import keep_demo_off_the_network
from fieldline.app.server import serving
from fieldline.demo.dataset import Recording, load_recordings
from fieldline.demo.run import Endpoint, Outcome, compare, is_running, prepare, replay
from fieldline.demo.tenant import ALARM, DemoDevice
from fieldline.kit.errors import FieldlineError
from fieldline.settings import Settings


@dataclass(frozen=True, slots=True)
class Plan:
    """What was asked for on the command line.

    ``speed`` None means as fast as the server acknowledges; ``may_start_server`` runs one for the
    time of the demo where none answers.
    """

    url: str
    mqtt_port: int
    email: str
    password: str
    data: Path | None
    speed: float | None
    may_start_server: bool
    prepare_only: bool


async def run(plan: Plan, settings: Settings) -> None:
    """Load, replay, compare, report.

    Raises:
        FieldlineError: something that was acknowledged is not stored, or the server failed.
    """
    console = Console()
    recordings = load_recordings(plan.data)
    endpoint = Endpoint(
        url=plan.url,
        mqtt_host=urlsplit(plan.url).hostname or "localhost",
        mqtt_port=plan.mqtt_port,
        email=plan.email,
        password=plan.password,
    )
    async with _server(plan, settings, console):
        devices = await prepare(endpoint, recordings)
        console.print(f"{len(devices)} devices with the alarm rule '{ALARM}' are ready.")
        if plan.prepare_only:
            return
        await _replay(endpoint, recordings, devices, plan.speed, console)
        outcomes = await compare(endpoint, recordings, devices)
    _report(outcomes, console)
    if not all(outcome.is_complete for outcome in outcomes):
        msg = "Not everything that was acknowledged is stored; see the table"
        raise FieldlineError(msg)


@asynccontextmanager
async def _server(plan: Plan, settings: Settings, console: Console) -> AsyncIterator[None]:
    """Use the server that runs; start one in this process only where that is allowed."""
    if not plan.may_start_server or await is_running(plan.url):
        yield
        return
    settings = keep_demo_off_the_network(settings)
    configure_logging(settings)
    console.print(f"No server at {plan.url}: starting one for the time of the demo.")
    async with serving(settings, demo=True):
        yield
    console.print("`fieldline serve --demo` shows what is stored now.")


async def _replay(
    endpoint: Endpoint,
    recordings: list[Recording],
    devices: list[DemoDevice],
    speed: float | None,
    console: Console,
) -> None:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console) as progress:
        bars = {
            device.name: progress.add_task(device.name, total=len(recording.rows))
            for device, recording in zip(devices, recordings, strict=True)
        }

        def show(name: str, acknowledged: int) -> None:
            progress.update(bars[name], completed=acknowledged)

        await replay(endpoint, recordings, devices, speed=speed, on_progress=show)


def _report(outcomes: list[Outcome], console: Console) -> None:
    table = Table(box=None)
    for title in ("device", "rows acknowledged", "points stored", "alarms"):
        table.add_column(title, justify="left" if title == "device" else "right")
    for one in outcomes:
        table.add_row(one.device, f"{one.rows:,}", f"{one.stored_points:,}", f"{one.alarms:,}")
    rows = sum(one.rows for one in outcomes)
    points = sum(one.stored_points for one in outcomes)
    alarms = sum(one.alarms for one in outcomes)
    table.add_row("together", f"{rows:,}", f"{points:,}", f"{alarms:,}")
    console.print(table)
