"""The rule engine: takes messages from the bus into the chain that they belong to.

A message goes to the chain that it names, else to the one of its originator's profile, else to the
tenant's root chain. Its receipt is released once for the hold of its publisher, when its last
branch has ended.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol
from uuid import UUID

from fieldline.kit.errors import NotFound, Unavailable
from fieldline.kit.ids import EntityRef, EntityType
from fieldline.messaging.events import Change, EntityChanged
from fieldline.messaging.message import ROOT_CHAIN, Message
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
    """What the engine must know of an originator: ``DeviceRecord`` has it."""

    @property
    def rule_chain_id(self) -> UUID | None:
        """Return the chain of its profile, if that names one."""


class Originators(Protocol):
    """Finds the chain of an originator's profile: ``DeviceDirectory`` does it for devices."""

    def cached_by_id(self, originator_id: UUID, /) -> Originator | None:
        """Return an originator that is in memory."""

    async def by_id(self, originator_id: UUID, /) -> Originator | None:
        """Return an originator, None when there is none.

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
        originators: Mapping[EntityType, Originators],
        limits: EngineLimits | None = None,
    ) -> None:
        """Make an engine.

        Args:
            services: what nodes may use.
            registry: the types of nodes.
            load_graphs: reads a tenant's chains.
            originators: of each kind of entity that has a profile; messages of others go to the
                root chain.
            limits: see :class:`EngineLimits`.
        """
        limits = limits or EngineLimits()
        self.failures = Failures(services.clock)
        self.scripts = services.scripts
        self._backlog = services.backlog
        workshop = Workshop(registry, services, self.failures, limits.nodes)
        self._tenants = Tenants(
            workshop, load_graphs, self._route, limit=limits.tenants, delays=limits.delays
        )
        self._delays = limits.delays
        self._originators = dict(originators)
        self._unknown: dict[UUID, deque[tuple[TenantRules, Message]]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def is_full(self) -> bool:
        """Whether too many messages wait; edges then stop reading until :meth:`when_room` calls."""
        return self._backlog.is_full

    @property
    def waiting(self) -> int:
        """How many messages wait for a chain, an originator or a node."""
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
            is_root = message.rule_chain_id == ROOT_CHAIN
            self._enter(rules, None if is_root else message.rule_chain_id, message)
            return
        originator = message.originator
        finder = self._originators.get(originator.type)
        if finder is None:
            self._enter(rules, None, message)
            return
        if self._unknown and originator.id in self._unknown:
            found = None
        else:
            found = finder.cached_by_id(originator.id)
        if found is not None:
            self._enter(rules, found.rule_chain_id, message)
        else:
            self._wait_for_originator(rules, message, finder)

    def _enter(self, rules: TenantRules, chain_id: UUID | None, message: Message) -> None:
        chain = rules.chains.get(chain_id) if chain_id is not None else rules.root
        if chain is not None:
            enter(chain, message)
            return
        what = f"no rule chain {chain_id}" if chain_id is not None else "no root rule chain"
        self.failures.record_tenant(message.tenant_id, NotFound(f"The tenant has {what}"))
        message.receipt.release()

    def _wait_for_originator(
        self, rules: TenantRules, message: Message, finder: Originators
    ) -> None:
        self._backlog.add()
        originator_id = message.originator.id
        waiting = self._unknown.get(originator_id)
        if waiting is not None:
            waiting.append((rules, message))
            return
        self._unknown[originator_id] = deque([(rules, message)])
        task = asyncio.get_running_loop().create_task(self._find(finder, message.originator))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _find(self, finder: Originators, originator: EntityRef) -> None:
        """Look an originator up, then send on what waited for it, in order."""
        found = await self._ask_for(finder, originator)
        chain_id = found.rule_chain_id if found is not None else None
        waiting = self._unknown[originator.id]
        while waiting:
            rules, message = waiting.popleft()
            self._backlog.remove()
            try:
                self._enter(rules, chain_id, message)
            except Exception:  # the outermost loop of messages that waited
                logger.exception("a message that had waited for its originator failed")
        del self._unknown[originator.id]

    async def _ask_for(self, finder: Originators, originator: EntityRef) -> Originator | None:
        delay_s = self._delays.first_s
        while True:
            try:
                return await finder.by_id(originator.id)
            except Unavailable as error:
                logger.warning("chain of %s: %s; asking again", originator, error.message)
            except Exception:  # its messages wait; giving up would lose them
                logger.exception("%s could not be read", originator)
            await asyncio.sleep(delay_s)
            delay_s = min(delay_s * 2, self._delays.longest_s)
