"""A platform behind the real HTTP application, for tests: real database, bus, writer and tokens.

    async with running(database_url) as platform:
        tenant = await platform.tenant()
        answer = await tenant.admin.get("/api/customers?pageSize=10&page=0")

``tests/api/conftest.py`` has it as the fixture ``platform``, on both databases.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import httpx
from fastapi import APIRouter, FastAPI

from fieldline.api.app import ApiOptions, Routers, create_app
from fieldline.api.routers import THINGSBOARD, V1
from fieldline.app.reactions import REACTIONS
from fieldline.database.engine import Database
from fieldline.domains.admin_settings import service as admin_settings_service
from fieldline.domains.api_usage.counters import Usage
from fieldline.domains.bootstrap import service as bootstrap_service
from fieldline.domains.customer import service as customer_service
from fieldline.domains.revocation import handlers as revocation_handlers
from fieldline.domains.revocation import service as revocation_service
from fieldline.domains.telemetry.service import Telemetry
from fieldline.domains.user import credentials
from fieldline.domains.user import service as user_service
from fieldline.kit.clock import ManualClock
from fieldline.messaging.backends.memory import MemoryBus
from fieldline.messaging.events import AttributesSaved, ReadingsSaved
from fieldline.rest.mailing import Mailing
from fieldline.rest.services import Limits, Services, TenantSeeder
from fieldline.security.caller import Authority, Caller
from fieldline.security.passwords import Passwords
from fieldline.security.secrets import Vault
from fieldline.security.tokens import Tokens
from fieldline.timeseries.backends.memory import MemoryStore
from fieldline.timeseries.store import TimeseriesStore
from fieldline.timeseries.writer import TimeseriesWriter, WriterLimits

SYSADMIN = ("sysadmin@example.com", "sysadmin-password")
PASSWORD = "a good password"
BASE_URL = "http://fieldline.test"


class Client(httpx.AsyncClient):
    """An HTTP client that may hold a user's token."""

    def __init__(self, app: FastAPI, token: str | None = None) -> None:
        headers = {"X-Authorization": f"Bearer {token}"} if token else {}
        super().__init__(
            transport=httpx.ASGITransport(app), base_url=BASE_URL, headers=headers, timeout=30
        )
        self.token = token


@dataclass
class Tenant:
    """A tenant with its administrator, a customer, and that customer's user."""

    id: UUID
    admin: Client
    customer_id: UUID
    customer_user: Client


@dataclass
class Platform:
    """What a test works with. ``anybody`` has no token."""

    services: Services
    bus: MemoryBus
    clock: ManualClock
    app: FastAPI
    usage: Usage
    clients: list[Client] = field(default_factory=list)
    _made: int = 0
    _sysadmin: Client | None = None
    _hash: str | None = None

    @property
    def anybody(self) -> Client:
        return self.client(None)

    def client(self, token: str | None) -> Client:
        """Return a client with this token."""
        client = Client(self.app, token)
        self.clients.append(client)
        return client

    async def login(self, email: str, password: str = PASSWORD) -> Client:
        """Return a client of that user."""
        answer = await self.anybody.post(
            "/api/auth/login", json={"username": email, "password": password}
        )
        assert answer.status_code == 200, answer.text
        return self.client(answer.json()["token"])

    async def sysadmin(self) -> Client:
        """Return a client of the system administrator."""
        if self._sysadmin is None:
            self._sysadmin = await self.as_user(SYSADMIN[0])
        return self._sysadmin

    async def as_user(self, email: str) -> Client:
        """Return a client of that user, who did not log in."""
        async with self.services.database.read() as session:
            found = await credentials.by_email(session, email)
        assert found is not None
        return self._client_of(credentials.caller_of(found[0]))

    async def tenant(self, **fields: object) -> Tenant:
        """Make a tenant with users and return it; each call makes another one."""
        self._made += 1
        number = self._made
        sysadmin = await self.sysadmin()
        tenant = await created(sysadmin, "/api/tenant", {"title": f"Tenant {number}", **fields})
        tenant_id = UUID(tenant["id"]["id"])
        # One transaction: most tests need a tenant, and by HTTP it would be half of their time.
        by = self.services.tokens.verify_access(sysadmin.token or "")
        password = await self._password_hash()
        async with self.services.database.write() as session:
            admin = credentials.caller_of(
                await user_service.create(
                    session,
                    by,
                    {"email": f"admin{number}@example.com"},
                    {
                        "authority": Authority.TENANT_ADMIN,
                        "tenant_id": tenant_id,
                        "customer_id": None,
                    },
                    credentials.active(password),
                )
            )
            customer = await customer_service.create(session, admin, {"title": "Customer A"})
            user = await user_service.create(
                session,
                admin,
                {"email": f"customer{number}@example.com"},
                {
                    "authority": Authority.CUSTOMER_USER,
                    "tenant_id": None,
                    "customer_id": customer.id,
                },
                credentials.active(password),
            )
        return Tenant(
            tenant_id,
            self._client_of(admin),
            customer.id,
            self._client_of(credentials.caller_of(user)),
        )

    async def _password_hash(self) -> str:
        if self._hash is None:
            self._hash = await self.services.passwords.hash(PASSWORD)
        return self._hash

    def _client_of(self, caller: Caller) -> Client:
        return self.client(self.services.tokens.issue(caller).access)

    async def user(
        self,
        maker: Client,
        email: str,
        authority: str,
        tenant_id: str | None = None,
        customer_id: str | None = None,
    ) -> Client:
        """Make an active user and return a client of it."""
        body: dict[str, Any] = {"email": email, "authority": authority, "password": PASSWORD}
        body |= {"tenant_id": tenant_id, "customer_id": customer_id}
        await created(maker, "/api/v1/users", body, 201)
        return await self.login(email)


async def created(client: Client, path: str, body: object, status: int = 200) -> Any:
    """POST a body and return the answer's."""
    answer = await client.post(path, json=body)
    assert answer.status_code == status, answer.text
    return answer.json()


def make_services(
    database: Database,
    bus: MemoryBus,
    clock: ManualClock,
    *,
    vault: Vault | None = None,
    key: bytes = b"k" * 64,
    seeders: Sequence[TenantSeeder] = (),
    limits: Limits | None = None,
    store: TimeseriesStore | None = None,
    writer_limits: WriterLimits | None = None,
    mailing: Mailing | None = None,
) -> Services:
    """Build services over a database, by default with the memory store; nothing is started."""
    store = store or MemoryStore()
    writer = TimeseriesWriter(
        store,
        clock,
        on_readings=lambda readings: bus.emit(ReadingsSaved(readings)),
        on_attributes=lambda *saved: bus.emit(AttributesSaved(*saved)),
        limits=writer_limits,
    )
    tokens = Tokens(key, clock=clock)
    revocation_handlers.listen(bus, tokens)
    return Services(
        database=database,
        store=store,
        writer=writer,
        bus=bus,
        clock=clock,
        tokens=tokens,
        vault=vault or Vault("a root key of tests"),
        limits=limits or Limits(),
        base_url=lambda: BASE_URL,
        passwords=Passwords(cost=4),
        tenant_seeders=list(seeders),
        mailing=mailing or Mailing(),
    )


@asynccontextmanager
async def running(
    database_url: str,
    *,
    thingsboard: Sequence[APIRouter] = (),
    v1: Sequence[APIRouter] = (),
    others: Sequence[APIRouter] = (),
    seeders: Sequence[TenantSeeder] = (),
    limits: Limits | None = None,
    mailing: Mailing | None = None,
    prepare: Callable[[FastAPI], None] = lambda _app: None,
) -> AsyncIterator[Platform]:
    """Start a platform on a database with the schema.

    ``thingsboard``, ``v1`` and ``others`` are routers beside those of ``api/routers.py``;
    ``prepare`` may set ``app.state`` before the first request.
    """
    bus, clock = MemoryBus(), ManualClock()
    database = Database(
        database_url, emit=bus.emit, reactions=REACTIONS, pool_size=5, max_overflow=5
    )
    vault = Vault("a root key of tests")
    async with database.write() as session:
        key = await admin_settings_service.signing_key(session, vault)
    services = make_services(
        database, bus, clock, vault=vault, key=key, seeders=seeders, limits=limits, mailing=mailing
    )
    async with database.write() as session:
        await revocation_service.load(session, services.tokens)
    await bootstrap_service.first_start(services, email=SYSADMIN[0], password=SYSADMIN[1])
    usage = Usage(clock.now_ms())
    app = create_app(services, _routers(thingsboard, v1, others), ApiOptions())
    app.state.telemetry = Telemetry(services)
    app.state.usage = usage
    prepare(app)
    assert isinstance(services.writer, TimeseriesWriter)
    services.writer.start()
    platform = Platform(services, bus, clock, app, usage)
    try:
        yield platform
    finally:
        await asyncio.gather(*(client.aclose() for client in platform.clients))
        await services.mailing.background.stop()
        await services.background.finish()
        await services.writer.stop()
        services.passwords.close()
        await database.close()


def _routers(
    thingsboard: Sequence[APIRouter], v1: Sequence[APIRouter], others: Sequence[APIRouter]
) -> Routers:
    """Return the usual routers and these, each once."""

    def join(usual: Sequence[APIRouter], more: Sequence[APIRouter]) -> list[APIRouter]:
        return [*usual, *(router for router in more if router not in usual)]

    return Routers(join(THINGSBOARD, thingsboard), join(V1, v1), list(others))
