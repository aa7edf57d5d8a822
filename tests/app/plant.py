"""The whole platform with a tenant, its REST API, and its MQTT port."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import make_url

from fieldline.app.platform import Platform, open_platform
from fieldline.domains.bootstrap.service import DEFAULT_ADMIN_EMAIL
from fieldline.domains.user import credentials
from fieldline.protocols.mqtt.packets import Connect, Publish
from fieldline.settings import Settings, load_settings
from tests.api.support import Client, created
from tests.e2e.server import free_port
from tests.transports.mqtt.client import MqttClient


@dataclass
class Plant:
    """A running platform and its tenant; ``heard`` is what devices were sent."""

    platform: Platform
    settings: Settings
    heard: list[Publish] = field(default_factory=list)
    clients: list[Client] = field(default_factory=list)
    devices: list[MqttClient] = field(default_factory=list)

    async def user(self, email: str) -> Client:
        """Return a client of a user, who needs no password here."""
        services = self.platform.services
        async with services.database.read() as session:
            found = await credentials.by_email(session, email)
        assert found is not None
        token = services.tokens.issue(credentials.caller_of(found[0])).access
        return self.client(token)

    def client(self, token: str | None = None) -> Client:
        self.clients.append(Client(self.platform.app, token))
        return self.clients[-1]

    async def tenant(self, name: str = "acme") -> Client:
        """Make a tenant and return its administrator."""
        sysadmin = await self.user(DEFAULT_ADMIN_EMAIL)
        tenant = await created(sysadmin, "/api/tenant", {"title": name})
        email = f"admin@{name}.org"
        body = {"email": email, "authority": "TENANT_ADMIN", "tenantId": tenant["id"]}
        await created(sysadmin, "/api/user?sendActivationMail=false", body)
        return await self.user(email)

    async def device(self, admin: Client, name: str, **fields: Any) -> str:
        """Make a device whose token is its name; returns its id."""
        body = {"name": name, **fields}
        made = await created(admin, f"/api/device?accessToken={name}", body)
        device_id: str = made["id"]["id"]
        return device_id

    async def connect(
        self, token: str, *, on_message: Callable[[Publish], None] | None = None, **fields: Any
    ) -> MqttClient:
        """Connect a device over MQTT."""
        connect = Connect(**{"client_id": token, "username": token, "version": 5, **fields})
        device = await MqttClient.open(
            "127.0.0.1",
            self.settings.mqtt_bind_port,
            connect,
            on_message=on_message or self.heard.append,
        )
        self.devices.append(device)
        return device


def settings_of(database_url: str, folder: Path) -> Settings:
    """Return settings of a platform on that database, or on its embedded one for SQLite."""
    url = make_url(database_url)
    given: dict[str, Any] = {}
    if url.get_backend_name() == "postgresql":
        given = {
            "postgres_server": url.query["host"],
            "postgres_user": url.username,
            "postgres_db": url.database,
            "secret_key": "a secret of tests that is long enough",
        }
    return load_settings(
        data_dir=folder,
        admin_password="a password",
        mqtt_bind_address="127.0.0.1",
        mqtt_bind_port=free_port(),
        **given,
    )


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[Plant]:
    """Start the platform."""
    async with open_platform(settings, demo=False) as platform:
        plant = Plant(platform, settings)
        yield plant
        for device in plant.devices:
            device.abort()
        platform.end_waiting()
        for client in plant.clients:
            await client.aclose()
