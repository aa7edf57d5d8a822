"""Which records of the audit log a list shows."""

from dataclasses import dataclass
from uuid import UUID

from fieldline.domains.audit_log.actions import Action
from fieldline.kit.errors import Invalid
from fieldline.kit.ids import EntityType


@dataclass(frozen=True, slots=True)
class AuditLogFilter:
    """None means whatever; ``from_ms`` and ``to_ms`` are both inclusive."""

    actions: tuple[Action, ...] = ()
    entity_type: EntityType | None = None
    entity_id: UUID | None = None
    user_id: UUID | None = None
    customer_id: UUID | None = None
    from_ms: int | None = None
    to_ms: int | None = None


def parse_actions(text: str | None) -> tuple[Action, ...]:
    """Read a comma-separated list of actions, each one once.

    Raises:
        Invalid: one of them is unknown.
    """
    names = dict.fromkeys(part.strip().upper() for part in (text or "").split(",") if part.strip())
    found = []
    for name in names:
        try:
            found.append(Action(name))
        except ValueError as error:
            msg = f"'{name[:64]}' is not an action; one of {', '.join(Action)} is"
            raise Invalid(msg) from error
    return tuple(found)
