"""``fieldline demo``: loads the demo tenant and replays recorded readings through the MQTT port."""

import asyncio
from pathlib import Path

import typer

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
    from fieldline.demo.command import Plan, run  # noqa: PLC0415 - only this command needs it

    settings = load_settings()
    plan = Plan(
        url=(url or settings.public_url).rstrip("/"),
        mqtt_port=mqtt_port if mqtt_port is not None else settings.mqtt_bind_port,
        email=email,
        password=password,
        data=data,
        speed=speed,
        may_start_server=url is None,
        prepare_only=prepare_only,
    )
    asyncio.run(run(plan, settings))
