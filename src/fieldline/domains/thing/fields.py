"""The fields that every thing has, and what must hold for them."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypedDict, TypeVar
from uuid import UUID

from fieldline.database.profiles import Profile
from fieldline.database.things import Thing, ThingRepository
from fieldline.domains.customer import service as customer_service
from fieldline.domains.profile.service import Profiles
from fieldline.domains.thing.errors import ThingNameTaken
from fieldline.kit.ids import EntityType
from fieldline.kit.storable import check_storable
from fieldline.kit.text import check_json, check_optional_text, check_text
from fieldline.rest.wire import TbModel
from fieldline.security.caller import Caller

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

T = TypeVar("T", bound=Thing)
P = TypeVar("P", bound=Profile)


class ThingFields(TypedDict, total=False):
    """Fields to set; what is left out stays as it is, or takes its default."""

    name: str | None
    type: str | None
    label: str | None
    customer_id: UUID | None
    external_id: UUID | None
    additional_info: dict[str, Any] | None


async def _set_nothing(
    _session: "AsyncSession", _thing: Thing, _fields: Mapping[str, Any], _profile: Profile
) -> None:
    """Set no field of its own, for a kind that has none."""


@dataclass(frozen=True, slots=True)
class ThingKind(Generic[T, P]):
    """What makes the difference between the kinds.

    Args:
        entity_type: of the things; its name in lower case is the prefix of ``device_profile_id``.
        repository: opens the things of a session.
        profiles: of these things.
        wire: a thing's form on ThingsBoard's wire, which events and the audit log show.
        set_own: checks and sets the fields that only this kind has, given the profile.
    """

    entity_type: EntityType
    repository: "Callable[[AsyncSession], ThingRepository[T]]"
    profiles: Profiles[P]
    wire: type[TbModel]
    set_own: "Callable[[AsyncSession, T, Mapping[str, Any], P], Awaitable[None]]" = _set_nothing

    @property
    def label(self) -> str:
        """Return its name in messages: ``Device``."""
        return self.entity_type.value.capitalize()

    @property
    def profile_key(self) -> str:
        """Return the name of the field that holds the profile's id: ``device_profile_id``."""
        return f"{self.entity_type.value.lower()}_profile_id"


async def set_fields(
    session: "AsyncSession",
    caller: Caller,
    kind: ThingKind[T, P],
    thing: T,
    fields: Mapping[str, Any],
) -> None:
    """Check the fields and put them into the thing, for a caller who may change it.

    Raises:
        Forbidden: the type names no profile yet, and the caller may not make one.
        ThingNameTaken: the tenant has another thing of this kind and name.
        CustomerNotFound: the tenant has no such customer.
        InvalidProfile: the tenant has no such profile.
        Invalid: a field is not what it must be.
    """
    # Before anything is set: making a profile writes what the session holds.
    profile = await _profile(session, caller, kind, thing, fields)
    await _set_name(session, kind, thing, fields)
    await _set_customer(session, thing, fields)
    thing.profile_id = profile.id
    thing.type = profile.name
    await kind.set_own(session, thing, fields, profile)
    if "external_id" in fields:
        thing.external_id = fields["external_id"]
    if "additional_info" in fields:
        # Free JSON that people see in the console.
        check_storable("additionalInfo", fields["additional_info"])
        check_json("additionalInfo", fields["additional_info"])
        thing.additional_info = fields["additional_info"]


async def _profile(
    session: "AsyncSession",
    caller: Caller,
    kind: ThingKind[T, P],
    thing: T,
    fields: Mapping[str, Any],
) -> P:
    """Settle the profile: the one named, else that of the type, else the default one.

    An update that says nothing of it keeps the present one.
    """
    profile_id = fields.get(kind.profile_key)
    if profile_id is None and kind.profile_key not in fields and "type" not in fields:
        profile_id = thing.profile_id
    type_ = (fields.get("type") or "").strip()
    if profile_id is not None:
        return await kind.profiles.of_tenant(session, thing.tenant_id, profile_id)
    if type_:
        check_text("type", type_)
        return await kind.profiles.find_or_create(session, caller, thing.tenant_id, type_)
    return await kind.profiles.default_of(session, thing.tenant_id)


async def _set_name(
    session: "AsyncSession", kind: ThingKind[T, P], thing: T, fields: Mapping[str, Any]
) -> None:
    if "name" in fields:
        name = fields["name"] or ""
        check_text(f"{kind.label} name", name)
        other = await kind.repository(session).by_name(thing.tenant_id, name)
        if other is not None and other is not thing:
            raise ThingNameTaken(kind.label)
        thing.name = name
    if "label" in fields:
        check_optional_text("label", fields["label"])
        thing.label = fields["label"]
    thing.search_text = f"{thing.name}\n{thing.label or ''}".lower()


async def _set_customer(session: "AsyncSession", thing: Thing, fields: Mapping[str, Any]) -> None:
    if "customer_id" not in fields:
        return
    customer_id = fields["customer_id"]
    if customer_id is not None and customer_id != thing.customer_id:
        await customer_service.require(session, thing.tenant_id, customer_id)
    thing.customer_id = customer_id
