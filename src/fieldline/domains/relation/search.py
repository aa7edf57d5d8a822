"""Follows relations level by level from one entity; what it asks of the database is passed in."""

from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fieldline.domains.relation.kinds import Direction, TypeGroup
from fieldline.kit.errors import Invalid
from fieldline.kit.ids import EntityRef, EntityType

if TYPE_CHECKING:
    from fieldline.domains.relation.models import Relation

MAX_RELATIONS = 10_000
"""Relations in one answer, and of one search before its filters; more is refused."""
MAX_LEVELS = 50
"""Levels that a search goes at the most."""
MAX_FILTERS = 100
"""Filters of one search."""

TOO_MANY = (
    f"There are more than {MAX_RELATIONS} relations; ask for fewer levels or for a relation type, "
    "or read those of one entity in pages at /api/v1/relations"
)

Level = Callable[[Collection[EntityRef], int], Awaitable[Sequence["Relation"]]]
"""Returns the relations of some entities in the search's direction, at most that many."""


@dataclass(frozen=True, slots=True)
class Filter:
    """Which relations a search answers; None and an empty set ask nothing.

    ``negate`` turns the relation type round: any but this one.
    """

    relation_type: str | None = None
    entity_types: frozenset[EntityType] = frozenset()
    negate: bool = False

    def fits(self, relation: "Relation", far: EntityRef) -> bool:
        """Return whether a relation that leads to ``far`` is asked for."""
        if self.relation_type and (relation.type == self.relation_type) is self.negate:
            return False
        return not self.entity_types or far.type in self.entity_types


@dataclass(frozen=True, slots=True)
class Search:
    """What to look for.

    Every relation of the group is followed, whatever the filters say. ``max_level`` 0 or less asks
    for all levels. ``last_level_only`` leaves out relations that lead to an entity from which
    others go on, unless ``max_level`` ends the search there.
    """

    root: EntityRef
    direction: Direction
    type_group: TypeGroup = TypeGroup.COMMON
    max_level: int = 1
    last_level_only: bool = False
    filters: tuple[Filter, ...] = ()


@dataclass(frozen=True, slots=True)
class Step:
    """A relation that a search went along, from ``near`` to ``far``."""

    relation: "Relation"
    near: EntityRef
    far: EntityRef
    level: int


async def walk(
    level_of: Level, root: EntityRef, direction: Direction, max_level: int
) -> list[Step]:
    """Return every relation within ``max_level`` levels of the root, the nearest first.

    Each entity is gone on from once, where it is nearest to the root; so cycles end.

    Raises:
        Invalid: there are more than MAX_RELATIONS, or they go on beyond MAX_LEVELS.
    """
    found: list[Step] = []
    seen = {root}
    waiting = [root]
    level = 0
    while waiting and (max_level <= 0 or level < max_level):
        level += 1
        relations = await level_of(waiting, MAX_RELATIONS - len(found) + 1)
        if relations and level > MAX_LEVELS:
            msg = f"The relations go on beyond {MAX_LEVELS} levels; set a maximum level up to that"
            raise Invalid(msg)
        steps = [_step(relation, direction, level) for relation in relations]
        found += steps
        if len(found) > MAX_RELATIONS:
            raise Invalid(TOO_MANY)
        waiting = [far for far in dict.fromkeys(step.far for step in steps) if far not in seen]
        seen.update(waiting)
    return found


def answers(search: Search, steps: Sequence[Step]) -> list[Step]:
    """Return those of the steps that the search asks for."""
    if search.last_level_only:
        goes_on = {step.near for step in steps}
        steps = [s for s in steps if s.level == search.max_level or s.far not in goes_on]
    if not search.filters:
        return list(steps)
    return [s for s in steps if any(each.fits(s.relation, s.far) for each in search.filters)]


def _step(relation: "Relation", direction: Direction, level: int) -> Step:
    if direction is Direction.FROM:
        return Step(relation, relation.from_ref, relation.to_ref, level)
    return Step(relation, relation.to_ref, relation.from_ref, level)
