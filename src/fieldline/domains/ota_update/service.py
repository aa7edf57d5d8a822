"""Which devices are to be told of a package, each within one transaction.

A device that was told of a package is not told again. What a profile has is looked through by the
:class:`OtaUpdater`, a few devices at a time, and once more a little later: a device that was made
in a transaction of the same moment is not missed so.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar
from uuid import UUID

from fieldline.database.base import now_ms
from fieldline.database.engine import emit_last
from fieldline.domains.ota_package.kinds import OtaType
from fieldline.domains.ota_update.models import OtaRollout, State
from fieldline.domains.ota_update.repository import OpenUpdate, OtaUpdateRepository, Wanted

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

Of = TypeVar("Of", Wanted, OpenUpdate)
AGAIN_AFTER_MS = 60_000
"""No transaction is open for so long."""


@dataclass(frozen=True, slots=True)
class UpdatesWanted:
    """Devices or profiles have other packages, and that is committed."""


async def look_at_device(session: "AsyncSession", device_id: UUID) -> None:
    """Have a device told of the packages that it has, if it was not yet."""
    repository = OtaUpdateRepository(session)
    for kind, wanted in (await repository.wanted_of(device_id)).items():
        if wanted.package_id != wanted.told_id:
            await repository.want(kind, [wanted], now_ms())
            emit_last(session, UpdatesWanted())


async def look_at_profile(
    session: "AsyncSession", profile_id: UUID, kind: OtaType, package_id: UUID | None
) -> None:
    """Have a profile's devices looked through, if the profile has another package than before."""
    repository = OtaUpdateRepository(session)
    rollout = await repository.rollout(profile_id, kind)
    if package_id == (None if rollout is None else rollout.package_id):
        return
    if rollout is None:
        rollout = OtaRollout(device_profile_id=profile_id, type=kind.value)
    rollout.package_id, rollout.is_pending = package_id, True
    rollout.changed_time = max(now_ms(), (rollout.changed_time or 0) + 1)
    await repository.add_rollout(rollout)
    emit_last(session, UpdatesWanted())


@dataclass(frozen=True, slots=True)
class Rollout:
    """A profile that has another package since a time; its devices are to be looked through."""

    profile_id: UUID
    kind: OtaType
    changed_ms: int

    @property
    def again_ms(self) -> int:
        """When nobody can have made a device any more without knowing of the package."""
        return self.changed_ms + AGAIN_AFTER_MS


@dataclass(frozen=True, slots=True)
class Moved:
    """How far updates are since a time; of state None they are forgotten."""

    state: State | None
    now_ms: int


async def rollouts(session: "AsyncSession", limit: int) -> list[Rollout]:
    """Return the profiles whose devices are to be looked through, the oldest change first."""
    found = await OtaUpdateRepository(session).pending_rollouts(limit)
    return [Rollout(row.device_profile_id, OtaType(row.type), row.changed_time) for row in found]


async def look_through(
    session: "AsyncSession", rollout: Rollout, after: UUID | None, limit: int
) -> list[Wanted]:
    """Return devices, in the order of their ids, that were not told of what they have."""
    repository = OtaUpdateRepository(session)
    return list(await repository.wanted_in(rollout.profile_id, rollout.kind, after, limit))


async def want(
    session: "AsyncSession", found: list[Wanted], kind: OtaType, *, wait: bool
) -> list[Wanted]:
    """Have devices told of what they have; return those that somebody is just saving.

    With ``wait`` they are waited for. What they have is looked up again: since they were found they
    may have been saved, and then what they have now was noted already.
    """
    repository = OtaUpdateRepository(session)
    held = await repository.lock({each.device_id for each in found}, wait=wait)
    await repository.want(kind, await repository.wanted_of_all(held, kind), now_ms())
    return _others(found, held, wait=wait)


async def finish(session: "AsyncSession", rollout: Rollout) -> None:
    """Note that a profile's devices were looked through, unless it has changed since."""
    repository = OtaUpdateRepository(session)
    await repository.finish_rollout(rollout.profile_id, rollout.kind, rollout.changed_ms)


async def open_in(session: "AsyncSession", state: State, limit: int) -> list[OpenUpdate]:
    """Return the oldest updates in a state, those that are still current."""
    return list(await OtaUpdateRepository(session).open_in(state, limit))


async def move(
    session: "AsyncSession", done: list[OpenUpdate], moved: Moved, *, wait: bool
) -> list[OpenUpdate]:
    """Note how far updates are; return those whose device somebody is just saving.

    With ``wait`` they are waited for. Updates that another package has replaced stay as they are.
    """
    repository = OtaUpdateRepository(session)
    held = await repository.lock({each.device_id for each in done}, wait=wait)
    mine = [each for each in done if each.device_id in held]
    if moved.state is None:
        await repository.remove(mine)
    else:
        await repository.move(mine, moved.state, moved.now_ms)
    return _others(done, held, wait=wait)


def _others(found: list[Of], held: set[UUID], *, wait: bool) -> list[Of]:
    """Return those of others; who has waited knows that they are gone."""
    return [] if wait else [each for each in found if each.device_id not in held]
