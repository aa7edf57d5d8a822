"""Who did something, as records and rule messages name people."""

from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Actor:
    """A user who changed something. ``tenant_id`` is None for a system administrator."""

    user_id: UUID
    email: str
    tenant_id: UUID | None = None
    customer_id: UUID | None = None
    first_name: str | None = None
    last_name: str | None = None
