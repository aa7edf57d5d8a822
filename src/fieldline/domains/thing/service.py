"""Things of one kind: made with a profile, assigned to a customer, found by name or id.

``device`` and ``asset`` each make one :class:`Things` and hand its methods out as the functions of
their service.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Generic, TypeVar
from uuid import UUID

from fieldline.database.engine import announce
from fieldline.database.profiles import Profile
from fieldline.database.things import Listed, Thing, ThingFilter
from fieldline.domains.customer import service as customer_service
from fieldline.domains.tenant_profile import service as tenant_profile_service
from fieldline.domains.thing.errors import InvalidThing, ThingNotFound
from fieldline.domains.thing.fields import ThingKind, set_fields
from fieldline.kit.errors import NotFound
from fieldline.kit.ids import EntityRef
from fieldline.kit.paging import Page, PageRequest
from fieldline.kit.unique_name import NameConflict, Naming, unique_name
from fieldline.kit.versions import check_version
from fieldline.messaging.events import Change, EntityChanged
from fieldline.rest.wire import wire_json
from fieldline.security.caller import Caller
from fieldline.security.permissions import Operation, check, tenant_of

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

T = TypeVar("T", bound=Thing)
P = TypeVar("P", bound=Profile)

_READING = frozenset({Operation.READ, Operation.READ_CREDENTIALS, Operation.RPC_CALL})
"""Operations that leave a thing as it is; for others it is locked, so that the last of several
changes without a version wins on PostgreSQL too."""


class Things(Generic[T, P]):
    """The service of one kind of thing."""

    def __init__(self, kind: ThingKind[T, P]) -> None:
        self._kind = kind

    async def get(self, session: "AsyncSession", caller: Caller, thing_id: UUID) -> T:
        return await self.get_for(session, caller, thing_id, Operation.READ)

    async def get_for(
        self, session: "AsyncSession", caller: Caller, thing_id: UUID, operation: Operation
    ) -> T:
        """Return a thing that the caller may do this to, locked unless it is only read."""
        repository = self._kind.repository(session)
        thing = await repository.get(thing_id, lock=operation not in _READING)
        if thing is None:
            raise ThingNotFound(self._kind.label, thing_id)
        self._check(caller, operation, thing)
        return thing

    async def get_values(
        self, session: "AsyncSession", caller: Caller, thing_id: UUID, names: tuple[str, ...]
    ) -> dict[str, Any]:
        """Return the named fields of a thing, tenant and customer among them."""
        found = await self._kind.repository(session).values(thing_id, names)
        if found is None:
            raise ThingNotFound(self._kind.label, thing_id)
        check(
            caller,
            Operation.READ,
            self._kind.entity_type,
            tenant_id=found["tenant_id"],
            customer_id=found["customer_id"],
            entity_id=thing_id,
        )
        return found

    async def get_by_name(self, session: "AsyncSession", caller: Caller, name: str) -> T:
        tenant_id = tenant_of(caller, Operation.READ, self._kind.entity_type)
        thing = await self._kind.repository(session).by_name(tenant_id, name)
        if thing is None:
            raise NotFound("Requested item wasn't found!")
        return thing

    async def by_ids(
        self, session: "AsyncSession", caller: Caller, ids: Collection[UUID]
    ) -> Sequence[T]:
        """Return the things of these ids in their order, those that the caller may see."""
        tenant_id = tenant_of(
            caller, Operation.READ, self._kind.entity_type, customer_id=caller.customer_id
        )
        found = await self._kind.repository(session).by_ids(tenant_id, ids, caller.customer_id)
        by_id = {thing.id: thing for thing in found}
        return [by_id[thing_id] for thing_id in dict.fromkeys(ids) if thing_id in by_id]

    async def get_info(self, session: "AsyncSession", caller: Caller, thing_id: UUID) -> Listed[T]:
        """Return a thing with what lists show beside its own fields."""
        info = await self._kind.repository(session).info(thing_id)
        if info is None:
            raise ThingNotFound(self._kind.label, thing_id)
        self._check(caller, Operation.READ, info.thing)
        return info

    async def page(
        self, session: "AsyncSession", caller: Caller, request: PageRequest, wanted: ThingFilter
    ) -> Page[T]:
        """Return a page of the tenant's things, to a customer user of the own customer's.

        Raises:
            CustomerNotFound: the tenant has no such customer as ``wanted`` names.
        """
        tenant_id, wanted = await customer_service.narrowed(
            session, caller, self._kind.entity_type, wanted
        )
        return await self._kind.repository(session).page(tenant_id, request, wanted)

    async def page_of_values(
        self,
        session: "AsyncSession",
        caller: Caller,
        request: PageRequest,
        wanted: ThingFilter,
        names: Sequence[str],
    ) -> Page[dict[str, Any]]:
        """Return the named fields of a page's things; else as :meth:`page`."""
        tenant_id, wanted = await customer_service.narrowed(
            session, caller, self._kind.entity_type, wanted
        )
        repository = self._kind.repository(session)
        return await repository.page_of_values(tenant_id, request, wanted, names)

    async def info_page(
        self, session: "AsyncSession", caller: Caller, request: PageRequest, wanted: ThingFilter
    ) -> Page[Listed[T]]:
        """Return a page as :meth:`page` does, with what lists show beside a thing's own fields."""
        tenant_id, wanted = await customer_service.narrowed(
            session, caller, self._kind.entity_type, wanted
        )
        return await self._kind.repository(session).info_page(tenant_id, request, wanted)

    async def types(self, session: "AsyncSession", caller: Caller) -> list[str]:
        """Return the types that the caller's things have, sorted."""
        tenant_id = tenant_of(
            caller, Operation.READ, self._kind.entity_type, customer_id=caller.customer_id
        )
        return await self._kind.repository(session).types(tenant_id, caller.customer_id)

    async def create(
        self,
        session: "AsyncSession",
        caller: Caller,
        fields: Mapping[str, Any],
        *,
        naming: Naming | None = None,
    ) -> T:
        """Make a thing.

        Raises:
            ThingNameTaken: the tenant has one of this name.
            LimitReached: the tenant's profile allows no more.
        """
        tenant_id = tenant_of(caller, Operation.CREATE, self._kind.entity_type)
        repository = self._kind.repository(session)
        await tenant_profile_service.require_room(
            session, tenant_id, self._kind.entity_type, lambda: repository.count(tenant_id)
        )
        if naming is not None and naming.conflict is NameConflict.UNIQUIFY:
            name = await self._free_name(session, tenant_id, fields.get("name") or "", naming)
            fields = {**fields, "name": name}
        thing = repository.model(tenant_id=tenant_id, additional_info=None)
        with session.no_autoflush:
            fields = {"name": None, self._kind.profile_key: None, **fields}
            await set_fields(session, caller, self._kind, thing, fields)
            await repository.add(thing)
        await self.tell(session, caller, thing, Change.CREATED)
        return thing

    async def update(
        self,
        session: "AsyncSession",
        caller: Caller,
        thing_id: UUID,
        fields: Mapping[str, Any],
        *,
        version: int | None = None,
    ) -> T:
        """Change the given fields.

        Raises:
            StaleVersion: ``version`` is given and is not the stored one.
        """
        thing = await self.get_for(session, caller, thing_id, Operation.WRITE)
        check_version(self._kind.label, version, thing.version)
        former, former_name = thing.customer_id, thing.name
        if "customer_id" in fields and fields["customer_id"] != former:
            self._check(caller, Operation.ASSIGN, thing)
        with session.no_autoflush:
            await set_fields(session, caller, self._kind, thing, fields)
        await self._kind.repository(session).save(thing)
        await self.tell(session, caller, thing, Change.UPDATED, former_name=former_name)
        await self._tell_assignment(session, caller, thing, former)
        return thing

    async def delete(self, session: "AsyncSession", caller: Caller, thing_id: UUID) -> None:
        """Delete a thing; its readings go after the commit (``purge.handlers``)."""
        thing = await self.get_for(session, caller, thing_id, Operation.DELETE)
        await self.tell(session, caller, thing, Change.DELETED)
        await self._kind.repository(session).delete(thing)

    async def assign(
        self, session: "AsyncSession", caller: Caller, thing_id: UUID, customer_id: UUID
    ) -> T:
        """Assign a thing to a customer of its tenant, away from the one it was assigned to."""
        thing = await self.get_for(session, caller, thing_id, Operation.ASSIGN)
        return await self._move(session, caller, thing, customer_id)

    async def assign_to_public(self, session: "AsyncSession", caller: Caller, thing_id: UUID) -> T:
        """Assign a thing to the tenant's public customer, so that everybody may see it."""
        thing = await self.get_for(session, caller, thing_id, Operation.ASSIGN)
        public = await customer_service.public_customer(session, thing.tenant_id)
        return await self._move(session, caller, thing, public.id)

    async def unassign(self, session: "AsyncSession", caller: Caller, thing_id: UUID) -> T:
        """Take a thing from its customer.

        Raises:
            InvalidThing: it has none.
        """
        thing = await self.get_for(session, caller, thing_id, Operation.ASSIGN)
        if thing.customer_id is None:
            msg = f"{self._kind.label} isn't assigned to any customer!"
            raise InvalidThing(msg)
        return await self._move(session, caller, thing, None)

    async def claim(
        self, session: "AsyncSession", caller: Caller, thing_id: UUID, customer_id: UUID | None
    ) -> T:
        """Move a thing to a customer, or away, for a user whose right to it was proved."""
        thing = await self.get_for(session, caller, thing_id, Operation.CLAIM)
        return await self._move(session, caller, thing, customer_id)

    async def tell(
        self,
        session: "AsyncSession",
        caller: Caller,
        thing: T,
        change: Change,
        *,
        customer_id: UUID | None = None,
        former_name: str | None = None,
    ) -> None:
        """Announce the change; the detail names the thing and the customer that it is about.

        A thing that was renamed has its ``former_name`` there too.
        """
        about = customer_id or thing.customer_id
        detail = {
            "name": thing.name,
            "type": thing.type,
            self._kind.profile_key: str(thing.profile_id),
            "customer_id": str(about) if about else None,
        }
        if former_name not in (None, thing.name):
            detail["former_name"] = former_name
        event = EntityChanged(
            thing.tenant_id,
            EntityRef(self._kind.entity_type, thing.id),
            change,
            detail,
            by=caller.actor,
            name=thing.name,
            customer_id=about,
            data=wire_json(self._kind.wire, thing),
        )
        await announce(session, event)

    async def _move(
        self, session: "AsyncSession", caller: Caller, thing: T, customer_id: UUID | None
    ) -> T:
        former = thing.customer_id
        await set_fields(session, caller, self._kind, thing, {"customer_id": customer_id})
        await self._kind.repository(session).save(thing)
        await self._tell_assignment(session, caller, thing, former)
        return thing

    async def _tell_assignment(
        self, session: "AsyncSession", caller: Caller, thing: T, former: UUID | None
    ) -> None:
        """Tell a change of customer: away from the former one, then to the new one."""
        if former == thing.customer_id:
            return
        if former is not None:
            await self.tell(session, caller, thing, Change.UNASSIGNED, customer_id=former)
        if thing.customer_id is not None:
            await self.tell(session, caller, thing, Change.ASSIGNED, customer_id=thing.customer_id)

    async def _free_name(
        self, session: "AsyncSession", tenant_id: UUID, name: str, naming: Naming
    ) -> str:
        taken = await self._kind.repository(session).names_from(tenant_id, name)
        return unique_name(name, taken, separator=naming.separator, strategy=naming.strategy)

    def _check(self, caller: Caller, operation: Operation, thing: T) -> None:
        check(
            caller,
            operation,
            self._kind.entity_type,
            tenant_id=thing.tenant_id,
            customer_id=thing.customer_id,
            entity_id=thing.id,
        )
