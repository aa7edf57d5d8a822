"""Dashboards as ThingsBoard's wire shows them."""

from typing import Any

from fieldline.domains.dashboard.lists import ListedDashboard, WholeDashboard
from fieldline.domains.dashboard.schemas import Dashboard, DashboardInfo
from fieldline.kit.json import raw


def info(listed: ListedDashboard) -> DashboardInfo:
    """Return a dashboard as lists show it."""
    return DashboardInfo.model_validate(_parts(listed))


def whole_json(whole: WholeDashboard, resources: list[Any] | None = None) -> dict[str, Any]:
    """Return a dashboard for ``kit.json.dumps``; the configuration is passed on as it is stored."""
    parts = _parts(whole.listed) | {
        "external_id": whole.listed.dashboard.external_id,
        "configuration": None,
        "resources": resources,
    }
    shown = Dashboard.model_validate(parts).model_dump(mode="json", by_alias=True)
    return shown | {"configuration": raw(whole.configuration)}


def _parts(listed: ListedDashboard) -> dict[str, Any]:
    parts = {
        name: getattr(listed.dashboard, name)
        for name in DashboardInfo.model_fields
        if name != "assigned_customers"
    }
    return parts | {"assigned_customers": listed.assigned_customers}
