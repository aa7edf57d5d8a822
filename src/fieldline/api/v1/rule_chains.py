"""Rule chains in the v1 dialect."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import Query
from pydantic import Field

from fieldline.api.v1.events import Event, Wanted, shown_event
from fieldline.api.v1.shapes import Body, Entity
from fieldline.domains.event import service as event_service
from fieldline.domains.rule_chain import metadata, service
from fieldline.domains.rule_chain.endpoints import CatalogueDep
from fieldline.domains.rule_chain.graph import GraphDraft, Link, NodeDraft
from fieldline.rest.callers import TenantAdmin
from fieldline.rest.dialects import v1_router
from fieldline.rest.paging import V1Page
from fieldline.rest.services import ServicesDep
from fieldline.rest.sessions import ReadSession, WriteSession
from fieldline.rest.wire import values_of

router = v1_router("rule chains")


class RuleChainBody(Body):
    """The fields of a rule chain that may be set; ``root: true`` makes it the root chain."""

    name: str | None = None
    type: str | None = None
    root: bool = False
    debug_mode: bool = False
    configuration: dict[str, Any] | None = None
    additional_info: dict[str, Any] | None = None
    external_id: UUID | None = None


class RuleChain(Entity):
    """A rule chain without its nodes."""

    type: str
    first_rule_node_id: UUID | None
    root: bool
    debug_mode: bool
    configuration: dict[str, Any] | None
    external_id: UUID | None


class NodeBody(Body):
    """A node to save; with an id it is one that the chain has."""

    id: UUID | None = None
    type: str
    name: str
    configuration: dict[str, Any] | None = None
    configuration_version: int = 0
    debug_settings: dict[str, Any] | None = None
    singleton_mode: bool = False
    queue_name: str | None = None
    additional_info: dict[str, Any] | None = None


class Node(NodeBody):
    """A node of a chain."""

    id: UUID
    created_time: int


class Connection(Body):
    """A connection by index into the list of nodes; ``type`` is the relation, as Success."""

    from_index: int
    to_index: int
    type: str = Field(min_length=1, max_length=255)


class MetadataBody(Body):
    """A chain's nodes and connections to save; a ``version`` that is not the stored one is 409.

    Without ``nodes`` these stay. Without ``connections`` or ``first_node_index`` these stay among
    the nodes that stay, which are those sent with their id.
    """

    version: int | None = None
    first_node_index: int | None = None
    nodes: list[NodeBody] = Field(default_factory=list)
    connections: list[Connection] = Field(default_factory=list)


class Metadata(Body):
    """A chain's nodes and connections."""

    rule_chain_id: UUID
    version: int
    first_node_index: int | None
    nodes: list[Node]
    connections: list[Connection]


@router.post("/ruleChains", status_code=201)
async def create_rule_chain(
    body: RuleChainBody, caller: TenantAdmin, session: WriteSession
) -> RuleChain:
    """Create a rule chain without nodes."""
    made = await service.create(session, caller, _given(body))
    if body.root:
        made = await service.set_root(session, caller, made.id)
    return _shown(made)


@router.get("/ruleChains")
async def list_rule_chains(
    page: V1Page,
    caller: TenantAdmin,
    session: ReadSession,
    type: Annotated[str | None, Query()] = None,  # noqa: A002 - the contract's word
) -> list[RuleChain]:
    """List rule chains, newest first."""
    found = await service.page(session, caller, page, chain_type=type)
    return [_shown(chain) for chain in found.items]


@router.get("/ruleChains/{rule_chain_id}")
async def get_rule_chain(
    rule_chain_id: UUID, caller: TenantAdmin, session: ReadSession
) -> RuleChain:
    """Return one rule chain."""
    return _shown(await service.get(session, caller, rule_chain_id))


@router.put("/ruleChains/{rule_chain_id}")
async def update_rule_chain(
    rule_chain_id: UUID, body: RuleChainBody, caller: TenantAdmin, session: WriteSession
) -> RuleChain:
    """Change the given fields; ``root: true`` makes it the root chain."""
    chain = await service.update(session, caller, rule_chain_id, _given(body))
    if body.root:
        chain = await service.set_root(session, caller, rule_chain_id)
    return _shown(chain)


@router.delete("/ruleChains/{rule_chain_id}", status_code=204)
async def delete_rule_chain(
    rule_chain_id: UUID, caller: TenantAdmin, session: WriteSession
) -> None:
    """Delete a rule chain that is not the root and that no profile names."""
    await service.delete(session, caller, rule_chain_id)


@router.post("/ruleChains/{rule_chain_id}/root")
async def set_root_rule_chain(
    rule_chain_id: UUID, caller: TenantAdmin, session: WriteSession
) -> RuleChain:
    """Make it the root chain."""
    return _shown(await service.set_root(session, caller, rule_chain_id))


@router.get("/ruleChains/{rule_chain_id}/events")
async def list_events(
    rule_chain_id: UUID, page: V1Page, wanted: Wanted, caller: TenantAdmin, session: ReadSession
) -> list[Event]:
    """List events of a chain and its nodes, newest first; ``search`` looks into their texts."""
    found = await event_service.page_of_chain(session, caller, rule_chain_id, wanted, page)
    return [shown_event(event) for event in found.items]


@router.delete("/ruleChains/{rule_chain_id}/events", status_code=204)
async def clear_events(
    rule_chain_id: UUID, wanted: Wanted, caller: TenantAdmin, services: ServicesDep
) -> None:
    """Delete events of a chain and its nodes."""
    await event_service.clear_chain(services.database.write, caller, rule_chain_id, wanted)


@router.get("/ruleChains/{rule_chain_id}/metadata")
async def get_metadata(rule_chain_id: UUID, caller: TenantAdmin, session: ReadSession) -> Metadata:
    """Return a chain's nodes and connections."""
    return _shown_metadata(await metadata.read(session, caller, rule_chain_id))


@router.put("/ruleChains/{rule_chain_id}/metadata")
async def update_metadata(
    rule_chain_id: UUID,
    body: MetadataBody,
    caller: TenantAdmin,
    session: WriteSession,
    services: ServicesDep,
    catalogue: CatalogueDep,
) -> Metadata:
    """Make a chain's nodes and connections what the body says; what it leaves out stays."""
    stored = await metadata.read(session, caller, rule_chain_id)
    saved = await metadata.save(
        session,
        caller,
        rule_chain_id,
        _draft(body, stored),
        catalogue=catalogue,
        now_ms=services.clock.now_ms(),
    )
    return _shown_metadata(saved)


def _draft(body: MetadataBody, stored: metadata.Metadata) -> GraphDraft:
    given, kept = body.model_fields_set, _shown_metadata(stored)
    nodes = body.nodes if "nodes" in given else kept.nodes
    index = {node.id: position for position, node in enumerate(nodes) if node.id is not None}
    moved = [index.get(node.id) for node in kept.nodes]
    external: dict[UUID | None, UUID | None] = {node.id: node.external_id for node in stored.nodes}
    links = [Link(link.from_index, link.to_index, link.type) for link in body.connections]
    if "connections" not in given:
        ends = [(moved[link.from_index], moved[link.to_index], link.type) for link in stored.links]
        links = [Link(a, b, label) for a, b, label in ends if a is not None and b is not None]
    first = body.first_node_index
    if "first_node_index" not in given and stored.first_node_index is not None:
        first = moved[stored.first_node_index]
    return GraphDraft(
        nodes=[
            NodeDraft(**values_of(node, "created_time"), external_id=external.get(node.id))
            for node in nodes
        ],
        links=links,
        first_node_index=first,
        notes=stored.chain.notes or [],
        version=body.version,
    )


def _given(body: RuleChainBody) -> service.ChainFields:
    fields: service.ChainFields = values_of(body, "root", only_set=True)
    return fields


def _shown(chain: Any) -> RuleChain:  # noqa: ANN401 - a row, which only its domain may name
    values = {name: getattr(chain, name, None) for name in RuleChain.model_fields}
    return RuleChain(**{**values, "additional_info": chain.additional_info or {}})


def _shown_metadata(found: metadata.Metadata) -> Metadata:
    nodes = [
        Node(**{name: getattr(node, name) for name in Node.model_fields}) for node in found.nodes
    ]
    links = [
        Connection(from_index=link.from_index, to_index=link.to_index, type=link.type)
        for link in found.links
    ]
    return Metadata(
        rule_chain_id=found.chain.id,
        version=found.chain.version,
        first_node_index=found.first_node_index,
        nodes=nodes,
        connections=links,
    )
