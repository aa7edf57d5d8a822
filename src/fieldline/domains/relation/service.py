"""Relations: made and deleted by who may change both ends, listed and searched with names."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

from fieldline.database.engine import announce
from fieldline.domains.audit_log import service as audit_log_service
from fieldline.domains.audit_log.actions import Action
from fieldline.domains.audit_log.service import Deed
from fieldline.domains.entity import access, names
from fieldline.domains.entity.access import Known
from fieldline.domains.relation import schemas
from fieldline.domains.relation.errors import InvalidRelation, RelationNotFound, StaleRelation
from fieldline.domains.relation.events import RelationActed
from fieldline.domains.relation.kinds import Key, TypeGroup, Wanted
from fieldline.domains.relation.models import Relation
from fieldline.domains.relation.repository import RelationRepository
from fieldline.domains.relation.search import MAX_RELATIONS, TOO_MANY, Search, Step, answers, walk
from fieldline.kit.errors import Invalid
from fieldline.kit.ids import EntityRef
from fieldline.kit.paging import PageRequest
from fieldline.kit.storable import check_storable
from fieldline.kit.text import MAX_LENGTH, check_json
from fieldline.messaging.message import MessageType
from fieldline.security.caller import Caller
from fieldline.security.permissions import Operation

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

End = tuple[EntityRef, Known]
_MESSAGES = {
    Action.RELATION_ADD_OR_UPDATE: MessageType.RELATION_ADD_OR_UPDATE,
    Action.RELATION_DELETED: MessageType.RELATION_DELETED,
    Action.RELATIONS_DELETED: MessageType.RELATIONS_DELETED,
}


@dataclass(frozen=True, slots=True)
class NamedRelation:
    """A relation with what its ends are called."""

    relation: Relation
    from_name: str
    to_name: str


@dataclass(slots=True)
class Branch:
    """An entity of a hierarchy and what hangs on it.

    ``relation`` is the one by which it hangs on its parent, None at the root. ``children`` is None
    where it was not looked further: at the last level, and where the entity stands in the tree
    already.
    """

    entity: EntityRef
    known: Known
    relation: Relation | None
    children: "list[Branch] | None"


async def get(session: "AsyncSession", caller: Caller, key: Key) -> NamedRelation:
    """Return a relation.

    Raises:
        RelationNotFound: its ends have no such relation.
    """
    ends = await _ends(session, caller, Operation.READ, key)
    relation = await RelationRepository(session).get(key)
    if relation is None:
        raise RelationNotFound
    return _named(relation, dict(ends))


async def find(session: "AsyncSession", caller: Caller, wanted: Wanted) -> list[NamedRelation]:
    """Return all relations of an entity whose other end the caller may see too, newest first.

    Raises:
        Invalid: there are more than MAX_RELATIONS, or ``wanted`` names no end.
    """
    owner = await _owner(session, caller, wanted)
    relations = RelationRepository(session)
    found = await relations.page(owner.tenant_id, wanted, limit=MAX_RELATIONS + 1)
    if len(found) > MAX_RELATIONS:
        raise Invalid(TOO_MANY)
    return await _visible(session, caller, found)


async def page(
    session: "AsyncSession", caller: Caller, wanted: Wanted, request: PageRequest
) -> list[NamedRelation]:
    """Return a page of what :func:`find` returns."""
    if not caller.is_tenant_admin:
        found = await find(session, caller, wanted)
        return found[request.offset : request.offset + request.limit]
    # A tenant's administrator sees every end, so that the database can count off the page.
    owner = await _owner(session, caller, wanted)
    relations = RelationRepository(session)
    some = await relations.page(owner.tenant_id, wanted, limit=request.limit, offset=request.offset)
    return await _visible(session, caller, some)


async def search(session: "AsyncSession", caller: Caller, wanted: Search) -> list[NamedRelation]:
    """Return the relations that a search finds, the nearest first; see :func:`find`."""
    _owner_of_root, steps = await _walk(session, caller, wanted)
    steps = answers(wanted, steps)
    return await _visible(session, caller, [step.relation for step in steps])


async def related(session: "AsyncSession", caller: Caller, wanted: Search) -> list[EntityRef]:
    """Return the entities that a search leads to, the nearest first, seen by the caller or not."""
    _owner_of_root, steps = await _walk(session, caller, wanted)
    steps = answers(wanted, steps)
    return list(dict.fromkeys(step.far for step in steps))


async def hierarchy(
    session: "AsyncSession", caller: Caller, wanted: Search, relation_type: str | None
) -> Branch:
    """Return the root of a search with what hangs on it by relations of a type.

    An entity that several others lead to hangs on each of them; what hangs on itself is shown at
    the first. What the caller may not see is left out with what hangs on it.
    """
    root, steps = await _walk(session, caller, wanted, relation_type)
    known = await names.visible(session, caller, {step.far for step in steps})
    # What stands on the last level only was not asked for what hangs on it.
    asked = {step.far for step in steps if step.level != wanted.max_level}
    top = Branch(wanted.root, root, None, None)
    _hang(top, known, steps, asked - {wanted.root})
    return top


async def save(
    session: "AsyncSession",
    caller: Caller,
    key: Key,
    *,
    additional_info: dict[str, Any] | None,
    version: int | None = None,
) -> NamedRelation:
    """Make a relation, or change the one that is there; a new one has version 1.

    Args:
        session: to work in.
        caller: must be allowed to write both ends.
        key: what identifies it.
        additional_info: replaces what was stored.
        version: of the stored one; a relation that is not there is made whatever it says.

    Raises:
        StaleRelation: ``version`` is given and is not the stored one.
        InvalidRelation: the ends are one entity, or of two tenants.
    """
    _check(key, additional_info)
    relations = RelationRepository(session)
    await relations.hold((key.from_ref, key.to_ref), alone=False)
    ends = await _ends(session, caller, Operation.WRITE, key)
    (_, origin), (_, target) = ends
    if origin.tenant_id is None or origin.tenant_id != target.tenant_id:
        raise InvalidRelation("Both ends of a relation must belong to the same tenant")
    saved = await relations.save(origin.tenant_id, key, additional_info, version)
    if saved is None:
        raise StaleRelation
    await _tell(session, caller, Action.RELATION_ADD_OR_UPDATE, ends, saved)
    return _named(saved, dict(ends))


async def delete(session: "AsyncSession", caller: Caller, key: Key) -> NamedRelation:
    """Delete a relation and return it as it was.

    Raises:
        RelationNotFound: its ends have no such relation.
    """
    ends = await _ends(session, caller, Operation.WRITE, key)
    gone = await RelationRepository(session).delete(key)
    if gone is None:
        raise RelationNotFound
    await _tell(session, caller, Action.RELATION_DELETED, ends, gone)
    return _named(gone, dict(ends))


async def delete_all(session: "AsyncSession", caller: Caller, entity: EntityRef) -> None:
    """Delete the relations of the group COMMON from and to an entity that the caller may write."""
    known = await access.known(session, caller, Operation.WRITE, entity)
    await RelationRepository(session).delete_all(entity, TypeGroup.COMMON)
    await _tell(session, caller, Action.RELATIONS_DELETED, [(entity, known)])


async def exists(session: "AsyncSession", tenant_id: UUID, wanted: Wanted) -> bool:
    """Return whether a tenant has such a relation, for its rules; asks no permission."""
    return bool(await RelationRepository(session).page(tenant_id, wanted, limit=1))


async def forget(session: "AsyncSession", entity: EntityRef) -> None:
    """Delete every relation of an entity that goes in this transaction; asks no permission."""
    relations = RelationRepository(session)
    await relations.hold([entity], alone=True)
    await relations.delete_all(entity)


def _check(key: Key, additional_info: dict[str, Any] | None) -> None:
    if not key.type.strip():
        raise InvalidRelation("Relation type should be specified!")
    if len(key.type) > MAX_LENGTH:
        msg = f"Validation error: Relation type length must be equal or less than {MAX_LENGTH}"
        raise InvalidRelation(msg)
    check_storable("Relation type", key.type)
    check_json("additionalInfo", additional_info)
    check_storable("additionalInfo", additional_info)
    if key.from_ref == key.to_ref:
        raise InvalidRelation("An entity cannot have a relation to itself; from and to must differ")


async def _ends(
    session: "AsyncSession", caller: Caller, operation: Operation, key: Key
) -> list[End]:
    """Return both ends, if the caller may do this to them."""
    return [
        (end, await access.known(session, caller, operation, end))
        for end in (key.from_ref, key.to_ref)
    ]


async def _owner(session: "AsyncSession", caller: Caller, wanted: Wanted) -> Known:
    """Return whose the relations are that hang on the ends named, if the caller may see these."""
    ends = [end for end in (wanted.from_ref, wanted.to_ref) if end is not None]
    if not ends:
        raise Invalid("Say of which entity: from_type and from_id, or to_type and to_id")
    owners = [await access.known(session, caller, Operation.READ, end) for end in ends]
    return owners[0]


async def _walk(
    session: "AsyncSession", caller: Caller, wanted: Search, relation_type: str | None = None
) -> tuple[Known, list[Step]]:
    """Return whose the root is, and what a search goes along."""
    owner = await access.known(session, caller, Operation.READ, wanted.root)
    relations = RelationRepository(session)
    kind = Wanted(type=relation_type, type_group=wanted.type_group)

    async def level_of(ends: Collection[EntityRef], limit: int) -> Sequence[Relation]:
        return await relations.level(owner.tenant_id, kind, wanted.direction, ends, limit)

    return owner, await walk(level_of, wanted.root, wanted.direction, wanted.max_level)


async def _visible(
    session: "AsyncSession", caller: Caller, relations: Sequence[Relation]
) -> list[NamedRelation]:
    """Name the relations whose ends the caller may both see."""
    ends = {end for each in relations for end in (each.from_ref, each.to_ref)}
    known = await names.visible(session, caller, ends)
    return [
        _named(each, known) for each in relations if {each.from_ref, each.to_ref} <= known.keys()
    ]


def _named(relation: Relation, known: Mapping[EntityRef, Known]) -> NamedRelation:
    return NamedRelation(relation, known[relation.from_ref].name, known[relation.to_ref].name)


def _hang(
    top: Branch,
    known: Mapping[EntityRef, Known],
    steps: Iterable[Step],
    asked: Collection[EntityRef],
) -> None:
    """Hang each step on its near end; those on entities of ``asked`` where these stand first."""
    by_near: dict[EntityRef, list[Step]] = {}
    for step in steps:
        by_near.setdefault(step.near, []).append(step)
    to_place = set(asked)
    top.children = []
    waiting = [(top.entity, top.children)]
    for entity, children in waiting:
        for step in by_near.get(entity, ()):
            if step.far not in known:
                continue
            is_first = step.far in to_place
            below: list[Branch] | None = [] if is_first else None
            children.append(Branch(step.far, known[step.far], step.relation, below))
            if below is not None:
                to_place.remove(step.far)
                waiting.append((step.far, below))


async def _tell(
    session: "AsyncSession",
    caller: Caller,
    action: Action,
    ends: Iterable[End],
    relation: Relation | None = None,
) -> None:
    """Record what was done, and tell the rules, of each entity that it was done to."""
    shown = None if relation is None else _wire(relation)
    for entity, known in ends:
        data = {"entityId": str(entity.id)} if shown is None else {"relation": shown}
        deed = Deed(action, entity, known.name, known.customer_id, data)
        await audit_log_service.record(session, caller.actor, deed)
        if known.tenant_id is not None:
            event = RelationActed(
                known.tenant_id,
                entity,
                known.customer_id,
                known.profile_id,
                _MESSAGES[action],
                shown or {},
                caller.actor.as_metadata,
            )
            await announce(session, event)


def _wire(relation: Relation) -> dict[str, Any]:
    return schemas.EntityRelation.of(relation).model_dump(mode="json", by_alias=True)
