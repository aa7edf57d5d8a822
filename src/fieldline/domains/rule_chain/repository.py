"""Queries of rule chains and their nodes."""

from collections.abc import Collection, Sequence
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm.attributes import flag_modified

from fieldline.database.repository import fetch_page
from fieldline.domains.rule_chain.models import RuleChain, RuleNode
from fieldline.kit.errors import Conflict
from fieldline.kit.paging import Page, PageRequest

_SORTABLE = {
    "id": RuleChain.id,
    "created_time": RuleChain.created_time,
    "name": RuleChain.name,
    "type": RuleChain.type,
    "root": RuleChain.root,
    "debug_mode": RuleChain.debug_mode,
}


class RuleChainRepository:
    """Rule chains of one session."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def get(self, chain_id: UUID, *, lock: bool = False) -> RuleChain | None:
        """Return a chain; ``lock`` keeps others from changing it until the transaction ends."""
        return await self._session.get(RuleChain, chain_id, with_for_update=lock or None)

    async def page(
        self, tenant_id: UUID, request: PageRequest, chain_type: str | None
    ) -> Page[RuleChain]:
        query = select(RuleChain).where(RuleChain.tenant_id == tenant_id)
        if chain_type:
            query = query.where(RuleChain.type == chain_type)
        return await fetch_page(
            self._session,
            query,
            request,
            sortable=_SORTABLE,
            tie_breaker=RuleChain.id,
            searched=(RuleChain.name,),
        )

    async def by_ids(self, tenant_id: UUID, ids: Collection[UUID]) -> Sequence[RuleChain]:
        query = select(RuleChain).where(RuleChain.tenant_id == tenant_id, RuleChain.id.in_(ids))
        return (await self._session.scalars(query.order_by(RuleChain.name, RuleChain.id))).all()

    async def count(self, tenant_id: UUID) -> int:
        """Return how many chains a tenant has, of any type."""
        query = select(func.count(RuleChain.id)).where(RuleChain.tenant_id == tenant_id)
        return await self._session.scalar(query) or 0

    async def root(self, tenant_id: UUID, chain_type: str) -> RuleChain | None:
        query = select(RuleChain).where(
            RuleChain.tenant_id == tenant_id, RuleChain.type == chain_type, RuleChain.root
        )
        return (await self._session.scalars(query)).one_or_none()

    async def all_of_type(self, tenant_id: UUID, chain_type: str) -> Sequence[RuleChain]:
        query = select(RuleChain).where(
            RuleChain.tenant_id == tenant_id, RuleChain.type == chain_type
        )
        return (await self._session.scalars(query.order_by(RuleChain.id))).all()

    async def nodes(self, chain_ids: Collection[UUID]) -> Sequence[RuleNode]:
        """Return the nodes of some chains in the order in which they were made."""
        query = select(RuleNode).where(RuleNode.rule_chain_id.in_(chain_ids))
        return (
            await self._session.scalars(query.order_by(RuleNode.created_time, RuleNode.id))
        ).all()

    async def node(self, node_id: UUID) -> RuleNode | None:
        return await self._session.get(RuleNode, node_id)

    async def existing(self, ids: Collection[UUID]) -> set[UUID]:
        query = select(RuleChain.id).where(RuleChain.id.in_(ids))
        return set(await self._session.scalars(query))

    async def add(self, row: RuleChain | RuleNode) -> None:
        self._session.add(row)
        await self._session.flush()

    async def update(self, chain: RuleChain) -> None:
        """Write a chain's changes; its version rises even when there are none."""
        flag_modified(chain, "name")
        await self._session.flush()

    async def delete_node(self, node: RuleNode) -> None:
        await self._session.delete(node)

    async def delete(self, chain: RuleChain) -> None:
        """Delete a chain with its nodes.

        Raises:
            Conflict: a profile names it.
        """
        await self._session.delete(chain)
        try:
            await self._session.flush()
        except IntegrityError as error:
            msg = "The rule chain referenced by the device profiles cannot be deleted!"
            raise Conflict(msg) from error
