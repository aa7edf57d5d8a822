"""Settings of users: who may read and change them, and how they are merged."""

from collections.abc import Callable
from copy import deepcopy
from typing import TYPE_CHECKING, Any
from uuid import UUID

from fieldline.domains.user.errors import UserNotFound
from fieldline.domains.user_settings import paths
from fieldline.domains.user_settings.kinds import SettingsKind
from fieldline.domains.user_settings.repository import UserSettingsRepository
from fieldline.kit.errors import Invalid
from fieldline.kit.ids import EntityType
from fieldline.kit.json import dumps
from fieldline.kit.storable import check_storable
from fieldline.kit.text import check_json
from fieldline.security.caller import Caller
from fieldline.security.permissions import Operation, check

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

MAX_BYTES = 100_000
"""Of the settings of one type, as JSON."""
MAX_PATHS = 100
"""Of one deletion."""
Settings = dict[str, Any]


async def get(session: "AsyncSession", caller: Caller, kind: SettingsKind) -> Settings:
    """Return the caller's settings, ``{}`` when nothing is set."""
    _check(caller, Operation.READ)
    return await read(session, caller.user_id, kind)


async def replace(
    session: "AsyncSession", caller: Caller, kind: SettingsKind, settings: Settings
) -> Settings:
    """Set all of the caller's settings of a type; what was there is gone."""
    _check(caller, Operation.WRITE)
    return await write(session, caller.user_id, kind, settings)


async def merge(
    session: "AsyncSession", caller: Caller, kind: SettingsKind, changes: Settings
) -> None:
    """Set the keys of ``changes``; a dotted key names a field of an inner object.

    Raises:
        Invalid: a dotted key leads through something that is no object.
    """
    _check(caller, Operation.WRITE)

    def change(settings: Settings) -> None:
        for key, value in changes.items():
            paths.put(settings, key, value)

    await revise(session, caller.user_id, kind, change)


async def remove(session: "AsyncSession", caller: Caller, kind: SettingsKind, where: str) -> None:
    """Take away what is at these paths, which have commas between them; where nothing is is fine.

    Raises:
        Invalid: a path cannot be read, or there are too many.
    """
    _check(caller, Operation.WRITE)
    places = paths.parse_all(where)
    if len(places) > MAX_PATHS:
        msg = f"{len(places)} paths are too many; at most {MAX_PATHS} can be deleted at once"
        raise Invalid(msg)

    def change(settings: Settings) -> None:
        for place in places:
            paths.remove(settings, place)

    if await read(session, caller.user_id, kind):
        await revise(session, caller.user_id, kind, change)


async def read(session: "AsyncSession", user_id: UUID, kind: SettingsKind) -> Settings:
    """Return a user's settings for other domains, which have checked who asks."""
    found = await UserSettingsRepository(session).get(user_id, kind.value)
    return found.settings if found is not None else {}


async def write(
    session: "AsyncSession", user_id: UUID, kind: SettingsKind, settings: Settings
) -> Settings:
    """Replace a user's settings for other domains, which have checked who asks.

    Raises:
        Invalid: they cannot be stored, or are too large.
        UserNotFound: the user is gone.
    """

    def change(stored: Settings) -> None:
        stored.clear()
        stored.update(settings)

    return await revise(session, user_id, kind, change)


async def revise(
    session: "AsyncSession",
    user_id: UUID,
    kind: SettingsKind,
    change: Callable[[Settings], None],
) -> Settings:
    """Let ``change`` work on settings that nobody else changes meanwhile, and store them.

    For other domains too, which have checked who asks; raises as :func:`write`.
    """
    repository = UserSettingsRepository(session)
    row = await repository.get_or_add(user_id, kind.value)
    if row is None:
        raise UserNotFound(user_id)
    settings = deepcopy(row.settings)
    change(settings)
    _check_content(settings)
    row.settings = settings
    await repository.flush()
    return settings


def _check_content(settings: Settings) -> None:
    check_storable("settings", settings)
    check_json("settings", settings)
    size = len(dumps(settings))
    if size > MAX_BYTES:
        msg = (
            f"Validation error: settings would have {size} bytes as JSON; of one type at most "
            f"{MAX_BYTES} are kept"
        )
        raise Invalid(msg)


def _check(caller: Caller, operation: Operation) -> None:
    """Let people keep settings; the public user is nobody."""
    check(
        caller,
        operation,
        EntityType.USER,
        tenant_id=caller.tenant_id,
        customer_id=caller.customer_id,
        entity_id=caller.user_id,
    )
