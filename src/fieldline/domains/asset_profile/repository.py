"""Queries of asset profiles."""

from sqlalchemy import column, table

from fieldline.database.profiles import ProfileRepository
from fieldline.database.types import Guid
from fieldline.domains.asset_profile.models import AssetProfile


class AssetProfileRepository(ProfileRepository[AssetProfile]):
    """Asset profiles of one session."""

    model = AssetProfile
    used_by = table("asset", column("asset_profile_id", Guid)).c.asset_profile_id
