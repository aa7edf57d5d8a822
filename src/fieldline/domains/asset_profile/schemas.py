"""Asset profiles on ThingsBoard's wire."""

from typing import Annotated
from uuid import UUID

from fieldline.domains.profile.schemas import Profile, ProfileInfo, ProfileSave
from fieldline.kit.ids import EntityType
from fieldline.rest.wire import TbModel, WireId

AssetProfileId = Annotated[UUID, WireId(EntityType.ASSET_PROFILE)]
OptionalAssetProfileId = Annotated[UUID | None, WireId(EntityType.ASSET_PROFILE)]


class AssetProfileSave(ProfileSave):
    """What is sent to create a profile, or with an id to replace it."""

    id: OptionalAssetProfileId = None
    external_id: OptionalAssetProfileId = None


class AssetProfile(Profile):
    """A profile."""

    id: AssetProfileId
    external_id: OptionalAssetProfileId


class AssetProfileInfo(ProfileInfo):
    """What choosers show of a profile."""

    id: AssetProfileId


class AssetProfileName(TbModel):
    """Id and name of a profile."""

    id: AssetProfileId
    name: str
