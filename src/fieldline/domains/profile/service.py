"""Profiles of one kind: each tenant has a default one, things take their type and rules of theirs.

``device_profile`` and ``asset_profile`` each make one :class:`Profiles` and hand its methods out as
the functions of their service.
"""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar
from uuid import UUID

from fieldline.database.engine import announce
from fieldline.database.profiles import Profile, ProfileRepository
from fieldline.domains.profile.errors import InvalidProfile, ProfileInUse, ProfileNotFound
from fieldline.domains.profile.fields import set_fields
from fieldline.kit.errors import Conflict
from fieldline.kit.ids import EntityRef, EntityType
from fieldline.kit.paging import Page, PageRequest
from fieldline.kit.versions import check_version
from fieldline.messaging.events import Change, EntityChanged
from fieldline.rest.wire import TbModel, wire_json
from fieldline.security.caller import Caller
from fieldline.security.permissions import Operation, check, tenant_of

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

DEFAULT_NAME = "default"
_ATTEMPTS = 3
"""How often a profile is looked for and made that somebody else makes or deletes meanwhile."""

P = TypeVar("P", bound=Profile)


@dataclass(frozen=True, slots=True)
class ProfileKind(Generic[P]):
    """What makes the difference between the kinds.

    Args:
        entity_type: of the profiles.
        things: of what has such a profile, in lower case: ``device``.
        repository: opens the profiles of a session.
        blank: makes a profile of a tenant that lacks nothing but its name.
        wire: its form on ThingsBoard's wire, which events and the audit log show.
    """

    entity_type: EntityType
    things: str
    repository: "Callable[[AsyncSession], ProfileRepository[P]]"
    blank: Callable[[UUID], P]
    wire: type[TbModel]

    @property
    def label(self) -> str:
        """Return its name in messages: ``Device profile``."""
        return f"{self.things.capitalize()} profile"


SetOwn = Callable[[P], Awaitable[None]]
"""Sets the fields that only one kind has."""


class Profiles(Generic[P]):
    """The service of one kind of profile."""

    def __init__(self, kind: ProfileKind[P]) -> None:
        self._kind = kind

    async def seed(self, session: "AsyncSession", tenant_id: UUID) -> P:
        """Give a tenant its default profile."""
        profile = await self._add_plain(session, None, tenant_id, DEFAULT_NAME, is_default=True)
        if profile is None:
            profile = await self._kind.repository(session).default(tenant_id)
        if profile is None:
            raise self._is_changing(DEFAULT_NAME)
        return profile

    async def get(self, session: "AsyncSession", caller: Caller, profile_id: UUID) -> P:
        return await self._get_for(session, caller, profile_id, Operation.READ)

    async def get_default(self, session: "AsyncSession", caller: Caller) -> P:
        return await self.default_of(session, self.tenant_of(caller, Operation.READ))

    async def page(self, session: "AsyncSession", caller: Caller, request: PageRequest) -> Page[P]:
        tenant_id = self.tenant_of(caller, Operation.READ)
        return await self._kind.repository(session).page(tenant_id, request)

    async def by_ids(
        self, session: "AsyncSession", caller: Caller, ids: Collection[UUID]
    ) -> Sequence[P]:
        """Return the profiles of these ids; one that the caller may not see is left out."""
        tenant_id = self.tenant_of(caller, Operation.READ)
        return await self._kind.repository(session).by_ids(tenant_id, ids)

    async def names(
        self, session: "AsyncSession", caller: Caller, *, active_only: bool = False
    ) -> list[tuple[UUID, str]]:
        """Return id and name of every profile by name; with ``active_only`` those in use."""
        tenant_id = self.tenant_of(caller, Operation.READ)
        return await self._kind.repository(session).names(tenant_id, active_only=active_only)

    async def create(
        self,
        session: "AsyncSession",
        caller: Caller,
        fields: Mapping[str, Any],
        set_own: SetOwn[P] | None = None,
    ) -> P:
        tenant_id = self.tenant_of(caller, Operation.CREATE)
        profile = self._kind.blank(tenant_id)
        with session.no_autoflush:
            await self._set(session, profile, {"name": None, **fields}, set_own)
            await self._kind.repository(session).add(profile)
        await self._tell(session, caller, profile, Change.CREATED)
        if fields.get("is_default"):
            return await self.set_default(session, caller, profile.id)
        return profile

    async def update(
        self,
        session: "AsyncSession",
        caller: Caller,
        profile_id: UUID,
        fields: Mapping[str, Any],
        set_own: SetOwn[P] | None = None,
        *,
        version: int | None = None,
    ) -> P:
        """Change the given fields; a new name becomes the type of all things of the profile.

        Raises:
            StaleVersion: ``version`` is given and is not the stored one.
        """
        repository = self._kind.repository(session)
        if fields.get("is_default"):
            await repository.lock_default(self.tenant_of(caller, Operation.WRITE))
        profile = await self._get_for(session, caller, profile_id, Operation.WRITE)
        check_version(self._kind.label, version, profile.version)
        with session.no_autoflush:
            await self._set(session, profile, fields, set_own)
        await repository.save(profile)
        await self._tell(session, caller, profile, Change.UPDATED)
        if fields.get("is_default") and not profile.is_default:
            return await self.set_default(session, caller, profile.id)
        return profile

    async def set_default(self, session: "AsyncSession", caller: Caller, profile_id: UUID) -> P:
        """Make this profile the tenant's default one; the former one loses the mark."""
        repository = self._kind.repository(session)
        await repository.lock_default(self.tenant_of(caller, Operation.WRITE))
        profile = await self._get_for(session, caller, profile_id, Operation.WRITE)
        if profile.is_default:
            return profile
        await repository.clear_default(profile.tenant_id)
        profile.is_default = True
        await repository.save(profile)
        await self._tell(session, caller, profile, Change.UPDATED)
        return profile

    async def delete(self, session: "AsyncSession", caller: Caller, profile_id: UUID) -> None:
        """Delete a profile.

        Raises:
            ProfileInUse: it is the tenant's default, or things have it.
        """
        profile = await self._get_for(session, caller, profile_id, Operation.DELETE)
        things, repository = self._kind.things, self._kind.repository(session)
        if profile.is_default:
            msg = f"Deletion of Default {things.capitalize()} Profile is prohibited!"
            raise ProfileInUse(msg)
        if await repository.is_used(profile.id):
            msg = f"The {things} profile referenced by the {things}s cannot be deleted!"
            raise ProfileInUse(msg)
        await self._tell(session, caller, profile, Change.DELETED)
        await repository.delete(profile)

    async def default_of(self, session: "AsyncSession", tenant_id: UUID) -> P:
        """Return the default profile of a tenant, for those who have checked the permission."""
        profile = await self._kind.repository(session).default(tenant_id)
        return profile or await self.seed(session, tenant_id)

    async def find_or_create(
        self, session: "AsyncSession", caller: Caller, tenant_id: UUID, name: str
    ) -> P:
        """Return the tenant's profile of this name, made now when there is none.

        Of several who make it at once, one does, and the others wait for it.

        Raises:
            Forbidden: there is none and the caller may not make one.
        """
        repository = self._kind.repository(session)
        for _attempt in range(_ATTEMPTS):
            profile = await repository.by_name(tenant_id, name)
            if profile is not None:
                return profile
            self._check(caller, Operation.CREATE, tenant_id)
            profile = await self._add_plain(session, caller, tenant_id, name, is_default=False)
            if profile is not None:
                return profile
        raise self._is_changing(name)

    async def of_tenant(self, session: "AsyncSession", tenant_id: UUID, profile_id: UUID) -> P:
        """Return a profile that a thing of the tenant may have.

        Raises:
            InvalidProfile: there is none, or it is another tenant's.
        """
        things = self._kind.things
        profile = await self._kind.repository(session).get(profile_id)
        if profile is None:
            msg = f"{things.capitalize()} is referencing non existing {things} profile!"
            raise InvalidProfile(msg)
        if profile.tenant_id != tenant_id:
            msg = (
                f"{things.capitalize()} can't be referencing to {things} profile "
                "from different tenant!"
            )
            raise InvalidProfile(msg)
        return profile

    async def rule_chains(
        self, session: "AsyncSession", ids: Collection[UUID]
    ) -> dict[UUID, UUID | None]:
        """Return profile -> its default rule chain, for the rules: nobody's permission is asked."""
        return await self._kind.repository(session).rule_chains(ids)

    def tenant_of(self, caller: Caller, operation: Operation) -> UUID:
        """Return the caller's tenant once it may do this there."""
        return tenant_of(caller, operation, self._kind.entity_type)

    async def _get_for(
        self, session: "AsyncSession", caller: Caller, profile_id: UUID, operation: Operation
    ) -> P:
        """Return a profile that the caller may do this to, locked unless it is only read."""
        repository = self._kind.repository(session)
        profile = await repository.get(profile_id, lock=operation is not Operation.READ)
        if profile is None:
            raise ProfileNotFound(self._kind.label, profile_id)
        self._check(caller, operation, profile.tenant_id)
        return profile

    async def _add_plain(
        self,
        session: "AsyncSession",
        caller: Caller | None,
        tenant_id: UUID,
        name: str,
        *,
        is_default: bool,
    ) -> P | None:
        """Add a profile that has nothing but a name; None when somebody has just done so."""
        profile = self._kind.blank(tenant_id)
        profile.name = name
        profile.description = f"Default {self._kind.label.lower()}"
        profile.is_default = is_default
        if not await self._kind.repository(session).add_if_free(profile):
            return None
        await self._tell(session, caller, profile, Change.CREATED)
        return profile

    async def _set(
        self,
        session: "AsyncSession",
        profile: P,
        fields: Mapping[str, Any],
        set_own: SetOwn[P] | None,
    ) -> None:
        repository = self._kind.repository(session)
        await set_fields(repository, profile, fields, self._kind.label)
        if set_own is not None:
            await set_own(profile)

    def _is_changing(self, name: str) -> Conflict:
        msg = f"{self._kind.label} '{name}' is changing at this moment; try again"
        return Conflict(msg)

    def _check(self, caller: Caller, operation: Operation, tenant_id: UUID | None) -> None:
        check(caller, operation, self._kind.entity_type, tenant_id=tenant_id)

    async def _tell(
        self, session: "AsyncSession", caller: Caller | None, profile: P, change: Change
    ) -> None:
        event = EntityChanged(
            profile.tenant_id,
            EntityRef(self._kind.entity_type, profile.id),
            change,
            {"name": profile.name},
            by=caller.actor if caller else None,
            name=profile.name,
            data=wire_json(self._kind.wire, profile),
        )
        await announce(session, event)
