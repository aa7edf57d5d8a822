"""The edges: the door behind the transports, the MQTT server, the HTTP application."""

from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import NamedTuple

from fastapi import APIRouter, FastAPI

from fieldline.api.app import ApiOptions, Routers, create_app
from fieldline.api.health import Metrics
from fieldline.api.routers import THINGSBOARD, V1
from fieldline.api.websocket import endpoints as websocket_endpoints
from fieldline.api.websocket.parts import Parts as SocketParts
from fieldline.app.rules import tenant_profiles
from fieldline.domains.api_usage.counters import Usage
from fieldline.domains.claim.claiming import Claiming
from fieldline.domains.device.directory import DeviceDirectory
from fieldline.domains.integration.loading import Integrations
from fieldline.domains.ota_package.content import Contents
from fieldline.domains.ota_package.serving import Packages
from fieldline.domains.provision.chains import Chains
from fieldline.domains.provision.provisioner import Provisioner
from fieldline.domains.rpc.waiting import Waiting
from fieldline.domains.rpc.writer import RpcWriter
from fieldline.domains.sub_device.joining import SubDevices
from fieldline.domains.telemetry.service import Telemetry
from fieldline.ingest.door import Door
from fieldline.ingest.guard import GuardOptions
from fieldline.ingest.parts import DoorParts, IngestOptions
from fieldline.kit.errors import Invalid, Unavailable
from fieldline.rest.services import Services
from fieldline.rules.registry import Registry
from fieldline.rules.scripts.trying import Trier
from fieldline.security.outbound import Outbound
from fieldline.settings import Settings
from fieldline.transports.http.transport import device_router
from fieldline.transports.mqtt.options import MqttOptions, MqttTls
from fieldline.transports.mqtt.transport import MqttTransport
from fieldline.transports.mqtt.websocket import websocket_router
from fieldline.transports.mqtt_connector.connectors import ConnectorParts, Connectors
from fieldline.transports.mqtt_connector.options import ConnectorOptions


@dataclass(frozen=True, slots=True)
class EdgeParts:
    """What the HTTP application is built over."""

    services: Services
    telemetry: Telemetry
    sockets: SocketParts
    registry: Registry
    door: Door
    tester: Trier
    rpc_waiting: Waiting
    mqtt: MqttTransport | None
    connectors: Connectors
    usage: Usage


class BehindDoor(NamedTuple):
    """What stands behind the door beside the services."""

    devices: DeviceDirectory
    commands: RpcWriter
    usage: Usage
    contents: Contents


async def make_door(
    services: Services,
    settings: Settings,
    stack: AsyncExitStack,
    parts: BehindDoor,
) -> Door:
    """Make the one way in for devices; the rules know it before it is opened.

    Raises:
        Unavailable: the database is away.
    """
    provisioner = Provisioner(services)
    chains = Chains(services, provisioner)
    await chains.start()
    stack.push_async_callback(chains.stop)
    door_parts = DoorParts(
        bus=services.bus,
        store=services.store,
        writer=services.writer,
        devices=parts.devices,
        tenant_profile=tenant_profiles(services),
        clock=services.clock,
        commands=parts.commands,
        sub_devices=SubDevices(services.database, services.vault, parts.devices),
        provisions=provisioner,
        chains=chains,
        claims=Claiming(services),
        usage=parts.usage,
        packages=Packages(services.database, parts.contents),
    )
    limits = IngestOptions(
        string_length=settings.telemetry_max_string_value_length,
        inactivity_timeout_ms=settings.device_inactivity_timeout_seconds * 1000,
        is_rate_limited=settings.rate_limit_enabled,
        guard=GuardOptions(
            most=settings.device_login_max_failures,
            most_per_name=settings.device_login_max_failures_per_user,
            period_ms=settings.device_login_block_seconds * 1000,
            exempt=settings.exempt_networks,
        ),
    )
    return Door(door_parts, limits)


async def start_mqtt(door: Door, settings: Settings, stack: AsyncExitStack) -> MqttTransport | None:
    """Start the MQTT server unless it is switched off.

    Raises:
        Unavailable: a port is taken.
        Invalid: a certificate or key cannot be used.
    """
    if not settings.mqtt_enabled:
        return None
    tls = None
    if settings.mqtt_ssl_enabled and settings.mqtt_ssl_certificate is not None:
        tls = MqttTls(
            certificate=settings.mqtt_ssl_certificate,
            key=settings.mqtt_ssl_key,
            client_ca=settings.mqtt_ssl_client_ca,
            port=settings.mqtt_ssl_bind_port,
        )
    options = MqttOptions(
        host=settings.mqtt_bind_address,
        port=settings.mqtt_bind_port,
        tls=tls,
        max_connections=settings.mqtt_max_connections,
    )
    mqtt = MqttTransport(door, options)
    try:
        await mqtt.start()
    except Invalid as error:
        msg = f"MQTT_SSL_CERTIFICATE, MQTT_SSL_KEY or MQTT_SSL_CLIENT_CA: {error.message}"
        raise Invalid(msg) from error
    except OSError as error:
        ports = f"MQTT_BIND_PORT={settings.mqtt_bind_port}"
        if tls is not None:
            ports += f" or MQTT_SSL_BIND_PORT={settings.mqtt_ssl_bind_port}"
        msg = f"{ports}: cannot listen on {settings.mqtt_bind_address} ({error})"
        raise Unavailable(msg) from error
    stack.push_async_callback(mqtt.stop)
    return mqtt


def start_connectors(
    services: Services, door: Door, settings: Settings, stack: AsyncExitStack
) -> Connectors:
    """Connect to the brokers of all enabled integrations."""
    connectors = Connectors(
        ConnectorParts(
            door=door,
            integrations=Integrations(services.database, services.vault),
            bus=services.bus,
            now_ms=services.clock.now_ms,
        ),
        ConnectorOptions(outbound=Outbound(settings.denied_networks)),
    )
    connectors.start()
    stack.push_async_callback(connectors.stop)
    return connectors


def make_app(
    parts: EdgeParts,
    settings: Settings,
    *,
    readiness: Callable[[], str | None],
    metrics: Metrics,
) -> FastAPI:
    """Build the HTTP application with everything that is mounted on it."""
    others: list[APIRouter] = [websocket_endpoints.router]
    if settings.http_transport_enabled:
        others.append(device_router(parts.door))
    if parts.mqtt is not None:
        others.append(websocket_router(parts.mqtt.connection))
    app = create_app(
        parts.services,
        Routers(thingsboard=THINGSBOARD, v1=V1, others=others),
        ApiOptions(
            readiness=readiness,
            metrics=metrics,
            metrics_open=settings.metrics_enabled,
            serves_docs=settings.serves_docs,
        ),
    )
    app.state.telemetry = parts.telemetry
    app.state.sockets = parts.sockets
    app.state.node_catalogue = parts.registry
    app.state.script_tester = parts.tester
    app.state.rpc_waiting = parts.rpc_waiting
    app.state.live_integrations = parts.connectors.live
    app.state.usage = parts.usage
    return app
