"""The platform: every part, wired, in the order in which they start and the reverse to stop."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial

from fastapi import FastAPI

from fieldline.api.websocket.limits import SocketLimits
from fieldline.api.websocket.parts import Parts as SocketParts
from fieldline.app import last_run
from fieldline.app.descriptors import raise_descriptor_limit
from fieldline.app.edges import (
    BehindDoor,
    EdgeParts,
    make_app,
    make_door,
    start_connectors,
    start_mqtt,
)
from fieldline.app.first_start import prepare
from fieldline.app.memory import Trimmer, past_of
from fieldline.app.metrics import MeasuredParts, measure
from fieldline.app.ota import make_contents, start_updates
from fieldline.app.retention import Retention, audit_logs, events, readings, rpcs
from fieldline.app.rules import (
    EngineParts,
    make_outbox,
    start_alarm_rules,
    start_commands,
    start_engine,
    start_events,
    start_usage,
)
from fieldline.app.storage import open_services
from fieldline.domains.device.directory import DeviceDirectory
from fieldline.domains.purge.handlers import Purger
from fieldline.domains.rpc.waiting import Waiting
from fieldline.domains.telemetry.service import Telemetry
from fieldline.ingest.door import Door
from fieldline.kit.clock import Clock
from fieldline.rest.services import Services
from fieldline.rules.registry import discover
from fieldline.rules.scripts.trying import Trier
from fieldline.settings import Settings
from fieldline.subscriptions.hub import Hub


@dataclass(slots=True)
class Platform:
    """The running platform, as the server sees it.

    ``administrator`` and ``first_password`` are set only when this start made the first
    administrator and generated the password.
    """

    app: FastAPI
    services: Services
    door: Door
    rpc_waiting: Waiting
    administrator: str | None = None
    first_password: str | None = None
    is_ready: bool = False

    def end_waiting(self) -> None:
        """End the requests that wait for devices or the platform, so that HTTP can drain."""
        self.door.end_waiting()
        self.rpc_waiting.end_all()


@asynccontextmanager
async def open_platform(
    settings: Settings, *, demo: bool, clock: Clock | None = None
) -> AsyncIterator[Platform]:
    """Start every part but the HTTP port; stop them in reverse, draining what is under way.

    ``clock`` is the machine's unless another one is given.

    Raises:
        Unavailable: something that is needed is away, or a port is taken.
    """
    raise_descriptor_limit()
    async with (
        AsyncExitStack() as whole,
        open_services(settings, clock=clock) as services,
        AsyncExitStack() as stack,
    ):
        whole.enter_context(last_run.noted(settings.data_dir))
        new_administrator = await prepare(services, settings, demo=demo)
        await _start_cleaning(services, settings, stack)
        devices = DeviceDirectory(services.database, services.vault, services.bus)
        stack.push_async_callback(devices.close)
        registry = discover()
        alarms, evaluator = await start_alarm_rules(services, stack)
        event_writer = await start_events(services, settings, stack)
        usage = await start_usage(services, stack)
        outbox = make_outbox(services, stack)
        commands = await start_commands(services, stack)
        contents = make_contents(services, settings, stack)
        behind = BehindDoor(devices, commands, usage, contents)
        door = await make_door(services, settings, stack, behind)
        parts = EngineParts(registry, alarms, evaluator, devices, event_writer, door, usage)
        engine = await start_engine(services, settings, stack, parts)
        door.heed(engine)
        await door.start()
        stack.push_async_callback(door.stop)
        rpc_waiting = Waiting(services.bus)
        hub = Hub()
        telemetry = Telemetry(services, evaluate=evaluator.submit, devices=devices.by_id)
        sockets = SocketParts(services, telemetry, hub, _socket_limits(settings))
        sockets.listen()
        outbox.start()
        start_updates(services, settings, stack)
        mqtt = await start_mqtt(door, settings, stack)
        trimmer = Trimmer(partial(past_of, services.writer, mqtt))
        trimmer.start()
        stack.push_async_callback(trimmer.stop)
        connectors = start_connectors(services, door, settings, stack)
        platform = Platform(FastAPI(), services, door, rpc_waiting)
        if new_administrator is not None:
            platform.administrator = new_administrator.email
            platform.first_password = new_administrator.password
        platform.app = make_app(
            EdgeParts(
                services,
                telemetry,
                sockets,
                registry,
                door,
                Trier(engine.scripts),
                rpc_waiting,
                mqtt,
                connectors,
                usage,
            ),
            settings,
            readiness=partial(_why_not_ready, platform),
            metrics=measure(
                MeasuredParts(services, engine, mqtt, sockets, event_writer, outbox, door)
            ),
        )
        yield platform


def _why_not_ready(platform: Platform) -> str | None:
    if not platform.is_ready:
        return "starting or stopping"
    return "the store of readings is away" if platform.services.writer.is_store_away else None


async def _start_cleaning(services: Services, settings: Settings, stack: AsyncExitStack) -> None:
    purger = Purger(services.database, services.store, services.bus)
    await purger.start()
    stack.push_async_callback(purger.stop)
    retention = Retention(
        services.clock,
        readings(services.store, settings.telemetry_ttl_days),
        audit_logs(services.database, settings.audit_log_ttl_days),
        events(services.database, settings.debug_events_ttl_days),
        rpcs(services.database),
    )
    retention.start()
    stack.push_async_callback(retention.stop)


def _socket_limits(settings: Settings) -> SocketLimits:
    return SocketLimits(
        max_sessions=settings.websocket_max_sessions,
        max_subscriptions=settings.websocket_max_subscriptions_per_session,
    )
