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

    @property
    def as_metadata(self) -> dict[str, str]:
        """The user as the metadata of a rule message names it."""
        who = {
            "userId": str(self.user_id),
            "userName": self.email,
            "userEmail": self.email,
            "userFirstName": self.first_name or "",
            "userLastName": self.last_name or "",
            "customerId": str(self.customer_id) if self.customer_id else "",
        }
        return {key: text for key, text in who.items() if text}

    @property
    def title(self) -> str:
        """What people call the user: first and last name, else the address."""
        names = [name for name in (self.first_name, self.last_name) if name]
        return " ".join(names) or self.email
