"""Assets on ThingsBoard's wire."""

from typing import Annotated
from uuid import UUID

from fieldline.domains.asset_profile.schemas import AssetProfileId, OptionalAssetProfileId
from fieldline.domains.thing.schemas import Thing, ThingSave
from fieldline.kit.ids import EntityType
from fieldline.rest.wire import WireId

AssetId = Annotated[UUID, WireId(EntityType.ASSET)]
OptionalAssetId = Annotated[UUID | None, WireId(EntityType.ASSET)]


class AssetSave(ThingSave):
    """What is sent to create an asset, or with an id to replace it."""

    id: OptionalAssetId = None
    asset_profile_id: OptionalAssetProfileId = None
    external_id: OptionalAssetId = None


class Asset(Thing):
    """An asset."""

    id: AssetId
    asset_profile_id: AssetProfileId
    external_id: OptionalAssetId


class AssetInfo(Asset):
    """An asset with what lists show beside its own fields."""

    customer_title: str | None
    customer_is_public: bool
    asset_profile_name: str
