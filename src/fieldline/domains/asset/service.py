"""Assets: made with a profile, assigned to a customer, found by name or id."""

from collections.abc import Collection
from typing import TYPE_CHECKING
from uuid import UUID

from fieldline.domains.asset import schemas
from fieldline.domains.asset.models import Asset
from fieldline.domains.asset.repository import AssetRepository
from fieldline.domains.asset_profile import service as profile_service
from fieldline.domains.thing.fields import ThingKind
from fieldline.domains.thing.service import Things
from fieldline.kit.ids import EntityType

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

Row = Asset
"""For annotations outside of the domain."""
_things = Things(
    ThingKind(EntityType.ASSET, AssetRepository, profile_service.profiles, schemas.Asset)
)
get = _things.get
get_values = _things.get_values
get_by_name = _things.get_by_name
by_ids = _things.by_ids
get_info = _things.get_info
page = _things.page
page_of_values = _things.page_of_values
info_page = _things.info_page
types = _things.types
create = _things.create
update = _things.update
delete = _things.delete
assign = _things.assign
assign_to_public = _things.assign_to_public
unassign = _things.unassign


async def rule_chains(session: "AsyncSession", ids: Collection[UUID]) -> dict[UUID, UUID | None]:
    """Return asset -> its profile's rule chain, for the rules: nobody's permission is asked."""
    return await AssetRepository(session).rule_chains(ids)
