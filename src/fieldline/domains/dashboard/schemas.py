"""Dashboards on ThingsBoard's wire."""

from typing import Annotated, Any
from uuid import UUID

from pydantic import Field, computed_field

from fieldline.domains.customer.schemas import CustomerId
from fieldline.kit.ids import EntityType
from fieldline.rest.wire import TbModel, TenantIdField, WireId

DashboardId = Annotated[UUID, WireId(EntityType.DASHBOARD)]
OptionalDashboardId = Annotated[UUID | None, WireId(EntityType.DASHBOARD)]
MobileOrder = Annotated[int, Field(ge=-(2**31), lt=2**31)]


class ShortCustomerInfo(TbModel):
    """A customer that a dashboard is assigned to."""

    customer_id: CustomerId
    title: str
    is_public: bool = Field(alias="public")


class DashboardSave(TbModel):
    """What is sent to create a dashboard, or with an id to replace it.

    ``assignedCustomers`` is not read: assigning has calls of its own.
    """

    id: OptionalDashboardId = None
    version: int | None = None
    title: str | None = None
    image: str | None = None
    mobile_hide: bool | None = None
    mobile_order: MobileOrder | None = None
    configuration: Any = None
    external_id: OptionalDashboardId = None
    resources: list[Any] | None = None


class DashboardInfo(TbModel):
    """A dashboard as lists show it."""

    id: DashboardId
    created_time: int
    tenant_id: TenantIdField
    title: str
    image: str | None
    assigned_customers: list[ShortCustomerInfo]
    mobile_hide: bool
    mobile_order: int | None
    version: int

    @computed_field  # type: ignore[prop-decorator]
    @property
    def name(self) -> str:
        return self.title


class Dashboard(DashboardInfo):
    """A dashboard with its widgets and layout."""

    configuration: Any
    external_id: OptionalDashboardId
    resources: list[Any] | None


class HomeDashboard(Dashboard):
    """The dashboard that a user's home page shows."""

    hide_dashboard_toolbar: bool


class HomeDashboardInfo(TbModel):
    """Which dashboard a home page shows."""

    dashboard_id: OptionalDashboardId = None
    hide_dashboard_toolbar: bool = True
