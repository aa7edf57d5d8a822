"""A chain's nodes and connections: read, saved as a whole, and given to the rule engine."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING, Any
from uuid import UUID

from fieldline.domains.rule_chain.graph import (
    ChainGraph,
    Connection,
    GraphDraft,
    GraphNode,
    Link,
    NodeCatalogue,
    NodeDebug,
    NodeDraft,
    check_links,
)
from fieldline.domains.rule_chain.models import RuleChain, RuleNode
from fieldline.domains.rule_chain.repository import RuleChainRepository
from fieldline.domains.rule_chain.service import (
    CORE,
    ChainFields,
    create,
    get,
    tell,
)
from fieldline.domains.tenant_profile import service as tenant_profile_service
from fieldline.kit.errors import Invalid
from fieldline.kit.ids import new_id
from fieldline.kit.storable import check_storable
from fieldline.kit.text import check_json, check_optional_text, check_text
from fieldline.kit.versions import check_version
from fieldline.messaging.events import Change
from fieldline.security.caller import Caller
from fieldline.security.permissions import Operation

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

DEBUG_DURATION_MINUTES = 15
"""For how long all messages of a node are recorded at the most, unless the tenant's profile says
another time (maxDebugModeDurationMinutes); failures for as long as wanted."""


@dataclass(frozen=True, slots=True)
class Metadata:
    """A chain with its nodes and, by index into these, its links."""

    chain: RuleChain
    nodes: list[RuleNode]
    links: list[Link]
    first_node_index: int | None


async def read(session: "AsyncSession", caller: Caller, chain_id: UUID) -> Metadata:
    chain = await get(session, caller, chain_id)
    return _metadata(chain, list(await RuleChainRepository(session).nodes([chain.id])))


async def save(
    session: "AsyncSession",
    caller: Caller,
    chain_id: UUID,
    draft: GraphDraft,
    *,
    catalogue: NodeCatalogue,
    now_ms: int,
) -> Metadata:
    """Make a chain's nodes and links what the draft says; nodes not in it are deleted.

    Raises:
        Invalid: links name no node or form a cycle, or a node is not valid.
        StaleVersion: the draft has a version that is not the stored one.
    """
    chain = await get(session, caller, chain_id, Operation.WRITE)
    check_version("Rule chain", draft.version, chain.version)
    check_links(len(draft.nodes), draft.links, draft.first_node_index)
    _check_storable(draft)
    prepared = [
        catalogue.prepare(node.type, node.name, node.configuration, node.configuration_version)
        for node in draft.nodes
    ]
    return await _store(session, caller, chain, draft, prepared, now_ms)


async def create_default(session: "AsyncSession", caller: Caller, name: str | None) -> Metadata:
    """Make a chain with the nodes of the default one, for a device profile."""
    fields = ChainFields(name=name, additional_info={"description": ""})
    chain = await create(session, caller, fields)
    return await _store_packaged(session, caller, chain)


async def seed(session: "AsyncSession", tenant_id: UUID) -> None:
    """Give a new tenant its root rule chain."""
    content = _packaged()["ruleChain"]
    chain = RuleChain(
        tenant_id=tenant_id,
        name=content["name"],
        type=CORE,
        root=True,
        additional_info=content["additionalInfo"],
    )
    await RuleChainRepository(session).add(chain)
    await _store_packaged(session, None, chain)
    await tell(session, None, chain, Change.CREATED)


async def graphs(session: "AsyncSession", tenant_id: UUID) -> list[ChainGraph]:
    """Return the tenant's chains as the rule engine runs them."""
    repository = RuleChainRepository(session)
    chains = await repository.all_of_type(tenant_id, CORE)
    nodes: dict[UUID, list[RuleNode]] = {chain.id: [] for chain in chains}
    for row in await repository.nodes(nodes):
        nodes[row.rule_chain_id].append(row)
    return [_graph(chain, nodes[chain.id]) for chain in chains]


def _graph(chain: RuleChain, nodes: list[RuleNode]) -> ChainGraph:
    return ChainGraph(
        id=chain.id,
        tenant_id=chain.tenant_id,
        name=chain.name,
        is_root=chain.root,
        first_node_id=chain.first_rule_node_id,
        nodes=tuple(
            GraphNode(row.id, row.type, row.name, row.configuration, _debug_of(chain, row))
            for row in nodes
        ),
        connections=tuple(
            Connection(UUID(from_id), UUID(to_id), label)
            for from_id, to_id, label in chain.connections
        ),
    )


def _debug_of(chain: RuleChain, node: RuleNode) -> NodeDebug | None:
    """Return what is recorded of a node: by its own settings, and everything in debug mode."""
    settings = node.debug_settings or {}
    failures = settings.get("failuresEnabled") is True
    until_ms = settings.get("allEnabledUntil")
    if not (failures or until_ms or chain.debug_mode):
        return None
    return NodeDebug(failures, until_ms or None, always=chain.debug_mode)


def _metadata(chain: RuleChain, nodes: list[RuleNode]) -> Metadata:
    index = {node.id: position for position, node in enumerate(nodes)}
    links = [
        Link(index[UUID(from_id)], index[UUID(to_id)], label)
        for from_id, to_id, label in chain.connections
    ]
    links.sort(key=lambda link: (link.from_index, link.to_index, link.type))
    first = index.get(chain.first_rule_node_id) if chain.first_rule_node_id else None
    return Metadata(chain, nodes, links, first)


def _check_storable(draft: GraphDraft) -> None:
    for node in draft.nodes:
        _check_node(node)
    for link in draft.links:
        check_storable("Connection type", link.type)
    check_storable("Rule chain notes", draft.notes)


def _check_node(node: NodeDraft) -> None:
    check_text("Rule node name", node.name)
    check_text("Rule node type", node.type)
    check_optional_text("Rule node queueName", node.queue_name)
    check_json("Rule node additionalInfo", node.additional_info)
    check_storable("Rule node additionalInfo", node.additional_info)
    check_storable("Rule node configuration", node.configuration)
    _check_debug_settings(node.debug_settings or {})


def _check_debug_settings(settings: Mapping[str, Any]) -> None:
    for name in ("failuresEnabled", "allEnabled"):
        if not isinstance(settings.get(name), bool | None):
            msg = f"debugSettings.{name} must be true or false"
            raise Invalid(msg)
    until = settings.get("allEnabledUntil")
    if until is not None and (type(until) is not int or until < 0):
        raise Invalid("debugSettings.allEnabledUntil must be a time in ms since 1970")


async def _store(
    session: "AsyncSession",
    caller: Caller | None,
    chain: RuleChain,
    draft: GraphDraft,
    prepared: list[tuple[dict[str, Any], int]],
    now_ms: int,
) -> Metadata:
    repository = RuleChainRepository(session)
    debug_until_ms = now_ms + await _debug_duration_ms(session, chain.tenant_id)
    stored = {node.id: node for node in await repository.nodes([chain.id])}
    _check_ids(draft, stored)
    # Ids are ordered by time only to the ms; sorted, new nodes come back as they were given.
    new_ids = iter(sorted(new_id() for _ in draft.nodes))
    rows = []
    for node, (configuration, version) in zip(draft.nodes, prepared, strict=True):
        row = stored.pop(node.id) if node.id else RuleNode(id=next(new_ids), created_time=now_ms)
        row.rule_chain_id = chain.id
        _fill(row, node, debug_until_ms)
        row.configuration = configuration
        row.configuration_version = version
        rows.append(row)
        session.add(row)
    for row in stored.values():
        await repository.delete_node(row)
    chain.connections = _connections(draft, rows)
    chain.notes = draft.notes
    first = draft.first_node_index
    chain.first_rule_node_id = rows[first].id if first is not None else None
    await repository.update(chain)
    await tell(session, caller, chain, Change.UPDATED)
    return _metadata(chain, list(await repository.nodes([chain.id])))


def _check_ids(draft: GraphDraft, stored: Mapping[UUID, RuleNode]) -> None:
    given = [node.id for node in draft.nodes if node.id is not None]
    for node_id in given:
        if node_id not in stored:
            msg = f"The rule chain has no node with id {node_id}; a new node is sent without id"
            raise Invalid(msg)
    if len(set(given)) < len(given):
        raise Invalid("Two of the nodes have the same id")


async def _debug_duration_ms(session: "AsyncSession", tenant_id: UUID) -> int:
    minutes = await tenant_profile_service.limit(session, tenant_id, "maxDebugModeDurationMinutes")
    return (minutes or DEBUG_DURATION_MINUTES) * 60_000


def _fill(row: RuleNode, node: NodeDraft, debug_until_ms: int) -> None:
    row.type = node.type
    row.name = node.name
    row.debug_settings = _bounded(node.debug_settings, debug_until_ms)
    row.singleton_mode = node.singleton_mode
    row.queue_name = node.queue_name
    row.external_id = node.external_id
    row.additional_info = node.additional_info


def _bounded(settings: Mapping[str, Any] | None, latest: int) -> dict[str, Any] | None:
    """Return debug settings that end by themselves, at ``latest`` in ms."""
    if settings is None:
        return None
    until = int(settings.get("allEnabledUntil") or 0)
    return {
        "failuresEnabled": bool(settings.get("failuresEnabled")),
        "allEnabled": False,
        "allEnabledUntil": latest if settings.get("allEnabled") else min(until, latest),
    }


def _connections(draft: GraphDraft, rows: list[RuleNode]) -> list[list[str]]:
    """Return the links by node id; the same link twice is one."""
    found = {
        (str(rows[link.from_index].id), str(rows[link.to_index].id), link.type): None
        for link in draft.links
    }
    return [list(link) for link in found]


def _packaged() -> dict[str, Any]:
    text = files(__package__).joinpath("root_rule_chain.json").read_text("utf-8")
    content: dict[str, Any] = json.loads(text)
    return content


async def _store_packaged(
    session: "AsyncSession", caller: Caller | None, chain: RuleChain
) -> Metadata:
    """Give a chain the nodes of the packaged default one, which are valid as they are."""
    metadata = _packaged()["metadata"]
    draft = GraphDraft(
        nodes=[
            NodeDraft(type=node["type"], name=node["name"], additional_info=node["additionalInfo"])
            for node in metadata["nodes"]
        ],
        links=[
            Link(link["fromIndex"], link["toIndex"], link["type"])
            for link in metadata["connections"]
        ],
        first_node_index=metadata["firstNodeIndex"],
    )
    prepared = [(node["configuration"], node["configurationVersion"]) for node in metadata["nodes"]]
    return await _store(session, caller, chain, draft, prepared, chain.created_time)
