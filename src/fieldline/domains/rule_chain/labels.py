"""By which labels messages leave a chain, and which nodes of other chains go on by them."""

from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from fieldline.domains.rule_chain.repository import RuleChainRepository
from fieldline.domains.rule_chain.service import get
from fieldline.security.caller import Caller

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

OUTPUT = "org.thingsboard.rule.engine.flow.TbRuleChainOutputNode"
"""Its name is the label by which messages leave the chain."""
INPUT = "org.thingsboard.rule.engine.flow.TbRuleChainInputNode"
"""It leads into the chain that its configuration names."""


@dataclass(frozen=True, slots=True)
class Usage:
    """A node that leads into a chain."""

    rule_chain_id: UUID
    rule_node_id: UUID
    rule_chain_name: str
    rule_node_name: str
    labels: list[str]


async def output_labels(session: "AsyncSession", caller: Caller, chain_id: UUID) -> list[str]:
    """Return the labels of a chain, sorted."""
    chain = await get(session, caller, chain_id)
    nodes = await RuleChainRepository(session).nodes([chain.id])
    return sorted({node.name for node in nodes if node.type == OUTPUT})


async def usage(session: "AsyncSession", caller: Caller, chain_id: UUID) -> list[Usage]:
    """Return the nodes that lead into a chain and go on by one of its labels."""
    chain = await get(session, caller, chain_id)
    repository = RuleChainRepository(session)
    chains = {each.id: each for each in await repository.all_of_type(chain.tenant_id, chain.type)}
    labels = set(await output_labels(session, caller, chain_id))
    found = []
    for node in await repository.nodes(chains):
        if node.type != INPUT or node.configuration.get("ruleChainId") != str(chain_id):
            continue
        outer = chains[node.rule_chain_id]
        used = {label for from_id, _to, label in outer.connections if from_id == str(node.id)}
        if used & labels:
            found.append(Usage(outer.id, node.id, outer.name, node.name, sorted(used & labels)))
    return found
