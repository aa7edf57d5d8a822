"""What can be done with events: looked at, and deleted."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from typing import TYPE_CHECKING
from uuid import UUID

from fieldline.domains.entity.access import known
from fieldline.domains.event.filters import EventFilter
from fieldline.domains.event.models import Event
from fieldline.domains.event.record import EventType
from fieldline.domains.event.repository import EventRepository
from fieldline.domains.rule_chain import service as rule_chain_service
from fieldline.kit.errors import Forbidden, Invalid
from fieldline.kit.ids import EntityRef, EntityType
from fieldline.kit.paging import Page, PageRequest
from fieldline.security.caller import Caller
from fieldline.security.permissions import DENIED, Operation

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

Write = Callable[[], AbstractAsyncContextManager["AsyncSession"]]
"""Opens a transaction, as ``Database.write``."""
CLEAR_BATCH = 2_000
"""Events deleted in one transaction, so that readings wait little."""


async def page(
    session: "AsyncSession",
    caller: Caller,
    entity: EntityRef,
    wanted: EventFilter,
    request: PageRequest,
) -> Page[Event]:
    """Return events of one entity that the caller may see.

    Raises:
        NotFound: there is no such entity.
        Forbidden: it is somebody else's.
    """
    tenant_id = await _tenant_of(session, caller, Operation.READ, entity)
    return await EventRepository(session).page(
        tenant_id, replace(wanted, entity_id=entity.id), request
    )


async def page_of_chain(
    session: "AsyncSession",
    caller: Caller,
    chain_id: UUID,
    wanted: EventFilter,
    request: PageRequest,
) -> Page[Event]:
    """Return events of a chain and of all its nodes, also of nodes that are there no more."""
    chain = await rule_chain_service.get(session, caller, chain_id)
    wanted = replace(wanted, rule_chain_id=chain.id)
    return await EventRepository(session).page(chain.tenant_id, wanted, request)


async def last_in(session: "AsyncSession", caller: Caller, node_id: UUID) -> Event | None:
    """Return the newest message that was recorded as it came to a node."""
    node = EntityRef(EntityType.RULE_NODE, node_id)
    tenant_id = await _tenant_of(session, caller, Operation.READ, node)
    wanted = EventFilter(type=EventType.DEBUG_RULE_NODE, entity_id=node_id, direction="IN")
    return await EventRepository(session).last(tenant_id, wanted)


async def clear(write: Write, caller: Caller, entity: EntityRef, wanted: EventFilter) -> None:
    """Delete events of one entity, in several transactions when they are many.

    Raises:
        NotFound: there is no such entity.
        Forbidden: the caller may not change it.
    """
    async with write() as session:
        tenant_id = await _tenant_of(session, caller, Operation.WRITE, entity)
    await _clear(write, tenant_id, replace(wanted, entity_id=entity.id))


async def clear_chain(write: Write, caller: Caller, chain_id: UUID, wanted: EventFilter) -> None:
    """Delete events of a chain and its nodes; as :func:`clear`."""
    async with write() as session:
        chain = await rule_chain_service.get(session, caller, chain_id, Operation.WRITE)
        tenant_id = chain.tenant_id
    await _clear(write, tenant_id, replace(wanted, rule_chain_id=chain_id))


async def expire(session: "AsyncSession", before_ms: int, limit: int) -> int:
    """Delete some of the events that are older; returns how many. It asks for no permission."""
    return await EventRepository(session).delete_before(before_ms, limit)


async def _clear(write: Write, tenant_id: UUID, wanted: EventFilter) -> None:
    while True:
        async with write() as session:
            count = await EventRepository(session).delete(tenant_id, wanted, CLEAR_BATCH)
        if count < CLEAR_BATCH:
            return


async def _tenant_of(
    session: "AsyncSession", caller: Caller, operation: Operation, entity: EntityRef
) -> UUID:
    """Return whose the entity is, if the caller may do this to it."""
    if entity.type is EntityType.RULE_CHAIN:
        return (await rule_chain_service.get(session, caller, entity.id, operation)).tenant_id
    if entity.type is EntityType.RULE_NODE:
        return await rule_chain_service.tenant_of_node(session, caller, entity.id, operation)
    try:
        owner = await known(session, caller, operation, entity)
    except Invalid as error:
        msg = f"Entities of type {entity.type} have no events"
        raise Invalid(msg) from error
    if owner.tenant_id is None:
        raise Forbidden(DENIED)
    return owner.tenant_id
