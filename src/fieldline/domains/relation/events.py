"""What is told after a change of relations is committed."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from fieldline.kit.ids import EntityRef
from fieldline.messaging.message import MessageType


@dataclass(frozen=True, slots=True)
class RelationActed:
    """A user did something to relations of ``originator``; the rules are told (``handlers.py``).

    ``data`` is ThingsBoard's JSON of the relation, empty where there were many; ``metadata`` says
    who it was.
    """

    tenant_id: UUID
    originator: EntityRef
    customer_id: UUID | None
    profile_id: UUID | None
    type: MessageType
    data: dict[str, Any]
    metadata: dict[str, str]
