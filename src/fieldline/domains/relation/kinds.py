"""What identifies relations, and the words for what they belong to."""

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from fieldline.kit.ids import EntityRef


class TypeGroup(StrEnum):
    """What a relation is for; people use COMMON."""

    COMMON = "COMMON"
    DASHBOARD = "DASHBOARD"
    RULE_CHAIN = "RULE_CHAIN"
    RULE_NODE = "RULE_NODE"
    EDGE = "EDGE"
    EDGE_AUTO_ASSIGN_RULE_CHAIN = "EDGE_AUTO_ASSIGN_RULE_CHAIN"


class Direction(StrEnum):
    """Which way relations are followed: FROM an entity to others, or from those that lead TO it."""

    FROM = "FROM"
    TO = "TO"


CONTAINS = "Contains"
"""The type of a relation between what is inside of another and this other."""


class Key(NamedTuple):
    """What no two relations have in common."""

    from_ref: EntityRef
    to_ref: EntityRef
    type: str
    type_group: TypeGroup = TypeGroup.COMMON


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which relations; None asks nothing."""

    from_ref: EntityRef | None = None
    to_ref: EntityRef | None = None
    type: str | None = None
    type_group: TypeGroup = TypeGroup.COMMON
