"""The parts of the platform that endpoints and services use, wired once by ``app``."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Annotated
from uuid import UUID

from fastapi import Depends
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.requests import HTTPConnection

from fieldline.database.engine import Database
from fieldline.kit.background import Background
from fieldline.kit.clock import Clock
from fieldline.kit.turns import Turns
from fieldline.messaging.bus import Bus
from fieldline.rest.mailing import Mailing
from fieldline.security.attempts import AttemptLimit
from fieldline.security.passwords import Passwords
from fieldline.security.secrets import Vault
from fieldline.security.tokens import Tokens
from fieldline.timeseries.store import TimeseriesStore
from fieldline.timeseries.writer import Saves

CLAIMS_PER_MINUTE = 20
"""Attempts of one user to claim devices: a secret key is not to be guessed."""
UPLOADS_AT_ONCE = 4
"""Large files that are received at a time: each one lies on this machine's disk meanwhile."""
UPLOADS_OF_ONE = 2
"""Of one tenant, so that it is not in all others' way."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Numbers from the settings that services enforce.

    ``default_tenant_*`` go into the default tenant profile when it is made; 0 means no limit.
    ``max_string_value_length`` is of telemetry and attribute values; 0 means no limit.
    ``tenant_integrations`` is how many integrations a tenant may have; 0 means no limit.
    ``claim_duration_ms`` is how long a device may be claimed that does not say;
    ``allow_claiming``: every device may be, also without the attribute ``claimingAllowed``.
    ``max_ota_package_bytes`` is of one package's file.
    """

    max_string_value_length: int = 0
    default_tenant_devices: int = 0
    default_tenant_assets: int = 0
    tenant_integrations: int = 0
    claim_duration_ms: int = 86_400_000
    allow_claiming: bool = True
    max_ota_package_bytes: int = 100 * 1024 * 1024


def _claims_per_minute() -> AttemptLimit:
    return AttemptLimit(CLAIMS_PER_MINUTE, 60_000)


def _uploads() -> Turns:
    return Turns("files are being uploaded", UPLOADS_AT_ONCE, UPLOADS_OF_ONE)


TenantSeeder = Callable[[AsyncSession, UUID], Awaitable[object]]
"""Makes what a new tenant starts with (default profiles, root rule chain), in its transaction."""


@dataclass(frozen=True, slots=True)
class Services:
    """Everything below the domains that they may need.

    ``user_token_access``: administrators may act as the users they manage. ``background`` does what
    an answer does not wait for, on the database alone; it is finished when the platform stops.
    """

    database: Database
    store: TimeseriesStore
    writer: Saves
    bus: Bus
    clock: Clock
    tokens: Tokens
    vault: Vault
    limits: Limits
    base_url: Callable[[], str]
    passwords: Passwords = field(default_factory=Passwords)
    mailing: Mailing = field(default_factory=Mailing)
    background: Background = field(default_factory=lambda: Background(max_running=1))
    claims: AttemptLimit = field(default_factory=_claims_per_minute)
    uploads: Turns = field(default_factory=_uploads)
    user_token_access: bool = True
    tenant_seeders: list[TenantSeeder] = field(default_factory=list)


async def get_services(connection: HTTPConnection) -> Services:
    """Return the services of the application that this request came to.

    (A plain function would be called in a thread.)
    """
    services: Services = connection.app.state.services
    return services


ServicesDep = Annotated[Services, Depends(get_services)]
