"""The parts of the platform that endpoints and services use, wired once by ``app``."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends
from starlette.requests import HTTPConnection

from fieldline.database.engine import Database
from fieldline.kit.clock import Clock
from fieldline.messaging.bus import Bus
from fieldline.security.secrets import Vault
from fieldline.security.tokens import Tokens
from fieldline.timeseries.store import TimeseriesStore
from fieldline.timeseries.writer import Saves


@dataclass(frozen=True, slots=True)
class Limits:
    """Numbers from the settings that services enforce.

    ``default_tenant_*`` go into the default tenant profile when it is made; 0 means no limit.
    ``max_string_value_length`` is of telemetry and attribute values; 0 means no limit.
    """

    max_string_value_length: int = 0
    default_tenant_devices: int = 0
    default_tenant_assets: int = 0


@dataclass(frozen=True, slots=True)
class Services:
    """Everything below the domains that they may need."""

    database: Database
    store: TimeseriesStore
    writer: Saves
    bus: Bus
    clock: Clock
    tokens: Tokens
    vault: Vault
    limits: Limits
    base_url: Callable[[], str]


def get_services(connection: HTTPConnection) -> Services:
    """Return the services of the application that this request came to."""
    services: Services = connection.app.state.services
    return services


ServicesDep = Annotated[Services, Depends(get_services)]
