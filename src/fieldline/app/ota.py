"""Starts what gives devices their OTA packages, and what tells them of new ones."""

from contextlib import AsyncExitStack

from fieldline.domains.ota_package.content import PIECE_BYTES, Contents
from fieldline.domains.ota_update.updater import OtaUpdater
from fieldline.rest.services import Services
from fieldline.settings import Settings


def make_contents(services: Services, settings: Settings, stack: AsyncExitStack) -> Contents:
    """Return what reads the data of packages; it ends after the transports."""
    contents = Contents(services.database, settings.ota_cache_mb * 1024 * 1024 // PIECE_BYTES)
    stack.push_async_callback(contents.stop)
    return contents


def start_updates(services: Services, settings: Settings, stack: AsyncExitStack) -> None:
    """Start the updater; devices are reached through the door, which must be there."""
    updater = OtaUpdater(services, settings.ota_updates_per_minute)
    updater.start()
    stack.push_async_callback(updater.stop)
