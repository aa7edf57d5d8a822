"""Settings of the caller, in ThingsBoard's dialect; without a type they are the general ones."""

from typing import Annotated, Any

from fastapi import Depends

from fieldline.domains.user_settings import service
from fieldline.domains.user_settings.kinds import SettingsKind, kind_of
from fieldline.rest.callers import AnyUser
from fieldline.rest.dialects import tb_router
from fieldline.rest.sessions import ReadSession, WriteSession

router = tb_router("user settings")
_GENERAL = SettingsKind.GENERAL


async def _kind(type_name: str) -> SettingsKind:
    return kind_of(type_name)


Kind = Annotated[SettingsKind, Depends(_kind)]


@router.get("/user/settings")
async def get_general_settings(caller: AnyUser, session: ReadSession) -> dict[str, Any]:
    """Return the caller's general settings, an empty object when nothing is set."""
    return await service.get(session, caller, _GENERAL)


@router.post("/user/settings")
async def replace_general_settings(
    body: dict[str, Any], caller: AnyUser, session: WriteSession
) -> dict[str, Any]:
    """Replace the caller's general settings, and return them."""
    return await service.replace(session, caller, _GENERAL, body)


@router.put("/user/settings")
async def merge_general_settings(
    body: dict[str, Any], caller: AnyUser, session: WriteSession
) -> None:
    """Set the keys of the body in the general settings; ``a.b`` is the field b of the object a."""
    await service.merge(session, caller, _GENERAL, body)


@router.delete("/user/settings/{paths}")
async def delete_general_settings(paths: str, caller: AnyUser, session: WriteSession) -> None:
    """Delete what is at these paths, with commas between them, from the general settings."""
    await service.remove(session, caller, _GENERAL, paths)


@router.get("/user/settings/{type_name}")
async def get_settings(caller: AnyUser, kind: Kind, session: ReadSession) -> dict[str, Any]:
    """Return the caller's settings of a type, an empty object when nothing is set."""
    return await service.get(session, caller, kind)


@router.put("/user/settings/{type_name}")
async def merge_settings(
    caller: AnyUser, kind: Kind, body: dict[str, Any], session: WriteSession
) -> None:
    """Set the keys of the body in the settings of a type."""
    await service.merge(session, caller, kind, body)


@router.delete("/user/settings/{type_name}/{paths}")
async def delete_settings(caller: AnyUser, kind: Kind, paths: str, session: WriteSession) -> None:
    """Delete what is at these paths, with commas between them, from the settings of a type."""
    await service.remove(session, caller, kind, paths)
