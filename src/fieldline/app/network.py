"""Where the servers listen when the demo's well-known passwords are there."""

from fieldline.kit.errors import Invalid
from fieldline.settings import Settings

LOOPBACK = "127.0.0.1"
ADDRESSES = ("http_bind_address", "mqtt_bind_address")


def keep_demo_off_the_network(settings: Settings) -> Settings:
    """Return the settings bound to the loopback address, unless somebody insists.

    Raises:
        Invalid: another address is asked for without ``FIELDLINE_DEMO_ON_NETWORK``.
    """
    given = {name for name in ADDRESSES if name in settings.model_fields_set}
    if not settings.demo_on_network:
        for name in sorted(given):
            address = getattr(settings, name)
            if address != LOOPBACK:
                msg = (
                    f"{name.upper()}={address!r} is refused with --demo, whose passwords are well "
                    f"known: leave it out for {LOOPBACK}, or set FIELDLINE_DEMO_ON_NETWORK=true "
                    "if you mean it"
                )
                raise Invalid(msg)
    return settings.model_copy(update={name: LOOPBACK for name in ADDRESSES if name not in given})
