"""The rule engine: takes messages from the bus into the chain that they belong to.

A message goes to the chain that it names, else to the one of its device's profile, else to the
tenant's root chain. Its receipt is released once for the hold of its publisher, when its last
branch has ended.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol
from uuid import UUID

from fieldline.kit.errors import NotFound, Unavailable
from fieldline.kit.ids import EntityType
from fieldline.messaging.events import Change, EntityChanged
from fieldline.messaging.message import Message
from fieldline.rules.chain import enter
from fieldline.rules.failures import Failures
from fieldline.rules.lanes import AsyncLimits
from fieldline.rules.registry import Registry
from fieldline.rules.runner import Workshop
from fieldline.rules.services import RuleServices
from fieldline.rules.tenant import TenantRules
from fieldline.rules.tenants import LoadGraphs, RetryDelays, Tenants

logger = logging.getLogger(__name__)


class Originator(Protocol):
    """What the engine must know of a device: ``DeviceRecord`` has it."""

    rule_chain_id: UUID | None


class Devices(Protocol):
    """Finds the chain of a device's profile: ``DeviceDirectory`` does it."""

    def cached_by_id(self, device_id: UUID, /) -> Originator | None:
        """Return a device that is in memory."""

    async def by_id(self, device_id: UUID, /) -> Originator | None:
        """Return a device, None when there is none.

        Raises:
            Unavailable: the store is away.
        """


@dataclass(frozen=True, slots=True)
class EngineLimits:
    """What bounds the engine."""

    tenants: int = 10_000
    nodes: AsyncLimits = field(default_factory=AsyncLimits)
    delays: RetryDelays = field(default_factory=RetryDelays)


class RuleEngine:
    """Runs the rule chains of all tenants; all calls are on the event loop."""

    def __init__(
        self,
        services: RuleServices,
        *,
        registry: Registry,
        load_graphs: LoadGraphs,
        devices: Devices,
        limits: EngineLimits | None = None,
    ) -> None:
        limits = limits or EngineLimits()
        self.failures = Failures(services.clock)
        self._backlog = services.backlog
        workshop = Workshop(registry, services, self.failures, limits.nodes)
        self._tenants = Tenants(
            workshop, load_graphs, self._route, limit=limits.tenants, delays=limits.delays
        )
        self._delays = limits.delays
        self._devices = devices
        self._unknown: dict[UUID, deque[tuple[TenantRules, Message]]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def is_full(self) -> bool:
        """Whether too many messages wait; edges then stop reading until :meth:`when_room` calls."""
        return self._backlog.is_full

    @property
    def waiting(self) -> int:
        """How many messages wait for a chain, a device or a node."""
        return self._backlog.count

    def when_room(self, callback: Callable[[], None]) -> None:
        """Call back once, when there is room again."""
        self._backlog.when_room(callback)

    def handle(self, message: Message) -> None:
        """Take a message; to be given to ``bus.consume``."""
        rules = self._tenants.rules_for(message)
        if rules is not None:
            self._route(rules, message)

    def on_entity_changed(self, event: EntityChanged) -> None:
        """Follow changes of rule chains, tenants and profiles; to be given to ``bus.listen``."""
        if event.entity.type is EntityType.RULE_CHAIN:
            if event.tenant_id is not None:
                self._tenants.reload(event.tenant_id)
        elif event.entity.type is EntityType.TENANT:
            if event.change is Change.DELETED:
                self._tenants.drop(event.entity.id)
            else:
                self._tenants.reload(event.entity.id)
        elif event.entity.type is EntityType.TENANT_PROFILE:
            self._tenants.reload_all()

    async def stop(self, *, grace_s: float = 5.0) -> None:
        """Stop all nodes; what has not finished in ``grace_s`` is given up, unacknowledged."""
        for task in tuple(self._tasks):
            task.cancel()
        await self._tenants.stop(grace_s)

    def _route(self, rules: TenantRules, message: Message) -> None:
        """Find the message's chain and enter it."""
        if message.rule_chain_id is not None:
            self._enter(rules, message.rule_chain_id, message)
            return
        originator = message.originator
        if originator.type is not EntityType.DEVICE:
            self._enter(rules, None, message)
            return
        if self._unknown and originator.id in self._unknown:
            device = None
        else:
            device = self._devices.cached_by_id(originator.id)
        if device is not None:
            self._enter(rules, device.rule_chain_id, message)
        else:
            self._wait_for_device(rules, message)

    def _enter(self, rules: TenantRules, chain_id: UUID | None, message: Message) -> None:
        chain = rules.chains.get(chain_id) if chain_id is not None else rules.root
        if chain is not None:
            enter(chain, message)
            return
        what = f"no rule chain {chain_id}" if chain_id is not None else "no root rule chain"
        self.failures.record_tenant(message.tenant_id, NotFound(f"The tenant has {what}"))
        message.receipt.release()

    def _wait_for_device(self, rules: TenantRules, message: Message) -> None:
        self._backlog.add()
        device_id = message.originator.id
        waiting = self._unknown.get(device_id)
        if waiting is not None:
            waiting.append((rules, message))
            return
        self._unknown[device_id] = deque([(rules, message)])
        task = asyncio.get_running_loop().create_task(self._find_device(device_id))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _find_device(self, device_id: UUID) -> None:
        """Look a device up, then send on what waited for it, in order."""
        device = await self._ask_for(device_id)
        chain_id = device.rule_chain_id if device is not None else None
        waiting = self._unknown[device_id]
        while waiting:
            rules, message = waiting.popleft()
            self._backlog.remove()
            try:
                self._enter(rules, chain_id, message)
            except Exception:  # the outermost loop of messages that waited
                logger.exception("a message that had waited for its device failed")
        del self._unknown[device_id]

    async def _ask_for(self, device_id: UUID) -> Originator | None:
        delay_s = self._delays.first_s
        while True:
            try:
                return await self._devices.by_id(device_id)
            except Unavailable as error:
                logger.warning("chain of device %s: %s; asking again", device_id, error.message)
            except Exception:  # its messages wait; giving up would lose them
                logger.exception("device %s could not be read", device_id)
            await asyncio.sleep(delay_s)
            delay_s = min(delay_s * 2, self._delays.longest_s)
