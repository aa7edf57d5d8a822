"""``fieldline demo``: loads the demo tenant and replays recorded readings through the MQTT port."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from fieldline.app import serving
from fieldline.cli.logs import configure_logging
from fieldline.cli.serve import for_demo
from fieldline.demo.dataset import Recording, load_recordings
from fieldline.demo.run import Endpoint, Outcome, compare, is_running, prepare, replay
from fieldline.demo.tenant import DemoDevice
from fieldline.kit.errors import FieldlineError
from fieldline.settings import load_settings


def demo(
    *,
    speed: float | None = typer.Option(
        None, "--speed", min=0.001, help="Times as fast as recorded; else as fast as acknowledged."
    ),
    data: Path | None = typer.Option(
        None, "--data", help="Folder of files to replay instead of the shipped ones."
    ),
    url: str | None = typer.Option(
        None, "--url", help="A running server; without one there, the demo runs its own."
    ),
    mqtt_port: int | None = typer.Option(None, "--mqtt-port", help="Its MQTT port."),
    email: str = typer.Option("tenant@thingsboard.org", "--email", help="A tenant administrator."),
    password: str = typer.Option("tenant", "--password", help="The password."),
    prepare_only: bool = typer.Option(
        False, "--prepare-only", help="Only create the devices and the alarm rule."
    ),
) -> None:
    """Load the demo tenant and replay real office readings through MQTT, one device per file."""
    settings = load_settings()
    address = (url or settings.public_url).rstrip("/")
    endpoint = Endpoint(
        url=address,
        mqtt_host=urlsplit(address).hostname or "localhost",
        mqtt_port=mqtt_port if mqtt_port is not None else settings.mqtt_bind_port,
        email=email,
        password=password,
    )
    outcomes = asyncio.run(
        _run(endpoint, load_recordings(data), speed, own_server=url is None, only=prepare_only)
    )
    if not all(outcome.is_complete for outcome in outcomes):
        msg = "Not everything that was acknowledged is stored; see the table"
        raise FieldlineError(msg)


async def _run(
    endpoint: Endpoint,
    recordings: list[Recording],
    speed: float | None,
    *,
    own_server: bool,
    only: bool,
) -> list[Outcome]:
    console = Console()
    async with _server(endpoint, console, own_server=own_server):
        devices = await prepare(endpoint, recordings)
        console.print(f"{len(devices)} devices with the alarm rule 'High CO2' are ready.")
        if only:
            return []
        await _replay(endpoint, recordings, devices, speed, console)
        outcomes = await compare(endpoint, recordings, devices)
    _report(outcomes, console)
    return outcomes


@asynccontextmanager
async def _server(endpoint: Endpoint, console: Console, *, own_server: bool) -> AsyncIterator[None]:
    """Use the server that runs; start one in this process only where none was asked for."""
    if not own_server or await is_running(endpoint.url):
        yield
        return
    settings = for_demo(load_settings())
    configure_logging(settings)
    console.print(f"No server at {endpoint.url}: starting one for the time of the demo.")
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
