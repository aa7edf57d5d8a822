"""Queries of assets."""

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import column, select, table

from fieldline.database.things import ThingRepository
from fieldline.database.types import Guid
from fieldline.domains.asset.models import Asset

_PROFILE = table("asset_profile", column("id", Guid), column("default_rule_chain_id", Guid))


class AssetRepository(ThingRepository[Asset]):
    """Assets of one session."""

    model = Asset

    async def rule_chains(self, ids: Collection[UUID]) -> dict[UUID, UUID | None]:
        """Return asset -> the default rule chain of its profile, of those that exist."""
        query = (
            select(Asset.id, _PROFILE.c.default_rule_chain_id)
            .join(_PROFILE, _PROFILE.c.id == Asset.asset_profile_id)
            .where(Asset.id.in_(ids))
        )
        return {row[0]: row[1] for row in await self._session.execute(query)}
