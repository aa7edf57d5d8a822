"""What lists of entity views ask for, and what they show beside a view's own fields."""

from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

from fieldline.domains.entity_view.models import EntityView


@dataclass(frozen=True, slots=True)
class ViewFilter:
    """Which entity views of a tenant; None asks nothing."""

    customer_id: UUID | None = None
    type: str | None = None


class ListedView(NamedTuple):
    """An entity view with what lists show beside its own fields."""

    view: EntityView
    customer_title: str | None
    customer_is_public: bool
