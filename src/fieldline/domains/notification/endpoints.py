"""Notifications in ThingsBoard's dialect: clients ask for them at log-in, and there are none."""

from typing import Any
from uuid import UUID

from fieldline.kit.errors import NotFound
from fieldline.kit.paging import Page
from fieldline.rest.callers import AnyUser
from fieldline.rest.dialects import tb_router
from fieldline.rest.paging import PageData, TbPage

router = tb_router("notification")


@router.get("/notifications")
async def list_notifications(page: TbPage, _caller: AnyUser) -> PageData[dict[str, Any]]:
    """List the caller's notifications: none."""
    return PageData.of(Page([], 0), page)


@router.get("/notifications/unread/count")
async def count_unread_notifications(_caller: AnyUser) -> int:
    """Count the caller's unread notifications: none."""
    return 0


@router.put("/notifications/read")
async def mark_all_notifications_as_read(_caller: AnyUser) -> None:
    """Mark all of the caller's notifications as read, which are none."""


@router.put("/notification/{notification_id}/read")
async def mark_notification_as_read(notification_id: UUID, _caller: AnyUser) -> None:
    """Refuse: there is no notification to be read."""
    raise _not_found(notification_id)


@router.delete("/notification/{notification_id}")
async def delete_notification(notification_id: UUID, _caller: AnyUser) -> None:
    """Refuse: there is no notification to be deleted."""
    raise _not_found(notification_id)


@router.get("/notification/deliveryMethods")
async def list_delivery_methods(_caller: AnyUser) -> list[str]:
    """List the ways by which notifications reach people: none."""
    return []


@router.get("/notification/settings/user")
async def get_notification_settings(_caller: AnyUser) -> dict[str, Any]:
    """Return which notifications the caller wants: nothing is chosen."""
    return {"prefs": {}}


def _not_found(notification_id: UUID) -> NotFound:
    return NotFound(f"Notification with id [{notification_id}] is not found")
