"""Filter: ask whether the originator has a relation."""

from typing import Any
from uuid import UUID

from pydantic import Field

from fieldline.domains.relation.kinds import CONTAINS, Direction, Wanted
from fieldline.kit.ids import EntityRef, EntityType
from fieldline.messaging.message import Message
from fieldline.rules.node import AsyncNode, Context, NodeConfig, Outcome, follow


class Config(NodeConfig):
    """Which relation to look for."""

    direction: Direction = Field(
        default=Direction.FROM, description="FROM the originator, or TO it."
    )
    relation_type: str = Field(
        default=CONTAINS, min_length=1, max_length=255, description="Type of the relation."
    )
    check_for_single_entity: bool = Field(
        default=True, description="Look for a relation with the entity named, else with any."
    )
    entity_type: EntityType | None = Field(default=None, description="Kind of that entity.")
    entity_id: UUID | None = Field(default=None, description="Id of that entity.")


class CheckRelation(AsyncNode[Config]):
    """Follow True if the originator has a relation of the type and group COMMON, else False.

    With an entity named it must lead to that one (direction FROM) or come from it (TO).

    Example: a message of a device that contains nothing follows False when any entity counts.
    """

    name = "check relation presence"
    type = "org.thingsboard.rule.engine.filter.TbCheckRelationNode"
    relations = ("True", "False")
    configuration_version = 1
    form = "tbFilterNodeCheckRelationConfig"
    waits_for_store = True

    @classmethod
    def upgrade(cls, configuration: dict[str, Any], version: int) -> dict[str, Any]:
        """Turn the direction of version 0 round, which said where the other end is."""
        if version >= 1:
            return configuration
        turned = {"FROM": "TO", "TO": "FROM"}
        direction = configuration.get("direction", "FROM")
        return configuration | {"direction": turned.get(direction, direction)}

    async def process(self, message: Message, context: Context) -> Outcome:
        wanted = self._wanted(message.originator)
        is_there = await context.services.relations.exists(message.tenant_id, wanted)
        return follow("True" if is_there else "False", message)

    def _wanted(self, originator: EntityRef) -> Wanted:
        config = self.config
        other = None
        if config.check_for_single_entity:
            if config.entity_type is None or config.entity_id is None:
                raise ValueError("entityType and entityId of the entity to check are not set")
            other = EntityRef(config.entity_type, config.entity_id)
        if config.direction is Direction.FROM:
            return Wanted(originator, other, config.relation_type)
        return Wanted(other, originator, config.relation_type)
