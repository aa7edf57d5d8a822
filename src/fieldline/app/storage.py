"""Opens what everything stands on: the data folder, the root key, the stores and their writer."""

import logging
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from sqlalchemy import URL, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from fieldline.app.mailing import open_mailing
from fieldline.app.reactions import REACTIONS
from fieldline.database.engine import Database
from fieldline.database.migrate import is_current, upgrade
from fieldline.domains.admin_settings import service as admin_settings_service
from fieldline.domains.asset_profile import service as asset_profile_service
from fieldline.domains.device_profile import service as device_profile_service
from fieldline.domains.revocation import handlers as revocation_handlers
from fieldline.domains.revocation import service as revocation_service
from fieldline.domains.rule_chain import metadata as rule_chain_metadata
from fieldline.kit.clock import Clock, SystemClock
from fieldline.kit.errors import Unavailable
from fieldline.messaging.backends.memory import MemoryBus
from fieldline.messaging.events import AttributesSaved, ReadingsSaved
from fieldline.rest.services import Limits, Services
from fieldline.security.passwords import Passwords
from fieldline.security.secrets import Vault, load_or_create_root_key
from fieldline.security.tokens import Tokens
from fieldline.settings import Settings
from fieldline.timeseries.backends.sqlite import SqliteStore
from fieldline.timeseries.store import TimeseriesStore
from fieldline.timeseries.writer import TimeseriesWriter, WriterLimits

logger = logging.getLogger(__name__)

DATABASE_FILE = "fieldline.db"
"""The embedded store, in the data folder."""
DURABLE = ("fsync", "full_page_writes", "synchronous_commit")
"""Settings of PostgreSQL that must be on for a commit to survive a crash of it."""


@asynccontextmanager
async def open_services(
    settings: Settings, *, clock: Clock | None = None
) -> AsyncIterator[Services]:
    """Open the stores and start the writer: what commands and the server stand on.

    ``clock`` is the machine's unless another one is given.

    Raises:
        Unavailable: the data folder cannot be written, the database or the store is away.
    """
    clock, bus = clock or SystemClock(), MemoryBus()
    vault = open_vault(settings)
    async with open_database(settings, bus.emit) as database, AsyncExitStack() as stack:
        await bring_schema_up_to_date(database, settings)
        tokens = await _open_tokens(database, vault, settings, clock)
        revocation_handlers.listen(bus, tokens)
        store = make_store(database, settings, clock)
        await store.start()
        stack.push_async_callback(store.stop)
        writer = TimeseriesWriter(
            store,
            clock,
            on_readings=lambda readings: bus.emit(ReadingsSaved(readings)),
            on_attributes=lambda *saved: bus.emit(AttributesSaved(*saved)),
            limits=WriterLimits(max_pending_rows=settings.max_pending_rows),
        )
        writer.start()
        stack.push_async_callback(writer.stop)
        passwords = Passwords()
        stack.callback(passwords.close)
        mailing = open_mailing(settings)
        stack.push_async_callback(mailing.background.stop)
        services = Services(
            database=database,
            store=store,
            writer=writer,
            bus=bus,
            clock=clock,
            tokens=tokens,
            vault=vault,
            limits=Limits(
                max_string_value_length=settings.telemetry_max_string_value_length,
                default_tenant_devices=settings.default_tenant_device_limit,
                default_tenant_assets=settings.default_tenant_asset_limit,
                tenant_integrations=settings.max_integrations_per_tenant,
                claim_duration_ms=settings.security_claim_duration_ms,
                allow_claiming=settings.security_claim_allow_claiming_by_default,
                max_ota_package_bytes=settings.ota_max_package_mb * 1024 * 1024,
            ),
            base_url=lambda: settings.public_url,
            passwords=passwords,
            mailing=mailing,
            user_token_access=settings.user_token_access_enabled,
            tenant_seeders=[
                device_profile_service.seed,
                asset_profile_service.seed,
                rule_chain_metadata.seed,
            ],
        )
        stack.push_async_callback(services.background.finish)
        yield services


async def _open_tokens(
    database: Database, vault: Vault, settings: Settings, clock: Clock
) -> Tokens:
    async with database.write() as session:
        key = await admin_settings_service.signing_key(session, vault)
    tokens = Tokens(
        key,
        algorithm=settings.jwt_algorithm,
        access_s=settings.access_token_expire_minutes * 60,
        refresh_s=settings.refresh_token_expire_days * 24 * 60 * 60,
        clock=clock,
    )
    async with database.read() as session:
        await revocation_service.load(session, tokens)
    return tokens


def open_vault(settings: Settings) -> Vault:
    """Return the vault under ``SECRET_KEY`` or the data folder's generated key.

    Raises:
        Unavailable: the data folder cannot be written.
    """
    if settings.secret_key is not None:
        return Vault(settings.secret_key.get_secret_value())
    return Vault(load_or_create_root_key(_data_folder(settings)))


@asynccontextmanager
async def open_database(
    settings: Settings, emit: Callable[[object], None] = lambda _event: None
) -> AsyncIterator[Database]:
    """Open the entities' database and check that it answers.

    Raises:
        Unavailable: it does not; the text names where it should be and what is wrong.
    """
    if settings.is_embedded:
        _data_folder(settings)
    database = Database(
        database_url(settings),
        emit=emit,
        reactions=REACTIONS,
        pool_size=settings.postgres_pool_size,
        max_overflow=settings.postgres_max_overflow,
    )
    try:
        await _check_that_it_answers(database, settings)
        yield database
    finally:
        await database.close()


async def bring_schema_up_to_date(database: Database, settings: Settings) -> None:
    """Migrate where the settings say so.

    Raises:
        Unavailable: the schema is older than this version and may not be migrated at start.
    """
    if settings.should_migrate:
        await upgrade(database)
    elif not await is_current(database):
        msg = "The database's schema is not that of this version: run `fieldline migrate` first"
        raise Unavailable(msg)


def database_url(settings: Settings) -> URL:
    """Return SQLAlchemy's URL of the entities' database."""
    if settings.is_embedded:
        return URL.create("sqlite+aiosqlite", database=str(settings.data_dir / DATABASE_FILE))
    password = settings.postgres_password
    return URL.create(
        "postgresql+asyncpg",
        username=settings.postgres_user,
        password=password.get_secret_value() if password else None,
        host=settings.postgres_server,
        port=settings.postgres_port,
        database=settings.postgres_db,
    )


def make_store(database: Database, settings: Settings, clock: Clock) -> TimeseriesStore:
    """Return the store of readings that goes with the database."""
    if settings.is_embedded:
        return SqliteStore(settings.data_dir / DATABASE_FILE, database.gate.enter)
    # Its driver is not loaded for nothing.
    from fieldline.timeseries.backends.postgresql import PostgresqlStore  # noqa: PLC0415

    url = database.url.set(drivername="postgresql")
    if url.host is not None and url.host.startswith("/"):
        # The folder of a Unix socket does not fit where a URL has its host.
        url = URL.create(
            "postgresql",
            username=url.username,
            password=url.password,
            database=url.database,
            query={"host": url.host, "port": str(url.port)},
        )
    return PostgresqlStore(url.render_as_string(hide_password=False), clock)


def _data_folder(settings: Settings) -> Path:
    folder = settings.data_dir
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        probe = folder / ".writable"
        probe.touch()
        probe.unlink()
    except OSError as error:
        msg = f"FIELDLINE_DATA_DIR={str(folder)!r} cannot be written: {error.strerror or error}"
        raise Unavailable(msg) from error
    return folder


async def _warn_of_unsafe_settings(connection: AsyncConnection) -> None:
    query = text("SELECT name FROM pg_settings WHERE name = ANY (:names) AND setting = 'off'")
    for name in await connection.scalars(query, {"names": list(DURABLE)}):
        logger.warning(
            "PostgreSQL runs with %s = off: when it or its machine crashes, it may lose readings "
            "that were acknowledged; set it to on",
            name,
        )


async def _check_that_it_answers(database: Database, settings: Settings) -> None:
    absences: tuple[type[Exception], ...] = (OSError, DBAPIError, *database.absences)
    try:
        async with database.engine.connect() as connection:
            await connection.execute(text("SELECT 1"))
            if not settings.is_embedded:
                await _warn_of_unsafe_settings(connection)
    except absences as error:
        where = (
            f"The database file {database.path}"
            if settings.is_embedded
            else f"PostgreSQL at {settings.postgres_server}:{settings.postgres_port}"
        )
        reason = str(error.orig if isinstance(error, DBAPIError) else error).split("\n", 1)[0]
        msg = f"{where} does not answer: {reason}"
        raise Unavailable(msg) from error
