"""Gives the connectors what they need of integrations, and keeps what they count."""

import asyncio
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from fieldline.database.engine import Database
from fieldline.domains.integration.configuration import Configuration
from fieldline.domains.integration.converter import Converter
from fieldline.domains.integration.repository import IntegrationRepository
from fieldline.domains.integration.service import configuration_of
from fieldline.domains.integration.statistics import Statistics
from fieldline.domains.integration.tls import client_context
from fieldline.security.secrets import Vault


@dataclass(frozen=True, slots=True)
class ConnectorSettings:
    """All that a connector needs; ``tls`` None is a plain connection."""

    id: UUID
    tenant_id: UUID
    name: str
    host: str
    port: int
    client_id: str
    username: str | None
    password: str | None
    tls: ssl.SSLContext | None
    configuration: Configuration
    former_filters: tuple[str, ...]
    converter: Converter
    statistics: Statistics

    @property
    def broker_session(self) -> tuple[str, int, str]:
        """What identifies the session at the broker."""
        return self.host, self.port, self.client_id


class Integrations:
    """See the module's text."""

    def __init__(self, database: Database, vault: Vault) -> None:
        self._database = database
        self._vault = vault

    async def enabled_ids(self) -> Sequence[UUID]:
        """Return the integrations of all tenants that are to run."""
        async with self._database.read() as session:
            return await IntegrationRepository(session).enabled_ids()

    async def load(self, integration_id: UUID) -> ConnectorSettings | None:
        """Return an integration, None when it is gone or not to run.

        Raises:
            Unavailable: the database is away.
            FieldlineError: what is stored cannot be used: under another root key, for example.
        """
        async with self._database.read() as session:
            repository = IntegrationRepository(session)
            row = await repository.get(integration_id)
            found = await repository.statistics([integration_id])
        if row is None or not row.enabled:
            return None
        configuration = configuration_of(row)
        tls = None
        if configuration.tls.enabled:
            # Reading the system's authorities takes some ms.
            key = self._clear(row.client_key)
            tls = await asyncio.to_thread(client_context, configuration.tls, key)
        return ConnectorSettings(
            id=row.id,
            tenant_id=row.tenant_id,
            name=row.name,
            host=row.host,
            port=row.port,
            client_id=row.client_id,
            username=row.username,
            password=self._clear(row.password),
            tls=tls,
            configuration=configuration,
            former_filters=tuple(row.former_filters),
            converter=Converter(configuration.converter),
            statistics=found.get(integration_id) or Statistics(),
        )

    async def save(self, found: Mapping[UUID, Statistics]) -> None:
        """Write what was counted.

        Raises:
            Unavailable: the database is away.
        """
        async with self._database.write() as session:
            await IntegrationRepository(session).save_statistics(found)

    def _clear(self, secret: str | None) -> str | None:
        return None if secret is None else self._vault.decrypt(secret)
