"""``fieldline serve``: runs the platform until it is told to stop."""

import gc

import typer

from fieldline.app.logs import configure_logging
from fieldline.app.network import keep_demo_off_the_network
from fieldline.settings import load_settings


def serve(
    *,
    demo: bool = typer.Option(
        False, "--demo", help="Create the well-known demo logins; binds to 127.0.0.1 only."
    ),
) -> None:
    """Run the platform: MQTT, HTTP, rules, REST and WebSocket in one process."""
    settings = load_settings()
    if demo:
        settings = keep_demo_off_the_network(settings)
    configure_logging(settings)
    # Importing the platform takes a second, so a wrong setting is told before. It also makes some
    # hundred thousand objects that stay; looking through them for garbage again and again would
    # cost a third more, so the collector rests until the server is up (app/server.py wakes it).
    gc.disable()
    import uvloop  # noqa: PLC0415

    from fieldline.app.server import run_server  # noqa: PLC0415

    uvloop.run(run_server(settings, demo=demo))
