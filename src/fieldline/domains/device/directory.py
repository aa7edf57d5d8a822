"""What the path of a reading must know of a device, in memory.

A :class:`DeviceRecord` is found by id or by credentials, loaded once and then kept up to date by
events, so that no reading asks the database who sent it. The number of records kept is bounded;
one that somebody still holds stays correct after it left the cache.
Which credentials an MQTT login is tried with, and in which order, is ThingsBoard's.
"""

import asyncio
from collections.abc import Callable
from uuid import UUID
from weakref import WeakValueDictionary

from fieldline.database.engine import Database
from fieldline.database.loading import Loader
from fieldline.domains.device import service
from fieldline.domains.device.content import is_gateway
from fieldline.domains.device.service import Snapshot
from fieldline.domains.device_credentials.content import mqtt_basic_id
from fieldline.domains.device_credentials.kinds import CredentialsType
from fieldline.domains.device_credentials.service import StoredCredentials
from fieldline.kit.ids import EntityRef, EntityType
from fieldline.kit.lru import Lru
from fieldline.messaging.bus import Bus
from fieldline.messaging.events import Change, EntityChanged
from fieldline.security.secrets import Vault

MAX_RECORDS = 100_000
"""Devices kept in memory at about 1 KB each."""
MAX_UNKNOWN = 100_000
"""Credentials kept of which it is known that nobody has them, at about 200 bytes each."""
RETRY_S = 1.0
"""Until a record that could not be read again, since the database was away, is tried again."""


class DeviceRecord:
    """One device as ingest and the rules see it; changed in place when the device changes.

    ``is_deleted`` becomes true when the device is gone: sessions then close.
    """

    __slots__ = (
        "__weakref__",
        "additional_info",
        "customer_id",
        "id",
        "is_deleted",
        "is_gateway",
        "label",
        "name",
        "profile_id",
        "profile_name",
        "ref",
        "rule_chain_id",
        "tenant_id",
        "transport_configuration",
        "transport_type",
    )

    id: UUID
    ref: EntityRef
    tenant_id: UUID
    customer_id: UUID | None
    name: str
    label: str | None
    profile_id: UUID
    profile_name: str
    rule_chain_id: UUID | None
    transport_type: str
    transport_configuration: dict[str, object]
    additional_info: dict[str, object]
    is_gateway: bool
    is_deleted: bool


class DeviceDirectory:
    """Finds devices in memory, and in the database when they are not there yet.

    Args:
        database: read on a miss.
        vault: hashes credentials ids.
        bus: its events keep the records correct.
        max_records: devices and credentials kept.
        max_unknown: unknown credentials kept, so that wrong tokens do not ask the database again.
    """

    def __init__(
        self,
        database: Database,
        vault: Vault,
        bus: Bus,
        *,
        max_records: int = MAX_RECORDS,
        max_unknown: int = MAX_UNKNOWN,
    ) -> None:
        self._database = database
        self._vault = vault
        self._records: Lru[UUID, DeviceRecord] = Lru(max_records)
        self._alive: WeakValueDictionary[UUID, DeviceRecord] = WeakValueDictionary()
        self._configurations: Lru[UUID, dict[str, object]] = Lru(1_000)
        self._credentials: Lru[bytes, StoredCredentials] = Lru(max_records)
        self._hash_of: dict[UUID, bytes] = {}
        self._unknown: Lru[bytes, bytes] = Lru(max_unknown)
        self._record_loader = Loader(self._load_records, _is_device_changed, self._keep_record)
        self._credentials_loader = Loader(
            self._load_credentials, _is_login_changed, self._keep_credentials
        )
        self._retries: set[asyncio.TimerHandle] = set()
        self._handlers: dict[EntityType, Callable[[EntityChanged], None]] = {
            EntityType.DEVICE: self._on_device,
            EntityType.DEVICE_PROFILE: self._on_profile,
            EntityType.CUSTOMER: self._on_customer,
            EntityType.TENANT: self._on_tenant,
        }
        self._stop_listening = bus.listen(EntityChanged, self._on_change)

    async def by_id(self, device_id: UUID) -> DeviceRecord | None:
        """Return the device; None when there is none.

        Raises:
            Unavailable: it is not in memory and the database is away.
        """
        return self._records.get(device_id) or await self._record_loader.get(device_id)

    def cached_by_id(self, device_id: UUID) -> DeviceRecord | None:
        """Return the device if it is in memory."""
        return self._records.get(device_id) or self._alive.get(device_id)

    async def by_access_token(self, token: str) -> DeviceRecord | None:
        """Return the device that has this access token.

        Raises:
            Unavailable: as :meth:`by_id`.
        """
        return await self._by_plain_id(token, CredentialsType.ACCESS_TOKEN)

    async def by_certificate(self, sha3: str) -> DeviceRecord | None:
        """Return the device of a certificate.

        Args:
            sha3: SHA3-256 in lower-case hex of the PEM body without line breaks.

        Raises:
            Unavailable: as :meth:`by_id`.
        """
        return await self._by_plain_id(sha3, CredentialsType.X509_CERTIFICATE)

    async def by_mqtt_basic(
        self, client_id: str, username: str | None, password: str | None
    ) -> DeviceRecord | None:
        """Return the device that an MQTT CONNECT without certificate is, None when refused.

        A user name is looked for together with the client id, then alone: as user name of an
        MQTT_BASIC, or as an access token, whose password and client id do not matter.

        Raises:
            Unavailable: as :meth:`by_id`.
        """
        password = password or ""
        if not username:
            (found,) = await self._logins(mqtt_basic_id(client_id, None))
            return await self._if_fits(found, client_id, "", password)
        both, alone = await self._logins(mqtt_basic_id(client_id, username), username)
        if both is not None and both.is_identity(self._vault, client_id, username):
            return await self._if_fits(both, client_id, username, password)
        if alone is not None and alone.credentials_type is CredentialsType.ACCESS_TOKEN:
            return await self._device_of(alone)
        return await self._if_fits(alone, "", username, password)

    async def close(self) -> None:
        """Stop following changes."""
        self._stop_listening()
        for retry in self._retries:
            retry.cancel()
        await self._record_loader.stop()
        await self._credentials_loader.stop()

    async def _by_plain_id(self, credentials_id: str, kind: CredentialsType) -> DeviceRecord | None:
        (found,) = await self._logins(credentials_id)
        if found is None or found.credentials_type is not kind:
            return None
        return await self._device_of(found)

    async def _if_fits(
        self, found: StoredCredentials | None, client_id: str, username: str, password: str
    ) -> DeviceRecord | None:
        if (
            found is None
            or found.credentials_type is not CredentialsType.MQTT_BASIC
            or not found.is_identity(self._vault, client_id, username)
            or not found.is_password(self._vault, password)
        ):
            return None
        return await self._device_of(found)

    async def _device_of(self, found: StoredCredentials) -> DeviceRecord | None:
        return await self.by_id(found.device_id)

    async def _logins(self, *credentials_ids: str) -> list[StoredCredentials | None]:
        """Return the credentials of these ids; what is not in memory is read in one query."""
        hashes = [self._vault.lookup_hash(text) for text in credentials_ids]
        missing = {
            key: self._credentials_loader.request(key)
            for key in hashes
            if self._credentials.get(key) is None and not self._unknown.get(key)
        }
        loaded = {key: await asyncio.shield(future) for key, future in missing.items()}
        return [loaded[key] if key in loaded else self._credentials.get(key) for key in hashes]

    async def _load_records(self, ids: list[UUID]) -> dict[UUID, Snapshot]:
        async with self._database.read() as session:
            return {found.id: found for found in await service.snapshots(session, ids)}

    async def _load_credentials(self, hashes: list[bytes]) -> dict[bytes, StoredCredentials]:
        async with self._database.read() as session:
            return await service.find_credentials(session, hashes)

    def _keep_record(
        self, device_id: UUID, found: Snapshot | None, *, is_current: bool
    ) -> DeviceRecord | None:
        """Put what was read into the record, the one that others hold already if they do."""
        record = self._alive.get(device_id)
        if found is None:
            if record is not None:
                record.is_deleted = True
                self._alive.pop(device_id, None)
            return None
        if record is None:
            record = self._alive[device_id] = DeviceRecord()
        _fill(record, found, self._shared_configuration(found))
        if is_current:
            self._records.put(device_id, record)
        else:
            self._refresh(record)
        return record

    def _keep_credentials(
        self, key: bytes, found: StoredCredentials | None, *, is_current: bool
    ) -> StoredCredentials | None:
        if found is None:
            if is_current:
                self._unknown.put(key, key)
        elif is_current:
            self._hash_of[found.device_id] = key
            evicted = self._credentials.put(key, found)
            if evicted is not None:
                self._hash_of.pop(evicted[1].device_id, None)
        return found

    def _shared_configuration(self, found: Snapshot) -> dict[str, object]:
        """Return the profile's configuration, one object for all of its devices."""
        shared = self._configurations.get(found.profile_id)
        if shared != found.transport_configuration:
            shared = found.transport_configuration
            self._configurations.put(found.profile_id, shared)
        return shared

    def _on_change(self, event: EntityChanged) -> None:
        handler = self._handlers.get(event.entity.type)
        if handler is not None:
            handler(event)

    def _on_device(self, event: EntityChanged) -> None:
        device_id, change = event.entity.id, event.change
        self._record_loader.changed(device_id)
        if change in _LOGIN_CHANGES:
            self._credentials_loader.changed(device_id)
            self._forget_credentials(device_id)
            self._unknown.clear()
        record = self._alive.get(device_id)
        if record is None:
            return
        if change is Change.DELETED:
            self._forget(record)
        elif change is not Change.CREDENTIALS_UPDATED:
            self._refresh(record)

    def _on_profile(self, event: EntityChanged) -> None:
        self._record_loader.all_changed()
        for record in list(self._alive.values()):
            if record.profile_id == event.entity.id:
                self._refresh(record)

    def _on_customer(self, event: EntityChanged) -> None:
        """Unassign the devices of a deleted customer, as the database did."""
        if event.change is not Change.DELETED:
            return
        self._record_loader.all_changed()
        for record in list(self._alive.values()):
            if record.customer_id == event.entity.id:
                record.customer_id = None

    def _on_tenant(self, event: EntityChanged) -> None:
        """Forget the devices of a deleted tenant."""
        if event.change is not Change.DELETED:
            return
        self._record_loader.all_changed()
        self._credentials_loader.all_changed()
        for record in list(self._alive.values()):
            if record.tenant_id == event.entity.id:
                self._forget(record)

    def _forget(self, record: DeviceRecord) -> None:
        record.is_deleted = True
        self._records.pop(record.id)
        self._alive.pop(record.id, None)
        self._forget_credentials(record.id)

    def _forget_credentials(self, device_id: UUID) -> None:
        key = self._hash_of.pop(device_id, None)
        if key is not None:
            self._credentials.pop(key)

    def _refresh(self, record: DeviceRecord) -> None:
        """Read the record again; until that is done, whoever asks by id waits for it."""
        self._records.pop(record.id)
        self._record_loader.request(record.id).add_done_callback(
            lambda future: self._retry(record.id) if _has_failed(future) else None
        )

    def _retry(self, device_id: UUID) -> None:
        def again() -> None:
            self._retries.discard(handle)
            record = self._alive.get(device_id)
            if record is not None:
                self._refresh(record)

        handle = asyncio.get_running_loop().call_later(RETRY_S, again)
        self._retries.add(handle)


_LOGIN_CHANGES = frozenset({Change.CREATED, Change.CREDENTIALS_UPDATED, Change.DELETED})


def _is_device_changed(device_id: UUID, _found: Snapshot | None, changed: set[UUID]) -> bool:
    return device_id in changed


def _is_login_changed(_key: bytes, found: StoredCredentials | None, changed: set[UUID]) -> bool:
    return bool(changed) if found is None else found.device_id in changed


def _has_failed(future: "asyncio.Future[DeviceRecord | None]") -> bool:
    return not future.cancelled() and future.exception() is not None


def _fill(record: DeviceRecord, found: Snapshot, configuration: dict[str, object]) -> None:
    record.id = found.id
    record.ref = EntityRef(EntityType.DEVICE, found.id)
    record.tenant_id = found.tenant_id
    record.customer_id = found.customer_id
    record.name = found.name
    record.label = found.label
    record.profile_id = found.profile_id
    record.profile_name = found.profile_name
    record.rule_chain_id = found.rule_chain_id
    record.transport_type = found.transport_type
    record.transport_configuration = configuration
    record.additional_info = found.additional_info
    record.is_gateway = is_gateway(found.additional_info)
    record.is_deleted = False
