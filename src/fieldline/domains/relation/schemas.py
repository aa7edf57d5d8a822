"""Relations and searches on ThingsBoard's wire."""

from typing import TYPE_CHECKING, Any, Self
from uuid import UUID

from pydantic import Field

from fieldline.domains.relation.kinds import Direction, TypeGroup
from fieldline.domains.relation.search import MAX_FILTERS, Filter, Search
from fieldline.kit.ids import EntityRef, EntityType
from fieldline.kit.values import INT64_MAX
from fieldline.rest.wire import EntityRefField, TbModel

if TYPE_CHECKING:
    from fieldline.domains.relation.models import Relation


class EntityRelationSave(TbModel):
    """What is sent to make a relation, or to change the one with these ends, type and group."""

    from_: EntityRefField = Field(alias="from")
    to: EntityRefField
    type: str | None = None
    type_group: TypeGroup | None = None
    version: int | None = Field(default=None, ge=0, le=INT64_MAX)
    additional_info: dict[str, Any] | None = None


class EntityRelation(TbModel):
    """A relation."""

    from_: EntityRefField = Field(alias="from")
    to: EntityRefField
    type: str
    type_group: TypeGroup
    version: int
    additional_info: dict[str, Any] | None

    @classmethod
    def of(cls, row: "Relation", **more: object) -> Self:
        return cls.model_validate(
            {
                "from_": row.from_ref,
                "to": row.to_ref,
                "type": row.type,
                "type_group": row.type_group,
                "version": row.version,
                "additional_info": row.additional_info,
                **more,
            }
        )


class EntityRelationInfo(EntityRelation):
    """A relation with what its ends are called."""

    from_name: str
    to_name: str


class RelationsSearchParameters(TbModel):
    """Where a search begins and how far it goes; a ``maxLevel`` of 0 or less asks for all."""

    root_id: UUID
    root_type: EntityType
    direction: Direction
    relation_type_group: TypeGroup | None = None
    max_level: int = 1
    fetch_last_level_only: bool = False

    def search(self, filters: tuple[Filter, ...] = ()) -> Search:
        return Search(
            root=EntityRef(self.root_type, self.root_id),
            direction=self.direction,
            type_group=self.relation_type_group or TypeGroup.COMMON,
            max_level=self.max_level,
            last_level_only=self.fetch_last_level_only,
            filters=filters,
        )


class RelationEntityTypeFilter(TbModel):
    """Relations of a type (with ``negate``: of any other) that lead to some kinds of entity."""

    relation_type: str | None = None
    entity_types: list[EntityType] | None = None
    negate: bool = False


class EntityRelationsQuery(TbModel):
    """A search; without filters everything that it reaches is found."""

    parameters: RelationsSearchParameters
    filters: list[RelationEntityTypeFilter] | None = Field(default=None, max_length=MAX_FILTERS)

    def search(self) -> Search:
        filters = (
            Filter(each.relation_type or None, frozenset(each.entity_types or ()), each.negate)
            for each in self.filters or ()
        )
        return self.parameters.search(tuple(filters))
