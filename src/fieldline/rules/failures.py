"""Failures that no node takes: counted, logged at a bounded rate, and the last ones kept.

A branch that ends in an unconnected Failure is finished: its message is acknowledged. So this is
where it can be seen that, where and why a message did not get further.
"""

import logging
from collections import OrderedDict, deque
from dataclasses import dataclass
from uuid import UUID

from fieldline.kit.clock import Clock
from fieldline.kit.errors import FieldlineError
from fieldline.rules.node import Context

logger = logging.getLogger(__name__)

KEPT_PER_NODE = 10
"""Reasons kept of one node."""
KEPT_NODES = 1_000
"""Nodes whose reasons are kept; the one that failed longest ago goes first."""
LOG_INTERVAL_MS = 10_000
"""One line per node in this time; the next one says how many there were."""


@dataclass(frozen=True, slots=True)
class RecordedFailure:
    """One failure of a node."""

    ts_ms: int
    reason: str


class _NodeFailures:
    __slots__ = ("last", "logged_ms", "unlogged")

    def __init__(self) -> None:
        self.last: deque[RecordedFailure] = deque(maxlen=KEPT_PER_NODE)
        self.logged_ms: int | None = None
        self.unlogged = 0


class Failures:
    """What went wrong lately, by node; one per engine.

    ``count`` is of all of them since the start.
    """

    def __init__(self, clock: Clock) -> None:
        self.count = 0
        self._clock = clock
        self._nodes: OrderedDict[UUID, _NodeFailures] = OrderedDict()

    def record(self, context: Context, reason: Exception) -> None:
        """Note that a message ended at this node."""
        self._record(
            context.node_id,
            f"rule node '{context.node_name}' of chain '{context.chain_name}' ({context.chain_id})",
            reason,
        )

    def record_tenant(self, tenant_id: UUID, reason: Exception) -> None:
        """Note that a message of a tenant found no chain to enter."""
        self._record(tenant_id, f"rules of tenant {tenant_id}", reason)

    def last(self, node_id: UUID) -> list[RecordedFailure]:
        """Return the last failures of a node (or, by its id, a tenant), oldest first."""
        node = self._nodes.get(node_id)
        return list(node.last) if node else []

    def _record(self, key: UUID, where: str, reason: Exception) -> None:
        self.count += 1
        now_ms = self._clock.now_ms()
        node = self._nodes.get(key)
        if node is None:
            node = self._nodes[key] = _NodeFailures()
            if len(self._nodes) > KEPT_NODES:
                self._nodes.popitem(last=False)
        else:
            self._nodes.move_to_end(key)
        node.last.append(RecordedFailure(now_ms, describe(reason)))
        node.unlogged += 1
        if node.logged_ms is None or now_ms - node.logged_ms >= LOG_INTERVAL_MS:
            unexpected = None if isinstance(reason, FieldlineError) else reason
            logger.warning(
                "%d message(s) failed at the %s: %s",
                node.unlogged,
                where,
                describe(reason),
                exc_info=unexpected,
            )
            node.logged_ms = now_ms
            node.unlogged = 0


def describe(reason: Exception) -> str:
    """Return a reason as people read it: expected ones by their text, others with their type."""
    if isinstance(reason, FieldlineError):
        return reason.message
    return f"{type(reason).__name__}: {reason}"
