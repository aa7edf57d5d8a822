"""A rule chain as the engine runs it: steps that know their next steps, and the loop over them.

A stored chain is compiled once into :class:`Step` objects, each holding its node's bound method and
a tuple of targets per relation, so that a message costs one call and one look-up per node: no
queue, no task, no copy.
"""

from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

from fieldline.domains.rule_chain.graph import ChainGraph, GraphNode
from fieldline.kit.errors import FieldlineError, Unavailable
from fieldline.messaging.message import Branches, Message
from fieldline.rules.failures import Failures
from fieldline.rules.node import FAILURE, AsyncNode, Context, Node, Outcome
from fieldline.rules.services import RuleServices

AnyNode = Node[Any] | AsyncNode[Any]
Targets = tuple["Step", ...]
Process = Callable[[Message, Context], Outcome]

MAX_BRANCHES = 10_000
"""Branches that one message may open: each node that two others follow doubles them."""
MAX_STEPS = 100_000
"""Nodes that are run without a break, for one message: some 50 ms, in which nothing else is."""


class ExecutionLimitError(FieldlineError):
    """A message passed more nodes than the tenant's profile, or the engine, allows."""


class Step(Context):
    """One node in its chain, ready to run."""

    __slots__ = ("failures", "limit", "process", "targets", "usage")

    def __init__(self, graph: ChainGraph, node: GraphNode, services: RuleServices) -> None:
        self.tenant_id = graph.tenant_id
        self.chain_id = graph.id
        self.chain_name = graph.name
        self.node_id = node.id
        self.node_name = node.name
        self.services = services
        self.usage = services.usage.of(graph.tenant_id)
        self.process: Process = inactive(f"The node '{node.name}' has not started")
        self.targets: dict[str, Targets] = {}
        self.failures: Failures
        self.limit = 0

    def use(self, process: Process) -> None:
        """Take this for the node's work from here on."""
        self.process = process

    def proceed(self, relation: str, message: Message) -> None:
        if self.find(relation):
            _advance(self, (relation, message), message)
        else:
            message.receipt.release()

    def fail(self, message: Message, reason: Exception) -> None:
        _advance(self, self.failed(message, reason), message)

    def resume(self, outcome: Outcome, message: Message) -> None:
        """Go on with what a node that waits has answered about ``message``."""
        _advance(self, outcome, message)

    def failed(self, message: Message, reason: Exception) -> Outcome:
        """Follow Failure, or record the reason where nothing is connected to it."""
        if not self.find(FAILURE):
            self.failures.record(self, reason)
        return (FAILURE, message)

    def find(self, relation: str) -> Targets:
        """Return the targets of a relation; labels are compared whatever their case."""
        targets = self.targets.get(relation)
        return targets if targets is not None else self.targets.get(relation.lower(), ())


class Chain:
    """A compiled chain; ``first`` is None for a chain without nodes or without a first one."""

    __slots__ = ("first", "id", "name", "steps")

    def __init__(self, graph: ChainGraph, steps: Mapping[UUID, Step], first: Step | None) -> None:
        self.id = graph.id
        self.name = graph.name
        self.steps = steps
        self.first = first


def activate(step: Step, node: AnyNode, process: Process) -> None:
    """Put a started node into its step."""
    step.use(process)
    for relation in (*node.relations, FAILURE):
        # The spelling that the node uses is found by the first look-up, without lower().
        step.targets[relation] = step.targets.get(relation.lower(), ())


def inactive(reason: str) -> Process:
    """Return what stands in for a node that could not start."""

    def refuse(_message: Message, _context: Context) -> Outcome:
        raise Unavailable(reason)

    return refuse


def enter(chain: Chain, message: Message) -> None:
    """Take a message through a chain as far as it goes without waiting.

    Releases the message's receipt once for the branch that it came in on, when its last branch has
    ended, now or later.
    """
    if chain.first is None:
        message.receipt.release()
    else:
        _run(chain.first, message, [])


def _run(step: Step, message: Message, pending: list[tuple[Step, Message]]) -> None:
    """Run ``step`` and what follows, then every step in ``pending``, which holds open branches."""
    for _ in range(MAX_STEPS):
        step.usage.rule_engine_executions += 1
        if step.limit and _is_over(step, message):
            _refuse(step, message)
            outcome: Outcome = None
        else:
            try:
                outcome = step.process(message, step)
            except Exception as error:  # noqa: BLE001 - the outermost loop: any error is a Failure
                outcome = step.failed(message, error)
        if isinstance(outcome, tuple):
            relation, message = outcome
            targets = step.targets.get(relation)
            if targets is None:
                targets = step.find(relation)
            if targets and (len(targets) == 1 or _open(step, targets, message, pending)):
                step = targets[0]
                continue
            message.receipt.release()
        elif outcome is not None:
            _spread(step, message, outcome, pending)
        if not pending:
            return
        step, message = pending.pop()
    _give_up(step, message, pending)


def _advance(step: Step, outcome: Outcome, message: Message) -> None:
    """Go on from a step whose node has answered about ``message``."""
    if outcome is None:
        return
    pending: list[tuple[Step, Message]] = []
    _spread(step, message, outcome if isinstance(outcome, list) else [outcome], pending)
    if pending:
        following, message = pending.pop()
        _run(following, message, pending)


def _open(
    step: Step, targets: Targets, message: Message, pending: list[tuple[Step, Message]]
) -> bool:
    """Open a branch for every target but the first, which goes on with the one that is open.

    The branches share the message, since a node that changes one makes a copy; only a count of
    executions is a branch's own. False: there would be too many, and none is opened.
    """
    if not _may_open(step, message, len(targets) - 1):
        return False
    message.receipt.hold(len(targets) - 1)
    pending.extend(
        (target, message.copy() if target.limit else message) for target in reversed(targets[1:])
    )
    return True


def _spread(
    step: Step,
    message: Message,
    outcomes: list[tuple[str, Message]],
    pending: list[tuple[Step, Message]],
) -> None:
    """Open a branch for every target of every answer, and end the one that led to the node."""
    receipt = message.receipt
    if len(outcomes) <= 1 or _may_open(step, message, len(outcomes) - 1):
        for relation, answer in reversed(outcomes):
            targets = step.find(relation)
            answer.branches = message.branches
            if targets and (len(targets) == 1 or _open(step, targets, answer, pending)):
                receipt.hold()
                pending.append((targets[0], answer))
    receipt.release()


def _may_open(step: Step, message: Message, count: int) -> bool:
    """Count more branches of a message; where there are too many, this one ends at the step."""
    branches = message.branches
    if branches is None:
        branches = message.branches = Branches()
    branches.count += count
    if branches.count <= MAX_BRANCHES:
        return True
    msg = f"The message opened more than {MAX_BRANCHES} branches in the rules; link nodes in a row"
    step.failures.record(step, ExecutionLimitError(msg))
    return False


def _give_up(step: Step, message: Message, pending: list[tuple[Step, Message]]) -> None:
    """End what is left of a message that passes nodes without an end in sight."""
    msg = f"The message passed {MAX_STEPS} nodes without a break; link nodes in a row"
    step.failures.record(step, ExecutionLimitError(msg))
    message.receipt.release()
    for _, left in pending:
        left.receipt.release()


def _is_over(step: Step, message: Message) -> bool:
    message.executions += 1
    return message.executions > step.limit


def _refuse(step: Step, message: Message) -> None:
    """End the branch of a message that passed too many nodes."""
    msg = f"The message passed more than the {step.limit} nodes that the tenant profile allows"
    step.failures.record(step, ExecutionLimitError(msg))
    message.receipt.release()
