"""What tenant administrators do with integrations."""

from typing import TYPE_CHECKING, Any, TypedDict
from uuid import UUID

from pydantic import ValidationError

from fieldline.database.engine import announce
from fieldline.domains.integration.configuration import Configuration, ConverterConfiguration
from fieldline.domains.integration.converter import Converter
from fieldline.domains.integration.errors import (
    IntegrationNotFound,
    InvalidIntegration,
    NameTaken,
    SessionTaken,
)
from fieldline.domains.integration.models import Integration
from fieldline.domains.integration.repository import IntegrationRepository
from fieldline.domains.integration.statistics import Statistics
from fieldline.domains.integration.tls import client_context
from fieldline.kit.errors import LimitReached
from fieldline.kit.ids import EntityRef, EntityType, new_id
from fieldline.kit.paging import Page, PageRequest
from fieldline.kit.storable import check_storable
from fieldline.kit.text import check_json, check_optional_text, check_text
from fieldline.kit.versions import check_version
from fieldline.messaging.events import Change, EntityChanged
from fieldline.protocols.mqtt.errors import RemoteProtocolError
from fieldline.protocols.mqtt.topics import check_topic_filter
from fieldline.security.caller import Caller
from fieldline.security.permissions import Operation, check, tenant_of
from fieldline.security.secrets import Vault

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

MQTT = "MQTT"
MAX_SECRET = 20_000
"""Characters of a password or a private key."""
MAX_FORMER = 200
"""Filters that are remembered to be taken out of the broker's session."""
_PORT, _TLS_PORT = 1883, 8883


class IntegrationFields(TypedDict, total=False):
    """What a user says of an integration; what is missing stays as it is.

    ``configuration`` holds fields of :class:`Configuration`, of which likewise; ``password`` and
    ``client_key`` are in clear, None takes them away.
    """

    name: str | None
    enabled: bool
    host: str | None
    port: int | None
    client_id: str | None
    username: str | None
    password: str | None
    client_key: str | None
    configuration: dict[str, Any]
    additional_info: dict[str, Any] | None


async def page(
    session: "AsyncSession", caller: Caller, request: PageRequest, *, type_: str | None = None
) -> Page[Integration]:
    """Return a page of the tenant's integrations."""
    tenant_id = tenant_of(caller, Operation.READ, EntityType.INTEGRATION)
    return await IntegrationRepository(session).page(tenant_id, request, type_=type_)


async def get(session: "AsyncSession", caller: Caller, integration_id: UUID) -> Integration:
    return await _get(session, caller, integration_id, Operation.READ)


async def statistics(
    session: "AsyncSession", integrations: list[Integration]
) -> dict[UUID, Statistics]:
    """Return what is written of integrations that the caller was given."""
    return await IntegrationRepository(session).statistics([each.id for each in integrations])


async def create(
    session: "AsyncSession",
    caller: Caller,
    fields: IntegrationFields,
    *,
    vault: Vault,
    limit: int,
) -> Integration:
    """Add an integration; ``limit`` is how many a tenant may have, 0 any number.

    Raises:
        InvalidIntegration: a field makes no sense.
        LimitReached: the tenant has as many as it may.
        NameTaken: it has one of this name.
        SessionTaken: it has one with the same session at the broker.
    """
    tenant_id = tenant_of(caller, Operation.CREATE, EntityType.INTEGRATION)
    if limit and await IntegrationRepository(session).count(tenant_id) >= limit:
        msg = f"A tenant may have {limit} integrations (MAX_INTEGRATIONS_PER_TENANT)"
        raise LimitReached(msg, entity_type=EntityType.INTEGRATION.value, limit=limit)
    row = Integration(
        id=new_id(),
        tenant_id=tenant_id,
        type=MQTT,
        enabled=True,
        configuration={},
        former_filters=[],
    )
    await _set(session, row, fields, vault)
    await IntegrationRepository(session).add(row)
    await _tell(session, caller, row, Change.CREATED)
    return row


async def update(
    session: "AsyncSession",
    caller: Caller,
    integration_id: UUID,
    fields: IntegrationFields,
    *,
    vault: Vault,
    version: int | None = None,
) -> Integration:
    """Change the given fields; raises as :func:`create`, and StaleVersion."""
    row = await _get(session, caller, integration_id, Operation.WRITE)
    check_version("Integration", version, row.version)
    await _set(session, row, fields, vault)
    await IntegrationRepository(session).flush()
    await _tell(session, caller, row, Change.UPDATED)
    return row


async def delete(session: "AsyncSession", caller: Caller, integration_id: UUID) -> None:
    """Delete an integration; the devices that were made for it stay."""
    row = await _get(session, caller, integration_id, Operation.DELETE)
    await _tell(session, caller, row, Change.DELETED)
    await IntegrationRepository(session).remove(row)


def converter(caller: Caller, configuration: ConverterConfiguration) -> Converter:
    """Return a converter to try that is not saved.

    Raises:
        InvalidIntegration: an expression is none.
    """
    tenant_of(caller, Operation.READ, EntityType.INTEGRATION)
    return Converter(configuration)


async def converter_of(session: "AsyncSession", caller: Caller, integration_id: UUID) -> Converter:
    """Return the converter of an integration, to try it."""
    return Converter(configuration_of(await get(session, caller, integration_id)).converter)


def configuration_of(row: Integration) -> Configuration:
    """Return what is stored as JSON."""
    return Configuration.model_validate(row.configuration)


async def _get(
    session: "AsyncSession", caller: Caller, integration_id: UUID, operation: Operation
) -> Integration:
    lock = operation is not Operation.READ
    row = await IntegrationRepository(session).get(integration_id, lock=lock)
    if row is None:
        raise IntegrationNotFound(integration_id)
    check(caller, operation, EntityType.INTEGRATION, tenant_id=row.tenant_id)
    return row


async def _set(
    session: "AsyncSession", row: Integration, fields: IntegrationFields, vault: Vault
) -> None:
    before = (row.host, row.port, row.client_id)
    old = None if not row.configuration else configuration_of(row)
    new = _configuration(row, fields)
    _keep_password_from_others(row, fields, old, new)
    _set_columns(row, fields, new)
    _set_secrets(row, fields, vault)
    _check_use(row, new, vault)
    row.configuration = new.model_dump(mode="json", exclude_none=True)
    after = (row.host, row.port, row.client_id)
    row.former_filters = _former(row, old, new) if before == after else []
    await _check_clashes(session, row)


def _configuration(row: Integration, fields: IntegrationFields) -> Configuration:
    merged = {**row.configuration, **fields.get("configuration", {})}
    missing = {"topic_filters", "converter"} - merged.keys()
    if missing:
        msg = f"{' and '.join(sorted(missing))} must be given"
        raise InvalidIntegration(msg)
    check_storable("configuration", merged)
    try:
        return Configuration.model_validate(merged)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(str(each) for each in first["loc"])
        msg = f"{where}: {first['msg']}"
        raise InvalidIntegration(msg) from None


def _keep_password_from_others(
    row: Integration, fields: IntegrationFields, old: Configuration | None, new: Configuration
) -> None:
    """Refuse to send a stored password somewhere else, or in another way, than it was given for."""
    if old is None or row.password is None or "password" in fields:
        return
    is_elsewhere = any(
        name in fields and fields.get(name) != getattr(row, name) for name in ("host", "port")
    )
    was_safe = old.tls.enabled and not old.tls.insecure
    is_safe = new.tls.enabled and not new.tls.insecure
    if is_elsewhere or (was_safe and not is_safe):
        raise InvalidIntegration(
            "The password must be given again when host or port change or TLS becomes weaker: it "
            "is not sent where it was not meant for"
        )


def _set_columns(row: Integration, fields: IntegrationFields, new: Configuration) -> None:
    for name in ("name", "host", "username", "additional_info"):
        if name in fields:
            setattr(row, name, fields.get(name))
    row.enabled = fields.get("enabled", row.enabled)
    check_text("Integration name", row.name)
    check_text("host", row.host)
    if any(each in row.host for each in " /@\t\r\n"):
        msg = "host must be the name or address of the broker alone, as mqtt.example.com"
        raise InvalidIntegration(msg)
    if "port" in fields or row.port is None:
        given = fields.get("port")
        usual = _TLS_PORT if new.tls.enabled else _PORT
        row.port = usual if given is None else given
    if not 1 <= row.port <= 65_535:
        msg = f"port must be between 1 and 65535, not {row.port}"
        raise InvalidIntegration(msg)
    if "client_id" in fields or row.client_id is None:
        row.client_id = fields.get("client_id") or f"fieldline-{row.id}"
    check_optional_text("client_id", row.client_id)
    check_optional_text("username", row.username)
    check_json("additional_info", row.additional_info)


def _set_secrets(row: Integration, fields: IntegrationFields, vault: Vault) -> None:
    for name in ("password", "client_key"):
        if name not in fields:
            continue
        secret = fields.get(name)
        if secret is not None and not isinstance(secret, str):
            msg = f"{name} must be a text"
            raise InvalidIntegration(msg)
        if secret is not None and len(secret) > MAX_SECRET:
            msg = f"{name} may have {MAX_SECRET} characters"
            raise InvalidIntegration(msg)
        setattr(row, name, vault.encrypt(secret) if secret else None)


def _check_use(row: Integration, new: Configuration, vault: Vault) -> None:
    """Check what would else fail when it is used."""
    if new.protocol_version != "5" and row.password is not None and not row.username:
        msg = "MQTT 3.1.1 has no password without a user name: give username, or protocol_version 5"
        raise InvalidIntegration(msg)
    client_key = None if row.client_key is None else vault.decrypt(row.client_key)
    if new.tls.enabled:
        client_context(new.tls, client_key)
    seen = set()
    for each in new.topic_filters:
        try:
            check_topic_filter(each.filter)
        except RemoteProtocolError as error:
            msg = f"topic filter '{each.filter[:100]}' cannot be used: {error}"
            raise InvalidIntegration(msg) from None
        if each.filter in seen:
            msg = f"topic filter '{each.filter[:100]}' stands there twice"
            raise InvalidIntegration(msg)
        seen.add(each.filter)
    Converter(new.converter)


def _former(row: Integration, old: Configuration | None, new: Configuration) -> list[Any]:
    wanted = {each.filter for each in new.topic_filters}
    known = [*row.former_filters, *(each.filter for each in old.topic_filters)] if old else []
    return [each for each in dict.fromkeys(known) if each not in wanted][-MAX_FORMER:]


async def _check_clashes(session: "AsyncSession", row: Integration) -> None:
    repository = IntegrationRepository(session)
    with session.no_autoflush:
        other = await repository.by_name(row.tenant_id, row.name)
        if other is not None and other.id != row.id:
            raise NameTaken(row.name)
        for each in await repository.of_session(row.tenant_id, row.host, row.port, row.client_id):
            if each.id != row.id:
                raise SessionTaken(each.name)


async def _tell(session: "AsyncSession", caller: Caller, row: Integration, change: Change) -> None:
    event = EntityChanged(
        row.tenant_id,
        EntityRef(EntityType.INTEGRATION, row.id),
        change,
        by=caller.actor,
        name=row.name,
        data={
            "name": row.name,
            "enabled": row.enabled,
            "host": row.host,
            "port": row.port,
            "clientId": row.client_id,
            "username": row.username,
            "configuration": row.configuration,
        },
    )
    await announce(session, event)
