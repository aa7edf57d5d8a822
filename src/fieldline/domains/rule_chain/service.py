"""What can be done with rule chains."""

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any, TypedDict
from uuid import UUID

from fieldline.database.engine import announce
from fieldline.domains.rule_chain import schemas
from fieldline.domains.rule_chain.models import RuleChain
from fieldline.domains.rule_chain.repository import RuleChainRepository
from fieldline.domains.tenant_profile import service as tenant_profile_service
from fieldline.kit.errors import Conflict, Invalid, NotFound
from fieldline.kit.ids import EntityRef, EntityType
from fieldline.kit.paging import Page, PageRequest
from fieldline.kit.storable import check_storable
from fieldline.kit.text import check_json, check_text
from fieldline.kit.versions import check_version
from fieldline.messaging.events import Change, EntityChanged
from fieldline.rest.wire import wire_json
from fieldline.security.caller import Caller
from fieldline.security.permissions import Operation, check, tenant_of

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

CORE = "CORE"
TYPES = ("CORE", "EDGE")


class ChainFields(TypedDict, total=False):
    """What may be set of a chain; what is left out stays as it is."""

    name: str | None
    type: str | None
    debug_mode: bool
    configuration: dict[str, Any] | None
    additional_info: dict[str, Any] | None
    external_id: UUID | None


async def page(
    session: "AsyncSession", caller: Caller, request: PageRequest, *, chain_type: str | None = None
) -> Page[RuleChain]:
    tenant_id = tenant_of(caller, Operation.READ, EntityType.RULE_CHAIN)
    return await RuleChainRepository(session).page(tenant_id, request, chain_type)


async def by_ids(
    session: "AsyncSession", caller: Caller, ids: Collection[UUID]
) -> Sequence[RuleChain]:
    return await RuleChainRepository(session).by_ids(
        tenant_of(caller, Operation.READ, EntityType.RULE_CHAIN), ids
    )


async def get(
    session: "AsyncSession",
    caller: Caller,
    chain_id: UUID,
    operation: Operation = Operation.READ,
) -> RuleChain:
    """Return a chain that the caller may do ``operation`` to."""
    chain = await RuleChainRepository(session).get(chain_id, lock=operation is not Operation.READ)
    if chain is None:
        msg = f"Rule chain with id [{chain_id}] is not found"
        raise NotFound(msg)
    check(caller, operation, EntityType.RULE_CHAIN, tenant_id=chain.tenant_id)
    return chain


async def tenant_of_node(
    session: "AsyncSession", caller: Caller, node_id: UUID, operation: Operation
) -> UUID:
    """Return the tenant of a node, to whose chain the caller may do ``operation``."""
    node = await RuleChainRepository(session).node(node_id)
    if node is None:
        msg = f"Rule node with id [{node_id}] is not found"
        raise NotFound(msg)
    return (await get(session, caller, node.rule_chain_id, operation)).tenant_id


async def existing(session: "AsyncSession", ids: Collection[UUID]) -> set[UUID]:
    """Return those of the ids that a chain has: asks no permission."""
    return await RuleChainRepository(session).existing(ids)


async def create(session: "AsyncSession", caller: Caller, fields: ChainFields) -> RuleChain:
    """Make an empty chain; it is never a root from the start.

    Raises:
        LimitReached: the tenant's profile allows no more.
    """
    tenant_id = tenant_of(caller, Operation.CREATE, EntityType.RULE_CHAIN)
    chain = RuleChain(tenant_id=tenant_id, root=False)
    _apply(chain, fields)
    repository = RuleChainRepository(session)
    await tenant_profile_service.require_room(
        session, tenant_id, EntityType.RULE_CHAIN, lambda: repository.count(tenant_id)
    )
    await repository.add(chain)
    await tell(session, caller, chain, Change.CREATED)
    return chain


async def update(
    session: "AsyncSession",
    caller: Caller,
    chain_id: UUID,
    fields: ChainFields,
    *,
    version: int | None = None,
) -> RuleChain:
    """Change a chain's own fields; its nodes and whether it is the root stay.

    Raises:
        StaleVersion: ``version`` is given and is not the stored one.
    """
    chain = await get(session, caller, chain_id, Operation.WRITE)
    check_version("Rule chain", version, chain.version)
    _apply(chain, fields)
    await RuleChainRepository(session).update(chain)
    await tell(session, caller, chain, Change.UPDATED)
    return chain


async def delete(session: "AsyncSession", caller: Caller, chain_id: UUID) -> None:
    """Delete a chain with its nodes.

    Raises:
        Conflict: it is the root chain, or a profile names it.
    """
    chain = await get(session, caller, chain_id, Operation.DELETE)
    if chain.root:
        raise Conflict("Deletion of Root Tenant Rule Chain is prohibited!")
    await tell(session, caller, chain, Change.DELETED)
    await RuleChainRepository(session).delete(chain)


async def set_root(session: "AsyncSession", caller: Caller, chain_id: UUID) -> RuleChain:
    """Make a chain the one that messages enter when no profile names another."""
    chain = await get(session, caller, chain_id, Operation.WRITE)
    if chain.type != CORE:
        raise Invalid("Only a rule chain of type CORE can be the root rule chain")
    chains = RuleChainRepository(session)
    previous = await chains.root(chain.tenant_id, chain.type)
    if previous is not None and previous.id != chain.id:
        previous.root = False
        # Before the new root is written: at no moment may there be two.
        await chains.update(previous)
        await tell(session, caller, previous, Change.UPDATED)
    if not chain.root:
        chain.root = True
        await chains.update(chain)
        await tell(session, caller, chain, Change.UPDATED)
    return chain


async def tell(
    session: "AsyncSession", caller: Caller | None, chain: RuleChain, change: Change
) -> None:
    """Announce what happened to a chain; without a caller it was the platform."""
    event = EntityChanged(
        chain.tenant_id,
        EntityRef(EntityType.RULE_CHAIN, chain.id),
        change,
        by=caller.actor if caller else None,
        name=chain.name,
        data=wire_json(schemas.RuleChain, chain),
    )
    await announce(session, event)


def _apply(chain: RuleChain, fields: ChainFields) -> None:
    for name, value in fields.items():
        setattr(chain, name, value)
    chain.type = chain.type or CORE
    check_text("Rule chain name", chain.name)
    check_json("additionalInfo", chain.additional_info)
    check_storable("additionalInfo", chain.additional_info)
    check_storable("configuration", chain.configuration)
    if chain.type not in TYPES:
        msg = f"Rule chain type '{chain.type}' is none of {', '.join(TYPES)}"
        raise Invalid(msg)
