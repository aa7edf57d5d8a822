"""A user's dashboards on ThingsBoard's wire."""

from uuid import UUID

from fieldline.rest.wire import TbModel


class LastVisitedDashboard(TbModel):
    """A dashboard that the user opened, at a time in ms."""

    id: UUID
    title: str
    starred: bool
    last_visited: int


class StarredDashboard(TbModel):
    """A dashboard that the user starred, at a time in ms."""

    id: UUID
    title: str
    starred_at: int


class UserDashboards(TbModel):
    """A user's dashboards, the newest first."""

    last: list[LastVisitedDashboard]
    starred: list[StarredDashboard]
