"""Relations between entities in the v1 dialect: kept, listed, searched, and shown as a tree."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Query, Response
from pydantic import BaseModel, Field

from fieldline.api.v1.shapes import Body
from fieldline.domains.relation import service
from fieldline.domains.relation.kinds import CONTAINS, Direction, Key, TypeGroup, Wanted
from fieldline.domains.relation.search import MAX_FILTERS, MAX_LEVELS, Filter, Search
from fieldline.domains.relation.service import Branch, NamedRelation
from fieldline.kit.errors import Invalid
from fieldline.kit.ids import EntityRef, EntityType, parse_ref
from fieldline.kit.values import INT64_MAX
from fieldline.rest.callers import AnyUser, TenantOrCustomer
from fieldline.rest.dialects import v1_router
from fieldline.rest.paging import V1Page
from fieldline.rest.sessions import ReadSession, WriteSession

router = v1_router("relations")

DEFAULT_LEVELS = 10
"""Levels of a hierarchy when the request does not say."""


class RelationBody(Body):
    """A relation; one with the same ends, type and group is changed.

    A ``version`` that is not the stored one is 409.
    """

    from_type: EntityType
    from_id: UUID
    to_type: EntityType
    to_id: UUID
    relation_type: str
    type_group: TypeGroup = TypeGroup.COMMON
    additional_info: dict[str, Any] | None = None
    version: int | None = Field(default=None, ge=0, le=INT64_MAX)


class RelationOut(BaseModel):
    """A relation and the names of its ends."""

    created_time: int
    from_type: EntityType
    from_id: UUID
    from_name: str
    to_type: EntityType
    to_id: UUID
    to_name: str
    relation_type: str
    type_group: TypeGroup
    additional_info: dict[str, Any]
    version: int


class FilterBody(Body):
    """Relations of a type (with ``negate``: of any other) that lead to some kinds of entity."""

    relation_type: str | None = None
    entity_types: list[EntityType] = Field(default_factory=list)
    negate: bool = False


class SearchBody(Body):
    """Where a search begins, which way and how far it goes, and what of it is answered.

    A ``max_level`` of 0 goes as far as there are relations. ``last_level_only`` leaves out what
    others go on from. Filters do not stop the search; without any, all that it reaches is answered.
    """

    root_type: EntityType
    root_id: UUID
    direction: Direction = Direction.FROM
    type_group: TypeGroup = TypeGroup.COMMON
    max_level: int = Field(default=1, ge=0, le=MAX_LEVELS)
    last_level_only: bool = False
    filters: list[FilterBody] = Field(default_factory=list, max_length=MAX_FILTERS)

    def search(self) -> Search:
        return Search(
            root=EntityRef(self.root_type, self.root_id),
            direction=self.direction,
            type_group=self.type_group,
            max_level=self.max_level,
            last_level_only=self.last_level_only,
            filters=tuple(
                Filter(each.relation_type or None, frozenset(each.entity_types), each.negate)
                for each in self.filters
            ),
        )


class HierarchyNode(BaseModel):
    """An entity and what hangs on it.

    ``relation_type`` says how it hangs on the one above. ``children`` is null where it was not
    looked further: at the last level, and where the entity stands in the tree already.
    """

    entity_type: EntityType
    entity_id: UUID
    name: str
    label: str | None
    relation_type: str | None
    children: list["HierarchyNode"] | None


async def _wanted(
    from_type: str | None = None,
    from_id: str | None = None,
    to_type: str | None = None,
    to_id: str | None = None,
    relation_type: str | None = None,
    type_group: TypeGroup = TypeGroup.COMMON,
) -> Wanted:
    return Wanted(
        _end("from", from_type, from_id),
        _end("to", to_type, to_id),
        relation_type or None,
        type_group,
    )


Levels = Annotated[int, Query(ge=1, le=MAX_LEVELS)]
WantedQuery = Annotated[Wanted, Depends(_wanted)]


@router.post("/relations", status_code=201)
async def save_relation(
    body: RelationBody, caller: AnyUser, session: WriteSession, response: Response
) -> RelationOut:
    """Make a relation (201), or change the one with these ends, type and group (200)."""
    saved = await service.save(
        session,
        caller,
        Key(
            EntityRef(body.from_type, body.from_id),
            EntityRef(body.to_type, body.to_id),
            body.relation_type,
            body.type_group,
        ),
        additional_info=body.additional_info,
        version=body.version,
    )
    if saved.relation.version > 1:
        response.status_code = 200
    return _out(saved)


@router.get("/relations")
async def list_relations(
    wanted: WantedQuery, page: V1Page, caller: AnyUser, session: ReadSession
) -> list[RelationOut]:
    """List the relations from an entity, to one, or between two, the newest first."""
    return [_out(each) for each in await service.page(session, caller, wanted, page)]


@router.delete("/relations", status_code=204)
async def delete_relation(wanted: WantedQuery, caller: AnyUser, session: WriteSession) -> Response:
    """Delete one relation."""
    if wanted.from_ref is None or wanted.to_ref is None or wanted.type is None:
        raise Invalid("from_type, from_id, to_type, to_id and relation_type say which to delete")
    key = Key(wanted.from_ref, wanted.to_ref, wanted.type, wanted.type_group)
    await service.delete(session, caller, key)
    return Response(status_code=204)


@router.post("/relations/search")
async def search_relations(
    body: SearchBody, page: V1Page, caller: AnyUser, session: ReadSession
) -> list[RelationOut]:
    """Find the relations on the ways from an entity, or to it, the nearest first."""
    found = await service.search(session, caller, body.search())
    return [_out(each) for each in found[page.offset : page.offset + page.limit]]


@router.get("/relations/hierarchy/{entity_type}/{entity_id}")
async def get_hierarchy(
    entity_type: str,
    entity_id: str,
    caller: AnyUser,
    session: ReadSession,
    max_level: Levels = DEFAULT_LEVELS,
    relation_type: str = CONTAINS,
) -> HierarchyNode:
    """Return the tree of what an entity contains, or leads to by another type of relation."""
    wanted = Search(parse_ref(entity_type, entity_id), Direction.FROM, max_level=max_level)
    return _node(await service.hierarchy(session, caller, wanted, relation_type))


@router.get("/assets/{asset_id}/hierarchy")
async def get_asset_hierarchy(
    asset_id: UUID,
    caller: TenantOrCustomer,
    session: ReadSession,
    max_level: Levels = DEFAULT_LEVELS,
    relation_type: str = CONTAINS,
) -> HierarchyNode:
    """Return the tree of what an asset contains, or leads to by another type of relation."""
    root = EntityRef(EntityType.ASSET, asset_id)
    wanted = Search(root, Direction.FROM, max_level=max_level)
    return _node(await service.hierarchy(session, caller, wanted, relation_type))


def _end(name: str, kind: str | None, entity_id: str | None) -> EntityRef | None:
    if not kind and not entity_id:
        return None
    if not kind or not entity_id:
        msg = f"{name}_type and {name}_id belong together; one of them is missing"
        raise Invalid(msg)
    return parse_ref(kind, entity_id)


def _out(named: NamedRelation) -> RelationOut:
    row = named.relation
    return RelationOut(
        created_time=row.created_time,
        from_type=row.from_ref.type,
        from_id=row.from_id,
        from_name=named.from_name,
        to_type=row.to_ref.type,
        to_id=row.to_id,
        to_name=named.to_name,
        relation_type=row.type,
        type_group=TypeGroup(row.type_group),
        additional_info=row.additional_info or {},
        version=row.version,
    )


def _node(branch: Branch) -> HierarchyNode:
    below = branch.children
    return HierarchyNode(
        entity_type=branch.entity.type,
        entity_id=branch.entity.id,
        name=branch.known.name,
        label=branch.known.label,
        relation_type=None if branch.relation is None else branch.relation.type,
        children=None if below is None else [_node(each) for each in below],
    )
