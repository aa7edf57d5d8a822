"""What a user opened and starred, kept in its settings of the reserved type VISITED_DASHBOARDS.

Only ids and times are stored: titles are looked up, and a dashboard that is gone, or that the user
may not see any more, is left out.
"""

from enum import StrEnum
from typing import TYPE_CHECKING, Any
from uuid import UUID

from fieldline.domains.dashboard import service as dashboard_service
from fieldline.domains.user_dashboard.schemas import (
    LastVisitedDashboard,
    StarredDashboard,
    UserDashboards,
)
from fieldline.domains.user_settings import service as user_settings_service
from fieldline.domains.user_settings.kinds import SettingsKind
from fieldline.kit.errors import Invalid
from fieldline.kit.ids import EntityType
from fieldline.security.caller import Caller
from fieldline.security.permissions import Operation, check

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

MAX_LAST = 10
"""Dashboards opened last that are remembered."""
MAX_STARRED = 100
_KIND = SettingsKind.VISITED_DASHBOARDS
_LAST, _STARRED = "last", "starred"
_Times = dict[str, int]
"""Dashboard's id as text -> when, in ms."""


class Action(StrEnum):
    """What a user does to a dashboard."""

    VISIT = "VISIT"
    STAR = "STAR"
    UNSTAR = "UNSTAR"


def action_of(text: str) -> Action:
    """Read an action's name, in any case.

    Raises:
        Invalid: there is none of this name.
    """
    try:
        return Action(text.upper())
    except ValueError as error:
        msg = f"'{text}' is not possible here; one of visit, star, unstar is"
        raise Invalid(msg) from error


async def listed(session: "AsyncSession", caller: Caller) -> UserDashboards:
    """Return the caller's dashboards."""
    stored = await user_settings_service.get(session, caller, _KIND)
    return _shown(stored, await _titles(session, caller, stored))


async def record(
    session: "AsyncSession", caller: Caller, dashboard_id: UUID, action: Action, *, now_ms: int
) -> UserDashboards:
    """Note that the caller did this to a dashboard, which it must be able to see.

    Raises:
        Invalid: it starred too many.
    """
    _check_own(caller)
    await dashboard_service.get(session, caller, dashboard_id)
    before = await user_settings_service.get(session, caller, _KIND)
    gone = _ids(before) - (await _titles(session, caller, before)).keys()

    def change(stored: dict[str, Any]) -> None:
        lists = {
            name: {key: when for key, when in _times(stored, name).items() if key not in gone}
            for name in (_LAST, _STARRED)
        }
        _note(lists, str(dashboard_id), action, now_ms)
        stored.clear()
        stored.update(lists)

    saved = await user_settings_service.revise(session, caller.user_id, _KIND, change)
    return _shown(saved, await _titles(session, caller, saved))


def _note(lists: dict[str, _Times], key: str, action: Action, now_ms: int) -> None:
    if action is Action.VISIT:
        lists[_LAST][key] = now_ms
        lists[_LAST] = dict(_newest(lists[_LAST])[:MAX_LAST])
    elif action is Action.UNSTAR:
        lists[_STARRED].pop(key, None)
    elif key not in lists[_STARRED]:
        if len(lists[_STARRED]) >= MAX_STARRED:
            msg = f"At most {MAX_STARRED} dashboards can be starred; unstar one first"
            raise Invalid(msg)
        lists[_STARRED][key] = now_ms


def _shown(stored: dict[str, Any], titles: dict[str, str]) -> UserDashboards:
    last, starred = (
        [each for each in _newest(_times(stored, name)) if each[0] in titles]
        for name in (_LAST, _STARRED)
    )
    stars = {key for key, _when in starred}
    return UserDashboards(
        last=[
            LastVisitedDashboard(
                id=UUID(key), title=titles[key], starred=key in stars, last_visited=when
            )
            for key, when in last
        ],
        starred=[
            StarredDashboard(id=UUID(key), title=titles[key], starred_at=when)
            for key, when in starred
        ],
    )


async def _titles(
    session: "AsyncSession", caller: Caller, stored: dict[str, Any]
) -> dict[str, str]:
    """Return id -> title of those stored that the caller may see."""
    ids = {UUID(key) for key in _ids(stored)}
    found = await dashboard_service.by_ids(session, caller, ids) if ids else []
    return {str(each.dashboard.id): each.dashboard.title for each in found}


def _ids(stored: dict[str, Any]) -> set[str]:
    return _times(stored, _LAST).keys() | _times(stored, _STARRED).keys()


def _times(stored: dict[str, Any], name: str) -> _Times:
    found: _Times = stored.get(name) or {}
    return found


def _newest(times: _Times) -> list[tuple[str, int]]:
    return sorted(times.items(), key=lambda item: (-item[1], item[0]))


def _check_own(caller: Caller) -> None:
    """Let people change what is theirs; the public user is nobody."""
    check(
        caller,
        Operation.WRITE,
        EntityType.USER,
        tenant_id=caller.tenant_id,
        customer_id=caller.customer_id,
        entity_id=caller.user_id,
    )
