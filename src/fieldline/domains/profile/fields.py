"""The fields that every profile has, and what must hold for them."""

from typing import TYPE_CHECKING, Any, TypedDict, TypeVar
from uuid import UUID

from fieldline.database.profiles import Profile, ProfileRepository
from fieldline.domains.profile.errors import InvalidProfile, ProfileNameTaken
from fieldline.kit.text import check_optional_text, check_text

if TYPE_CHECKING:
    from collections.abc import Mapping

P = TypeVar("P", bound=Profile)

MAX_IMAGE_CHARS = 1_000_000
STANDARD_QUEUES = ("Main", "HighPriority", "SequentialByOriginator")
"""The queues that every installation has."""


class ProfileFields(TypedDict, total=False):
    """Fields to set; what is left out stays as it is, or takes its default."""

    name: str | None
    description: str | None
    image: str | None
    is_default: bool
    default_rule_chain_id: UUID | None
    default_edge_rule_chain_id: UUID | None
    default_dashboard_id: UUID | None
    default_queue_name: str | None
    external_id: UUID | None


async def set_fields(
    repository: ProfileRepository[P], profile: P, fields: "Mapping[str, Any]", kind: str
) -> None:
    """Check the fields and put them into the profile.

    Args:
        repository: of profiles of this kind.
        profile: of the caller's tenant.
        fields: those of :class:`ProfileFields`; others are not looked at.
        kind: ``Device profile`` or ``Asset profile``, for messages.

    Raises:
        ProfileNameTaken: the tenant has another one of this name.
        Invalid: a field is not what it must be.
    """
    if "name" in fields:
        await _set_name(repository, profile, fields["name"], kind)
    _set_texts(profile, fields, kind)
    await _set_references(repository, profile, fields)


async def _set_name(
    repository: ProfileRepository[P], profile: P, name: str | None, kind: str
) -> None:
    check_text(f"{kind} name", name)
    other = await repository.by_name(profile.tenant_id, name or "")
    if other is not None and other is not profile:
        raise ProfileNameTaken(kind)
    profile.name = name or ""


def _set_texts(profile: Profile, fields: "Mapping[str, Any]", kind: str) -> None:
    if "description" in fields:
        check_optional_text("description", fields["description"], None)
        profile.description = fields["description"]
    if "image" in fields:
        check_optional_text("image", fields["image"], MAX_IMAGE_CHARS)
        profile.image = fields["image"]
    if "default_queue_name" in fields:
        profile.default_queue_name = _queue_name(fields["default_queue_name"], kind)
    if "external_id" in fields:
        profile.external_id = fields["external_id"]


def _queue_name(text: str | None, kind: str) -> str | None:
    if not text:
        return None
    if text not in STANDARD_QUEUES:
        msg = (
            f"{kind} is referencing to non-existent queue! "
            f"The queues are {', '.join(STANDARD_QUEUES)}"
        )
        raise InvalidProfile(msg)
    return text


async def _set_references(
    repository: ProfileRepository[P], profile: P, fields: "Mapping[str, Any]"
) -> None:
    for name, what, owner_of in (
        ("default_rule_chain_id", "rule chain", repository.tenant_of_rule_chain),
        ("default_edge_rule_chain_id", "edge rule chain", repository.tenant_of_rule_chain),
        ("default_dashboard_id", "dashboard", repository.tenant_of_dashboard),
    ):
        if name in fields:
            if fields[name] is not None:
                _check_owner(await owner_of(fields[name]), profile.tenant_id, what)
            setattr(profile, name, fields[name])


def _check_owner(owner: UUID | None, tenant_id: UUID, what: str) -> None:
    if owner is None:
        msg = f"Can't assign non-existent {what}!"
        raise InvalidProfile(msg)
    if owner != tenant_id:
        msg = f"Can't assign {what} from different tenant!"
        raise InvalidProfile(msg)
