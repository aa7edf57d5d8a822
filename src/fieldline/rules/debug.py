"""Recording what comes to a node and what it answers, for nodes that somebody debugs.

Two steps do it, and only chains with debugged nodes hold them: an :class:`Entry` stands before the
node on each relation that leads there and records what comes in; a :class:`WatchedStep` is the
node's own step and records what goes out. Recording promises nothing: it never fails a message.
"""

import json
import logging
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from fieldline.domains.event.record import MAX_TEXT_LENGTH, EventType, Record, Records, cut
from fieldline.domains.rule_chain.graph import ChainGraph, GraphNode, NodeDebug
from fieldline.kit.clock import Clock
from fieldline.kit.ids import EntityRef, EntityType
from fieldline.kit.json import dumps_text
from fieldline.messaging.message import Message
from fieldline.rules.chain import Process, Step
from fieldline.rules.failures import describe
from fieldline.rules.node import FAILURE, Context, Outcome
from fieldline.rules.services import RuleServices

logger = logging.getLogger(__name__)

ENTERED = ""
"""The relation from an :class:`Entry` to its node."""
ENDED = "ACK"
"""The relation that is shown where a node answers nothing and ends the branch."""
_SMALL_ITEMS = 100
_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), default=str)


class Watch:
    """Records the messages of one node as its debug settings say, until they end."""

    __slots__ = ("_chain_id", "_clock", "_debug", "_node", "_records", "_tenant_id")

    def __init__(
        self, graph: ChainGraph, node_id: UUID, debug: NodeDebug, records: Records, clock: Clock
    ) -> None:
        self._tenant_id = graph.tenant_id
        self._chain_id = graph.id
        self._node = EntityRef(EntityType.RULE_NODE, node_id)
        self._debug = debug
        self._records = records
        self._clock = clock

    @property
    def takes_everything(self) -> bool:
        """Whether messages that come in are recorded too, at this time."""
        return self._debug.is_all_on(self._clock.now_ms())

    def came_in(self, relation: str, message: Message) -> None:
        """Record that a message came by a relation; it is empty at the chain's first node."""
        if self.takes_everything:
            self._record("IN", relation, message)

    def went_out(self, relation: str, message: Message, error: Exception | None = None) -> None:
        """Record that a message went on by a relation."""
        is_failure = self._debug.failures and relation.lower() == FAILURE.lower()
        if is_failure or self.takes_everything:
            self._record("OUT", relation, message, error)

    def answered(self, outcome: Outcome, message: Message) -> None:
        """Record what a node answered about a message that it does not keep."""
        if isinstance(outcome, tuple):
            self.went_out(*outcome)
        elif outcome:
            for relation, answer in outcome:
                self.went_out(relation, answer)
        elif outcome is not None:
            self.went_out(ENDED, message)

    def _record(
        self, direction: str, relation: str, message: Message, error: Exception | None = None
    ) -> None:
        try:
            if self._records.admits(self._tenant_id, self._chain_id):
                self._records.put(self._made(direction, relation, message, error))
        except Exception:  # debugging must not hurt what is debugged
            logger.exception("a debug event could not be made")

    def _made(
        self, direction: str, relation: str, message: Message, error: Exception | None
    ) -> Record:
        return Record(
            self._tenant_id,
            self._chain_id,
            self._node,
            EventType.DEBUG_RULE_NODE,
            self._clock.now_ms(),
            direction=direction,
            originator=message.originator,
            message_id=message.id,
            message_type=cut(message.type[:255]),
            relation=cut(relation[:255]),
            data=cut(head_of(message.data)),
            message_metadata=cut(head_of(message.metadata)),
            error=cut(describe(error)) if error is not None else None,
        )


class WatchedStep(Step):
    """A step that records what its node answers."""

    __slots__ = ("watch",)

    def __init__(self, graph: ChainGraph, node: GraphNode, services: RuleServices) -> None:
        super().__init__(graph, node, services)
        self.watch: Watch

    def use(self, process: Process) -> None:
        watch = self.watch

        def watched(message: Message, context: Context) -> Outcome:
            outcome = process(message, context)
            watch.answered(outcome, message)
            return outcome

        self.process = watched

    def proceed(self, relation: str, message: Message) -> None:
        self.watch.went_out(relation, message)
        super().proceed(relation, message)

    def resume(self, outcome: Outcome, message: Message) -> None:
        self.watch.answered(outcome, message)
        super().resume(outcome, message)

    def failed(self, message: Message, reason: Exception) -> Outcome:
        self.watch.went_out(FAILURE, message, reason)
        return super().failed(message, reason)


class Entry(Step):
    """A step before a watched node that records what comes by one relation."""

    __slots__ = ("relation", "watch")

    def __init__(self, graph: ChainGraph, node: GraphNode, services: RuleServices) -> None:
        super().__init__(graph, node, services)
        self.watch: Watch
        self.relation = ""
        self.process = self._enter

    def _enter(self, message: Message, context: Context) -> Outcome:
        del context
        if self.limit:
            message.executions -= 1  # only the node itself counts
        self.watch.came_in(self.relation, message)
        return (ENTERED, message)


def head_of(value: Any) -> str:  # noqa: ANN401 - JSON is any of its types
    """Return JSON's text, or of large JSON only its beginning: it is to be cut anyway."""
    if _is_small(value):
        return dumps_text(value)
    parts, length = [], 0
    for part in _ENCODER.iterencode(value):
        parts.append(part[: MAX_TEXT_LENGTH + 1])
        length += len(part)
        if length > MAX_TEXT_LENGTH:
            break
    return "".join(parts)


def _is_small(value: Any) -> bool:  # noqa: ANN401 - JSON is any of its types
    """Whether encoding all of it costs about nothing."""
    if not isinstance(value, Mapping):
        return not isinstance(value, list | str) or len(value) == 0
    return len(value) <= _SMALL_ITEMS and all(
        not isinstance(item, Mapping | list)
        and (not isinstance(item, str) or len(item) <= MAX_TEXT_LENGTH)
        for item in value.values()
    )
