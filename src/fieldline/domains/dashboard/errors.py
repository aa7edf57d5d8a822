"""What can be wrong with a dashboard."""

from collections.abc import Sequence

from fieldline.kit.errors import Conflict, Invalid, NotFound


class DashboardNotFound(NotFound):
    """There is no such dashboard."""

    def __init__(self, dashboard_id: object) -> None:
        super().__init__(f"Dashboard with id [{dashboard_id}] is not found")


class DashboardInUse(Conflict):
    """Profiles name the dashboard as their default one.

    Args:
        users: what refers to it, as ``device profile 'meter'``.
    """

    def __init__(self, users: Sequence[str]) -> None:
        super().__init__(
            f"The dashboard is the default one of {', '.join(users)} and cannot be deleted; "
            "choose another default dashboard there first"
        )


class InvalidDashboard(Invalid):
    """A field of the dashboard is not what it must be."""
