"""Integrations with MQTT brokers, in the v1 dialect."""

from typing import Annotated, Any, cast
from uuid import UUID

from fastapi import Depends, Query, Request, Response
from pydantic import BaseModel, Field, SecretStr, field_validator

from fieldline.api.v1.shapes import Body, Entity
from fieldline.domains.integration import service
from fieldline.domains.integration.configuration import (
    Configuration,
    ConverterConfiguration,
    Tls,
    TopicFilter,
)
from fieldline.domains.integration.converter import Converter, Uplink
from fieldline.domains.integration.service import IntegrationFields
from fieldline.domains.integration.statistics import ConnectionState, Live, Statistics
from fieldline.kit.json import dumps
from fieldline.kit.telemetry_json import TypingRules, typed_values
from fieldline.rest.callers import TenantAdmin
from fieldline.rest.dialects import v1_router
from fieldline.rest.paging import V1Page
from fieldline.rest.services import Services, ServicesDep
from fieldline.rest.sessions import ReadSession, WriteSession

router = v1_router("integrations")
_CONFIGURATION = frozenset(Configuration.model_fields) - {"tls"}
_PLAIN = ("name", "enabled", "host", "port", "client_id", "username", "additional_info")
_SHOWN = (
    *("id", "created_time", "name", "tenant_id", "type", "enabled", "version"),
    *("host", "port", "client_id", "username"),
)
_NOT_EMPTY = ("enabled", "topic_filters", "converter")
"""What null cannot take away."""


class TlsBody(Tls):
    """TLS as it is sent; `client_key` is never answered, and stays when it is left out."""

    client_key: SecretStr | None = Field(
        default=None, description="PEM text of the private key, without a password."
    )


class IntegrationBody(Body):
    """The fields of an integration that may be set."""

    name: str | None = None
    enabled: bool = True
    host: str | None = None
    port: int | None = Field(default=None, description="By default 1883, with TLS 8883.")
    client_id: str | None = Field(
        default=None, description="By default one of its own; it names the session at the broker."
    )
    username: str | None = None
    password: SecretStr | None = Field(
        default=None, description="Never answered; it stays when it is left out."
    )
    tls: TlsBody | None = None
    protocol_version: str | None = Field(default=None, description="`5` or `3.1.1`.")
    keep_alive_seconds: int | None = None
    session_expiry_seconds: int | None = None
    max_in_flight: int | None = None
    topic_filters: list[TopicFilter] | None = None
    converter: ConverterConfiguration | None = None
    additional_info: dict[str, Any] | None = None
    version: int | None = Field(
        default=None, description="The version that was read, so that no other change is lost."
    )

    def fields(self) -> IntegrationFields:
        """Return what was sent, for the service."""
        given = self.model_fields_set
        fields: dict[str, Any] = {name: getattr(self, name) for name in _PLAIN if name in given}
        if "password" in given:
            fields["password"] = _clear(self.password)
        configuration: dict[str, Any] = {}
        for name in _CONFIGURATION & given:
            value = getattr(self, name)
            configuration[name] = _json(value)
        if "tls" in given:
            tls = self.tls or TlsBody()
            configuration["tls"] = tls.model_dump(mode="json", exclude={"client_key"})
            if self.tls is None or "client_key" in tls.model_fields_set:
                fields["client_key"] = _clear(tls.client_key)
        # Null is "as it would be if nobody had said": the default.
        fields["configuration"] = {
            name: value
            if value is not None or name in _NOT_EMPTY
            else Configuration.model_fields[name].get_default()
            for name, value in configuration.items()
        }
        return cast("IntegrationFields", fields)


class TlsOut(Tls):
    """TLS without the private key."""

    has_client_key: bool


class StatisticsOut(BaseModel):
    """Counts since the integration was made; times are ms since 1970."""

    received: int
    converted: int
    failed: int
    devices_created: int
    readings_stored: int
    last_message_time: int | None


class IntegrationOut(Entity):
    """An integration, what it did, and how its connection is."""

    type: str
    enabled: bool
    version: int
    host: str
    port: int
    client_id: str
    username: str | None
    has_password: bool
    tls: TlsOut
    protocol_version: str
    keep_alive_seconds: int
    session_expiry_seconds: int
    max_in_flight: int
    topic_filters: list[TopicFilter]
    converter: ConverterConfiguration
    connection_state: ConnectionState
    statistics: StatisticsOut
    last_error: str | None
    last_error_time: int | None


class Sample(Body):
    """A message to try a converter on."""

    topic: str = Field(min_length=1, max_length=65_535)
    payload: Any = Field(description="A text is the payload itself; anything else is sent as JSON.")

    @field_validator("topic")
    @classmethod
    def _is_topic(cls, topic: str) -> str:
        if "+" in topic or "#" in topic:
            msg = "the topic of a message has no wildcards; give one as devices publish on"
            raise ValueError(msg)
        return topic

    @property
    def data(self) -> bytes:
        return self.payload.encode() if isinstance(self.payload, str) else dumps(self.payload)


class SampleWithConverter(Sample):
    """A message, and the converter to try."""

    converter: ConverterConfiguration


class ConvertedOut(BaseModel):
    """What one item of a message would store."""

    device_name: str
    device_type: str
    ts: int
    telemetry: dict[str, Any]
    attributes: dict[str, Any]


async def get_live(request: Request) -> Live:
    """Return what tells how integrations are that run."""
    live: Live = request.app.state.live_integrations
    return live


LiveDep = Annotated[Live, Depends(get_live)]


@router.post("/integrations", status_code=201)
async def create_integration(
    body: IntegrationBody,
    caller: TenantAdmin,
    session: WriteSession,
    services: ServicesDep,
    live: LiveDep,
) -> IntegrationOut:
    """Create an integration: a connection to somebody else's MQTT broker."""
    limit = services.limits.tenant_integrations
    row = await service.create(session, caller, body.fields(), vault=services.vault, limit=limit)
    return _out(row, live, Statistics())


@router.get("/integrations")
async def list_integrations(
    page: V1Page,
    caller: TenantAdmin,
    session: ReadSession,
    live: LiveDep,
    kind: Annotated[str | None, Query(alias="type")] = None,
) -> list[IntegrationOut]:
    """List integrations, the newest first."""
    found = await service.page(session, caller, page, type_=kind or None)
    stored = await service.statistics(session, found.items)
    return [_out(each, live, stored.get(each.id)) for each in found.items]


@router.post("/integrations/convert")
async def try_converter(
    body: SampleWithConverter, caller: TenantAdmin, services: ServicesDep
) -> list[ConvertedOut]:
    """Try a converter on a sample: what would be stored, or why it cannot be."""
    return _converted(service.converter(caller, body.converter), body, services)


@router.get("/integrations/{integration_id}")
async def get_integration(
    integration_id: UUID, caller: TenantAdmin, session: ReadSession, live: LiveDep
) -> IntegrationOut:
    """Return one integration with its statistics."""
    row = await service.get(session, caller, integration_id)
    stored = await service.statistics(session, [row])
    return _out(row, live, stored.get(row.id))


@router.put("/integrations/{integration_id}")
async def update_integration(
    integration_id: UUID,
    body: IntegrationBody,
    caller: TenantAdmin,
    session: WriteSession,
    services: ServicesDep,
    live: LiveDep,
) -> IntegrationOut:
    """Change the given fields; `enabled` connects and disconnects."""
    row = await service.update(
        session,
        caller,
        integration_id,
        body.fields(),
        vault=services.vault,
        version=body.version,
    )
    stored = await service.statistics(session, [row])
    return _out(row, live, stored.get(row.id))


@router.delete("/integrations/{integration_id}", status_code=204)
async def delete_integration(
    integration_id: UUID, caller: TenantAdmin, session: WriteSession
) -> Response:
    """Delete an integration; the devices that were made for it stay."""
    await service.delete(session, caller, integration_id)
    return Response(status_code=204)


@router.post("/integrations/{integration_id}/convert")
async def try_converter_of_integration(
    integration_id: UUID,
    body: Sample,
    caller: TenantAdmin,
    session: ReadSession,
    services: ServicesDep,
) -> list[ConvertedOut]:
    """Try an integration's converter on a sample: what would be stored, or why it cannot be."""
    converter = await service.converter_of(session, caller, integration_id)
    return _converted(converter, body, services)


def _converted(converter: Converter, sample: Sample, services: Services) -> list[ConvertedOut]:
    uplinks = converter.convert(sample.topic, sample.data, services.clock.now_ms())
    rules = TypingRules(max_string_length=services.limits.max_string_value_length)
    return [_typed(uplink, rules) for uplink in uplinks]


def _typed(uplink: Uplink, rules: TypingRules) -> ConvertedOut:
    return ConvertedOut(
        device_name=uplink.device_name,
        device_type=uplink.device_type,
        ts=uplink.ts_ms,
        telemetry=typed_values(uplink.telemetry, rules),
        attributes=typed_values(uplink.attributes, rules),
    )


def _out(row: Any, live: Live, stored: Statistics | None) -> IntegrationOut:  # noqa: ANN401
    """Show a row; how it is now comes from its connector, if there is one."""
    configuration = service.configuration_of(row)
    running = live(row.id) if row.enabled else None
    waiting = ConnectionState.WAITING if row.enabled else ConnectionState.DISABLED
    state, statistics = running or (waiting, stored or Statistics())
    counted = StatisticsOut.model_validate(statistics, from_attributes=True)
    return IntegrationOut(
        **{name: getattr(row, name) for name in _SHOWN},
        additional_info=row.additional_info or {},
        has_password=row.password is not None,
        tls=TlsOut(**dict(configuration.tls), has_client_key=row.client_key is not None),
        **{name: getattr(configuration, name) for name in _CONFIGURATION},
        connection_state=state,
        statistics=counted,
        last_error=statistics.last_error,
        last_error_time=statistics.last_error_time,
    )


def _clear(secret: SecretStr | None) -> str | None:
    return None if secret is None else secret.get_secret_value()


def _json(value: Any) -> Any:  # noqa: ANN401 - a model, models, or what JSON has
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json", exclude_none=True)
    return [_json(each) for each in value] if isinstance(value, list) else value
