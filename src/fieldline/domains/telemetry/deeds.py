"""What a user did to the readings or attributes of an entity, for rules and for the audit log."""

from dataclasses import dataclass
from typing import Any

from fieldline.kit.ids import EntityRef
from fieldline.messaging.message import MessageType
from fieldline.timeseries.store import Scope


@dataclass(frozen=True, slots=True)
class Done:
    """``data`` is what the rules see; ``scope`` is that of attributes."""

    type: MessageType
    data: dict[str, Any]
    scope: Scope | None = None

    @property
    def metadata(self) -> dict[str, str]:
        return {} if self.scope is None else {"scope": self.scope.value}

    def recorded(self, entity: EntityRef) -> dict[str, Any]:
        """Return what the audit log holds, by ThingsBoard's names."""
        data = {"attributes": self.data} if self.type == "ATTRIBUTES_UPDATED" else self.data
        return {"entityId": str(entity.id), **self.metadata, **data}
