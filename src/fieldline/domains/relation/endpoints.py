"""Relations in ThingsBoard's dialect.

The older forms tell their variants apart by the query parameters; each has a twin of 4.4 with the
entity in the path.
"""

from typing import Annotated

from fastapi import Depends, Query

from fieldline.domains.relation import service
from fieldline.domains.relation.kinds import Key, TypeGroup, Wanted
from fieldline.domains.relation.schemas import (
    EntityRelation,
    EntityRelationInfo,
    EntityRelationSave,
    EntityRelationsQuery,
)
from fieldline.domains.relation.service import NamedRelation
from fieldline.kit.errors import Invalid
from fieldline.kit.ids import EntityRef, parse_ref
from fieldline.rest.callers import AnyUser
from fieldline.rest.dialects import SearchRoute, tb_router
from fieldline.rest.sessions import ReadSession, WriteSession
from fieldline.security.caller import Caller

router = tb_router("relation")
searches = tb_router("relation", route_class=SearchRoute)


async def _from_query(
    kind: Annotated[str, Query(alias="fromType")], entity_id: Annotated[str, Query(alias="fromId")]
) -> EntityRef:
    return parse_ref(kind, entity_id)


async def _to_query(
    kind: Annotated[str, Query(alias="toType")], entity_id: Annotated[str, Query(alias="toId")]
) -> EntityRef:
    return parse_ref(kind, entity_id)


async def _entity_query(
    kind: Annotated[str, Query(alias="entityType")],
    entity_id: Annotated[str, Query(alias="entityId")],
) -> EntityRef:
    return parse_ref(kind, entity_id)


async def _from_path(from_type: str, from_id: str) -> EntityRef:
    return parse_ref(from_type, from_id)


async def _to_path(to_type: str, to_id: str) -> EntityRef:
    return parse_ref(to_type, to_id)


async def _group(
    group: Annotated[str | None, Query(alias="relationTypeGroup")] = None,
) -> TypeGroup:
    """Read the group; clients send an empty one for the usual one."""
    if not group:
        return TypeGroup.COMMON
    if group not in TypeGroup.__members__:
        msg = f"relationTypeGroup '{group}' is none of {', '.join(TypeGroup)}"
        raise Invalid(msg)
    return TypeGroup(group)


FromQuery = Annotated[EntityRef, Depends(_from_query)]
ToQuery = Annotated[EntityRef, Depends(_to_query)]
EntityQuery = Annotated[EntityRef, Depends(_entity_query)]
FromPath = Annotated[EntityRef, Depends(_from_path)]
ToPath = Annotated[EntityRef, Depends(_to_path)]
Group = Annotated[TypeGroup, Depends(_group)]
TypeQuery = Annotated[str | None, Query(alias="relationType")]


async def _key(
    start: FromQuery,
    end: ToQuery,
    kind: Annotated[str, Query(alias="relationType")],
    group: Group,
) -> Key:
    return Key(start, end, kind, group)


KeyQuery = Annotated[Key, Depends(_key)]


@router.post("/relation")
async def save_relation(body: EntityRelationSave, caller: AnyUser, session: WriteSession) -> None:
    """Make a relation, or change the one with these ends, type and group."""
    await _save(session, caller, body)


@router.post("/v2/relation")
async def save_relation_v2(
    body: EntityRelationSave, caller: AnyUser, session: WriteSession
) -> EntityRelation:
    """Make a relation, or change the one with these ends, type and group; answers it."""
    return _shown(await _save(session, caller, body))


@router.delete("/relation")
async def delete_relation(key: KeyQuery, caller: AnyUser, session: WriteSession) -> None:
    """Delete a relation."""
    await service.delete(session, caller, key)


@router.delete("/v2/relation")
async def delete_relation_v2(
    key: KeyQuery, caller: AnyUser, session: WriteSession
) -> EntityRelation:
    """Delete a relation; answers it as it was."""
    return _shown(await service.delete(session, caller, key))


@router.delete("/relations")
async def delete_relations(entity: EntityQuery, caller: AnyUser, session: WriteSession) -> None:
    """Delete the relations of the group COMMON from and to an entity."""
    await service.delete_all(session, caller, entity)


@router.get("/relation")
async def get_relation(key: KeyQuery, caller: AnyUser, session: ReadSession) -> EntityRelation:
    """Return a relation."""
    return _shown(await service.get(session, caller, key))


@router.get("/relations", include_in_schema=False)
async def list_relations_from(
    start: FromQuery, group: Group, caller: AnyUser, session: ReadSession, kind: TypeQuery = None
) -> list[EntityRelation]:
    """List the relations from an entity, of a type or of all."""
    return await _list(session, caller, Wanted(start, None, kind, group))


@router.get("/relations", include_in_schema=False)
async def list_relations_to(
    end: ToQuery, group: Group, caller: AnyUser, session: ReadSession, kind: TypeQuery = None
) -> list[EntityRelation]:
    """List the relations to an entity, of a type or of all."""
    return await _list(session, caller, Wanted(None, end, kind, group))


@router.get("/relations/from/{from_type}/{from_id}")
async def list_all_relations_from(
    start: FromPath, group: Group, caller: AnyUser, session: ReadSession
) -> list[EntityRelation]:
    """List the relations from an entity."""
    return await _list(session, caller, Wanted(start, None, None, group))


@router.get("/relations/from/{from_type}/{from_id}/{relation_type}")
async def list_relations_from_of_type(
    start: FromPath, relation_type: str, group: Group, caller: AnyUser, session: ReadSession
) -> list[EntityRelation]:
    """List the relations of one type from an entity."""
    return await _list(session, caller, Wanted(start, None, relation_type, group))


@router.get("/relations/to/{to_type}/{to_id}")
async def list_all_relations_to(
    end: ToPath, group: Group, caller: AnyUser, session: ReadSession
) -> list[EntityRelation]:
    """List the relations to an entity."""
    return await _list(session, caller, Wanted(None, end, None, group))


@router.get("/relations/to/{to_type}/{to_id}/{relation_type}")
async def list_relations_to_of_type(
    end: ToPath, relation_type: str, group: Group, caller: AnyUser, session: ReadSession
) -> list[EntityRelation]:
    """List the relations of one type to an entity."""
    return await _list(session, caller, Wanted(None, end, relation_type, group))


@router.get("/relations/info", include_in_schema=False)
async def list_relation_infos_from(
    start: FromQuery, group: Group, caller: AnyUser, session: ReadSession
) -> list[EntityRelationInfo]:
    """List the relations from an entity with the names of their ends."""
    return await _list_infos(session, caller, Wanted(start, None, None, group))


@router.get("/relations/info", include_in_schema=False)
async def list_relation_infos_to(
    end: ToQuery, group: Group, caller: AnyUser, session: ReadSession
) -> list[EntityRelationInfo]:
    """List the relations to an entity with the names of their ends."""
    return await _list_infos(session, caller, Wanted(None, end, None, group))


@router.get("/relations/info/from/{from_type}/{from_id}")
async def list_all_relation_infos_from(
    start: FromPath, group: Group, caller: AnyUser, session: ReadSession
) -> list[EntityRelationInfo]:
    """List the relations from an entity with the names of their ends."""
    return await _list_infos(session, caller, Wanted(start, None, None, group))


@router.get("/relations/info/to/{to_type}/{to_id}")
async def list_all_relation_infos_to(
    end: ToPath, group: Group, caller: AnyUser, session: ReadSession
) -> list[EntityRelationInfo]:
    """List the relations to an entity with the names of their ends."""
    return await _list_infos(session, caller, Wanted(None, end, None, group))


@searches.post("/relations")
async def find_relations(
    body: EntityRelationsQuery, caller: AnyUser, session: ReadSession
) -> list[EntityRelation]:
    """Find the relations that lie on the ways from an entity or to it."""
    return [_shown(each) for each in await service.search(session, caller, body.search())]


@router.post("/relations/info")
async def find_relation_infos(
    body: EntityRelationsQuery, caller: AnyUser, session: ReadSession
) -> list[EntityRelationInfo]:
    """Find the relations on the ways from an entity or to it, with the names of their ends."""
    return [_shown_info(each) for each in await service.search(session, caller, body.search())]


async def _save(session: WriteSession, caller: Caller, body: EntityRelationSave) -> NamedRelation:
    group = body.type_group or TypeGroup.COMMON
    return await service.save(
        session,
        caller,
        Key(body.from_, body.to, body.type or "", group),
        additional_info=body.additional_info,
        version=body.version,
    )


async def _list(session: ReadSession, caller: Caller, wanted: Wanted) -> list[EntityRelation]:
    return [_shown(each) for each in await service.find(session, caller, wanted)]


async def _list_infos(
    session: ReadSession, caller: Caller, wanted: Wanted
) -> list[EntityRelationInfo]:
    return [_shown_info(each) for each in await service.find(session, caller, wanted)]


def _shown(named: NamedRelation) -> EntityRelation:
    return EntityRelation.of(named.relation)


def _shown_info(named: NamedRelation) -> EntityRelationInfo:
    return EntityRelationInfo.of(named.relation, from_name=named.from_name, to_name=named.to_name)
