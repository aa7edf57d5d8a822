"""``fieldline serve``: runs the platform until it is told to stop."""

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
    # Only now, so that a wrong setting is told at once: the platform takes a second to import.
    import uvloop  # noqa: PLC0415

    from fieldline.app.server import run_server  # noqa: PLC0415

    uvloop.run(run_server(settings, demo=demo))
