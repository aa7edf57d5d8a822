"""Starts the rules: alarm rules first, then the engine that feeds them."""

from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from fieldline.domains.alarm import handlers as alarm_handlers
from fieldline.domains.alarm.writer import AlarmWriter
from fieldline.domains.api_usage.counters import Usage
from fieldline.domains.api_usage.writer import UsageWriter
from fieldline.domains.asset import service as asset_service
from fieldline.domains.asset_profile import service as asset_profile_service
from fieldline.domains.device.directory import DeviceDirectory
from fieldline.domains.device_profile import service as device_profile_service
from fieldline.domains.event.quota import Quota
from fieldline.domains.event.writer import EventLimits, EventWriter
from fieldline.domains.outbox.delivery import Outbox
from fieldline.domains.profile.chains import ChainDirectory, LoadChains
from fieldline.domains.rpc.writer import RpcWriter
from fieldline.domains.tenant_profile import service as tenant_profile_service
from fieldline.kit.ids import EntityType
from fieldline.messaging.events import EntityChanged
from fieldline.rest.services import Services
from fieldline.rules.alarms import StoredAlarms
from fieldline.rules.backlog import Backlog
from fieldline.rules.engine import EngineLimits, Originators, RuleEngine
from fieldline.rules.fields.evaluator import FieldsEvaluator
from fieldline.rules.fields.loader import Loader
from fieldline.rules.lanes import AsyncLimits
from fieldline.rules.loader import GraphLoader
from fieldline.rules.registry import Registry
from fieldline.rules.relations import StoredRelations
from fieldline.rules.scripts.pool import ScriptPool
from fieldline.rules.scripts.sandbox import ScriptLimits
from fieldline.rules.services import Downlink, RuleServices
from fieldline.settings import Settings

MAX_WAITING_MESSAGES = 50_000
"""Messages that wait for a chain, a device's profile or a node that waits."""


@dataclass(frozen=True, slots=True)
class EngineParts:
    """What the engine works with beside the services."""

    registry: Registry
    alarms: AlarmWriter
    evaluator: FieldsEvaluator
    devices: DeviceDirectory
    events: EventWriter
    downlink: Downlink
    usage: Usage


async def start_alarm_rules(
    services: Services, stack: AsyncExitStack
) -> tuple[AlarmWriter, FieldsEvaluator]:
    """Start the writer of alarms, what reacts to changes of them, and the evaluator."""
    alarms = AlarmWriter(services.database, services.clock)
    await alarms.start()
    stack.push_async_callback(alarms.stop)
    stack.callback(alarm_handlers.listen(services.bus, alarms))
    loader = Loader(services.database, services.store, services.writer.flush)
    evaluator = FieldsEvaluator(loader, alarms, services.bus, services.clock)
    await evaluator.start()
    stack.push_async_callback(evaluator.stop)
    return alarms, evaluator


async def start_commands(services: Services, stack: AsyncExitStack) -> RpcWriter:
    """Start the writer of kept commands."""
    commands = RpcWriter(services.database, services.clock)
    await commands.start()
    stack.push_async_callback(commands.stop)
    return commands


async def start_usage(services: Services, stack: AsyncExitStack) -> Usage:
    """Start to count what tenants use; what is stored of this month is counted on.

    Raises:
        Unavailable: the database is away.
    """
    usage = Usage(services.clock.now_ms())
    writer = UsageWriter(services.database, usage, services.clock, services.bus)
    await writer.start()
    stack.push_async_callback(writer.stop)
    return usage


def make_outbox(services: Services, stack: AsyncExitStack) -> Outbox:
    """Return the outbox; it stops after the engine, and is started when that is there."""
    outbox = Outbox(services.database, services.bus)
    stack.push_async_callback(outbox.stop)
    return outbox


async def start_events(
    services: Services, settings: Settings, stack: AsyncExitStack
) -> EventWriter:
    """Start the writer of events."""
    limits = EventLimits(quota=Quota.parse(settings.debug_events_quota))
    events = EventWriter(services.database, services.clock, limits)
    await events.start()
    stack.push_async_callback(events.stop)
    return events


async def start_engine(
    services: Services,
    settings: Settings,
    stack: AsyncExitStack,
    parts: EngineParts,
) -> RuleEngine:
    """Start the engine as the consumer of the bus."""
    backlog = Backlog(MAX_WAITING_MESSAGES)
    scripts = ScriptPool(
        services.clock,
        backlog,
        parts.usage,
        ScriptLimits(
            timeout_s=settings.script_timeout_ms / 1000,
            memory_bytes=settings.script_memory_mb * 1024 * 1024,
        ),
    )
    stack.push_async_callback(scripts.stop)

    engine = RuleEngine(
        RuleServices(
            writer=services.writer,
            evaluator=parts.evaluator,
            alarms=StoredAlarms(services.database, parts.alarms),
            relations=StoredRelations(services.database),
            scripts=scripts,
            bus=services.bus,
            clock=services.clock,
            backlog=backlog,
            downlink=parts.downlink,
            usage=parts.usage,
            records=parts.events,
        ),
        registry=parts.registry,
        load_graphs=GraphLoader(services.database, tenant_profiles(services), parts.usage),
        originators=_originators(services, stack, parts.devices),
        limits=EngineLimits(nodes=AsyncLimits(timeout_s=settings.rule_node_timeout_seconds)),
    )
    services.bus.consume(engine.handle)
    stack.callback(services.bus.listen(EntityChanged, engine.on_entity_changed))
    stack.push_async_callback(engine.stop)
    return engine


def tenant_profiles(services: Services) -> Callable[[UUID], Awaitable[Mapping[str, Any]]]:
    """Return what reads the configuration of a tenant's profile."""

    async def profile_of(tenant_id: UUID) -> Mapping[str, Any]:
        async with services.database.read() as session:
            return await tenant_profile_service.configuration(session, tenant_id)

    return profile_of


def _originators(
    services: Services, stack: AsyncExitStack, devices: DeviceDirectory
) -> dict[EntityType, Originators]:
    """Return what finds the chain of a profile for each kind of entity that has one."""

    def directory(load: LoadChains, kind: EntityType, profile_kind: EntityType) -> ChainDirectory:
        found = ChainDirectory(
            services.database, services.bus, load, kind=kind, profile_kind=profile_kind
        )
        stack.push_async_callback(found.close)
        return found

    asset, profile = EntityType.ASSET, EntityType.ASSET_PROFILE
    return {
        EntityType.DEVICE: devices,
        EntityType.DEVICE_PROFILE: directory(
            device_profile_service.rule_chains,
            EntityType.DEVICE_PROFILE,
            EntityType.DEVICE_PROFILE,
        ),
        asset: directory(asset_service.rule_chains, asset, profile),
        profile: directory(asset_profile_service.rule_chains, profile, profile),
    }
