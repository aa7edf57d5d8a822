"""What lists of dashboards ask for, and what they show beside a dashboard's own fields."""

from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

from fieldline.domains.dashboard.models import Dashboard


@dataclass(frozen=True, slots=True)
class DashboardFilter:
    """Which dashboards of a tenant; None asks nothing.

    ``for_mobile`` leaves out those hidden from the mobile application and gives the others in
    the order that they have there.
    """

    customer_id: UUID | None = None
    for_mobile: bool = False


class Assigned(NamedTuple):
    """A customer that a dashboard is assigned to."""

    customer_id: UUID
    title: str
    is_public: bool


class ListedDashboard(NamedTuple):
    """A dashboard with the customers that the caller may know of, by title."""

    dashboard: Dashboard
    assigned_customers: list[Assigned]


class SeenDashboard(NamedTuple):
    """What others know of a dashboard; ``customer_id`` is the caller's, if it has one."""

    tenant_id: UUID
    title: str
    customer_id: UUID | None


class WholeDashboard(NamedTuple):
    """A dashboard with everything; ``configuration`` is JSON as text, ``null`` when it has none."""

    listed: ListedDashboard
    configuration: str

    @property
    def id(self) -> UUID:
        return self.listed.dashboard.id
