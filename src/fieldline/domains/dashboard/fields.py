"""The fields of a dashboard that people set, and what must hold for them."""

import asyncio
from typing import Any, TypedDict
from uuid import UUID

from fieldline.domains.dashboard.errors import InvalidDashboard
from fieldline.domains.dashboard.models import Dashboard
from fieldline.kit.json import dumps_text
from fieldline.kit.storable import check_storable
from fieldline.kit.text import check_json, check_optional_text, check_text

MAX_IMAGE_CHARS = 1_000_000


class DashboardFields(TypedDict, total=False):
    """Fields to set; what is left out stays as it is, or takes its default."""

    title: str | None
    image: str | None
    mobile_hide: bool | None
    mobile_order: int | None
    configuration: Any
    external_id: UUID | None
    additional_info: dict[str, Any] | None
    resources: list[Any] | None


async def set_fields(dashboard: Dashboard, fields: DashboardFields) -> None:
    """Check the fields and put them into the dashboard.

    Raises:
        Invalid: a field is not what it must be.
    """
    _set_texts(dashboard, fields)
    if "mobile_hide" in fields:
        dashboard.mobile_hide = bool(fields["mobile_hide"])
    if "mobile_order" in fields:
        dashboard.mobile_order = fields["mobile_order"]
    if "external_id" in fields:
        dashboard.external_id = fields["external_id"]
    if "additional_info" in fields:
        check_storable("additionalInfo", fields["additional_info"])
        check_json("additionalInfo", fields["additional_info"])
        dashboard.additional_info = fields["additional_info"]
    if fields.get("resources"):
        raise InvalidDashboard(
            "'resources' must be empty or null: importing images and scripts with a dashboard "
            "is not possible yet"
        )
    if "configuration" in fields:
        dashboard.configuration = await encoded(fields["configuration"])


async def encoded(configuration: Any) -> str | None:  # noqa: ANN401 - JSON is any of its types
    """Check a configuration and return it as text.

    In a thread: megabytes take longer than other requests should wait.

    Raises:
        Invalid: it holds what cannot be stored.
    """
    if configuration is None:
        return None
    return await asyncio.to_thread(_encode, configuration)


def _encode(configuration: Any) -> str:  # noqa: ANN401 - JSON is any of its types
    check_storable("configuration", configuration)
    return dumps_text(configuration)


def _set_texts(dashboard: Dashboard, fields: DashboardFields) -> None:
    if "title" in fields:
        title = fields["title"]
        check_text("Dashboard title", title)
        dashboard.title = title or ""
        dashboard.search_text = dashboard.title.lower()
    if "image" in fields:
        check_optional_text("image", fields["image"], MAX_IMAGE_CHARS)
        dashboard.image = fields["image"]
