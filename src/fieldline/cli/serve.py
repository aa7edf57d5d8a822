"""``fieldline serve``: runs the platform until it is told to stop."""

import typer
import uvloop

from fieldline.app import run_server
from fieldline.cli.logs import configure_logging
from fieldline.kit.errors import Invalid
from fieldline.settings import Settings, load_settings

LOOPBACK = "127.0.0.1"


def serve(
    *,
    demo: bool = typer.Option(
        False, "--demo", help="Create the well-known demo logins; binds to 127.0.0.1 only."
    ),
) -> None:
    """Run the platform: MQTT, HTTP, rules, REST and WebSocket in one process."""
    settings = load_settings()
    if demo:
        settings = for_demo(settings)
    configure_logging(settings)
    uvloop.run(run_server(settings, demo=demo))


def for_demo(settings: Settings) -> Settings:
    """Keep well-known passwords off the network unless somebody insists."""
    given = {
        name: getattr(settings, name)
        for name in ("http_bind_address", "mqtt_bind_address")
        if name in settings.model_fields_set
    }
    if settings.demo_on_network:
        missing = {"http_bind_address", "mqtt_bind_address"} - given.keys()
        return settings.model_copy(update=dict.fromkeys(missing, LOOPBACK))
    elsewhere = {name: value for name, value in given.items() if value != LOOPBACK}
    if elsewhere:
        name, value = next(iter(elsewhere.items()))
        msg = (
            f"{name.upper()}={value!r} is refused with --demo, whose passwords are well known: "
            f"leave it out for {LOOPBACK}, or set FIELDLINE_DEMO_ON_NETWORK=true if you mean it"
        )
        raise Invalid(msg)
    return settings.model_copy(
        update={"http_bind_address": LOOPBACK, "mqtt_bind_address": LOOPBACK}
    )
